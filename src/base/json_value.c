/*
 * json_value.c
 *	  Small tools on jsonb values: members, types, text.
 *
 * Pure.  Any process.  A container is always jbvBinary here: it points into a
 * jsonb that the caller keeps.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/numeric.h"

void
json_of_jsonb(Jsonb *jsonb, JsonbValue *value)
{
	if (JB_ROOT_IS_SCALAR(jsonb))
	{
		JsonbExtractScalar(&jsonb->root, value);
		return;
	}
	value->type = jbvBinary;
	value->val.binary.data = &jsonb->root;
	value->val.binary.len = VARSIZE(jsonb) - VARHDRSZ;
}

bool
json_is_object(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsObject(value->val.binary.data);
}

bool
json_is_array(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data);
}

int
json_count(const JsonbValue *container)
{
	return JsonContainerSize(container->val.binary.data);
}

const char *
json_type(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "string";
		case jbvNumeric:
			return "number";
		case jbvBool:
			return "boolean";
		default:
			return json_is_array(value) ? "array" : "object";
	}
}

const char *
json_a_type(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		default:
			return json_is_array(value) ? "an array" : "an object";
	}
}

JsonbValue *
json_member(const JsonbValue *object, const char *key)
{
	return getKeyJsonValueFromContainer(object->val.binary.data,
										key, strlen(key), NULL);
}

JsonMember *
json_members(const JsonbValue *container, int *n)
{
	JsonMember *members;
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *key = NULL;

	*n = 0;
	members = palloc_extended(sizeof(JsonMember) *
							  Max(json_count(container), 1),
							  MCXT_ALLOC_HUGE);
	it = JsonbIteratorInit(container->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = json_cstring(&value);
		else if (token == WJB_VALUE || token == WJB_ELEM)
		{
			members[*n].key = key;
			members[*n].value = value;
			(*n)++;
		}
	}
	return members;
}

void
json_set_string(JsonbValue *value, const char *text, int len)
{
	value->type = jbvString;
	value->val.string.val = unconstify(char *, text);
	value->val.string.len = len;
}

char *
json_cstring(const JsonbValue *string)
{
	return pnstrdup(string->val.string.val, string->val.string.len);
}

/*--- as text ---*/

static void
append_numeric(StringInfo buf, Numeric number)
{
	Datum		digits = DirectFunctionCall1(numeric_out,
											 NumericGetDatum(number));

	appendStringInfoString(buf, DatumGetCString(digits));
	pfree(DatumGetPointer(digits));
}

static void
append_scalar(StringInfo buf, const JsonbValue *value)
{
	char	   *text;

	switch (value->type)
	{
		case jbvNull:
			appendStringInfoString(buf, "null");
			break;
		case jbvString:
			text = json_cstring(value);
			escape_json(buf, text);
			pfree(text);
			break;
		case jbvNumeric:
			append_numeric(buf, value->val.numeric);
			break;
		case jbvBool:
			appendStringInfoString(buf, value->val.boolean ? "true" : "false");
			break;
		default:
			elog(ERROR, "unexpected type of a JSON scalar: %d",
				 (int) value->type);
	}
}

/*
 * What a container of that size may become as text.  Strings grow to six
 * times their size at most, if each character is escaped, and what is between
 * values is less than what jsonb has there.  Only an exponent makes more of a
 * few bytes: 1e131071.
 */
#define MAX_GROWTH 8
#define FREE_BYTES (1024 * 1024)

static void
check_growth(Size text, Size container)
{
	Size		most = container * MAX_GROWTH + FREE_BYTES;

	if (text > most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("JSON of %zu bytes has more than %zu bytes as text",
						container, most),
				 errdetail("It has numbers with too many digits, which exponents make.")));
}

/* As JsonbToCString() does it, but for the limit. */
static void
append_container(StringInfo buf, const JsonbValue *value)
{
	JsonbIterator *it = JsonbIteratorInit(value->val.binary.data);
	int			start = buf->len;
	bool		is_first = true;	/* of its container, or after its key */
	JsonbIteratorToken token;
	JsonbValue	v;

	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		bool		ends = token == WJB_END_ARRAY || token == WJB_END_OBJECT;

		CHECK_FOR_INTERRUPTS();
		if (!is_first && !ends && token != WJB_VALUE)
			appendStringInfoString(buf, ", ");
		is_first = token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT ||
			token == WJB_KEY;
		if (token == WJB_BEGIN_ARRAY || token == WJB_END_ARRAY)
			appendStringInfoChar(buf, ends ? ']' : '[');
		else if (token == WJB_BEGIN_OBJECT || token == WJB_END_OBJECT)
			appendStringInfoChar(buf, ends ? '}' : '{');
		else
			append_scalar(buf, &v);
		if (token == WJB_KEY)
			appendStringInfoString(buf, ": ");
		check_growth(buf->len - start, value->val.binary.len);
	}
}

void
json_append(StringInfo buf, const JsonbValue *value)
{
	if (value->type == jbvBinary)
		append_container(buf, value);
	else
		append_scalar(buf, value);
}

void
json_append_text(StringInfo buf, const JsonbValue *value)
{
	if (value->type == jbvString)
		appendBinaryStringInfo(buf, value->val.string.val,
							   value->val.string.len);
	else if (value->type != jbvNull)
		json_append(buf, value);
}

char *
json_text(const JsonbValue *value)
{
	StringInfoData buf;

	initStringInfo(&buf);
	json_append_text(&buf, value);
	return buf.data;
}

char *
json_member_string(const JsonbValue *object, const char *key)
{
	JsonbValue *value = json_is_object(object) ? json_member(object, key)
		: NULL;

	return value != NULL && value->type == jbvString ? json_cstring(value)
		: NULL;
}

char *
json_text_at(const Jsonb *json, const char *const *path, int npath)
{
	JsonbValue	value;

	if (json == NULL)
		return NULL;
	json_of_jsonb(unconstify(Jsonb *, json), &value);
	for (int i = 0; i < npath; i++)
	{
		JsonbValue *next = NULL;

		if (json_is_object(&value))
			next = json_member(&value, path[i]);
		else if (json_is_array(&value))
			next = getIthJsonbValueFromContainer(value.val.binary.data,
												 atoi(path[i]));
		if (next == NULL)
			return NULL;
		value = *next;
	}
	return value.type == jbvString || value.type == jbvNumeric
		? json_text(&value) : NULL;
}

Jsonb *
json_to_jsonb(const JsonbValue *value)
{
	return JsonbValueToJsonb(unconstify(JsonbValue *, value));
}

static bool
numbers_equal(Numeric a, Numeric b)
{
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a),
											NumericGetDatum(b)));
}

bool
json_equal(const JsonbValue *a, const JsonbValue *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type)
	{
		case jbvNull:
			return true;
		case jbvBool:
			return a->val.boolean == b->val.boolean;
		case jbvNumeric:
			return numbers_equal(a->val.numeric, b->val.numeric);
		case jbvString:
			return a->val.string.len == b->val.string.len &&
				memcmp(a->val.string.val, b->val.string.val,
					   a->val.string.len) == 0;
		default:
			return compareJsonbContainers(a->val.binary.data,
										  b->val.binary.data) == 0;
	}
}

/*
 * A number of a few bytes may be a text of a hundred thousand digits, so the
 * whole is never made.
 */
char *
json_head(Jsonb *value, int max)
{
	JsonbIterator *it = JsonbIteratorInit(&value->root);
	JsonbIteratorToken token;
	JsonbValue	v;
	StringInfoData text;
	bool		first = true;

	initStringInfo(&text);
	if (JB_ROOT_IS_SCALAR(value))
	{
		json_of_jsonb(value, &v);
		json_append(&text, &v);
		return text.data;
	}
	while (text.len < max &&
		   (token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		bool		ends = token == WJB_END_ARRAY || token == WJB_END_OBJECT;

		if (!first && !ends && token != WJB_VALUE)
			appendStringInfoString(&text, ", ");
		first = token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT ||
			token == WJB_KEY;
		if (token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT)
			appendStringInfoChar(&text, token == WJB_BEGIN_ARRAY ? '[' : '{');
		else if (ends)
			appendStringInfoChar(&text, token == WJB_END_ARRAY ? ']' : '}');
		else
			json_append(&text, &v);
		if (token == WJB_KEY)
			appendStringInfoString(&text, ": ");
	}
	return text.data;
}
