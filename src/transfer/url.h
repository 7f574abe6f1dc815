/*
 * url.h
 *	  Parsing, comparing and building URLs.  Pure.
 */
#ifndef WF_URL_H
#define WF_URL_H

#include "postgres.h"
#include "lib/stringinfo.h"

/*
 * NULL, or what is wrong with an absolute URL, to follow its name ('is not
 * a http or https URL').  schemes is "http" or "smtp"; each allows its TLS
 * form too.  A base may have neither query nor fragment.
 */
extern const char *url_problem(const char *url, const char *scheme,
							   bool base);

/*
 * Is url below base: the same scheme, host and port, and a path that begins
 * with base's at a segment's end, with no ".." in any spelling?
 */
extern bool url_within(const char *url, const char *base);

/*
 * Scheme, host and port of a URL without a problem, in lower case:
 * "https://example.com:443".  Palloc'd.
 */
extern char *url_origin(const char *url);

/*
 * The absolute URL that a reference (the value of a Location) means if base
 * was asked for; what must be encoded in it is.  Palloc'd; NULL if it is none.
 */
extern char *url_resolve(const char *base, const char *reference);

/* base and path with exactly one slash between them.  Palloc'd. */
extern char *url_join(const char *base, const char *path);

/* Adds "?name=value" or "&name=value", encoded. */
extern void url_add_query(StringInfo url, const char *name,
						  const char *value);

#endif							/* WF_URL_H */
