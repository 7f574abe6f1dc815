/*
 * escape.c
 *	  Text made safe for a URL, HTML, Slack, Markdown and mail addresses.
 *
 * Pure: text of the database's encoding in, text out.  Any process.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/escape.h"
#include "mb/pg_wchar.h"

/*
 * Percent-encodes the text in UTF-8 (RFC 3986, sections 2.1 and 2.3), but the
 * bytes that are in keep.
 */
static void
append_percent(StringInfo buf, const char *text, int len, const char *keep)
{
	static const char digits[] = "0123456789ABCDEF";
	char	   *utf8 = pg_server_to_any(text, len, PG_UTF8);

	if (utf8 != text)
		len = strlen(utf8);
	for (int i = 0; i < len; i++)
	{
		unsigned char c = utf8[i];

		if (!IS_HIGHBIT_SET(c) && c != '\0' &&
			(isalnum(c) || strchr(keep, c) != NULL))
			appendStringInfoCharMacro(buf, c);
		else
		{
			appendStringInfoCharMacro(buf, '%');
			appendStringInfoCharMacro(buf, digits[c >> 4]);
			appendStringInfoCharMacro(buf, digits[c & 0x0F]);
		}
	}
}

/* The entity for c, or NULL if it needs none; quotes need one if quotes. */
static const char *
entity(char c, bool quotes)
{
	switch (c)
	{
		case '&':
			return "&amp;";
		case '<':
			return "&lt;";
		case '>':
			return "&gt;";
		case '"':
			return quotes ? "&quot;" : NULL;
		case '\'':
			return quotes ? "&#39;" : NULL;
		default:
			return NULL;
	}
}

/* Replaces what has an entity. */
static void
append_entities(StringInfo buf, const char *text, int len, bool quotes)
{
	for (int i = 0; i < len; i++)
	{
		const char *replacement = entity(text[i], quotes);

		if (replacement != NULL)
			appendStringInfoString(buf, replacement);
		else
			appendStringInfoCharMacro(buf, text[i]);
	}
}

/*
 * Puts a backslash before each character that means something in Markdown.
 * Some do so only at the beginning of a line.  They get none elsewhere, so
 * that a date or a phone number is sent as people write it.  HTML becomes
 * entities.
 */
static void
append_markdown(StringInfo buf, const char *text, int len)
{
	bool		begins = true;	/* only blanks and digits in the line so far */
	bool		digits = false; /* ... and the last character is a digit */

	for (int i = 0; i < len; i++)
	{
		char		c = text[i];
		const char *html = entity(c, false);

		if (html != NULL)
			appendStringInfoString(buf, html);
		else if (strchr("\\`*_[]~|", c) != NULL ||
				 (begins && !digits && strchr("#-+=", c) != NULL) ||
				 (begins && digits && (c == '.' || c == ')')))
		{
			appendStringInfoCharMacro(buf, '\\');
			appendStringInfoCharMacro(buf, c);
		}
		else
			appendStringInfoCharMacro(buf, c);
		if (c == '\n' || c == '\r')
			begins = true;
		else if (!isdigit((unsigned char) c) && c != ' ' && c != '\t')
			begins = false;
		digits = begins && isdigit((unsigned char) c);
	}
}

/* May the text be put between < and > without quotes? */
static bool
is_bare_address(const char *text, int len)
{
	for (int i = 0; i < len; i++)
	{
		unsigned char c = text[i];

		if (!IS_HIGHBIT_SET(c) && !isalnum(c) &&
			(c == '\0' || strchr("!#$%&'*+-/=?^_`{|}~.@ ", c) == NULL))
			return false;
	}
	return true;
}

/*
 * Appends a value to a list of mail addresses.  Whatever the value has, it
 * stays a part of the one address that it is put into; otherwise a value could
 * add recipients.  Inside quotes its quotes are escaped.  Elsewhere it is put
 * into quotes if it could end the address.  If that makes the address invalid,
 * the parser of the list refuses it.
 */
static void
append_address(StringInfo buf, const char *text, int len)
{
	AddressScan scan = {0};
	bool		quote;

	/* whether the list so far ends in quotes or between < and > */
	for (int i = 0; i < buf->len; i++)
		(void) address_scan(&scan, buf->data[i]);
	if (scan.escaped)
		appendStringInfoChar(buf, '\\');
	quote = !scan.quoted;
	if (quote && scan.angled && is_bare_address(text, len))
		quote = false;
	else if (quote && !scan.angled)
	{
		quote = false;
		for (int i = 0; i < len; i++)
			quote = quote || strchr("\",;<>\\", text[i]) != NULL;
	}
	if (quote)
		appendStringInfoChar(buf, '"');
	for (int i = 0; i < len; i++)
	{
		if ((quote || scan.quoted) && (text[i] == '"' || text[i] == '\\'))
			appendStringInfoChar(buf, '\\');
		appendStringInfoChar(buf, text[i]);
	}
	if (quote)
		appendStringInfoChar(buf, '"');
}

void
escape_append(StringInfo buf, const char *text, int len,
			  TemplateEscape escape)
{
	switch (escape)
	{
		case ESCAPE_NONE:
			appendBinaryStringInfo(buf, text, len);
			break;
		case ESCAPE_URL:
			append_percent(buf, text, len, "-._~");
			break;
		case ESCAPE_PATH:
			append_percent(buf, text, len, "-._~/");
			break;
		case ESCAPE_HTML:
			append_entities(buf, text, len, true);
			break;
		case ESCAPE_SLACK:
			append_entities(buf, text, len, false);
			break;
		case ESCAPE_MARKDOWN:
			append_markdown(buf, text, len);
			break;
		case ESCAPE_ADDRESS:
			append_address(buf, text, len);
			break;
		case ESCAPE_BLOCKS:
		case ESCAPE_CARD:
			Assert(false);
			break;
	}
}
