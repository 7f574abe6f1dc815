/*
 * condition_item.c
 *	  A jsonpath and its parts: read, decided, taken apart, and as text.
 *
 * The compiler of jsonpath predicates, the code that decides them and the
 * code that explains why one is unknown all use these functions.
 *
 * A part becomes a jsonpath of its own by being copied into one with another
 * item before it: positions in a jsonpath are relative to the item that has
 * them.  PostgreSQL's own output function then makes text of it.
 *
 * Runs in any process.  The only effect is memory in the current context; the
 * comparison of times depends on the session's TimeZone.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_collation_d.h"
#include "language/condition_node.h"
#include "utils/fmgrprotos.h"

JsonPath *
condition_read_jsonpath(const char *text)
{
	return DatumGetJsonPathP(DirectFunctionCall1(jsonpath_in,
												 CStringGetDatum(text)));
}

/*
 * The _tz variant of jsonb_path_match compares times with and without a zone
 * by the session's TimeZone; the plain one raises an error for them.
 * DirectFunctionCall4 cannot be used: it raises an error if the result is
 * null, and null is how an unknown predicate is reported.
 */
ConditionResult
condition_match(const JsonPath *predicate, Jsonb *context, Jsonb *variables)
{
	LOCAL_FCINFO(fcinfo, 4);
	Datum		result;

	InitFunctionCallInfoData(*fcinfo, NULL, 4, DEFAULT_COLLATION_OID, NULL,
							 NULL);
	fcinfo->args[0].value = JsonbPGetDatum(context);
	fcinfo->args[1].value = PointerGetDatum(predicate);
	fcinfo->args[2].value = JsonbPGetDatum(variables);
	fcinfo->args[3].value = BoolGetDatum(true); /* silent */
	for (int i = 0; i < 4; i++)
		fcinfo->args[i].isnull = false;
	result = jsonb_path_match_tz(fcinfo);
	if (fcinfo->isnull)
		return CONDITION_UNKNOWN;
	return DatumGetBool(result) ? CONDITION_TRUE : CONDITION_FALSE;
}

int
condition_item_operands(JsonPathItem *item, JsonPathItem *operands)
{
	switch (item->type)
	{
		case jpiAnd:
		case jpiOr:
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
		case jpiAdd:
		case jpiSub:
		case jpiMul:
		case jpiDiv:
		case jpiMod:
		case jpiStartsWith:
			jspGetLeftArg(item, &operands[0]);
			jspGetRightArg(item, &operands[1]);
			return 2;
		case jpiNot:
		case jpiIsUnknown:
		case jpiExists:
		case jpiPlus:
		case jpiMinus:
		case jpiFilter:
			jspGetArg(item, &operands[0]);
			return 1;
		case jpiLikeRegex:
			jspInitByBuffer(&operands[0], item->base,
							item->content.like_regex.expr);
			return 1;
		default:
			return 0;
	}
}

JsonPath *
condition_wrap_item(JsonPath *part, JsonPathItemType kind,
					const JsonPath *whole, const JsonPathItem *item)
{
	/* The copy is aligned as the original is. */
	int32		arg = CONDITION_WRAPPER_SIZE + (((uintptr_t) item->base) & 3);
	Size		len = (const char *) whole + VARSIZE(whole) - item->base;

	memset(part, 0, JSONPATH_HDRSZ + CONDITION_WRAPPER_SIZE + 3);
	SET_VARSIZE(part, JSONPATH_HDRSZ + arg + len);
	part->header = JSONPATH_VERSION | JSONPATH_LAX;
	part->data[0] = (char) kind;	/* then its next item: none */
	memcpy(part->data + 8, &arg, sizeof(int32));
	memcpy(part->data + arg, item->base, len);
	return part;
}

/* Appends a quoted key, from its first quote; returns what follows it. */
static const char *
append_key(StringInfo buf, const char *key)
{
	const char *end = key + 1;

	while (*end && *end != '"')
		end += (*end == '\\' && end[1]) ? 2 : 1;
	if (condition_plain_key(key + 1, end - key - 1))
		appendBinaryStringInfo(buf, key + 1, end - key - 1);
	else
		appendBinaryStringInfo(buf, key, end - key + 1);
	return *end ? end + 1 : end;
}

char *
condition_item_text(const JsonPath *whole, const JsonPathItem *item)
{
	static const char opening[] = "exists (";
	JsonPath   *part = palloc(CONDITION_PART_SIZE(whole));
	JsonPath   *wrapped = condition_wrap_item(part, jpiExists, whole, item);
	Datum		out = DirectFunctionCall1(jsonpath_out,
										  PointerGetDatum(wrapped));
	char	   *printed = DatumGetCString(out);
	const char *end = printed + strlen(printed) - 1;	/* its ")" */
	StringInfoData buf;

	Assert(strncmp(printed, opening, strlen(opening)) == 0 && *end == ')');
	initStringInfo(&buf);
	for (const char *c = printed + strlen(opening); c < end;)
	{
		bool		is_key = c[0] == '"' && buf.len > 0 &&
			buf.data[buf.len - 1] == '.';
		const char *start = c;

		if (is_key)
		{
			c = append_key(&buf, c);
			continue;
		}
		if (*c == '"')
		{
			for (c++; c < end && *c != '"'; c++)
				c += *c == '\\';
		}
		c++;
		appendBinaryStringInfo(&buf, start, Min(c, end) - start);
	}
	return buf.data;
}
