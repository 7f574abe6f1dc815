/*
 * transfer_http.c
 *	  One HTTP exchange: its options and what libcurl's callbacks keep of it.
 *
 * Runs in a worker.  The callback runs below libcurl's frames and must not
 * raise an error: it notes a failure in the Transfer and makes libcurl give
 * up.  Everything that is kept has a limit: the bytes and lines of headers,
 * the bytes of the body, the number of redirects, the time.
 *
 * What was not asked for is off: proxies of the environment, .netrc, cookies,
 * other protocols, credentials in a URL, other ways of authentication than
 * the given one, and decompression, with which a small answer could fill the
 * memory.
 */
#include "postgres.h"
#include "compat.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "transfer/transfer_buffer.h"
#include "transfer/transfer_http.h"
#include "transfer/transfer_options.h"
#include "transfer/transfer_os.h"

/*
 * A connection that was idle for longer, in seconds, is not reused.  libcurl
 * rounds the idle time down.  Servers close idle connections after 5 seconds
 * or more.  If a server closes one while a request is on its way, nobody
 * knows whether the request was carried out; so a request that may be sent
 * only once keeps a wider distance.
 */
#define MAX_IDLE_S 4L
#define MAX_IDLE_ONCE_S 2L

#define MAX_HEADERS 200			/* lines of one answer */
#define MAX_HEADER_LINES_ALL 4000	/* of all answers of one exchange */

/* A new answer begins: what an interim one has left is dropped. */
static void
answer_begins(Transfer *t)
{
	t->head.len = 0;
	t->head_lines = 0;
	t->head_ended = false;
	t->answer.len = 0;
}

/*
 * Are the headers of this exchange within the limits, with interim answers,
 * redirects and trailers?  If not, the failure is noted.  (libcurl has such a
 * limit from 8.6 on, of 5000 lines.)
 */
static bool
headers_within_limits(Transfer *t)
{
	if (t->head_total > MAX_HEADER_BYTES_ALL)
		transfer_fail(t, FAILURE_TOO_LARGE,
					  "the response headers are over %d bytes, interim answers and redirects included",
					  MAX_HEADER_BYTES_ALL);
	else if (t->head_lines_total > MAX_HEADER_LINES_ALL)
		transfer_fail(t, FAILURE_TOO_LARGE,
					  "the response headers are over %d lines, interim answers and redirects included",
					  MAX_HEADER_LINES_ALL);
	else
		return true;
	return false;
}

/* The same for the headers of one answer, with a line of len more bytes. */
static bool
head_within_limits(Transfer *t, size_t len)
{
	if (t->head.len + len > MAX_HEADER_BYTES)
		transfer_fail(t, FAILURE_TOO_LARGE,
					  "the response headers are over %d bytes",
					  MAX_HEADER_BYTES);
	/* the status line and the empty line count too */
	else if (++t->head_lines > MAX_HEADERS + 2)
		transfer_fail(t, FAILURE_TOO_LARGE,
					  "the response has more than %d headers", MAX_HEADERS);
	else
		return true;
	return false;
}

/*
 * libcurl's callback: one line of headers, or the empty line after them.
 * Returns less than it was given to make libcurl give up.
 */
static size_t
on_header(char *line, size_t size, size_t n, void *arg)
{
	Transfer   *t = arg;
	size_t		len = size * n;

	t->head_total += len;
	t->head_lines_total++;
	if (!headers_within_limits(t))
		return 0;
	if (t->head_ended)
	{
		if (len < 5 || memcmp(line, "HTTP/", 5) != 0)
			return len;			/* a trailer, which is not kept */
		answer_begins(t);
	}
	if (!head_within_limits(t, len))
		return 0;
	if (len > 0 && (line[0] == '\r' || line[0] == '\n'))
		t->head_ended = true;
	return buffer_append(t, &t->head, line, len) ? len : 0;
}

/* The method, and the body if there is one. */
static CURLcode
method_options(Transfer *t)
{
	CURLcode	rc = CURLE_OK;
	bool		post = strcmp(t->method, "POST") == 0;

	if (strcmp(t->method, "HEAD") == 0)
	{
		SET(CURLOPT_NOBODY, 1L);
		return rc;
	}
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) t->max_response_size);
	if (t->body != NULL || post || strcmp(t->method, "PUT") == 0 ||
		strcmp(t->method, "PATCH") == 0)
	{
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) t->body_len);
		SET(CURLOPT_POSTFIELDS, t->body != NULL ? t->body : "");
		if (!post)
			SET(CURLOPT_CUSTOMREQUEST, t->method);
	}
	else if (strcmp(t->method, "GET") != 0)
		SET(CURLOPT_CUSTOMREQUEST, t->method);
	return rc;
}

/*
 * HTTP/2 if the server offers it over TLS.  Several exchanges then share a
 * connection that is already open.  They do not wait for one that is being
 * opened (CURLOPT_PIPEWAIT is off), so that a connection which breaks ends
 * few of them.
 *
 * A request that may be sent only once has a connection of its own.  If a
 * shared one ends, libcurl sends again both the requests that the server says
 * it has not seen (GOAWAY, REFUSED_STREAM) and those that it may have seen,
 * and does not tell which.
 */
static long
http_version(Transfer *t)
{
	return t->once ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS;
}

CURLcode
http_options(Transfer *t)
{
	CURLcode	rc = common_options(t, on_header);

	t->head_ended = true;
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	/* transfer_redirect.c follows redirects itself */
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTPHEADER, t->left_origin ? t->own_headers : t->headers);
	SET(CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
	SET(CURLOPT_MAXAGE_CONN, t->once ? MAX_IDLE_ONCE_S : MAX_IDLE_S);
	if (t->resent)
		SET(CURLOPT_FRESH_CONNECT, 1L);
	if (rc == CURLE_OK)
		rc = method_options(t);
	/* not SET: a libcurl without HTTP/2 refuses it and speaks 1.1 */
	(void) curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, http_version(t));
	return rc;
}

/*
 * A server may answer in HTTP/2 before it has read the request's body, and
 * close the stream.  libcurl cannot send the rest then and reports an error,
 * although the answer is complete.
 */
bool
http_answer_whole(Transfer *t, CURLcode code)
{
	long		status = 0;
	curl_off_t	length = -1;

	(void) curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	(void) curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
							 &length);
	return code == CURLE_HTTP2_STREAM && t->failure == FAILURE_NONE &&
		t->head_ended && status >= 200 && status / 100 != 3 && length >= 0 &&
		t->answer.len == (size_t) length;
}

/*
 * libcurl checks a connection before it reuses it, but takes the message that
 * ends TLS for data that can be read.  It sends a request again by itself only
 * if reading fails, not if writing does; and it gives up ("Connection died")
 * after it met a few connections in a row that were about to end (GOAWAY).
 *
 * A request that may be sent only once is not sent again: a part of it may
 * have arrived.  Nor is one to which an answer has begun to come.
 */
bool
http_found_closed(Transfer *t, CURLcode code)
{
	long		connects = -1;
	bool		gave_up = code != CURLE_OK &&
		strncmp(t->curl_error, "Connection died", 15) == 0;

	(void) curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
	return (gave_up || (code == CURLE_SEND_ERROR && connects == 0)) &&
		!t->resent && !t->once && t->failure == FAILURE_NONE &&
		t->head_total == t->head_total_before &&
		monotonic_ms() - t->started_ms < t->timeout_ms;
}

/*
 * After a time-out libcurl keeps an HTTP/2 connection for its other exchanges
 * and for new ones.  They would time out too if the server is gone.  So the
 * connection is shut down if nothing has come on it for the whole time-out,
 * and for as long as a new connection may take.  libcurl then finds it closed.
 */
void
http_leave_silent(Transfer *t)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	struct tcp_info info = {0};
	socklen_t	len = sizeof(info);

	(void) curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (fd != CURL_SOCKET_BAD &&
		getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 &&
		info.tcpi_last_data_recv >= Max(t->timeout_ms, t->connect_timeout_ms))
		(void) shutdown(fd, SHUT_RDWR);
}
