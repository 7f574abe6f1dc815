/*
 * filter_argument.c
 *	  Is the argument of a filter what the filter takes?
 *
 * Pure; messages live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/filter_node.h"

/* Is it a whole number that an int holds?  If so, *result is set. */
static bool
read_int(const JsonbValue *value, int *result)
{
	JsonbValue	rounded = {.type = jbvNumeric};
	bool		is_out_of_range = false;

	if (value->type != jbvNumeric)
		return false;
	*result = numeric_int4_opt_error(value->val.numeric, &is_out_of_range);
	rounded.val.numeric = int64_to_numeric(*result);
	return !is_out_of_range && json_equal(value, &rounded);
}

const char *
filter_argument_expects(FilterArgument argument, const JsonbValue *value)
{
	bool		is_text = value->type == jbvString;
	int			number;

	switch (argument)
	{
		case ARGUMENT_ANY:
			return NULL;
		case ARGUMENT_TEXT:
			if (is_text && value->val.string.len == 0)
				return "a text with at least one character";
			return is_text ? NULL : "a text";
		case ARGUMENT_ANY_TEXT:
			return is_text ? NULL : "a text";
		case ARGUMENT_NUMBER:
			return value->type == jbvNumeric ? NULL : "a number";
		case ARGUMENT_WHOLE:
			return read_int(value, &number) ? NULL : "a whole number";
		case ARGUMENT_COUNT:
			return read_int(value, &number) && number >= 0 ? NULL
				: "a whole number, 0 or more";
	}
	return NULL;
}

int
filter_int(const FilterCall *call, int arg)
{
	int			number = 0;

	if (!read_int(&call->args[arg], &number))
		elog(ERROR, "an argument was not checked");
	return number;
}

/*--- when it is applied ---*/

#define MAX_SHOWN_DIGITS 40

/* What is wrong with a value: "-1", "an empty string", "an object". */
static const char *
describe(FilterArgument argument, const JsonbValue *value)
{
	if (value->type == jbvNumeric && argument >= ARGUMENT_WHOLE)
	{
		const char *digits = json_text(value);

		if (strlen(digits) <= MAX_SHOWN_DIGITS)
			return digits;
	}
	if (value->type == jbvString && argument == ARGUMENT_TEXT)
		return "an empty string";
	return json_a_type(value);
}

void
filter_check_paths(const FilterCall *call)
{
	const Filter *filter = call->filter;

	for (int i = 0; i < filter->nargs; i++)
	{
		FilterArgument argument = filter->def->args[i];
		const JsonbValue *value = &call->args[i];
		const char *expected;

		if (filter->paths[i] == NULL)
			continue;
		expected = filter_argument_expects(argument, value);
		if (expected != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument %d of filter \"%s\" must be %s: %s is %s",
							i + 1, filter->def->name, expected,
							filter->paths[i]->text,
							describe(argument, value))));
	}
}
