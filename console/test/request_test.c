/*
 * request_test.c
 *	  The reader of requests: what it takes, what it refuses, and that it says
 *	  the same however the bytes come, and nothing of bytes that were changed
 *	  at random.
 */

#include "request.h"
#include "test.h"

#define H "Host: x\r\n"
#define GET "GET / HTTP/1.1\r\n" H
#define POST "POST / HTTP/1.1\r\n" H

/* Reads it at once; the status of the problem, 0: done, -1: more is needed. */
static int
status_of(const char *data, size_t len, Request *request)
{
	HeadScan	scan = {0, 0};
	Problem		problem = {0};

	switch (request_read_head(&scan, data, len, request, &problem))
	{
		case READ_MORE:
			return -1;
		case READ_DONE:
			return 0;
		default:
			return problem.status;
	}
}

/* The same, byte by byte, in memory of exactly that size. */
static int
status_slowly(const char *data, size_t len)
{
	HeadScan	scan = {0, 0};
	Problem		problem = {0};
	Request		request;

	for (size_t n = 1; n <= len; n++)
	{
		char	   *part = malloc(n);
		ReadState	state;

		memcpy(part, data, n);
		state = request_read_head(&scan, part, n, &request, &problem);
		free(part);
		if (state == READ_BAD)
			return problem.status;
		if (state == READ_DONE)
			return 0;
	}
	return -1;
}

static const struct
{
	const char *data;
	size_t		len;			/* 0: up to the NUL */
	int			status;
}			cases[] =
{
	/* what is taken */
	{GET "\r\n", 0, 0},
	{POST "Content-Length: 5\r\n\r\nhello", 0, 0},
	{POST "content-LENGTH:\t5 \r\n\r\n", 0, 0},
	{POST "Content-Length: 0\r\n\r\n", 0, 0},
	{"GET /a/b?c=%20 HTTP/1.0\r\n" H "\r\n", 0, 0},
	{GET "X-Other: \xd8\xb7\r\n\r\n", 0, 0},
	{GET "X-Other:\r\nX-Other:\r\n\r\n", 0, 0},
	{GET "Content-Length: 0\r\n\r\n", 0, 0},
	/* what is not there yet */
	{"", 0, -1},
	{"GET / HT", 0, -1},
	{GET "\r", 0, -1},
	{POST "Content-Length: 5\r\n", 0, -1},
	/* the line */
	{"\r\n" GET "\r\n", 0, 400},
	{"GET  / HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"GET /  HTTP/1.1\r\n" H "\r\n", 0, 400},
	{" GET / HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"GET / HTTP/1.1 \r\n" H "\r\n", 0, 400},
	{"GET\t/ HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"GET /\r\n" H "\r\n", 0, 400},
	{"GET / HTTP/1.2\r\n" H "\r\n", 0, 400},
	{"GET / HTTP/2.0\r\n" H "\r\n", 0, 400},
	{"GET / http/1.1\r\n" H "\r\n", 0, 400},
	{"GET / HTTP/11\r\n" H "\r\n", 0, 400},
	{"get / HTTP/1.1\r\n" H "\r\n", 0, 405},
	{"HEAD / HTTP/1.1\r\n" H "\r\n", 0, 405},
	{"CONNECT x:1 HTTP/1.1\r\n" H "\r\n", 0, 405},
	{"GE(T / HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, 400},
	{"GET http://evil/ HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"GET * HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"GET evil HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"GET /a#b HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"GET /a\\b HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"GET /a\xd8\xb7 HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"GET /a\x7f HTTP/1.1\r\n" H "\r\n", 0, 400},
	{"\x16\x03\x01\x02", 0, 400},
	/* ends of lines */
	{"GET / HTTP/1.1\n" "Host: x\n\n", 0, 400},
	{"GET / HTTP/1.1\r\nHost: x\n\r\n", 0, 400},
	{GET "A: b\rC: d\r\n\r\n", 0, 400},
	{GET "A: b\r\r\n\r\n", 0, 400},
	{GET "A: b\n\r\n", 0, 400},
	{GET "\n", 0, 400},
	{"GET / HTTP/1.1\r\n\rHost: x\r\n\r\n", 0, 400},
	/* headers */
	{"GET / HTTP/1.1\r\n\r\n", 0, 400},
	{"GET / HTTP/1.1\r\nHost:\r\n\r\n", 0, 400},
	{GET H "\r\n", 0, 400},
	{GET "hOST: y\r\n\r\n", 0, 400},
	{GET " folded\r\n\r\n", 0, 400},
	{GET "A: b\r\n c: d\r\n\r\n", 0, 400},
	{GET "A: b\r\n\tc: d\r\n\r\n", 0, 400},
	{GET "A : b\r\n\r\n", 0, 400},
	{GET ": b\r\n\r\n", 0, 400},
	{GET "A\r\n\r\n", 0, 400},
	{GET "A\x01: b\r\n\r\n", 0, 400},
	{GET "A: \x01\r\n\r\n", 0, 400},
	{GET "A(: b\r\n\r\n", 0, 400},
	{GET "A: b\0c\r\n\r\n", sizeof(GET "A: b\0c\r\n\r\n") - 1, 400},
	{GET "Origin: a\r\nOrigin: a\r\n\r\n", 0, 400},
	{GET "Cookie: a\r\nCookie: a\r\n\r\n", 0, 400},
	{GET "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n", 0,
	400},
	{GET "X-WF-Token: a\r\nx-wf-token: a\r\n\r\n", 0, 400},
	{POST "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", 0, 417},
	/* the length of the body */
	{POST "\r\n", 0, 411},
	{POST "Content-Length: +5\r\n\r\n", 0, 400},
	{POST "Content-Length: -5\r\n\r\n", 0, 400},
	{POST "Content-Length: 5 5\r\n\r\n", 0, 400},
	{POST "Content-Length: 5, 5\r\n\r\n", 0, 400},
	{POST "Content-Length: 0x5\r\n\r\n", 0, 400},
	{POST "Content-Length: 5.0\r\n\r\n", 0, 400},
	{POST "Content-Length:\r\n\r\n", 0, 400},
	{POST "Content-Length : 5\r\n\r\n", 0, 400},
	{POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 0, 400},
	{POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 0, 400},
	{POST "Content-Length: 2097153\r\n\r\n", 0, 413},
	{POST "Content-Length: 3000000\r\n\r\n", 0, 413},
	{POST "Content-Length: 999999999999\r\n\r\n", 0, 413},
	{POST "Content-Length: 18446744073709551617\r\n\r\n", 0, 400},
	{POST "Content-Length: 99999999999999999999999\r\n\r\n", 0, 400},
	{GET "Content-Length: 1\r\n\r\nx", 0, 400},
	/* what another program could read in another way */
	{POST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, 400},
	{POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 0, 400},
	{POST "Content-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n", 0, 400},
	{POST "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n", 0, 400},
	{POST "Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n", 0, 400},
	{POST "Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n", 0, 400},
	{POST "Transfer-Encoding:\r\nContent-Length: 5\r\n\r\n", 0, 400},
	{POST "X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 0,
	400},
	{POST "Content-Length: 5\r\n Transfer-Encoding: chunked\r\n\r\n", 0, 400},
	{POST "Content-Length: 5\r\nTransfer_Encoding: chunked\r\n\r\n", 0, 0},
	{POST "Content-Length: \x0b" "5\r\n\r\n", 0, 400},
};

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t		len = cases[i].len ? cases[i].len : strlen(cases[i].data);
		Request		request;
		int			status = status_of(cases[i].data, len, &request);

		if (status != cases[i].status)
			printf("case %zu: %d and not %d: %s\n", i, status,
				   cases[i].status, cases[i].data);
		CHECK(status == cases[i].status);
		CHECK(status_slowly(cases[i].data, len) == cases[i].status);
	}
}

static void
test_parts(void)
{
	static const char data[] = "POST /api/runs?longer=1 HTTP/1.1\r\n"
		"Host: \t127.0.0.1:8480 \r\nConnection: x, Close\r\n"
		"Content-Length: 7\r\nX-WF-Tab: t1\r\n\r\nhello, GET /";
	Request		request;

	CHECK(status_of(data, sizeof(data) - 1, &request) == 0);
	CHECK(request.is_post && !request.keep);
	CHECK(span_is(request.path, "/api/runs"));
	CHECK(span_is(request.query, "longer=1"));
	CHECK(span_is(request.header[HEADER_HOST], "127.0.0.1:8480"));
	CHECK(span_is(request.header[HEADER_TAB], "t1"));
	CHECK(request.header[HEADER_ORIGIN].data == NULL);
	CHECK(request.body_length == 7);
	CHECK(memcmp(data + request.head_length, "hello, ", 7) == 0);
	CHECK(status_of(GET "\r\n", strlen(GET "\r\n"), &request) == 0);
	CHECK(request.keep && request.query.data == NULL);
	CHECK(status_of("GET /? HTTP/1.0\r\n" H "\r\n", 30, &request) == 0);
	CHECK(!request.keep && request.query.len == 0);
}

static void
test_limits(void)
{
	size_t		size = REQUEST_HEAD + 100;
	char	   *big = malloc(size);
	char		many[4096] = GET;
	Request		request;

	memset(big, 'a', size);
	memcpy(big, "GET /", 5);
	CHECK(status_of(big, REQUEST_HEAD, &request) == -1);
	CHECK(status_of(big, size, &request) == 431);
	memcpy(big, GET "A: ", strlen(GET "A: "));
	memcpy(big + REQUEST_HEAD - 4, "\r\n\r\n", 4);
	CHECK(status_of(big, REQUEST_HEAD, &request) == 0);
	memcpy(big + REQUEST_HEAD - 4, "aaaa", 4);
	memcpy(big + REQUEST_HEAD - 3, "\r\n\r\n", 4);
	CHECK(status_of(big, REQUEST_HEAD + 1, &request) == 431);
	free(big);
	for (int i = 0; i < REQUEST_HEADERS; i++)
		strcat(many, "A: b\r\n");
	strcat(many, "\r\n");
	CHECK(status_of(many, strlen(many), &request) == 431);
}

/* xorshift: the same numbers each time */
static unsigned int
next_random(void)
{
	static unsigned int state = 2463534242u;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* Changes, removes or repeats some bytes. */
static size_t
mutate(char *data, size_t len, size_t size)
{
	static const char likely[] = "\r\n\r\n: \t,0123456789+-\0\x01\x7f\xff?#%/";

	for (int changes = next_random() % 6; changes >= 0; changes--)
	{
		size_t		at = len > 0 ? next_random() % len : 0;
		size_t		n = len > at ? 1 + next_random() % (len - at) : 0;

		switch (next_random() % 4)
		{
			case 0:
				if (len > 0)
					data[at] = (char) next_random();
				break;
			case 1:
				if (len > 0)
					data[at] = likely[next_random() % (sizeof(likely) - 1)];
				break;
			case 2:
				n = n > 8 ? 1 + n % 8 : n;
				memmove(data + at, data + at + n, len - at - n);
				len -= n;
				break;
			default:
				if (len + n <= size)
				{
					memmove(data + at + n, data + at, len - at);
					len += n;
				}
		}
	}
	return len;
}

/* All that is taken is of one meaning: checks it again in another way. */
static void
check_taken(const char *data, size_t len, const Request *request)
{
	CHECK(request->head_length <= len && request->head_length >= 4);
	CHECK(memcmp(data + request->head_length - 4, "\r\n\r\n", 4) == 0);
	CHECK(request->path.len > 0 && request->path.data[0] == '/');
	CHECK(request->body_length <= REQUEST_BODY);
	CHECK(request->header[HEADER_TRANSFER_ENCODING].data == NULL);
	CHECK(request->header[HEADER_HOST].len > 0);
	CHECK(memchr(data, '\0', request->head_length) == NULL);
	for (size_t i = 0; i + 1 < request->head_length; i++)
	{
		if (data[i] == '\r')
			CHECK(data[i + 1] == '\n');
		else
			CHECK(data[i + 1] != '\n');
	}
}

static void
test_random(void)
{
	int			taken = 0;

	for (int round = 0; round < 200000; round++)
	{
		int			n = next_random() % (sizeof(cases) / sizeof(cases[0]));
		char		data[1024];
		size_t		len = cases[n].len ? cases[n].len : strlen(cases[n].data);
		char	   *exact;
		Request		request;
		int			status;

		memcpy(data, cases[n].data, len);
		len = mutate(data, len, sizeof(data));
		exact = malloc(len > 0 ? len : 1);
		memcpy(exact, data, len);
		status = status_of(exact, len, &request);
		if (status == 0)
		{
			taken++;
			check_taken(exact, len, &request);
		}
		if (round % 16 == 0)
			CHECK(status_slowly(exact, len) == status);
		free(exact);
	}
	CHECK(taken > 1000);		/* else it tries nothing */
}

int
main(void)
{
	test_cases();
	test_parts();
	test_limits();
	test_random();
	return TEST_END("request");
}
