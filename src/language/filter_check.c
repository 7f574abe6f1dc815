/*
 * filter_check.c
 *	  Checks the arguments of a filter when a definition is compiled.
 *
 * Pure, but for what filter_format.c says of "date" and "number"; messages
 * live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "base/problems.h"
#include "language/filter_node.h"

/* Applies a filter that has only literals: raises if they are wrong. */
static void
try_on(const Filter *filter, int64 number)
{
	FilterCall	call = {filter, filter->args};

	(void) filter->def->apply(&call,
							  filter_number_value(int64_to_numeric(number)));
}

static void
try_zero(void *arg)
{
	try_on(arg, 0);
}

static void
try_one(void *arg)
{
	try_on(arg, 1);
}

/*
 * What is wrong with the picture of a number, or NULL.  Zero fits every
 * picture but that of Roman numerals, which 1 fits.
 */
static char *
check_number(Filter *filter)
{
	char	   *message = problem_catch(try_zero, filter);

	return message != NULL && problem_catch(try_one, filter) == NULL
		? NULL : message;
}

/*
 * What is wrong with the picture or the zone of a date, or NULL: it is tried
 * on 1970, with something else in the place of a path.
 */
static char *
check_date(const Filter *filter)
{
	Filter		copy = *filter;

	copy.has_paths = false;
	if (copy.paths[0] != NULL)
		json_set_string(&copy.args[0], "YYYY", 4);
	if (copy.paths[1] != NULL)
		copy.nargs = 1;
	return problem_catch(try_zero, &copy);
}

/* What is wrong with the arguments of "truncate", or NULL. */
static char *
check_truncate(const Filter *filter)
{
	FilterCall	call = {filter, filter->args};

	return filter->has_paths ? NULL : filter_truncate_wrong(&call);
}

/* What is wrong with an argument that is a literal, or NULL. */
static char *
check_literal(const Filter *filter, int arg)
{
	const FilterDef *def = filter->def;
	const JsonbValue *value = &filter->args[arg];
	const char *expected = filter_argument_expects(def->args[arg], value);

	if (expected == NULL)
		return NULL;
	return psprintf("argument %d of filter \"%s\" must be %s%s", arg + 1,
					def->name, expected,
					strcmp(expected, "a text") == 0 ? " in quotes" : "");
}

static char *
wrong_count(const Filter *filter)
{
	const FilterDef *def = filter->def;

	if (def->max_args == 0)
		return psprintf("filter \"%s\" takes no argument", def->name);
	if (def->min_args == def->max_args)
		return psprintf("filter \"%s\" takes %d argument%s, not %d",
						def->name, def->min_args,
						def->min_args == 1 ? "" : "s", filter->nargs);
	return psprintf("filter \"%s\" takes %d to %d arguments, not %d",
					def->name, def->min_args, def->max_args, filter->nargs);
}

char *
filter_check(Filter *filter)
{
	const FilterDef *def = filter->def;

	if (filter->nargs < def->min_args || filter->nargs > def->max_args)
		return wrong_count(filter);
	for (int i = 0; i < filter->nargs; i++)
	{
		char	   *message = filter->paths[i] != NULL ? NULL
			: check_literal(filter, i);

		if (message != NULL)
			return message;
	}
	if (def->apply == filter_date)
		return check_date(filter);
	if (def->apply == filter_number && !filter->has_paths)
		return check_number(filter);
	if (def->apply == filter_truncate)
		return check_truncate(filter);
	return NULL;
}
