/*
 * utf8.c
 *	  Characters of a UTF-8 text: reading, classifying and quoting them.
 *
 * Pure.  Any process.  Whatever the bytes are, nothing is read after the NUL
 * that ends a text.
 */
#include "postgres.h"
#include "compat.h"

#include "base/utf8.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

uint32
utf8_read(const char *text, int *len)
{
	const unsigned char *bytes = (const unsigned char *) text;
	int			n = pg_utf_mblen(bytes);

	for (int i = 1; i < n; i++)
	{
		if ((bytes[i] & 0xC0) != 0x80)
			n = 1;
	}
	*len = n;
	return n == 1 ? bytes[0] : utf8_to_unicode(bytes);
}

bool
utf8_is_blank(uint32 c)
{
	return c == ' ' || c == 0x00A0 || c == 0x1680 ||
		(c >= 0x2000 && c <= 0x200A) || c == 0x202F || c == 0x205F ||
		c == 0x3000;
}

bool
utf8_is_control(uint32 c)
{
	return c < ' ' || (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029;
}

bool
utf8_is_invisible(uint32 c)
{
	return c == 0x00AD || c == 0x034F || c == 0x061C || c == 0x180E ||
		(c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
		(c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

bool
utf8_is_empty(const char *text)
{
	int			len;

	for (; *text; text +=len)
	{
		uint32		c = utf8_read(text, &len);

		if (!utf8_is_blank(c) && !utf8_is_control(c) && !utf8_is_invisible(c))
			return false;
	}
	return true;
}

char *
utf8_quote(const char *text, int max)
{
	StringInfoData buf;

	initStringInfo(&buf);
	while (*text)
	{
		int			len;
		uint32		c = utf8_read(text, &len);

		if (buf.len + len > max)
		{
			appendStringInfoString(&buf, "...");
			break;
		}
		if (utf8_is_control(c) || utf8_is_invisible(c))
			appendStringInfo(&buf, "<U+%04X>", c);
		else
			appendBinaryStringInfo(&buf, text, len);
		text	  +=len;
	}
	return buf.data;
}

char *
to_utf8(const char *text)
{
	return pstrdup(pg_server_to_any(text, strlen(text), PG_UTF8));
}

int
utf8_digit(uint32 c)
{
	static const uint32 zeros[] = {
		'0',
		0x0660,					/* Arabic-Indic */
		0x06F0,					/* Persian, Urdu */
		0x0966,					/* Devanagari */
		0x09E6,					/* Bengali */
		0xFF10					/* full width */
	};

	for (int i = 0; i < lengthof(zeros); i++)
	{
		if (c >= zeros[i] && c <= zeros[i] + 9)
			return (int) (c - zeros[i]);
	}
	return -1;
}
