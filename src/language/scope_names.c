/*
 * scope_names.c
 *	  Checks the names of the first parts of a path.
 *
 * The members of the roots that the engine itself fills are known and checked;
 * those of a payload or an output are not.  If a root has the name that it has
 * in another language, the hint says how it is called here.
 *
 * Pure; results live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/scope.h"

const char *const scope_root_names[SCOPE_NROOTS] = {
	"trigger", "steps", "run", "workflow", "tenant", "now"
};

static const char *const step_members[] = {"status", "output", "error"};
static const char *const run_members[] = {"id", "queued_at", "attempt"};
static const char *const workflow_members[] = {"id", "name", "version"};
static const char *const tenant_members[] = {"id"};

/* The payload's name in other systems. */
static const char *const payload_words[] = {
	"payload", "event", "data", "body", "input", "json"
};

/* What a path may begin with in a section. */
static const char *const item_words[] = {"item", "index", "outer"};

/* Is name one of words? */
static bool
is_one_of(const char *name, const char *const *words, int nwords)
{
	for (int i = 0; i < nwords; i++)
	{
		if (strcmp(words[i], name) == 0)
			return true;
	}
	return false;
}

int
scope_root_length(const char *text, int len)
{
	for (ScopeRoot root = 0; root < SCOPE_NROOTS; root++)
	{
		int			size = strlen(scope_root_names[root]);

		if (len >= size && memcmp(text, scope_root_names[root], size) == 0 &&
			(len == size || text[size] == '.' || text[size] == '['))
			return size;
	}
	return 0;
}

char *
scope_foreign_hint(const char *rest, int len)
{
	int			head = 0;
	char	   *name;

	while (head < len && rest[head] != '.' && rest[head] != '[')
		head++;
	name = pnstrdup(rest, head);
	if (is_one_of(name, scope_root_names, SCOPE_NROOTS))
		return psprintf("Write %.*s.", len, rest);
	if (is_one_of(name, payload_words, lengthof(payload_words)))
		return psprintf("Write trigger%.*s.", len - head, rest + head);
	return psprintf("Write trigger.%.*s for a value of the payload.", len,
					rest);
}

/* Checks a member of an object whose members are known: NULL or a message. */
static char *
check_fixed(const char *what, const char *name, const char *const *words,
			int nwords, char **hint)
{
	if (name == NULL)
		return psprintf("%s is no array", what);
	if (is_one_of(name, words, nwords))
		return NULL;
	*hint = known_words_hint(name, words, nwords);
	return psprintf("%s has no member \"%s\"", what, name);
}

/* Checks that name is a step before the one compiled: NULL or a message. */
static char *
check_step(const char *name, const ScopeNames *names, char **hint)
{
	if (name == NULL)
	{
		*hint = pstrdup("Write steps.NAME, as in steps.charge.output.id.");
		return pstrdup("steps go by their name, not by an index");
	}
	if (names == NULL || names->any_step ||
		is_one_of(name, names->earlier_steps, names->nearlier))
		return NULL;

	if (is_one_of(name, names->all_steps, names->nall))
	{
		*hint = pstrdup("A step sees only the results of the steps before "
						"it.");
		return psprintf("step \"%s\" does not run before this one", name);
	}
	*hint = known_words_hint(name, names->earlier_steps, names->nearlier);
	return psprintf("there is no step \"%s\"", name);
}

/* Checks the second and the third part of a path that begins with steps. */
static char *
check_steps_path(const char *const *parts, int nparts,
				 const ScopeNames *names, int *bad_part, char **hint)
{
	char	   *error;

	*bad_part = 1;
	error = check_step(parts[1], names, hint);
	if (error == NULL && nparts > 2)
	{
		*bad_part = 2;
		error = check_fixed(psprintf("steps.%s", parts[1]), parts[2],
							step_members, lengthof(step_members), hint);
	}
	return error;
}

/* Words that begin a block of a template in other languages. */
static const char *const block_words[] = {
	"if", "else", "elif", "elsif", "endif", "end", "unless", "for", "endfor",
	"each", "with", "case"
};

const char *
scope_block_hint(const ScopeNames *names)
{
	if (names != NULL && names->sections)
		return "Write {{# trigger.x }}...{{/}} for each element of a list, "
			"and {{^ trigger.x }}...{{/}} for when there is none.";
	return "There are no blocks in a template; a step has its \"condition\".";
}

/* A hint for a name that is no root, or NULL. */
static char *
root_hint(const char *name, const ScopeNames *names)
{
	const char *words[SCOPE_NROOTS + lengthof(item_words)];
	int			nwords = SCOPE_NROOTS;
	char	   *nearest;

	memcpy(words, scope_root_names, sizeof(scope_root_names));
	if (names != NULL && names->nitems > 0)
	{
		memcpy(words + nwords, item_words, sizeof(item_words));
		nwords += lengthof(item_words);
	}
	if (is_one_of(name, block_words, lengthof(block_words)))
		return pstrdup(scope_block_hint(names));
	if (is_one_of(name, item_words, lengthof(item_words)))
		return psprintf("\"%s\" is there in a section of a mail template, "
						"between {{# ... }} and {{/}}.", name);
	if (is_one_of(name, payload_words, lengthof(payload_words)))
		return pstrdup("The payload is \"trigger\"; besides there are "
					   "\"steps\", \"run\", \"workflow\", \"tenant\" and "
					   "\"now\".");
	nearest = nearest_word_hint(name, words, nwords);
	if (nearest != NULL)
		return nearest;
	/* what is left is most often a member, without what it is a member of */
	if (nwords > SCOPE_NROOTS)
		return psprintf("Write item.%s for a value of the element, "
						"trigger.%s for one of the payload.", name, name);
	return psprintf("Write trigger.%s for a value of the payload; besides "
					"there are \"steps\", \"run\", \"workflow\", "
					"\"tenant\" and \"now\".", name);
}

char *
scope_check_parts(const char *const *parts, int nparts,
				  const ScopeNames *names, int *bad_part, char **hint)
{
	ScopeRoot	root;

	*hint = NULL;
	*bad_part = 0;
	for (root = 0; root < SCOPE_NROOTS; root++)
	{
		if (strcmp(scope_root_names[root], parts[0]) == 0)
			break;
	}
	if (root == SCOPE_NROOTS)
	{
		*hint = root_hint(parts[0], names);
		return psprintf("unknown name \"%s\"", parts[0]);
	}
	if (nparts == 1)
		return NULL;

	*bad_part = 1;
	switch (root)
	{
		case SCOPE_TRIGGER:
			return NULL;
		case SCOPE_STEPS:
			return check_steps_path(parts, nparts, names, bad_part, hint);
		case SCOPE_RUN:
			return check_fixed("run", parts[1], run_members,
							   lengthof(run_members), hint);
		case SCOPE_WORKFLOW:
			return check_fixed("workflow", parts[1], workflow_members,
							   lengthof(workflow_members), hint);
		case SCOPE_TENANT:
			return check_fixed("tenant", parts[1], tenant_members,
							   lengthof(tenant_members), hint);
		case SCOPE_NOW:
			return pstrdup("now is a string and has no members");
		case SCOPE_ITEM:
		case SCOPE_INDEX:
			break;				/* no root of the context: scope_check_item */
	}
	return NULL;
}

bool
scope_check_item(ScopePath *path, const ScopeNames *names, char **message,
				 int *bad_part, char **hint)
{
	const PathPart *parts = path->parts;
	int			up = 0;

	if (names == NULL || names->nitems == 0 ||
		!is_one_of(parts[0].name, item_words, lengthof(item_words)))
		return false;
	*message = *hint = NULL;
	while (up < path->nparts && parts[up].name != NULL &&
		   strcmp(parts[up].name, "outer") == 0)
		up++;
	*bad_part = Min(up, path->nparts - 1);
	path->up = up;
	path->root = SCOPE_ITEM;
	if (up >= names->nitems)
	{
		*message = pstrdup("there is no outer section here");
		*bad_part = names->nitems - 1;
	}
	else if (up == path->nparts || parts[up].name == NULL ||
			 !is_one_of(parts[up].name, item_words, lengthof(item_words)))
	{
		*message = pstrdup("\"outer\" has an item and an index");
		*hint = pstrdup("Write outer.item or outer.index.");
	}
	else if (strcmp(parts[up].name, "index") == 0)
	{
		path->root = SCOPE_INDEX;
		if (up + 1 < path->nparts)
		{
			*message = pstrdup("index is a number and has no members");
			*bad_part = up + 1;
		}
	}
	return true;
}
