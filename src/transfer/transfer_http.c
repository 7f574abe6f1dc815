/*
 * transfer_http.c
 *	  One HTTP exchange: its options and what libcurl's callbacks keep of it.
 *
 * Runs in a worker.  The callbacks run below libcurl's frames, so none may
 * raise: they allocate without raising, note a failure in the Transfer and
 * make libcurl give up.  Everything they keep is bounded: bytes and lines of
 * headers, bytes of the body, redirects, time.
 *
 * What is not asked for is off: proxies of the environment, .netrc, cookies,
 * decompression (so that a small answer stays small), other protocols,
 * credentials in a URL, other ways of authentication than those given.
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
 * How long a connection may have been idle to be used again, in seconds, cut
 * down: servers close idle ones after 5 seconds or more, and one that is
 * closed just then makes it unknown what became of the request.
 */
#define MAX_IDLE_S 4L
#define MAX_IDLE_ONCE_S 2L

#define MAX_HEADERS 200			/* lines of one answer */
#define MAX_HEADER_LINES_ALL 4000	/* of all answers of one exchange */

/* A new answer begins: what an interim one left is dropped. */
static void
answer_begins(Transfer *t)
{
	t->head.len = 0;
	t->head_lines = 0;
	t->head_ended = false;
	t->answer.len = 0;
}

/*
 * Are the headers of this exchange, interim answers, redirects and trailers
 * included, within limits?  (libcurl has one at 5000 lines from 8.6 on.)
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

/* The same of one answer, with len more bytes in a line. */
static bool
head_within_limits(Transfer *t, size_t len)
{
	if (t->head.len + len > MAX_HEADER_BYTES)
		transfer_fail(t, FAILURE_TOO_LARGE,
					  "the response headers are over %d bytes",
					  MAX_HEADER_BYTES);
	else if (++t->head_lines > MAX_HEADERS + 2)
		transfer_fail(t, FAILURE_TOO_LARGE,
					  "the response has more than %d headers", MAX_HEADERS);
	else
		return true;
	return false;
}

/* One line of headers, or the empty line behind them. */
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
			return len;			/* a trailer: nobody asked for it */
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
 * HTTP/2 where it is offered over TLS; several exchanges share a connection
 * then, once one stands (they do not wait for it: CURLOPT_PIPEWAIT is off, so
 * that one connection that breaks takes few with it).
 *
 * What may be sent once only has its connection to itself.  Where a shared
 * one ends, libcurl sends anew what the server says it has not seen (GOAWAY,
 * REFUSED_STREAM) and what it may have seen, and does not tell which.
 */
static long
http_version(Transfer *t)
{
	return t->once ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS;
}

/* The options of an HTTP exchange.  Returns libcurl's first refusal. */
CURLcode
http_options(Transfer *t)
{
	CURLcode	rc = common_options(t, on_header);

	t->head_ended = true;
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	/* redirects are ours to judge: transfer_redirect.c */
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTPHEADER, t->elsewhere ? t->own_headers : t->headers);
	SET(CURLOPT_HTTPAUTH, (long) CURLAUTH_BASIC);
	SET(CURLOPT_MAXAGE_CONN, t->once ? MAX_IDLE_ONCE_S : MAX_IDLE_S);
	if (t->again)
		SET(CURLOPT_FRESH_CONNECT, 1L);
	if (rc == CURLE_OK)
		rc = method_options(t);
	/* a libcurl without HTTP/2 refuses this, and speaks 1.1 then */
	(void) curl_easy_setopt(t->easy, CURLOPT_HTTP_VERSION, http_version(t));
	return rc;
}

/*
 * Did the whole answer come though libcurl says that the exchange broke?  A
 * server may answer in HTTP/2 before it has read the request's body, and
 * close the stream: libcurl then cannot send the rest, and drops the answer
 * that it has.
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
 * Was it sent on a connection of before that its server had closed?  libcurl
 * looks before it uses one again, but takes the end of TLS for data, and
 * itself sends anew only where it fails to read; and a few times only, where
 * each time it met a connection that was about to end (GOAWAY).  What may be
 * sent once only is not sent again, since something of it may have arrived.
 */
bool
http_found_closed(Transfer *t, CURLcode code)
{
	long		connects = -1;
	bool		gave_up = code != CURLE_OK &&
		strncmp(t->curl_error, "Connection died", 15) == 0;

	(void) curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
	return (gave_up || (code == CURLE_SEND_ERROR && connects == 0)) &&
		!t->again && !t->once && t->failure == FAILURE_NONE &&
		t->head_total == t->head_before &&
		monotonic_ms() - t->started_ms < t->timeout_ms;
}

/*
 * After a time-out: HTTP/2 keeps the connection, for its other exchanges and
 * those to come, and they would time out too where nobody is there any more.
 * So it is shut down where nothing came on it all that time, nor for as long
 * as connecting anew may take.  libcurl finds it closed then.
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
