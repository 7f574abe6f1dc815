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
	ESCAPE_SLACK				/* & < > */
} TemplateEscape;

/*
 * Appends text[0..len), escaped.  ESCAPE_URL encodes every byte of the text
 * in UTF-8 but the unreserved characters (RFC 3986, section 2.3).
 */
extern void escape_append(StringInfo buf, const char *text, int len,
						  TemplateEscape escape);

#endif							/* WF_ESCAPE_H */
