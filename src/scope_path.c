/*
 * scope_path.c
 *	  Paths such as trigger.items[0].sku: their syntax and their names.
 *
 *		path = name { "." name | "[" index "]" | "[" quoted "]" }
 *
 * A name has letters, digits, "_" and "-"; any other key is written quoted,
 * as in trigger["odd key"].  An index counts from 0, from the end if it is
 * negative.  The first name is a root; what the engine itself puts under the
 * roots is known and checked, what is in a payload or an output is not.
 *
 * Pure; compiled paths live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "mb/pg_wchar.h"
#include "scope.h"
#include "validtext.h"

const char *const scope_root_names[SCOPE_NROOTS] = {
	"trigger", "steps", "run", "workflow", "tenant", "now"
};

static const char *const step_members[] = {"status", "output", "error"};
static const char *const run_members[] = {"id", "queued_at", "attempt"};
static const char *const workflow_members[] = {"id", "name", "version"};
static const char *const tenant_members[] = {"id"};

/* A path being read. */
typedef struct PathReader
{
	const char *text;
	int			len;
	int			pos;
	ScopePath  *path;
	int			offsets[PATH_MAX_PARTS];	/* where each part begins */
	char	   *error;
	char	   *hint;
} PathReader;

static bool
is_name_byte(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '-' ||
		IS_HIGHBIT_SET(c);
}

int
scope_read_quoted(const char *text, int len, int pos, StringInfo buf)
{
	char		quote = text[pos++];

	for (; pos < len && text[pos] != quote; pos++)
	{
		char		c = text[pos];

		if (c == '\\')
		{
			if (++pos >= len)
				break;
			c = text[pos];
			if (c == 'n')
				c = '\n';
			else if (c == 'r')
				c = '\r';
			else if (c == 't')
				c = '\t';
		}
		appendStringInfoChar(buf, c);
	}
	return pos < len ? pos + 1 : -1;
}

/* Appends a part (one of name and index); false where there are too many. */
static bool
add_part(PathReader *reader, char *name, int index, int offset)
{
	ScopePath  *path = reader->path;

	if (path->nparts == PATH_MAX_PARTS)
	{
		reader->error = psprintf("path has more than %d parts",
								 PATH_MAX_PARTS);
		return false;
	}
	reader->offsets[path->nparts] = offset;
	path->parts[path->nparts].name = name;
	path->parts[path->nparts].index = index;
	path->nparts++;
	return true;
}

static bool
read_name(PathReader *reader)
{
	int			start = reader->pos;

	while (reader->pos < reader->len &&
		   is_name_byte(reader->text[reader->pos]))
		reader->pos++;
	if (reader->pos == start)
	{
		reader->error = start == 0 ? pstrdup("a path begins with a name") :
			pstrdup("a name is expected");
		reader->hint = pstrdup("Write a key with other characters than "
							   "letters, digits, \"_\" and \"-\" as "
							   "trigger[\"odd key\"].");
		return false;
	}
	return add_part(reader, pnstrdup(reader->text + start,
									 reader->pos - start), 0, start);
}

static bool
read_index(PathReader *reader)
{
	int			start = reader->pos;
	bool		negative = reader->text[reader->pos] == '-';
	int64		index = 0;

	reader->pos += negative;
	if (reader->pos >= reader->len ||
		!isdigit((unsigned char) reader->text[reader->pos]))
	{
		reader->error = pstrdup("an index or a quoted key is expected");
		return false;
	}
	for (; reader->pos < reader->len &&
		 isdigit((unsigned char) reader->text[reader->pos]); reader->pos++)
	{
		index = index * 10 + (reader->text[reader->pos] - '0');
		if (index > PG_INT32_MAX)
		{
			reader->pos = start;
			reader->error = pstrdup("index is out of range");
			return false;
		}
	}
	return add_part(reader, NULL, negative ? -index : index, start);
}

static void
skip_spaces(PathReader *reader)
{
	while (reader->pos < reader->len && reader->text[reader->pos] == ' ')
		reader->pos++;
}

/* What stands between "[" and "]". */
static bool
read_brackets(PathReader *reader)
{
	int			start;

	reader->pos++;
	skip_spaces(reader);
	start = reader->pos;
	if (start < reader->len &&
		(reader->text[start] == '"' || reader->text[start] == '\''))
	{
		StringInfoData buf;
		int			end;

		initStringInfo(&buf);
		end = scope_read_quoted(reader->text, reader->len, start, &buf);
		if (end < 0)
		{
			reader->error = pstrdup("unclosed quote");
			return false;
		}
		reader->pos = end;
		if (!add_part(reader, buf.data, 0, start))
			return false;
	}
	else if (start >= reader->len || !read_index(reader))
	{
		if (reader->error == NULL)
			reader->error = pstrdup("unclosed \"[\"");
		return false;
	}

	skip_spaces(reader);
	if (reader->pos >= reader->len || reader->text[reader->pos] != ']')
	{
		reader->error = pstrdup("\"]\" is expected");
		return false;
	}
	reader->pos++;
	return true;
}

static bool
read_path(PathReader *reader)
{
	if (reader->len > PATH_MAX_BYTES)
	{
		reader->error = psprintf("path is longer than %d bytes",
								 PATH_MAX_BYTES);
		return false;
	}
	if (!read_name(reader))
		return false;
	while (reader->pos < reader->len)
	{
		char		c = reader->text[reader->pos];

		if (c == '[')
		{
			if (!read_brackets(reader))
				return false;
		}
		else if (c == '.')
		{
			reader->pos++;
			if (!read_name(reader))
				return false;
		}
		else
		{
			const char *at = reader->text + reader->pos;

			reader->error = psprintf("unexpected \"%.*s\" in a path",
									 valid_character(at, reader->len - reader->pos),
									 at);
			return false;
		}
	}
	return true;
}

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

/* A member of a root whose members are fixed. */
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

/* The name of a step must be one of the steps before. */
static char *
check_step(const char *name, const ScopeNames *names, char **hint)
{
	if (name == NULL)
		return pstrdup("steps go by their name, not by an index");
	if (names == NULL ||
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
		*hint = known_words_hint(parts[0], scope_root_names, SCOPE_NROOTS);
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
	}
	return NULL;
}

/* Checks the names of a path that was read, and finds its root. */
static bool
check_path(PathReader *reader, const ScopeNames *names)
{
	ScopePath  *path = reader->path;
	const char *parts[3];
	int			bad_part;

	for (int i = 0; i < path->nparts && i < lengthof(parts); i++)
		parts[i] = path->parts[i].name;
	reader->error = scope_check_parts(parts,
									  Min(path->nparts, lengthof(parts)),
									  names, &bad_part, &reader->hint);
	if (reader->error != NULL)
	{
		reader->pos = reader->offsets[bad_part];
		return false;
	}
	path->root = 0;
	while (strcmp(scope_root_names[path->root], parts[0]) != 0)
		path->root++;
	return true;
}

ScopePath *
scope_path_parse(const char *text, int len, const ScopeNames *names,
				 char **error, int *error_offset, char **hint)
{
	PathReader	reader = {.text = text, .len = len};

	reader.path = palloc0(sizeof(ScopePath));
	reader.path->parts = palloc0(sizeof(PathPart) * PATH_MAX_PARTS);
	if (!read_path(&reader) || !check_path(&reader, names))
	{
		*error = reader.error;
		*error_offset = reader.pos;
		*hint = reader.hint;
		return NULL;
	}
	reader.path->parts = repalloc(reader.path->parts, sizeof(PathPart) *
								  reader.path->nparts);
	reader.path->text = pnstrdup(text, len);
	return reader.path;
}

char *
scope_path_prefix(const ScopePath *path, int upto)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < upto && i < path->nparts; i++)
	{
		const PathPart *part = &path->parts[i];

		if (part->name == NULL)
			appendStringInfo(&buf, "[%d]", part->index);
		else
		{
			char	   *longer = problem_path_member(buf.data, part->name);

			resetStringInfo(&buf);
			appendStringInfoString(&buf, longer);
		}
	}
	return buf.data;
}
