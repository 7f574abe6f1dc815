/*
 * scope.c
 *	  Looks values up in the context of a run.
 *
 * Paths are parsed in scope_path.c.  Pure; a value that is found points into
 * the scope, messages live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "language/scope.h"
#include "utils/numeric.h"

void
scope_root(const Scope *scope, ScopeRoot root, JsonbValue *value)
{
	if (scope->root[root] != NULL)
		json_of_jsonb(scope->root[root], value);
	else
		value->type = jbvNull;
}

/* The item that the path means. */
static const ScopeItem *
item_of(const Scope *scope, const ScopePath *path)
{
	const ScopeItem *item = scope->item;

	for (int i = 0; i < path->up; i++)
		item = item->outer;
	return item;
}

/* Fills *value with that of the path's root. */
static void
path_root(const Scope *scope, const ScopePath *path, JsonbValue *value)
{
	if (path->root == SCOPE_ITEM)
		*value = *item_of(scope, path)->value;
	else if (path->root == SCOPE_INDEX)
	{
		value->type = jbvNumeric;
		value->val.numeric =
			int64_to_numeric(Max(item_of(scope, path)->index, 0));
	}
	else
		scope_root(scope, path->root, value);
}

/* The member or element of value that a part of a path names, or NULL. */
static JsonbValue *
lookup_part(const JsonbValue *value, const PathPart *part)
{
	int64		index = part->index;

	if (part->name != NULL)
		return json_is_object(value) ? json_member(value, part->name) : NULL;

	if (!json_is_array(value))
		return NULL;
	if (index < 0)
		index += json_count(value);
	if (index < 0 || index >= json_count(value))
		return NULL;
	return getIthJsonbValueFromContainer(value->val.binary.data, index);
}

/*
 * The value at the parts before number upto; NULL if one is missing, after
 * setting *missing to its number.
 */
static JsonbValue *
follow(const Scope *scope, const ScopePath *path, int upto, int *missing)
{
	JsonbValue *value = palloc(sizeof(JsonbValue));

	path_root(scope, path, value);
	for (int i = path->up + 1; i < upto; i++)
	{
		value = lookup_part(value, &path->parts[i]);
		if (value == NULL)
		{
			*missing = i;
			return NULL;
		}
	}
	return value;
}

JsonbValue *
scope_lookup(const Scope *scope, const ScopePath *path, int *missing_part)
{
	return follow(scope, path, path->nparts, missing_part);
}

/* A member of an object if it is of that type, else NULL. */
static JsonbValue *
typed_member(const JsonbValue *object, const char *name,
			 enum jbvType type)
{
	JsonbValue *value = json_member(object, name);

	return value != NULL && value->type == type ? value : NULL;
}

char *
scope_cut(const Scope *scope, const ScopePath *path, int missing_part)
{
	const PathPart *parts = path->parts;
	JsonbValue *output;
	JsonbValue *truncated;
	JsonbValue *size;
	int			ignored;

	if (path->root != SCOPE_STEPS || missing_part < 3 ||
		parts[1].name == NULL || parts[2].name == NULL ||
		strcmp(parts[2].name, "output") != 0)
		return NULL;
	output = follow(scope, path, 3, &ignored);
	if (output == NULL || !json_is_object(output) || json_count(output) != 3)
		return NULL;
	/* step_result_cap() replaces an output that is too large by such a one */
	truncated = typed_member(output, "truncated", jbvBool);
	size = typed_member(output, "size", jbvNumeric);
	if (truncated == NULL || !truncated->val.boolean || size == NULL ||
		typed_member(output, "head", jbvString) == NULL)
		return NULL;
	return psprintf("%s is not known: the output of step \"%s\" has %s bytes and was cut (workflow_engine.max_output)",
					path->text, parts[1].name, json_text(size));
}

/* The name in names (of char *) of a step that the path leads to, or NULL. */
static const char *
step_on_path(const List *names, const ScopePath *path)
{
	const PathPart *parts = path->parts;
	ListCell   *lc;

	foreach(lc, names)
	{
		const char *name = lfirst(lc);

		if (path->nparts == 1 ||
			(parts[1].name != NULL && strcmp(parts[1].name, name) == 0))
			return name;
	}
	return NULL;
}

/* Of a step that is not executed, only the output is not known. */
char *
scope_unknown(const Scope *scope, const ScopePath *path)
{
	const char *name;

	if (path->root != SCOPE_STEPS)
		return NULL;
	name = step_on_path(scope->undecided_steps, path);
	if (name != NULL)
		return psprintf("%s is not known: nobody knows whether step \"%s\" is skipped",
						path->text, name);
	if (path->nparts > 2 && path->parts[2].name != NULL &&
		strcmp(path->parts[2].name, "output") != 0)
		return NULL;
	name = step_on_path(scope->unknown_steps, path);
	return name == NULL ? NULL
		: psprintf("%s is not known: step \"%s\" is not executed",
				   path->text, name);
}

/* Says which element the item is that the path begins with; "" of others. */
static char *
which_item(const Scope *scope, const ScopePath *path)
{
	const ScopeItem *item;
	char	   *root;

	if (path->root != SCOPE_ITEM)
		return "";
	item = item_of(scope, path);
	root = scope_path_prefix(path, path->up + 1);
	return item->index < 0 ? psprintf("; %s is %s", root, item->list)
		: psprintf("; %s is element %d of %s", root, item->index,
				   item->list);
}

char *
scope_missing(const Scope *scope, const ScopePath *path, int missing_part)
{
	const PathPart *part = &path->parts[missing_part];
	char	   *parent = scope_path_prefix(path, missing_part);
	int			ignored;
	JsonbValue *value = follow(scope, path, missing_part, &ignored);
	char	   *cut = scope_cut(scope, path, missing_part);
	char	   *which = which_item(scope, path);

	/* scope_lookup has found every part before missing_part */
	Assert(value != NULL);
	if (cut != NULL)
		return cut;
	if (part->name != NULL && json_is_object(value))
		return psprintf("%s is missing: %s has no member \"%s\"%s",
						path->text, parent, part->name, which);
	if (part->name == NULL && json_is_array(value))
		return psprintf("%s is missing: %s has %d element%s%s",
						path->text, parent, json_count(value),
						json_count(value) == 1 ? "" : "s", which);
	if (value->type == jbvNull)
		return psprintf("%s is missing: %s is null%s", path->text, parent,
						which);
	return psprintf("%s is missing: %s is %s, not %s%s",
					path->text, parent, json_a_type(value),
					part->name ? "an object" : "an array", which);
}

Jsonb *
scope_to_jsonb(const Scope *scope)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < SCOPE_NROOTS; i++)
	{
		JsonbValue	key;
		JsonbValue	value;

		json_set_string(&key, scope_root_names[i],
						strlen(scope_root_names[i]));
		scope_root(scope, i, &value);
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
