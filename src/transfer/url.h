/*
 * url.h
 *	  Parsing, comparing and building URLs.  Pure.
 */
#ifndef WF_URL_H
#define WF_URL_H

#include "postgres.h"
#include "lib/stringinfo.h"

/*
 * NULL, or what is wrong with a URL, to stand after its name ('is neither an
 * http nor an https URL').  It must be absolute and without credentials.
 * scheme is "http" or "smtp" and allows its TLS form too.  With base, it must
 * have neither a query nor a fragment.  Palloc'd or constant.
 */
extern const char *url_problem(const char *url, const char *scheme,
							   bool base);

/*
 * Is url below base?  It is if scheme, host and port are the same, and url's
 * path begins with whole segments that are base's path, and has no segment
 * "." or ".." in any spelling, with which a server would leave base again.
 */
extern bool url_within(const char *url, const char *base);

/*
 * Scheme, host and port of a URL, in lower case: "https://example.com:443".
 * "" if the URL cannot be parsed.  Palloc'd.
 */
extern char *url_origin(const char *url);

/*
 * The absolute URL that a reference, such as the value of a Location, means
 * in the answer to a request for base.  Characters that must be encoded are.
 * Palloc'd; NULL if reference is none.
 */
extern char *url_resolve(const char *base, const char *reference);

/* base and path with exactly one slash between them.  Palloc'd. */
extern char *url_join(const char *base, const char *path);

/* Appends "?name=value" or "&name=value" to a URL, encoded. */
extern void url_add_query(StringInfo url, const char *name,
						  const char *value);

#endif							/* WF_URL_H */
