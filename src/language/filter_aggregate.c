/*
 * filter_aggregate.c
 *	  The filters that make one number of a list of numbers.
 *
 * An element that is no number fails the step, null too: what was left out of
 * a sum would be seen by nobody.  Pure.
 */
#include "postgres.h"
#include "compat.h"

#include "language/filter_node.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"

/*
 * Makes one number of all, with a function that takes what those before have
 * made and the next; NULL if there is none.  *n is how many there are.  Raises
 * 22023, and what the function raises.
 *
 * What was made before is freed at once: "1e131071" is a few bytes in a
 * payload, and the sum with any other number 65 kB.
 */
static Numeric
aggregate(const FilterCall *call, JsonbValue *value, PGFunction function,
		  int *n)
{
	JsonMember *elements = filter_elements(call, value, n);
	JsonbValue **keys = filter_keys(call, 0, elements, *n);
	Datum		result = 0;
	bool		is_made = false;	/* result is nobody's element */

	for (int i = 0; i < *n; i++)
	{
		Datum		before = result;
		Datum		number;

		CHECK_FOR_INTERRUPTS();
		if (keys[i]->type != jbvNumeric)
			filter_refuse(call, keys[i], filter_key_place(call, 0, i));
		number = NumericGetDatum(keys[i]->val.numeric);
		result = i == 0 ? number
			: DirectFunctionCall2(function, before, number);
		if (is_made && result != before)
			pfree(DatumGetPointer(before));
		is_made = result != number && (is_made || result != before);
	}
	return *n == 0 ? NULL : DatumGetNumeric(result);
}

/* A number, or null if there is none. */
static JsonbValue *
number_or_null(Numeric number)
{
	return number != NULL ? filter_number_value(number) : filter_null();
}

JsonbValue *
filter_sum(const FilterCall *call, JsonbValue *value)
{
	int			n;
	Numeric		sum = aggregate(call, value, numeric_add, &n);

	return filter_number_value(n > 0 ? sum : int64_to_numeric(0));
}

JsonbValue *
filter_min(const FilterCall *call, JsonbValue *value)
{
	int			n;

	return number_or_null(aggregate(call, value, numeric_smaller, &n));
}

JsonbValue *
filter_max(const FilterCall *call, JsonbValue *value)
{
	int			n;

	return number_or_null(aggregate(call, value, numeric_larger, &n));
}

JsonbValue *
filter_avg(const FilterCall *call, JsonbValue *value)
{
	int			n;
	Numeric		sum = aggregate(call, value, numeric_add, &n);

	return number_or_null(n > 0 ? filter_quotient(sum, int64_to_numeric(n))
						  : NULL);
}
