/*
 * mime.c
 *	  Headers of a mail as text (RFC 5322, 2047).
 *
 * Pure: text in, text out, in the current memory context.  Any process.
 *
 * ASCII is written as it is, folded at spaces.  Other text becomes encoded
 * words of at most 75 characters, each of which has whole characters.
 */
#include "postgres.h"
#include "compat.h"

#include "base/mime.h"
#include "common/base64.h"
#include "common/string.h"
#include "lib/stringinfo.h"

#define LINE_LENGTH 76
#define ENCODED_WORD_BYTES 42	/* 56 letters of base64 with =?UTF-8?B? ?= */
#define MAX_ASCII_WORD 900		/* RFC 5322: a line has at most 998 */
#define MAX_BARE_NAME 400		/* not folded, and quotes may double it */

bool
mime_is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9') || IS_HIGHBIT_SET(c);
}

bool
mime_is_atext(char c)
{
	return mime_is_letter_or_digit(c) ||
		(c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

bool
mime_header_name_valid(const char *name)
{
	const char *p;

	if (name == NULL || name[0] == '\0' || strlen(name) > 200)
		return false;
	for (p = name; *p; p++)
	{
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			  (*p >= '0' && *p <= '9') ||
			  strchr("!#$%&'*+-.^_`|~", *p) != NULL))
			return false;
	}
	return true;
}

bool
mime_header_value_valid(const char *value, bool folded)
{
	if (value == NULL)
		return false;
	for (const char *p = value; *p; p++)
	{
		if (folded && p[0] == '\r' && p[1] == '\n' &&
			(p[2] == ' ' || p[2] == '\t'))
			p += 2;
		else if (((unsigned char) *p < ' ' && *p != '\t') || *p == 0x7f)
			return false;
	}
	return true;
}

/* Length of the UTF-8 character at text, never past the end. */
static int
utf8_length(const char *text)
{
	int			len = 1;

	if (IS_HIGHBIT_SET(*text))
	{
		while (len < 4 && ((unsigned char) text[len] & 0xC0) == 0x80)
			len++;
	}
	return len;
}

/* Appends text as encoded words, one on each line. */
static void
append_encoded_words(StringInfo buf, const char *text, int len)
{
	int			at = 0;

	do
	{
		char		encoded[ENCODED_WORD_BYTES * 2];
		int			take = 0;
		int			n;

		while (at + take < len &&
			   take + utf8_length(text + at + take) <= ENCODED_WORD_BYTES)
			take += utf8_length(text + at + take);
		n = pg_b64_encode((const void *) (text + at), take,
						  (void *) encoded, sizeof(encoded));
		appendStringInfo(buf, "%s=?UTF-8?B?%.*s?=", at > 0 ? "\r\n " : "",
						 n, encoded);
		at += take;
	} while (at < len);
}

/*
 * Must the text be encoded?  It must if it is not ASCII, if it has "=?", which
 * begins an encoded word, or a word too long for a line.
 */
static bool
needs_encoding(const char *text)
{
	int			word = 0;

	if (!pg_is_ascii(text) || strstr(text, "=?") != NULL)
		return true;
	for (; *text; text++)
	{
		word = *text == ' ' ? 0 : word + 1;
		if (word > MAX_ASCII_WORD)
			return true;
	}
	return false;
}

char *
mime_encode_text(const char *text, int used)
{
	StringInfoData buf;
	int			column = used;

	initStringInfo(&buf);
	if (needs_encoding(text))
	{
		append_encoded_words(&buf, text, strlen(text));
		return buf.data;
	}
	while (*text)
	{
		/* a word and the white space before it */
		int			space = strspn(text, " \t");
		int			len = space + strcspn(text + space, " \t");

		/* a line of white space alone would not be one of this header */
		if (column + len > LINE_LENGTH && space > 0 && len > space &&
			column > used)
		{
			appendStringInfoString(&buf, "\r\n");
			column = 0;
		}
		appendBinaryStringInfo(&buf, text, len);
		column += len;
		text += len;
	}
	return buf.data;
}

/* Appends a display name: as it is, in quotes, or encoded. */
static void
append_name(StringInfo buf, const char *name)
{
	const char *p = name;

	if (needs_encoding(name) || strlen(name) > MAX_BARE_NAME)
	{
		append_encoded_words(buf, name, strlen(name));
		return;
	}
	while (mime_is_atext(*p) || *p == ' ')
		p++;
	if (*p == '\0')
	{
		appendStringInfoString(buf, name);
		return;
	}
	appendStringInfoChar(buf, '"');
	for (p = name; *p; p++)
	{
		if (*p == '"' || *p == '\\')
			appendStringInfoChar(buf, '\\');
		appendStringInfoChar(buf, *p);
	}
	appendStringInfoChar(buf, '"');
}

char *
mime_format_addresses(const List *addresses)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, addresses)
	{
		const MailAddress *address = lfirst(lc);

		if (buf.len > 0)
			appendStringInfoString(&buf, ",\r\n ");
		if (address->name == NULL)
			appendStringInfoString(&buf, address->address);
		else
		{
			append_name(&buf, address->name);
			appendStringInfo(&buf, " <%s>", address->address);
		}
	}
	return buf.data;
}

char *
mime_date(pg_time_t when)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct pg_tm *tm = pg_gmtime(&when);

	if (tm == NULL)
		return pstrdup("Thu, 01 Jan 1970 00:00:00 +0000");
	return psprintf("%.3s, %02d %.3s %04d %02d:%02d:%02d +0000",
					days + 3 * tm->tm_wday, tm->tm_mday,
					months + 3 * tm->tm_mon, tm->tm_year + 1900,
					tm->tm_hour, tm->tm_min, tm->tm_sec);
}
