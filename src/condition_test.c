/*
 * condition_test.c
 *	  One test of a condition: the value of a field, an operator, a literal.
 *
 * Numbers compare as numbers, strings byte by byte (the "C" collation, so
 * that ISO 8601 times compare as times and the answer is the same in every
 * database), true and false only for equality, arrays and objects only for
 * equality and containment.  Values of different types do not compare: that
 * is unknown, not false.  So does JSON null, as in SQL, but eq and ne with
 * the literal null ask for it.  Pure functions; nothing is global.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_collation_d.h"
#include "condition_node.h"
#include "jsonvalue.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

static ConditionResult
of_bool(bool value)
{
	return value ? CONDITION_TRUE : CONDITION_FALSE;
}

/* Are a and b of types that compare for equality? */
static bool
comparable(const JsonbValue *a, const JsonbValue *b)
{
	return strcmp(json_type(a), json_type(b)) == 0;
}

static ConditionResult
unknown(const Condition *c, const JsonbValue *field, char **why)
{
	const char *text = c->field->text;
	const char *op = condition_op_names[c->op];

	if (field->type == jbvNull)
		*why = psprintf("%s is null", text);
	else if (comparable(field, &c->value))
		*why = psprintf("%s is %s, which \"%s\" does not take", text,
						json_a_type(field), op);
	else
		*why = psprintf("%s is %s, which does not compare with %s (\"%s\")",
						text, json_a_type(field), json_a_type(&c->value), op);
	return CONDITION_UNKNOWN;
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
	return DatumGetInt32(DirectFunctionCall2(
		numeric_cmp, NumericGetDatum(a->val.numeric),
		NumericGetDatum(b->val.numeric)));
}

static ConditionResult
test_equality(const Condition *c, const JsonbValue *field, char **why)
{
	bool		equal;

	if (c->value.type == jbvNull)
		equal = field->type == jbvNull;
	else if (comparable(field, &c->value))
		equal = json_equal(field, &c->value);
	else
		return unknown(c, field, why);
	return of_bool(equal == (c->op == OP_EQ));
}

static ConditionResult
test_order(const Condition *c, const JsonbValue *field, char **why)
{
	int			order;

	if (field->type == jbvNumeric && c->value.type == jbvNumeric)
		order = compare_numbers(field, &c->value);
	else if (field->type == jbvString && c->value.type == jbvString)
		order = compare_strings(field, &c->value);
	else
		return unknown(c, field, why);

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

/*
 * Elements of other types than the field's are just not it, unless all of
 * them are: then the list and the field do not compare.
 */
static ConditionResult
test_membership(const Condition *c, const JsonbValue *field, char **why)
{
	int			n;
	JsonMember *elements = json_members(&c->value, &n);
	bool		any_comparable = n == 0;

	for (int i = 0; i < n; i++)
	{
		if (!comparable(field, &elements[i].value))
			continue;
		any_comparable = true;
		if (json_equal(field, &elements[i].value))
			return of_bool(c->op == OP_IN);
	}
	if (any_comparable)
		return of_bool(c->op == OP_NOT_IN);
	if (field->type == jbvNull)
		return unknown(c, field, why);
	*why = psprintf("%s is %s, and the list of \"%s\" has none",
					c->field->text, json_a_type(field),
					condition_op_names[c->op]);
	return CONDITION_UNKNOWN;
}

/* Is needle in haystack at, or from, one place? */
static bool
string_has(const JsonbValue *haystack, const JsonbValue *needle,
		   ConditionOp op)
{
	int			rest = haystack->val.string.len - needle->val.string.len;
	const char *start = haystack->val.string.val;
	const char *what = needle->val.string.val;
	int			len = needle->val.string.len;
	text	   *where;

	if (rest < 0)
		return false;
	if (op == OP_STARTS_WITH)
		return memcmp(start, what, len) == 0;
	if (op == OP_ENDS_WITH)
		return memcmp(start + rest, what, len) == 0;
	where = cstring_to_text_with_len(start, haystack->val.string.len);
	return DatumGetInt32(DirectFunctionCall2Coll(
		textpos, C_COLLATION_OID, PointerGetDatum(where),
		PointerGetDatum(cstring_to_text_with_len(what, len)))) > 0;
}

static bool
array_has(const JsonbValue *array, const JsonbValue *value)
{
	int			n;
	JsonMember *elements = json_members(array, &n);

	for (int i = 0; i < n; i++)
	{
		if (json_equal(&elements[i].value, value))
			return true;
	}
	return false;
}

static ConditionResult
test_containment(const Condition *c, const JsonbValue *field, char **why)
{
	if (field->type == jbvString && c->value.type == jbvString)
		return of_bool(string_has(field, &c->value, c->op));
	if (json_is_array(field))
		return of_bool(array_has(field, &c->value));
	if (json_is_object(field) && json_is_object(&c->value))
	{
		JsonbIterator *outer;
		JsonbIterator *inner;

		outer = JsonbIteratorInit(field->val.binary.data);
		inner = JsonbIteratorInit(c->value.val.binary.data);
		return of_bool(JsonbDeepContains(&outer, &inner));
	}
	return unknown(c, field, why);
}

/* starts_with, ends_with, matches */
static ConditionResult
test_string(const Condition *c, const JsonbValue *field, char **why)
{
	text	   *subject;
	text	   *pattern;

	if (field->type != jbvString)
		return unknown(c, field, why);
	if (c->op != OP_MATCHES)
		return of_bool(string_has(field, &c->value, c->op));

	subject = cstring_to_text_with_len(field->val.string.val,
									   field->val.string.len);
	pattern = cstring_to_text_with_len(c->value.val.string.val,
									   c->value.val.string.len);
	return of_bool(DatumGetBool(DirectFunctionCall2Coll(
		textregexeq, DEFAULT_COLLATION_OID, PointerGetDatum(subject),
		PointerGetDatum(pattern))));
}

ConditionResult
condition_test(const Condition *condition, JsonbValue *field, char **why)
{
	switch (condition->op)
	{
		case OP_EQ:
		case OP_NE:
			return test_equality(condition, field, why);
		case OP_GT:
		case OP_GTE:
		case OP_LT:
		case OP_LTE:
			return test_order(condition, field, why);
		case OP_IN:
		case OP_NOT_IN:
			return test_membership(condition, field, why);
		case OP_CONTAINS:
			return test_containment(condition, field, why);
		case OP_STARTS_WITH:
		case OP_ENDS_WITH:
		case OP_MATCHES:
			return test_string(condition, field, why);
		case OP_EXISTS:
			return CONDITION_TRUE;
		case OP_NOT_EXISTS:
			return CONDITION_FALSE;
	}
	return CONDITION_FALSE;
}
