/*
 * escape.h
 *	  Text made safe for where it lands.
 */
#ifndef WF_ESCAPE_H
#define WF_ESCAPE_H

#include "postgres.h"
#include "lib/stringinfo.h"

/* Where a rendered value lands, and so how it is escaped. */
typedef enum TemplateEscape
{
	ESCAPE_NONE,
	ESCAPE_URL,					/* percent-encoded; a template that begins the
								 * text stands as it is */
	ESCAPE_HTML,
	ESCAPE_SLACK,				/* & < > */
	ESCAPE_MARKDOWN,			/* of an Adaptive Card of Teams */
	ESCAPE_ADDRESS				/* into a list of mail addresses; a template
								 * that is the whole text stands as it is */
} TemplateEscape;

/* Where a reader of a list of mail addresses is; zeroed at its beginning. */
typedef struct AddressScan
{
	bool		quoted;
	bool		escaped;		/* in quotes, after a backslash */
	bool		angled;
} AddressScan;

/* Takes one byte of the list.  Does it end an address? */
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
 * Appends text[0..len), escaped.  ESCAPE_URL encodes every byte of the text
 * in UTF-8 but the unreserved characters (RFC 3986, section 2.3).
 * ESCAPE_ADDRESS goes by what buf has already: a list of mail addresses that
 * this text goes on with.
 */
extern void escape_append(StringInfo buf, const char *text, int len,
						  TemplateEscape escape);

#endif							/* WF_ESCAPE_H */
