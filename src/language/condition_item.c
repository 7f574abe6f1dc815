/*
 * condition_item.c
 *	  Parts of a jsonpath: as a jsonpath of their own, and as text.
 *
 * A part becomes a jsonpath by being copied into one with another item before
 * it: positions in a jsonpath are relative to the item that has them.
 * PostgreSQL's own output then makes text of it.
 *
 * Pure; results live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "language/condition_node.h"
#include "utils/fmgrprotos.h"

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
	JsonPath   *wrapped = condition_wrap_item(palloc(CONDITION_PART_SIZE(whole)),
											  jpiExists, whole, item);
	char	   *text = DatumGetCString(DirectFunctionCall1(
														   jsonpath_out, PointerGetDatum(wrapped)));
	const char *end = text +strlen(text) - 1;	/* its ")" */
	StringInfoData buf;

	Assert(strncmp(text, opening, strlen(opening)) == 0 && *end == ')');
	initStringInfo(&buf);
	for (const char *c = text +strlen(opening); c < end;)
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
