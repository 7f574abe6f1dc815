/*
 * escape.h
 *	  Text made safe for a URL, HTML, Slack, Markdown and mail addresses.
 */
#ifndef WF_ESCAPE_H
#define WF_ESCAPE_H

#include "postgres.h"
#include "lib/stringinfo.h"

/* How a rendered value is escaped: by what it is put into. */
typedef enum TemplateEscape
{
	ESCAPE_NONE,
	ESCAPE_URL,					/* percent-encoded, unless the template begins
								 * the text */
	ESCAPE_PATH,				/* percent-encoded; a template that begins the
								 * text keeps its slashes */
	ESCAPE_HTML,
	ESCAPE_SLACK,				/* & < > */
	ESCAPE_MARKDOWN,			/* of an Adaptive Card of Teams */
	ESCAPE_ADDRESS,				/* for a list of mail addresses, unless the
								 * template is the whole text */

	/* Of JSON: each member's value as the member needs it. */
	ESCAPE_BLOCKS,				/* of a message to Slack */
	ESCAPE_CARD					/* an Adaptive Card */
} TemplateEscape;

/*
 * The state of a reader of a list of mail addresses; zeroed at the beginning
 * of the list.
 */
typedef struct AddressScan
{
	bool		quoted;
	bool		escaped;		/* in quotes, after a backslash */
	bool		angled;			/* between < and > */
} AddressScan;

/* Reads one byte of the list.  Does it end an address? */
static inline bool
address_scan(AddressScan *scan, char c)
{
	if (scan->escaped)
		scan->escaped = false;
	else if (scan->quoted)
	{
		scan->escaped = c == '\\';
		scan->quoted = c != '"';
	}
	else if (c == '"')
		scan->quoted = true;
	else if (c == '<' || c == '>')
		scan->angled = c == '<';
	else if ((c == ',' || c == ';') && !scan->angled)
	{
		memset(scan, 0, sizeof(*scan));
		return true;
	}
	return false;
}

/*
 * Appends len bytes of text, escaped.  ESCAPE_URL encodes every byte of the
 * text in UTF-8 but the unreserved characters (RFC 3986, section 2.3), and
 * ESCAPE_PATH every byte but these and the slash.
 * ESCAPE_ADDRESS depends on what is in buf: the list of mail addresses to
 * which the text is appended.  ESCAPE_BLOCKS and ESCAPE_CARD are none of a
 * text: see template.h.
 */
extern void escape_append(StringInfo buf, const char *text, int len,
						  TemplateEscape escape);

#endif							/* WF_ESCAPE_H */
