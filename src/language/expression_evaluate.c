/*
 * expression_evaluate.c
 *	  Evaluates what is between {{ and }}: a path and its filters.
 *
 * Runs in any process that renders a template, in the current memory context.
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "language/expression_node.h"

/*
 * What scope_lookup() finds.  Raises ERRCODE_SCOPE_UNKNOWN if nobody knows
 * what the path leads to.
 */
static JsonbValue *
look_up(const Scope *scope, const ScopePath *path, int *missing)
{
	JsonbValue *value = scope_lookup(scope, path, missing);
	char	   *unknown = scope_unknown(scope, path);

	if (unknown != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SCOPE_UNKNOWN),
				 errmsg("%s", unknown)));
	return value;
}

/*
 * Raises 22023 if the path leads to or into an output of which only the
 * beginning was kept.  value is what it leads to; it may be NULL, and then
 * missing is the number of the first part that is missing.
 */
static void
check_whole(const Scope *scope, const ScopePath *path,
			const JsonbValue *value, int missing)
{
	char	   *cut = NULL;

	if (value == NULL)
		cut = scope_cut(scope, path, missing);
	else if (path->nparts == 3)	/* steps.NAME.output */
		cut = scope_cut(scope, path, path->nparts);
	if (cut != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", cut)));
}

/* The value of the path; NULL: it is missing, and a filter allows that. */
static JsonbValue *
path_value(const Expression *expression, const Scope *scope)
{
	const ScopePath *path = expression->path;
	int			missing = 0;
	JsonbValue *value = look_up(scope, path, &missing);

	if (value == NULL && expression->last_default < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", scope_missing(scope, path, missing)),
				 errhint("Where it may be missing, give it a default: "
						 "{{ %s | default: \"\" }}.", path->text)));
	if (expression->needs_whole)
		check_whole(scope, path, value, missing);
	return value;
}

/*
 * The value of an argument of filter number i.  NULL: it is missing, and so
 * will be what the filter, which is "default", stands in for; that is allowed
 * if there is another "default" after it.
 */
static JsonbValue *
argument_value(const Expression *expression, const Scope *scope, int i,
			   const ScopePath *path)
{
	int			missing = 0;
	JsonbValue *value = look_up(scope, path, &missing);
	bool		may_be_missing = i < expression->last_default &&
		filter_allows_missing(&expression->filters[i]);

	if (value == NULL && !may_be_missing)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", scope_missing(scope, path, missing)),
				 errhint("An argument takes no filters: where it may be missing, an earlier step gives it a default.")));
	check_whole(scope, path, value, missing);
	return value;
}

/* Applies filter number i, some arguments of which are paths. */
static JsonbValue *
apply_with_paths(const Expression *expression, const Scope *scope, int i,
				 JsonbValue *value)
{
	const Filter *filter = &expression->filters[i];
	JsonbValue *args;

	if (filter_keeps(filter, value))
		return value;
	/* the result may point to it */
	args = palloc(sizeof(JsonbValue) * filter->nargs);
	for (int arg = 0; arg < filter->nargs; arg++)
	{
		JsonbValue *given;

		args[arg] = filter->args[arg];
		if (filter->paths[arg] == NULL)
			continue;
		given = argument_value(expression, scope, i, filter->paths[arg]);
		if (given == NULL)
			return NULL;
		args[arg] = *given;
	}
	return filter_apply(filter, args, value);
}

static JsonbValue *
apply_filters(const Expression *expression, const Scope *scope,
			  JsonbValue *value)
{
	for (int i = 0; i < expression->nfilters; i++)
	{
		const Filter *filter = &expression->filters[i];

		value = filter->has_paths
			? apply_with_paths(expression, scope, i, value)
			: filter_apply(filter, filter->args, value);
	}
	return value;
}

JsonbValue *
expression_evaluate(const Expression *expression, const Scope *scope)
{
	return apply_filters(expression, scope, path_value(expression, scope));
}

JsonbValue *
expression_evaluate_if_any(const Expression *expression, const Scope *scope)
{
	int			missing = 0;
	JsonbValue *value = look_up(scope, expression->path, &missing);

	/* an output that was cut is not "none", whatever stands in for it */
	if (value == NULL || expression->needs_whole)
		check_whole(scope, expression->path, value, missing);
	/* only "default" makes something of nothing */
	if (value == NULL && expression->last_default < 0)
		return NULL;
	return apply_filters(expression, scope, value);
}

const ScopePath *
expression_path(const Expression *expression)
{
	return expression->path;
}

const List *
expression_argument_paths(const Expression *expression)
{
	return expression->argument_paths;
}

bool
expression_is_url_encoded(const Expression *expression)
{
	return expression->nfilters > 0 &&
		filter_encodes_url(&expression->filters[expression->nfilters - 1]);
}
