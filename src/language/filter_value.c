/*
 * filter_value.c
 *	  What the filters share: values that they make, lists that they read.
 *
 * A member that an element lacks is an error, as is a path that leads nowhere:
 * a list without it would be a wrong one.  Pure.
 */
#include "postgres.h"
#include "compat.h"

#include "base/problems.h"
#include "language/filter_node.h"
#include "language/template.h"
#include "miscadmin.h"

JsonbValue *
filter_string(const char *text, int len)
{
	JsonbValue *result = palloc(sizeof(JsonbValue));

	json_set_string(result, text, len);
	return result;
}

JsonbValue *
filter_number_value(Numeric number)
{
	JsonbValue *result = palloc(sizeof(JsonbValue));

	result->type = jbvNumeric;
	result->val.numeric = number;
	return result;
}

JsonbValue *
filter_null(void)
{
	JsonbValue *result = palloc(sizeof(JsonbValue));

	result->type = jbvNull;
	return result;
}

void
filter_check_size(const FilterCall *call, int len)
{
	if (len > TEMPLATE_MAX_RENDERED)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("text that filter \"%s\" makes is larger than %d bytes",
						call->filter->def->name, TEMPLATE_MAX_RENDERED)));
}

/*--- lists ---*/

JsonMember *
filter_elements(const FilterCall *call, JsonbValue *value, int *n)
{
	if (!json_is_array(value))
		filter_refuse(call, value, call->filter->subject);
	return json_members(value, n);
}

JsonbValue *
filter_array_value(JsonbValue *const *elements, int n)
{
	JsonbParseState *state = NULL;
	JsonbValue *result = palloc(sizeof(JsonbValue));

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pushJsonbValue(&state, WJB_ELEM, elements[i]);
	}
	json_of_jsonb(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY,
												   NULL)), result);
	return result;
}

/* Where an element is, or (name not NULL) a member of it, for messages. */
static char *
element_place(const FilterCall *call, int i, const char *name)
{
	char	   *place = psprintf("[%d]", i);

	if (name != NULL)
		place = problem_path_member(place, name);
	return psprintf("%s of %s", place, call->filter->subject);
}

JsonbValue *
filter_member(const FilterCall *call, const JsonbValue *element, int i,
			   const char *name)
{
	if (!json_is_object(element))
		filter_refuse(call, element, element_place(call, i, NULL));
	return json_member(element, name);
}

JsonbValue **
filter_keys(const FilterCall *call, int arg, JsonMember *elements, int n)
{
	JsonbValue **keys = palloc_extended(sizeof(JsonbValue *) * Max(n, 1),
										MCXT_ALLOC_HUGE);
	bool		has_name = call->filter->nargs > arg;
	const char *name = has_name ? json_cstring(&call->args[arg]) : NULL;

	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		keys[i] = has_name
			? filter_member(call, &elements[i].value, i, name)
			: &elements[i].value;
		if (keys[i] == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("filter \"%s\" finds no member \"%s\" in %s",
							call->filter->def->name, name,
							element_place(call, i, NULL)),
					 errhint("where: \"%s\" leaves out the elements that lack it.",
							 name)));
	}
	return keys;
}

char *
filter_key_place(const FilterCall *call, int arg, int i)
{
	return element_place(call, i, call->filter->nargs > arg
						 ? json_cstring(&call->args[arg]) : NULL);
}
