/*
 * transfer_options.c
 *	  The options that HTTP and mail have in common, and their callbacks.
 *
 * Runs in a worker.  The callbacks run below libcurl's frames, so none may
 * raise an error: they note a failure in the Transfer and make libcurl give
 * up.
 */
#include "postgres.h"
#include "compat.h"

#include "transfer/transfer_budget.h"
#include "transfer/transfer_buffer.h"
#include "transfer/transfer_guard.h"
#include "transfer/transfer_options.h"
#include "transfer/transfer_os.h"

/* Notes the failure and drops what was read, which nobody will use. */
static void
fail_too_large(Transfer *t)
{
	transfer_fail(t, FAILURE_TOO_LARGE, TOO_LARGE_TEXT,
				  t->max_response_size);
	buffer_free(&t->answer);
	budget_count(t);
}

/*
 * libcurl's callback: a piece of the body.  Returns less than it was given to
 * make libcurl give up.
 */
static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
	Transfer   *t = arg;
	size_t		len = size * n;

	if (t->answer.len + len > t->max_response_size)
	{
		fail_too_large(t);
		return 0;
	}
	if (!budget_allows(t, len))
		return CURL_WRITEFUNC_PAUSE;
	if (!buffer_append(t, &t->answer, data, len))
		return 0;
	budget_count(t);
	return len;
}

/*
 * libcurl's callback: it has a connection, whose TLS is verified, and sends
 * the request next.  It calls again if a reused connection turned out to be
 * broken and it sends the request on another.
 */
static int
on_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	Transfer   *t = arg;

	/* also for a reused connection: the settings may have changed since */
	if (!guard_connection(t, ip, port))
		return CURL_PREREQFUNC_ABORT;
	/* the first sending may have arrived */
	if (t->request_begun && t->once)
	{
		transfer_fail(t, FAILURE_BROKEN,
					  "the connection was closed before an answer came");
		return CURL_PREREQFUNC_ABORT;
	}
	t->request_begun = true;
	return CURL_PREREQFUNC_OK;
}

CURLcode
common_options(Transfer *t, curl_write_callback header_callback)
{
	CURLcode	rc = guard_options(t);
	int64		left = t->timeout_ms - (monotonic_ms() - t->started_ms);
	long		timeout = (long) Max(left, 1);	/* 0 would mean no limit */

	SET(CURLOPT_PRIVATE, t);
	SET(CURLOPT_ERRORBUFFER, t->curl_error);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_URL, t->url);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_TIMEOUT_MS, timeout);
	SET(CURLOPT_CONNECTTIMEOUT_MS, Min((long) t->connect_timeout_ms,
									   timeout));
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_PREREQFUNCTION, on_request);
	SET(CURLOPT_PREREQDATA, t);
	SET(CURLOPT_HEADERFUNCTION, header_callback);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	if (t->username != NULL)
		SET(CURLOPT_USERNAME, t->username);
	if (t->password != NULL)
		SET(CURLOPT_PASSWORD, t->password);
	return rc;
}
