/*
 * transfer_result.c
 *	  From libcurl's verdict on a transfer to a Response.
 *
 * Runs in a worker, outside libcurl's callbacks.  What the server has sent is
 * stored and shown to people.  So headers and errors become valid text without
 * control characters (transfer_text.c), and if an answer repeats a credential
 * of its request, the credential is masked (transfer_mask.c).
 */
#include "postgres.h"
#include "compat.h"

#include "transfer/transfer_budget.h"
#include "transfer/transfer_buffer.h"
#include "transfer/transfer_guard.h"
#include "transfer/transfer_http.h"
#include "transfer/transfer_mask.h"
#include "transfer/transfer_result.h"
#include "transfer/transfer_text.h"

#define CONNECT_TIMEOUT_TEXT \
	"could not connect within %d ms (connect time-out, workflow_engine.connect_timeout)"

/* libcurl's own limit on one line (CURL_MAX_HTTP_HEADER) */
#define LONG_LINE_TEXT "a response header is over 102400 bytes"

#define CODE_TOO_LARGE 100		/* CURLE_TOO_LARGE, which 7.88 has not */

/* Adds "Name: value" to the headers, the name in lower case. */
static void
add_header(Transfer *t, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	const char *end = line + len;
	const char *value;
	NameValue  *header;

	if (colon == NULL || colon == line)
		return;
	value = colon + 1;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	header = palloc(sizeof(NameValue));
	header->name = transfer_clean_text(t, line, colon - line);
	for (char *p = header->name; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	header->value = transfer_clean_text(t, value, end - value);
	t->response.headers = lappend(t->response.headers, header);
}

/* The lines after the status line become the response's headers. */
static void
parse_headers(Transfer *t)
{
	const char *line = t->head.data;
	const char *end = line + t->head.len;
	bool		first = true;

	while (line < end)
	{
		const char *newline = memchr(line, '\n', end - line);
		const char *stop = newline != NULL ? newline : end;

		if (!first)
			add_header(t, line, stop - line);
		first = false;
		line = stop + 1;
	}
}

/*
 * Has libcurl given up because a line of headers is too long?  It reports that
 * memory is short, or from 8.6 on that something is too large.  If memory is
 * short in one of our callbacks, a failure is noted, and this is not asked.
 */
static bool
line_too_long(Transfer *t, CURLcode code)
{
	return t->protocol == TRANSFER_HTTP && t->request_begun &&
		(!t->head_ended || t->head.len == 0) &&
		(code == CURLE_OUT_OF_MEMORY || code == CODE_TOO_LARGE);
}

/* The failure that libcurl's verdict means. */
static TransferFailure
failure_of(Transfer *t, CURLcode code)
{
	if (line_too_long(t, code))
		return FAILURE_TOO_LARGE;
	switch (code)
	{
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_RESOLVE_PROXY:
			return FAILURE_RESOLVE;
		case CURLE_COULDNT_CONNECT:
			return FAILURE_CONNECT;
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_SSL_INVALIDCERTSTATUS:
		case CURLE_SSL_ENGINE_INITFAILED:
			return FAILURE_TLS;
		case CURLE_OPERATION_TIMEDOUT:
			return FAILURE_TIMEOUT;
		case CURLE_USE_SSL_FAILED:
		case CURLE_LOGIN_DENIED:
			return FAILURE_AUTH;
		case CURLE_FILESIZE_EXCEEDED:
			return FAILURE_TOO_LARGE;
		case CURLE_UNSUPPORTED_PROTOCOL:
		case CURLE_URL_MALFORMAT:
		case CURLE_FAILED_INIT:
			return FAILURE_REFUSED;
		default:
			return FAILURE_BROKEN;
	}
}

/* Which time-out it was, in the current memory context. */
static char *
timeout_text(Transfer *t)
{
	curl_off_t	spent = 0;

	if (t->request_begun)
		return psprintf(TIMEOUT_TEXT, (long long) t->timeout_ms);
	(void) curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &spent);
	if (t->connect_timeout_ms < t->timeout_ms &&
		spent / 1000 < t->timeout_ms)
		return psprintf(CONNECT_TIMEOUT_TEXT, t->connect_timeout_ms);
	return psprintf("could not connect within %lld ms (timeout of the step or workflow_engine.http_timeout)",
					(long long) t->timeout_ms);
}

/* The text of a failure that libcurl has found; in the current context. */
static char *
failure_text(Transfer *t, CURLcode code)
{
	if (code == CURLE_OPERATION_TIMEDOUT)
		return timeout_text(t);
	if (code == CURLE_FILESIZE_EXCEEDED)
		return psprintf(TOO_LARGE_TEXT, t->max_response_size);
	if (line_too_long(t, code))
		return pstrdup(LONG_LINE_TEXT);
	return pstrdup(t->curl_error[0] != '\0' ? t->curl_error
				   : curl_easy_strerror(code));
}

/* Fills failure and error of the response. */
static void
set_failure(Transfer *t, CURLcode code)
{
	Response   *r = &t->response;
	char	   *text;

	Assert(code != CURLE_OK || t->failure != FAILURE_NONE);
	if (t->failure != FAILURE_NONE)
	{
		r->failure = t->failure;
		text = t->failure_reason;
	}
	else
	{
		r->failure = failure_of(t, code);
		/* the request was sent, and what came back is no HTTP */
		if (r->failure == FAILURE_REFUSED && t->request_begun &&
			r->status == 0)
			r->failure = FAILURE_BROKEN;
		text = failure_text(t, code);
	}
	r->error = transfer_clean_text(t, text, strlen(text));
}

/*
 * A body that is not complete is dropped, but the status and the headers of
 * the answer are kept.
 */
static void
http_result(Transfer *t, CURLcode code)
{
	Response   *r = &t->response;
	long		status = 0;
	long		sent = 0;

	(void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	(void) curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
	r->status = (int) status;
	r->request_written = t->request_begun && sent > 0;
	parse_headers(t);
	if (t->failure != FAILURE_NONE ||
		(code != CURLE_OK && !http_answer_whole(t, code)))
	{
		set_failure(t, code);
		buffer_free(&t->answer);
		budget_count(t);
		return;
	}
	if (!t->answer_secret)
		mask_text(t, t->answer.data, t->answer.len);
	r->body = t->answer.data != NULL ? t->answer.data : pstrdup("");
	r->body_len = t->answer.len;
}

/*
 * A mail that the server has accepted is delivered, whatever came after.  A
 * reply of 400 or more is an answer and no failure, but for one that refuses
 * the login.
 */
static void
mail_result(Transfer *t, CURLcode code)
{
	Response   *r = &t->response;
	char	   *reply = transfer_clean_text(t, t->head.data ? t->head.data : "",
											t->head.len);

	r->status = t->reply;
	r->request_written = t->content_sent;
	r->body = reply;
	r->body_len = strlen(reply);
	if (t->mail_accepted)
		return;
	if (t->failure == FAILURE_NONE && t->reply >= 400 &&
		code != CURLE_OPERATION_TIMEDOUT)
	{
		r->failure = failure_of(t, code) == FAILURE_AUTH ? FAILURE_AUTH
			: FAILURE_NONE;
		r->error = reply;
	}
	else
		set_failure(t, code);
}

void
transfer_result(Transfer *t, CURLcode code)
{
	MemoryContext old = MemoryContextSwitchTo(t->context);

	Assert(t->easy != NULL);
	guard_result(t, code);
	if (t->protocol == TRANSFER_HTTP)
		http_result(t, code);
	else
		mail_result(t, code);
	MemoryContextSwitchTo(old);
}
