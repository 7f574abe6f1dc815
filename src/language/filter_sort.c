/*
 * filter_sort.c
 *	  The filters that compare elements of a list: "sort" and "uniq".
 *
 * Texts are sorted by their bytes (collation C; in UTF-8 that is the order of
 * code points), so that a list has the same order on every server.  Pure.
 */
#include "postgres.h"
#include "compat.h"

#include "language/filter_node.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"

/* An element with what it is compared by. */
typedef struct Sorted
{
	JsonbValue *element;
	const JsonbValue *key;
	int			number;			/* in the list as it was, from 0 */
} Sorted;

static int
compare_strings(const JsonbValue *a, const JsonbValue *b)
{
	int			alen = a->val.string.len;
	int			blen = b->val.string.len;
	int			order = memcmp(a->val.string.val, b->val.string.val,
							   Min(alen, blen));

	return order != 0 ? order : (alen > blen) - (alen < blen);
}

static int
compare_numerics(Numeric a, Numeric b)
{
	return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a),
											 NumericGetDatum(b)));
}

/* An order of all values: of one type first, then by value. */
static int
compare_values(const JsonbValue *a, const JsonbValue *b)
{
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	switch (a->type)
	{
		case jbvNumeric:
			return compare_numerics(a->val.numeric, b->val.numeric);
		case jbvString:
			return compare_strings(a, b);
		case jbvBool:
			return a->val.boolean - b->val.boolean;
		case jbvBinary:
			return compareJsonbContainers(a->val.binary.data,
										  b->val.binary.data);
		default:				/* null */
			return 0;
	}
}

/* Of qsort: what is equal keeps its order. */
static int
compare_sorted(const void *a, const void *b)
{
	const Sorted *left = a;
	const Sorted *right = b;
	int			order;

	CHECK_FOR_INTERRUPTS();
	order = compare_values(left->key, right->key);
	return order != 0 ? order
		: (left->number > right->number) - (left->number < right->number);
}

static int
compare_numbers(const void *a, const void *b)
{
	return ((const Sorted *) a)->number - ((const Sorted *) b)->number;
}

/* The elements with their keys, *n of them, palloc'd.  Raises 22023. */
static Sorted *
read_list(const FilterCall *call, JsonbValue *value, int *n)
{
	JsonMember *elements = filter_elements(call, value, n);
	JsonbValue **keys = filter_keys(call, 0, elements, *n);
	Sorted	   *list = palloc_extended(sizeof(Sorted) * Max(*n, 1),
									   MCXT_ALLOC_HUGE);

	for (int i = 0; i < *n; i++)
		list[i] = (Sorted) {&elements[i].value, keys[i], i};
	return list;
}

static JsonbValue *
list_value(const Sorted *list, int n)
{
	JsonbValue **elements = palloc_extended(sizeof(JsonbValue *) * Max(n, 1),
											MCXT_ALLOC_HUGE);

	for (int i = 0; i < n; i++)
		elements[i] = list[i].element;
	return filter_array_value(elements, n);
}

/* Raises 22023 for what has no order: other values, and two types. */
static void
check_order(const FilterCall *call, const Sorted *list, int n)
{
	for (int i = 0; i < n; i++)
	{
		const JsonbValue *key = list[i].key;

		if (key->type != jbvNumeric && key->type != jbvString)
			filter_refuse(call, key, filter_key_place(call, 0, i));
		if (key->type != list[0].key->type)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("filter \"sort\" cannot compare %s with %s: %s is %s",
							json_a_type(list[0].key), json_a_type(key),
							filter_key_place(call, 0, i), json_a_type(key))));
	}
}

JsonbValue *
filter_sort(const FilterCall *call, JsonbValue *value)
{
	int			n;
	Sorted	   *list = read_list(call, value, &n);

	check_order(call, list, n);
	qsort(list, n, sizeof(Sorted), compare_sorted);
	return list_value(list, n);
}

/* Equal ones are neighbours once they are sorted, with the first in front. */
JsonbValue *
filter_uniq(const FilterCall *call, JsonbValue *value)
{
	int			n;
	int			nkept = 0;
	Sorted	   *list = read_list(call, value, &n);

	qsort(list, n, sizeof(Sorted), compare_sorted);
	for (int i = 0; i < n; i++)
	{
		if (nkept == 0 ||
			compare_values(list[nkept - 1].key, list[i].key) != 0)
			list[nkept++] = list[i];
	}
	qsort(list, nkept, sizeof(Sorted), compare_numbers);
	return list_value(list, nkept);
}
