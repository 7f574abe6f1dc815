/*
 * guard.c
 *	  Who asks, and whether the browser asks on behalf of our page.
 *
 * Host is checked for every answer: a page of another name that resolves to
 * this machine sends that name.  Origin and Sec-Fetch-Site are checked for the
 * API.  Pure functions of a request and the configuration; nothing is kept.
 */
#include "guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "text.h"

/* Host is that of url, or, if url is this machine, one of its names. */
bool
guard_host(const Config *config, const Request *request)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
	Span		host = request->header[HEADER_HOST];
	char		name[64];

	if (span_is_word(host, config->url_host))
		return true;
	for (int i = 0; config->url_loopback && i < 3; i++)
	{
		snprintf(name, sizeof(name), "%s:%d", names[i], config->url_port);
		if (config->url_port == 80)
			*strrchr(name, ':') = '\0';
		if (span_is_word(host, name))
			return true;
	}
	return false;
}

/*
 * Whether Origin is ours: it must be there in a POST, and must agree wherever
 * it is there; so must Sec-Fetch-Site.  The Host has been checked.
 */
bool
guard_origin(const Config *config, const Request *request)
{
	Span		origin = request->header[HEADER_ORIGIN];
	Span		host = request->header[HEADER_HOST];
	Span		site = request->header[HEADER_SEC_FETCH_SITE];

	if (site.data != NULL && !span_is(site, "same-origin"))
		return false;
	if (origin.data == NULL)
		return !request->is_post;
	if (span_is_word(origin, config->url))
		return true;
	return config->url_loopback && origin.len == host.len + 7 &&
		strncasecmp(origin.data, "http://", 7) == 0 &&
		strncasecmp(origin.data + 7, host.data, host.len) == 0;
}

/* Whether the body is of that type, as UTF-8 if a charset is named. */
bool
guard_type(const Request *request, const char *type)
{
	Span		is = request->header[HEADER_CONTENT_TYPE];
	size_t		len = strlen(type);
	Span		rest;

	if (is.data == NULL || is.len < len ||
		strncasecmp(is.data, type, len) != 0)
		return false;
	rest.data = is.data + len;
	rest.len = is.len - len;
	return rest.len == 0 || span_is_word(rest, "; charset=utf-8") ||
		span_is_word(rest, ";charset=utf-8");
}

/* The last element of a list, which is cut off it; false: it is no address. */
static bool
last_address(Span *list, char *address)
{
	struct in6_addr binary;
	size_t		at = list->len;
	Span		one;
	char		text[ADDRESS_SIZE];
	int			family;

	while (at > 0 && list->data[at - 1] != ',')
		at--;
	one.data = list->data + at;
	one.len = list->len - at;
	list->len = at > 0 ? at - 1 : 0;
	while (one.len > 0 && strchr(" \t", one.data[0]) != NULL)
		one.data++, one.len--;
	while (one.len > 0 && strchr(" \t", one.data[one.len - 1]) != NULL)
		one.len--;
	if (one.len == 0 || one.len >= sizeof(text))
		return false;
	memcpy(text, one.data, one.len);
	text[one.len] = '\0';
	family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton(family, text, &binary) == 1 &&
		inet_ntop(family, &binary, address, ADDRESS_SIZE) != NULL;
}

/*
 * Writes the address that asks, ADDRESS_SIZE bytes.  peer is that of the
 * connection, or "local" of a Unix socket.  What X-Forwarded-For says is
 * believed from there and from trusted proxies alone: its last address that is
 * none of them.
 */
void
guard_address(const Config *config, const Request *request, const char *peer,
			  char *address)
{
	Span		list = request->header[HEADER_FORWARDED_FOR];
	char		one[ADDRESS_SIZE];

	snprintf(address, ADDRESS_SIZE, "%s", peer);
	if (strcmp(peer, "local") != 0 && !config_is_proxy(config, peer))
		return;
	while (list.data != NULL && list.len > 0)
	{
		if (!last_address(&list, one))
			return;
		snprintf(address, ADDRESS_SIZE, "%s", one);
		if (!config_is_proxy(config, one))
			return;
	}
}

/* The session's id in the cookie __Host-wf; false: there is none, or two. */
bool
guard_cookie(const Request *request, unsigned char *id)
{
	static const char name[] = "__Host-wf=";
	Span		rest = request->header[HEADER_COOKIE];
	int			found = 0;
	bool		ok = false;

	while (rest.data != NULL && rest.len > 0)
	{
		const char *end = memchr(rest.data, ';', rest.len);
		size_t		len = end ? (size_t) (end - rest.data) : rest.len;
		const char *one = rest.data;

		rest.data += len + (end ? 1 : 0);
		rest.len -= len + (end ? 1 : 0);
		while (len > 0 && *one == ' ')
			one++, len--;
		if (len < sizeof(name) - 1 || memcmp(one, name, sizeof(name) - 1) != 0)
			continue;
		found++;
		ok = text_unhex(id, SECRET_SIZE, one + sizeof(name) - 1,
						len - (sizeof(name) - 1));
	}
	return ok && found == 1;
}

bool
guard_token(const Request *request, unsigned char *token)
{
	Span		span = request->header[HEADER_TOKEN];

	return span.data != NULL &&
		text_unhex(token, SECRET_SIZE, span.data, span.len);
}

/* Copies what a tab or a slot is called, "" if it is not; false: no word. */
bool
guard_word(Span span, char *word)
{
	word[0] = '\0';
	if (span.data == NULL)
		return true;
	if (span.len == 0 || span.len >= GUARD_WORD)
		return false;
	memcpy(word, span.data, span.len);
	word[span.len] = '\0';
	return strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789_-") == span.len;
}

/* Reads the number of a request; 0 if it has none; false: it is no number. */
bool
guard_order(Span span, size_t *order)
{
	*order = 0;
	return span.data == NULL || span_number(span, 15, order);
}
