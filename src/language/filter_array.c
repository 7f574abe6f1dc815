/*
 * filter_array.c
 *	  The filters that take a list, element by element.  Pure.
 */
#include "postgres.h"
#include "compat.h"

#include "language/filter_node.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

JsonbValue *
filter_map(const FilterCall *call, JsonbValue *value)
{
	int			n;
	JsonMember *elements = filter_elements(call, value, &n);

	return filter_array_value(filter_keys(call, 0, elements, n), n);
}

/*
 * Is the member, of element number i, what argument 2 is; or without an
 * argument 2, is it neither missing nor null nor false?  A member that is
 * missing is equal to nothing.  Raises 22023 for values of two types, as "5"
 * and 5, of which it is not clear what was meant; but null is just not equal.
 */
static bool
matches(const FilterCall *call, const JsonbValue *member, int i)
{
	const JsonbValue *wanted = &call->args[1];

	if (member == NULL)
		return false;
	if (call->filter->nargs < 2)
		return member->type != jbvNull &&
			(member->type != jbvBool || member->val.boolean);
	if (member->type != jbvNull && wanted->type != jbvNull &&
		strcmp(json_type(member), json_type(wanted)) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("filter \"where\" cannot compare %s with %s: %s is %s",
						json_a_type(member), json_a_type(wanted),
						filter_key_place(call, 0, i), json_a_type(member))));
	return json_equal(member, wanted);
}

JsonbValue *
filter_where(const FilterCall *call, JsonbValue *value)
{
	int			n;
	int			nkept = 0;
	JsonMember *elements = filter_elements(call, value, &n);
	JsonbValue **kept = palloc_extended(sizeof(JsonbValue *) * Max(n, 1),
										MCXT_ALLOC_HUGE);
	char	   *name = json_cstring(&call->args[0]);

	for (int i = 0; i < n; i++)
	{
		JsonbValue *element = &elements[i].value;

		CHECK_FOR_INTERRUPTS();
		if (matches(call, filter_member(call, element, i, name), i))
			kept[nkept++] = element;
	}
	return filter_array_value(kept, nkept);
}

/*--- the whole list ---*/

/* Characters of a string, elements of an array, members of an object. */
JsonbValue *
filter_length(const FilterCall *call, JsonbValue *value)
{
	int			length;

	if (value->type == jbvString)
		length = pg_mbstrlen_with_len(value->val.string.val,
									  value->val.string.len);
	else if (value->type == jbvBinary)
		length = json_count(value);
	else
		filter_refuse(call, value, call->filter->subject);
	return filter_number_value(int64_to_numeric(length));
}

JsonbValue *
filter_join(const FilterCall *call, JsonbValue *value)
{
	StringInfoData buf;
	int			n;
	JsonMember *elements = filter_elements(call, value, &n);

	initStringInfo(&buf);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i > 0 && call->filter->nargs > 0)
			json_append_text(&buf, &call->args[0]);
		else if (i > 0)
			appendStringInfoString(&buf, ", ");
		json_append_text(&buf, &elements[i].value);
		filter_check_size(call, buf.len);
	}
	return filter_string(buf.data, buf.len);
}

/* The first or the last element of an array; null if it is empty. */
static JsonbValue *
element_at(const FilterCall *call, JsonbValue *value, bool last)
{
	int			n;

	if (!json_is_array(value))
		filter_refuse(call, value, call->filter->subject);
	n = json_count(value);
	if (n == 0)
		return filter_null();
	return getIthJsonbValueFromContainer(value->val.binary.data,
										 last ? n - 1 : 0);
}

JsonbValue *
filter_first(const FilterCall *call, JsonbValue *value)
{
	return element_at(call, value, false);
}

JsonbValue *
filter_last(const FilterCall *call, JsonbValue *value)
{
	return element_at(call, value, true);
}

/* Some elements of an array, from < 0 counts from its end; or of a text. */
JsonbValue *
filter_slice(const FilterCall *call, JsonbValue *value)
{
	int64		from = filter_int(call, 0);
	int64		count = call->filter->nargs > 1 ? filter_int(call, 1) : 1;
	JsonbValue **taken;
	JsonMember *elements;
	int			n;

	if (value->type != jbvBinary)
		return filter_slice_text(call, value);
	elements = filter_elements(call, value, &n);
	if (from < 0)
		from += n;
	if (from < 0 || from >= n)
		return filter_array_value(NULL, 0);
	count = Min(count, n - from);
	taken = palloc_extended(sizeof(JsonbValue *) * Max(count, 1),
							MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
		taken[i] = &elements[from + i].value;
	return filter_array_value(taken, count);
}
