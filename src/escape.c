/*
 * escape.c
 *	  Text made safe for a URL, for HTML and for Slack.
 *
 * Pure functions on text in the database's encoding.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "escape.h"
#include "mb/pg_wchar.h"

/* RFC 3986, sections 2.1 and 2.3. */
static void
append_percent(StringInfo buf, const char *text, int len)
{
	static const char digits[] = "0123456789ABCDEF";
	char	   *utf8 = pg_server_to_any(text, len, PG_UTF8);

	if (utf8 != text)
		len = strlen(utf8);
	for (int i = 0; i < len; i++)
	{
		unsigned char c = utf8[i];

		if (!IS_HIGHBIT_SET(c) &&
			(isalnum(c) || c == '-' || c == '.' || c == '_' || c == '~'))
			appendStringInfoCharMacro(buf, c);
		else
		{
			appendStringInfoCharMacro(buf, '%');
			appendStringInfoCharMacro(buf, digits[c >> 4]);
			appendStringInfoCharMacro(buf, digits[c & 0x0F]);
		}
	}
}

/* The entity for c, or NULL; quotes are text where quotes is false. */
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
			append_percent(buf, text, len);
			break;
		case ESCAPE_HTML:
			append_entities(buf, text, len, true);
			break;
		case ESCAPE_SLACK:
			append_entities(buf, text, len, false);
			break;
	}
}
