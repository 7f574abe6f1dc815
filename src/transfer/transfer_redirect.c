/*
 * transfer_redirect.c
 *	  Which redirects of an HTTP exchange are followed, and with what.
 *
 * Runs in a worker, outside libcurl's callbacks.  libcurl would send a header
 * of any name to whatever host an answer names, and turns a POST into a GET.
 * So it follows nothing; what an answer asks for is decided here, and sent as
 * a new request of the same transfer.
 *
 * A redirect that would drop the method or the body is not followed, nor one
 * from https to http, nor one past MAX_REDIRECTS.  Headers that a step or a
 * connection has set stay with the scheme, host and port that they were set
 * for; once a redirect has left it they do not come back, since what is asked
 * for then is what another server has named.  Secrets go only to URLs below
 * secrets_below: a redirect to anywhere else is not followed, for without them
 * the answer would be that of another request.
 *
 * The address that the new URL leads to is judged when it is connected to,
 * like that of the first (transfer_guard.c).
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

/* Would what is sent next differ from what was sent?  If so, how. */
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

/* The value of the answer's first Location, or NULL. */
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

/* Why the redirect is not followed, or NULL. */
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
	if ((t->secrets != NIL || t->username != NULL) &&
		(t->secrets_below == NULL || !url_within(to, t->secrets_below)))
		return "where the connection's credentials do not go";
	return NULL;
}

/* Makes t ready to be sent to another URL. */
static void
move(Transfer *t, const char *to)
{
	char	   *url = pnstrdup(to, strcspn(to, "#"));

	if (strcmp(url_origin(url), url_origin(t->url)) != 0)
		t->elsewhere = true;
	t->url = url;
	t->redirects++;
	t->head_before = t->head_total;
	t->head.len = 0;
	t->head_lines = 0;
	buffer_free(&t->answer);
	budget_count(t);
	t->begun = t->again = false;
	t->opened = false;
	t->shut[0] = '\0';
}

/*
 * Does the answer that has come lead on?  True: t is ready to be launched
 * again.  False if it is no redirect or is not followed; t->response.redirect
 * says why.
 */
bool
redirect_follow(Transfer *t, CURLcode code)
{
	MemoryContext old;
	char	   *reference;
	char	   *to;
	const char *reason = NULL;
	long		status = 0;
	bool		follow = false;

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
