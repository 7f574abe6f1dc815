/*
 * transfer_redirect.c
 *	  Which redirects of an HTTP exchange are followed, and with what.
 *
 * Runs in a worker, outside libcurl's callbacks.  libcurl's own way of
 * following redirects is off: it would send our headers to whatever host an
 * answer names, and turn a POST into a GET.  Here it is decided whether a
 * redirect is followed; if it is, the transfer is given to libcurl again with
 * the new URL.
 *
 * Not followed are a redirect that would drop the method or the body, one
 * from https to http, and one after MAX_REDIRECTS others.
 *
 * Headers that a step or a connection has set go to the scheme, host and port
 * of the request's URL alone.  After a redirect has left them, the headers are
 * not sent any more, even if a later redirect leads back: another server has
 * chosen that URL.
 *
 * A request with secrets is redirected only to URLs below secrets_below.  A
 * redirect to another URL is not followed, not even without the secrets: the
 * answer would be that to another request.
 *
 * The guard judges the address of the new URL like that of the first
 * (transfer_guard.c).
 */
#include "postgres.h"
#include "compat.h"

#include "transfer/transfer_budget.h"
#include "transfer/transfer_buffer.h"
#include "transfer/transfer_redirect.h"
#include "transfer/transfer_text.h"
#include "transfer/url.h"

/* Does the status say that the resource is at another address? */
static bool
is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 ||
		status == 307 || status == 308;
}

/*
 * How the request would differ from the first if the redirect was followed as
 * RFC 9110, 15.4 says; NULL if it would not.
 */
static const char *
what_is_lost(const Transfer *t, long status)
{
	bool		safe = strcmp(t->method, "GET") == 0 ||
		strcmp(t->method, "HEAD") == 0;

	if (status == 307 || status == 308)
		return NULL;
	if (!safe)
		return psprintf("and following it would turn the %s into a GET: "
						"use that address", t->method);
	if (status == 303 && t->body != NULL)
		return "and following it would drop the body";
	return NULL;
}

/* The value of the answer's first Location in the current context, or NULL. */
static char *
location(const Transfer *t)
{
	static const char name[] = "\nlocation:";
	const char *end = t->head.data + t->head.len;

	for (const char *p = t->head.data; p != NULL && p < end; p++)
	{
		const char *value = p + strlen(name);
		const char *stop;

		if (pg_strncasecmp(p, name, strlen(name)) != 0)
			continue;
		value += strspn(value, " \t");
		stop = value + strcspn(value, "\r\n");
		while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		return stop > value ? pnstrdup(value, stop - value) : NULL;
	}
	return NULL;
}

/* Why the redirect is not followed, to stand after its URL; or NULL. */
static const char *
why_not(const Transfer *t, long status, const char *to)
{
	const char *problem = url_problem(to, "http", false);

	if (problem != NULL)
		return psprintf("which %s", problem);
	if (strlen(to) > MAX_URL)
		return "which is too long";
	if (what_is_lost(t, status) != NULL)
		return what_is_lost(t, status);
	if (!t->follow_redirects)
		return "which is not followed";
	if (pg_strncasecmp(t->url, "https:", 6) == 0 &&
		pg_strncasecmp(to, "https:", 6) != 0)
		return "and none is followed from https to http";
	/* url_within() compares scheme, host and port too */
	if ((t->secrets != NIL || t->username != NULL) &&
		(t->secrets_below == NULL || !url_within(to, t->secrets_below)))
		return "where the connection's credentials do not go";
	return NULL;
}

/* Makes t ready to be sent to another URL, without its fragment. */
static void
move(Transfer *t, const char *to)
{
	char	   *url = pnstrdup(to, strcspn(to, "#"));

	if (strcmp(url_origin(url), url_origin(t->url)) != 0)
		t->left_origin = true;
	t->url = url;
	t->redirects++;
	t->head_total_before = t->head_total;
	t->head.len = 0;
	t->head_lines = 0;
	buffer_free(&t->answer);
	budget_count(t);
	t->request_begun = t->resent = false;
	t->socket_opened = false;
	t->refused_address[0] = '\0';
}

bool
redirect_follow(Transfer *t, CURLcode code)
{
	MemoryContext old;
	char	   *reference;
	char	   *to;
	const char *reason = NULL;
	long		status = 0;
	bool		follow = false;

	Assert(t->protocol == TRANSFER_HTTP);
	if (code != CURLE_OK || t->failure != FAILURE_NONE)
		return false;
	(void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!is_redirect(status))
		return false;
	old = MemoryContextSwitchTo(t->context);
	reference = location(t);
	to = reference != NULL ? url_resolve(t->url, reference) : NULL;
	if (to != NULL)
		reason = why_not(t, status, to);
	else if (reference != NULL)
		reason = "which is no URL";
	if (reason != NULL)
	{
		char	   *text = psprintf("redirects to \"%s\", %s",
									to != NULL ? to : reference, reason);

		t->response.redirect = transfer_clean_text(t, text, strlen(text));
	}
	else if (to != NULL && t->redirects >= MAX_REDIRECTS)
		transfer_fail(t, FAILURE_TOO_LARGE, "more than %d redirects",
					  MAX_REDIRECTS);
	else if (to != NULL)
	{
		move(t, to);
		follow = true;
	}
	MemoryContextSwitchTo(old);
	return follow;
}
