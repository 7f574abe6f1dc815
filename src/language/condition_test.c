/*
 * condition_test.c
 *	  Decides one test of a condition: a field's value, an op, another value.
 *
 * Numbers are compared as numbers, and strings byte by byte, as in the "C"
 * collation, so that the result is the same in every database.  true and false
 * compare only for equality, arrays and objects only for equality and
 * containment.  Values of different types do not compare, and the test is
 * unknown, not false.  A test of JSON null is unknown too, as in SQL, but eq
 * and ne with the value null ask for it.
 *
 * Pure, but for the database's locale (if case is ignored) and the session's
 * TimeZone (for times without a zone).
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "catalog/pg_collation_d.h"
#include "language/condition_node.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/formatting.h"
#include "utils/numeric.h"

/* A message quotes at most so much of a text. */
#define MAX_QUOTED_BYTES 60

static ConditionResult
of_bool(bool value)
{
	return value ? CONDITION_TRUE : CONDITION_FALSE;
}

/* Are a and b of the same JSON type? */
static bool
comparable(const JsonbValue *a, const JsonbValue *b)
{
	return strcmp(json_type(a), json_type(b)) == 0;
}

/*
 * Sets *why to the reason that field and value do not compare, and returns
 * CONDITION_UNKNOWN.  A literal is described by its type, the value of another
 * field by its path and its type.
 */
static ConditionResult
unknown(const Condition *c, const JsonbValue *field, const JsonbValue *value,
		char **why)
{
	const char *text = c->field->text;
	const char *other = c->value_field ? c->value_field->text : NULL;
	const char *op = condition_op_names[c->op];

	if (field->type == jbvNull)
		*why = psprintf("%s is null", text);
	else if (other != NULL && value->type == jbvNull)
		*why = psprintf("%s is null", other);
	else if (comparable(field, value))
		*why = psprintf("%s is %s, which \"%s\" does not take", text,
						json_a_type(field), op);
	else if (other != NULL)
		*why = psprintf("%s is %s, which does not compare with %s, %s "
						"(\"%s\")", text, json_a_type(field), other,
						json_a_type(value), op);
	else
		*why = psprintf("%s is %s, which does not compare with %s (\"%s\")",
						text, json_a_type(field), json_a_type(value), op);
	return CONDITION_UNKNOWN;
}

/* A string with its letters in lower case, by the database's locale. */
static JsonbValue *
fold(const JsonbValue *value)
{
	JsonbValue *result = palloc(sizeof(JsonbValue));
	char	   *lower = str_tolower(value->val.string.val,
									value->val.string.len,
									DEFAULT_COLLATION_OID);

	json_set_string(result, lower, strlen(lower));
	return result;
}

static bool
values_equal(const Condition *c, const JsonbValue *a, const JsonbValue *b)
{
	if (c->ignore_case && a->type == jbvString && b->type == jbvString)
		return json_equal(fold(a), fold(b));
	return json_equal(a, b);
}

static int
compare_strings(const JsonbValue *a, const JsonbValue *b)
{
	int			common = Min(a->val.string.len, b->val.string.len);
	int			result = memcmp(a->val.string.val, b->val.string.val, common);

	if (result != 0)
		return result;
	return a->val.string.len - b->val.string.len;
}

static int
compare_numbers(const JsonbValue *a, const JsonbValue *b)
{
	Datum		order = DirectFunctionCall2(numeric_cmp,
										NumericGetDatum(a->val.numeric),
										NumericGetDatum(b->val.numeric));

	return DatumGetInt32(order);
}

static ConditionResult
test_equality(const Condition *c, const JsonbValue *field,
			  const JsonbValue *value, char **why)
{
	bool		is_equal;

	if (value->type == jbvNull)
		is_equal = field->type == jbvNull;
	else if (comparable(field, value))
		is_equal = values_equal(c, field, value);
	else
		return unknown(c, field, value, why);
	return of_bool(is_equal == (c->op == OP_EQ));
}

static ConditionResult
test_order(const Condition *c, const JsonbValue *field,
		   const JsonbValue *value, char **why)
{
	int			order;

	if (field->type == jbvNumeric && value->type == jbvNumeric)
		order = compare_numbers(field, value);
	else if (field->type == jbvString && value->type == jbvString)
		order = compare_strings(field, value);
	else
		return unknown(c, field, value, why);

	switch (c->op)
	{
		case OP_GT:
			return of_bool(order > 0);
		case OP_GTE:
			return of_bool(order >= 0);
		case OP_LT:
			return of_bool(order < 0);
		default:
			return of_bool(order <= 0);
	}
}

/* A text for messages: in quotes, and cut if it is long. */
static char *
quoted(const JsonbValue *string)
{
	StringInfoData buf;
	JsonbValue	cut = *string;

	cut.val.string.len = pg_mbcliplen(string->val.string.val,
									  string->val.string.len,
									  MAX_QUOTED_BYTES);
	initStringInfo(&buf);
	json_append(&buf, &cut);
	if (cut.val.string.len < string->val.string.len)
		appendStringInfoString(&buf, " ...");
	return buf.data;
}

/* Reads a time; false after setting *why if value, of that name, is none. */
static bool
read_time(const char *text, const JsonbValue *value, TimestampTz *time,
		  char **why)
{
	if (condition_read_time(value, time))
		return true;
	if (value->type == jbvNull)
		*why = psprintf("%s is null", text);
	else if (value->type == jbvString)
		*why = psprintf("%s is a string that is no ISO 8601 time: %s",
						text, quoted(value));
	else
		*why = psprintf("%s is %s, not a time as ISO 8601 text", text,
						json_a_type(value));
	return false;
}

/* before, after */
static ConditionResult
test_time(const Condition *c, const JsonbValue *field,
		  const JsonbValue *value, char **why)
{
	TimestampTz mine;
	TimestampTz other;

	if (!read_time(c->field->text, field, &mine, why) ||
		!read_time(c->value_field ? c->value_field->text : "value", value,
				   &other, why))
		return CONDITION_UNKNOWN;
	return of_bool(c->op == OP_BEFORE ? mine < other : mine > other);
}

/*
 * in, not_in.  An element of another type than the field's is not equal to it;
 * if all elements are of other types, the test is unknown.
 */
static ConditionResult
test_membership(const Condition *c, const JsonbValue *field,
				const JsonbValue *value, char **why)
{
	int			n;
	JsonMember *elements;
	bool		any_comparable;

	/* a literal is an array: condition_operand.c has checked it */
	if (!json_is_array(value))
	{
		*why = psprintf("%s is %s, and \"%s\" takes an array",
						c->value_field->text, json_a_type(value),
						condition_op_names[c->op]);
		return CONDITION_UNKNOWN;
	}
	elements = json_members(value, &n);
	any_comparable = n == 0;
	for (int i = 0; i < n; i++)
	{
		if (!comparable(field, &elements[i].value))
			continue;
		any_comparable = true;
		if (values_equal(c, field, &elements[i].value))
			return of_bool(c->op == OP_IN);
	}
	if (any_comparable)
		return of_bool(c->op == OP_NOT_IN);
	if (field->type == jbvNull)
		return unknown(c, field, value, why);
	*why = psprintf("%s is %s, and %s \"%s\" has none",
					c->field->text, json_a_type(field),
					c->value_field ? psprintf("%s as the list of",
											  c->value_field->text) :
					"the list of", condition_op_names[c->op]);
	return CONDITION_UNKNOWN;
}

/* Does haystack contain, begin with or end with needle, as the op asks? */
static bool
string_has(const Condition *c, const JsonbValue *haystack,
		   const JsonbValue *needle)
{
	int			rest;
	const char *start;
	const char *what;
	int			len;
	text	   *where;
	text	   *part;
	Datum		position;

	if (c->ignore_case)
	{
		haystack = fold(haystack);
		needle = fold(needle);
	}
	start = haystack->val.string.val;
	what = needle->val.string.val;
	len = needle->val.string.len;
	rest = haystack->val.string.len - len;
	if (rest < 0)
		return false;
	if (c->op == OP_STARTS_WITH)
		return memcmp(start, what, len) == 0;
	if (c->op == OP_ENDS_WITH)
		return memcmp(start + rest, what, len) == 0;
	where = cstring_to_text_with_len(start, haystack->val.string.len);
	part = cstring_to_text_with_len(what, len);
	position = DirectFunctionCall2Coll(textpos, C_COLLATION_OID,
									   PointerGetDatum(where),
									   PointerGetDatum(part));
	return DatumGetInt32(position) > 0;
}

static bool
array_has(const Condition *c, const JsonbValue *array,
		  const JsonbValue *value)
{
	int			n;
	JsonMember *elements = json_members(array, &n);

	for (int i = 0; i < n; i++)
	{
		if (values_equal(c, &elements[i].value, value))
			return true;
	}
	return false;
}

static ConditionResult
test_containment(const Condition *c, const JsonbValue *field,
				 const JsonbValue *value, char **why)
{
	if (field->type == jbvString && value->type == jbvString)
		return of_bool(string_has(c, field, value));
	if (json_is_array(field))
		return of_bool(array_has(c, field, value));
	if (json_is_object(field) && json_is_object(value))
	{
		JsonbIterator *outer;
		JsonbIterator *inner;

		outer = JsonbIteratorInit(field->val.binary.data);
		inner = JsonbIteratorInit(value->val.binary.data);
		return of_bool(JsonbDeepContains(&outer, &inner));
	}
	return unknown(c, field, value, why);
}

typedef struct Match
{
	const Condition *condition;
	text	   *subject;
	text	   *pattern;
	bool		found;
} Match;

static void
find_match(void *arg)
{
	Match	   *match = arg;
	PGFunction	matches = match->condition->ignore_case ? texticregexeq
		: textregexeq;
	Datum		subject = PointerGetDatum(match->subject);
	Datum		pattern = PointerGetDatum(match->pattern);
	Datum		found = DirectFunctionCall2Coll(matches, DEFAULT_COLLATION_OID,
												subject, pattern);

	match->found = DatumGetBool(found);
}

/* matches.  The pattern of another field may be no regular expression. */
static ConditionResult
test_match(const Condition *c, const JsonbValue *field,
		   const JsonbValue *value, char **why)
{
	Match		match = {.condition = c};
	char	   *error;

	match.subject = cstring_to_text_with_len(field->val.string.val,
											 field->val.string.len);
	match.pattern = cstring_to_text_with_len(value->val.string.val,
											 value->val.string.len);
	error = problem_catch(find_match, &match);
	if (error == NULL)
		return of_bool(match.found);
	*why = psprintf("%s: %s",
					c->value_field ? c->value_field->text : "value", error);
	return CONDITION_UNKNOWN;
}

/* starts_with, ends_with, matches */
static ConditionResult
test_string(const Condition *c, const JsonbValue *field,
			const JsonbValue *value, char **why)
{
	if (field->type != jbvString || value->type != jbvString)
		return unknown(c, field, value, why);
	if (c->op == OP_MATCHES)
		return test_match(c, field, value, why);
	return of_bool(string_has(c, field, value));
}

ConditionResult
condition_test(const Condition *condition, JsonbValue *field,
			   JsonbValue *value, char **why)
{
	switch (condition->op)
	{
		case OP_EQ:
		case OP_NE:
			return test_equality(condition, field, value, why);
		case OP_GT:
		case OP_GTE:
		case OP_LT:
		case OP_LTE:
			return test_order(condition, field, value, why);
		case OP_IN:
		case OP_NOT_IN:
			return test_membership(condition, field, value, why);
		case OP_CONTAINS:
			return test_containment(condition, field, value, why);
		case OP_STARTS_WITH:
		case OP_ENDS_WITH:
		case OP_MATCHES:
			return test_string(condition, field, value, why);
		case OP_BEFORE:
		case OP_AFTER:
			return test_time(condition, field, value, why);
		case OP_EXISTS:
		case OP_NOT_EXISTS:
		case OP_EMPTY:
		case OP_NOT_EMPTY:
			break;				/* condition_decide.c decides them */
	}
	Assert(false);
	return CONDITION_FALSE;
}
