/*
 * url.c
 *	  Parsing, comparing and building URLs.
 *
 * Pure: text in, text out, in the current memory context.  Any process.
 *
 * URLs are parsed by libcurl's parser, which is also the one that is used when
 * the request is sent.  With another parser, a URL could be checked for one
 * host and sent to another.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>
#include <curl/curl.h>

#include "base/escape.h"
#include "transfer/url.h"

/* A palloc'd copy of a part of a parsed URL; "" if it has no such part. */
static char *
get_part(CURLU *parsed, CURLUPart part, unsigned int flags)
{
	char	   *value = NULL;
	char	   *copy;

	if (curl_url_get(parsed, part, &value, flags) != CURLUE_OK)
		return pstrdup("");
	copy = pstrdup(value);
	curl_free(value);
	return copy;
}

/*
 * Has it a control character or a space, which some parsers remove, or a
 * backslash, which some take for a slash?
 */
static bool
has_bad_byte(const char *url)
{
	for (; *url; url++)
	{
		if ((unsigned char) *url <= ' ' || *url == 0x7f || *url == '\\')
			return true;
	}
	return false;
}

/*
 * Parses a URL without credentials; NULL if it is not one.  The caller frees
 * it with curl_url_cleanup().
 */
static CURLU *
parse(const char *url)
{
	CURLU	   *parsed = has_bad_byte(url) ? NULL : curl_url();

	if (parsed != NULL &&
		curl_url_set(parsed, CURLUPART_URL, url,
					 CURLU_DISALLOW_USER | CURLU_PATH_AS_IS |
					 CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
	{
		curl_url_cleanup(parsed);
		return NULL;
	}
	return parsed;
}

const char *
url_problem(const char *url, const char *scheme, bool base)
{
	CURLU	   *parsed = parse(url);
	const char *problem = NULL;
	char	   *found;

	if (parsed == NULL)
		return "is not an absolute URL without credentials";
	found = get_part(parsed, CURLUPART_SCHEME, 0);
	if (strncmp(found, scheme, 4) != 0 ||
		(found[4] != '\0' && strcmp(found + 4, "s") != 0))
		problem = strcmp(scheme, "smtp") == 0
			? "is neither an smtp nor an smtps URL"
			: "is neither an http nor an https URL";
	else if (base && (strchr(url, '?') != NULL || strchr(url, '#') != NULL))
		problem = "must have neither a query nor a fragment";
	curl_url_cleanup(parsed);
	return problem;
}

/*
 * Decodes each %XX in place, once.  False if there was none.  %00 becomes ";":
 * some servers end a segment at either.
 */
static bool
percent_decode(char *text)
{
	char	   *to = text;
	bool		any = false;

	for (const char *from = text; *from; from++)
	{
		unsigned int byte;

		if (from[0] == '%' && isxdigit((unsigned char) from[1]) &&
			isxdigit((unsigned char) from[2]) &&
			sscanf(from + 1, "%2x", &byte) == 1)
		{
			*to++ = byte != 0 ? (char) byte : ';';
			from += 2;
			any = true;
		}
		else
			*to++ = *from;
	}
	*to = '\0';
	return any;
}

/* Is a segment of the path "." or "..", written as such? */
static bool
has_plain_dot_segment(const char *path)
{
	bool		found = false;

	for (const char *segment = path; segment != NULL && !found;)
	{
		size_t		len = strcspn(segment, "/\\");

		/* ";" begins a parameter, which some servers cut off */
		size_t		name = Min(len, strcspn(segment, ";"));

		found = (name == 1 && segment[0] == '.') ||
			(name == 2 && segment[0] == '.' && segment[1] == '.');
		segment = segment[len] != '\0' ? segment + len + 1 : NULL;
	}
	return found;
}

/*
 * The same, also if it is written with %2e or %2f, or with %252e: a proxy may
 * decode once and the server behind it once more.
 */
static bool
has_dot_segment(const char *path)
{
	char	   *decoded = pstrdup(path);
	bool		found;

	do
		found = has_plain_dot_segment(decoded);
	while (!found && percent_decode(decoded));
	pfree(decoded);
	return found;
}

/* Is the part the same in both, in any case of letters? */
static bool
same_part(CURLU *a, CURLU *b, CURLUPart part, unsigned int flags)
{
	char	   *x = get_part(a, part, flags);
	char	   *y = get_part(b, part, flags);

	return pg_strcasecmp(x, y) == 0;
}

bool
url_within(const char *url, const char *base)
{
	CURLU	   *u = parse(url);
	CURLU	   *b = parse(base);
	bool		within = false;

	if (u != NULL && b != NULL &&
		same_part(u, b, CURLUPART_SCHEME, 0) &&
		same_part(u, b, CURLUPART_HOST, 0) &&
		same_part(u, b, CURLUPART_PORT, CURLU_DEFAULT_PORT))
	{
		char	   *path = get_part(u, CURLUPART_PATH, 0);
		char	   *prefix = get_part(b, CURLUPART_PATH, 0);
		size_t		len = strlen(prefix);

		while (len > 0 && prefix[len - 1] == '/')
			len--;
		within = strncmp(path, prefix, len) == 0 &&
			(path[len] == '/' || path[len] == '\0') &&
			!has_dot_segment(path);
	}
	curl_url_cleanup(u);
	curl_url_cleanup(b);
	return within;
}

char *
url_origin(const char *url)
{
	CURLU	   *parsed = parse(url);
	char	   *origin;

	if (parsed == NULL)
		return pstrdup("");
	origin = psprintf("%s://%s:%s", get_part(parsed, CURLUPART_SCHEME, 0),
					  get_part(parsed, CURLUPART_HOST, 0),
					  get_part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT));
	curl_url_cleanup(parsed);
	for (char *p = origin; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	return origin;
}

char *
url_resolve(const char *base, const char *reference)
{
	CURLU	   *parsed = parse(base);
	char	   *url = NULL;

	if (parsed == NULL)
		return NULL;
	if (curl_url_set(parsed, CURLUPART_URL, reference,
					 CURLU_URLENCODE | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
		url = get_part(parsed, CURLUPART_URL, 0);
	curl_url_cleanup(parsed);
	return url != NULL && url[0] != '\0' ? url : NULL;
}

char *
url_join(const char *base, const char *path)
{
	int			len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	while (*path == '/')
		path++;
	return psprintf("%.*s/%s", len, base, path);
}

void
url_add_query(StringInfo url, const char *name, const char *value)
{
	char		last = url->len > 0 ? url->data[url->len - 1] : '\0';

	if (strchr(url->data, '?') == NULL)
		appendStringInfoChar(url, '?');
	else if (last != '?' && last != '&')
		appendStringInfoChar(url, '&');
	escape_append(url, name, strlen(name), ESCAPE_URL);
	appendStringInfoChar(url, '=');
	escape_append(url, value, strlen(value), ESCAPE_URL);
}
