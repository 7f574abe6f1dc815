/*
 * request.c
 *	  The strict reader of HTTP/1.1: line and headers of one request.
 *
 * Takes GET and POST in origin form, lines that end with CR LF, names without
 * a blank after them, one Content-Length of digits, no Transfer-Encoding.
 * What two programs could understand in two ways is refused, and the
 * connection closed after the answer: so nothing of it is taken for the next
 * request.
 *
 * Works on the bytes of its caller, allocates nothing and keeps nothing.
 */
#include "request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

static const char *const header_names[HEADERS] =
{
	[HEADER_HOST] = "host",
	[HEADER_ORIGIN] = "origin",
	[HEADER_SEC_FETCH_SITE] = "sec-fetch-site",
	[HEADER_CONTENT_TYPE] = "content-type",
	[HEADER_CONTENT_LENGTH] = "content-length",
	[HEADER_COOKIE] = "cookie",
	[HEADER_CONNECTION] = "connection",
	[HEADER_ACCEPT_ENCODING] = "accept-encoding",
	[HEADER_EXPECT] = "expect",
	[HEADER_TRANSFER_ENCODING] = "transfer-encoding",
	[HEADER_FORWARDED_FOR] = "x-forwarded-for",
	[HEADER_TOKEN] = "x-wf-token",
	[HEADER_TAB] = "x-wf-tab",
	[HEADER_SLOT] = "x-wf-slot",
	[HEADER_ORDER] = "x-wf-order",
	[HEADER_POLL] = "x-wf-poll",
};

/* Says what is wrong; always READ_BAD. */
static ReadState
bad(Problem *problem, int status, const char *code, const char *message)
{
	memset(problem, 0, sizeof(*problem));
	problem->status = status;
	problem->code = code;
	problem->message = message;
	return READ_BAD;
}

static ReadState
bad_request(Problem *problem, const char *message)
{
	return bad(problem, 400, "bad_request", message);
}

bool
span_is(Span span, const char *s)
{
	return span.data != NULL && span.len == strlen(s) &&
		memcmp(span.data, s, span.len) == 0;
}

/* The same for words that may be in upper case. */
bool
span_is_word(Span span, const char *s)
{
	return span.data != NULL && span.len == strlen(s) &&
		strncasecmp(span.data, s, span.len) == 0;
}

/* A copy with a NUL, or NULL if it is not there. */
char *
span_copy(Span span)
{
	return span.data ? text_copy(span.data, span.len) : NULL;
}

/* Reads a number of digits alone, at most so many; false: it is none. */
bool
span_number(Span span, size_t digits, size_t *number)
{
	*number = 0;
	if (span.len == 0 || span.len > digits)
		return false;
	for (size_t i = 0; i < span.len; i++)
	{
		if (span.data[i] < '0' || span.data[i] > '9')
			return false;
		*number = *number * 10 + (size_t) (span.data[i] - '0');
	}
	return true;
}

/* A character of a header's name or of a method (RFC 9110, token). */
static bool
is_token(unsigned char c)
{
	return c > ' ' && c < 0x7f && strchr("\"(),/:;<=>?@[\\]{}", c) == NULL;
}

/* A character of a header's value. */
static bool
is_value(unsigned char c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

/*
 * Looks at the bytes that have come since, for what can never become right.
 * READ_DONE: the empty line is there, and seen is after it.
 */
static ReadState
scan_lines(HeadScan *scan, const char *data, size_t len, Problem *problem)
{
	while (scan->seen < len)
	{
		size_t		at = scan->seen;
		unsigned char c = data[at];

		if (at >= REQUEST_HEAD)
			return bad(problem, 431, "header_too_large",
					   "The headers are too large.");
		if (c == '\n')
		{
			if (at == 0 || data[at - 1] != '\r')
				return bad_request(problem, "A line ends without CR.");
			scan->seen++;
			if (at - scan->line == 1)
				return scan->line == 0
					? bad_request(problem, "The request begins with an"
								  " empty line.") : READ_DONE;
			scan->line = scan->seen;
			continue;
		}
		if (at > scan->line && data[at - 1] == '\r')
			return bad_request(problem, "There is a CR within a line.");
		if (c != '\r' && !is_value(c))
			return bad_request(problem, "There is a control character.");
		scan->seen++;
	}
	return len > REQUEST_HEAD
		? bad(problem, 431, "header_too_large", "The headers are too large.")
		: READ_MORE;
}

/* Cuts the target in two and looks at its characters. */
static ReadState
read_target(Request *request, const char *target, size_t len,
			Problem *problem)
{
	const char *question = memchr(target, '?', len);

	if (len == 0 || target[0] != '/')
		return bad_request(problem, "The target must begin with a slash.");
	for (size_t i = 0; i < len; i++)
		if (target[i] <= ' ' || target[i] >= 0x7f ||
			strchr("#\"<>\\^`{|}", target[i]) != NULL)
			return bad_request(problem, "The target has a character that must"
							   " be escaped.");
	request->path.data = target;
	request->path.len = question ? (size_t) (question - target) : len;
	request->query.data = question ? question + 1 : NULL;
	request->query.len = question ? len - request->path.len - 1 : 0;
	return READ_DONE;
}

/* "GET /path HTTP/1.1" */
static ReadState
read_line(Request *request, const char *line, size_t len, Problem *problem)
{
	const char *target = memchr(line, ' ', len);
	const char *version = target
		? memchr(target + 1, ' ', line + len - target - 1) : NULL;
	Span		method = {line, target ? (size_t) (target - line) : 0};
	Span		last = {version ? version + 1 : NULL,
	version ? line + len - version - 1 : 0};

	for (size_t i = 0; i < method.len; i++)
		if (!is_token(line[i]))
			return bad_request(problem, "That is no method.");
	if (method.len == 0 || version == NULL)
		return bad_request(problem, "The first line is not method, target and"
						   " version.");
	if (!span_is(last, "HTTP/1.1") && !span_is(last, "HTTP/1.0"))
		return bad_request(problem, "The version must be HTTP/1.1.");
	request->keep = span_is(last, "HTTP/1.1");
	request->is_post = span_is(method, "POST");
	if (!request->is_post && !span_is(method, "GET"))
		return bad(problem, 405, "method", "The method must be GET or POST.");
	return read_target(request, target + 1, version - target - 1, problem);
}

/* Keeps a header that something is done with. */
static ReadState
read_header(Request *request, const char *line, size_t len, Problem *problem)
{
	const char *colon = memchr(line, ':', len);
	Span		name = {line, colon ? (size_t) (colon - line) : 0};
	Span		value;

	if (name.len == 0)
		return bad_request(problem, "A header has no name.");
	for (size_t i = 0; i < name.len; i++)
		if (!is_token(line[i]))
			return bad_request(problem, "A header's name has a character that"
							   " it may not have.");
	value.data = colon + 1;
	value.len = line + len - value.data;
	while (value.len > 0 && strchr(" \t", value.data[0]) != NULL)
		value.data++, value.len--;
	while (value.len > 0 && strchr(" \t", value.data[value.len - 1]) != NULL)
		value.len--;
	for (int i = 0; i < HEADERS; i++)
	{
		if (!span_is_word(name, header_names[i]))
			continue;
		if (request->header[i].data != NULL)
			return bad_request(problem, "A header is there twice.");
		request->header[i] = value;
	}
	return READ_DONE;
}

/* How long the body is, from one Content-Length of digits. */
static ReadState
read_length(Request *request, Problem *problem)
{
	Span		length = request->header[HEADER_CONTENT_LENGTH];

	if (length.data == NULL)
		return request->is_post ? bad(problem, 411, "length",
									  "There is no Content-Length.") : READ_DONE;
	if (!span_number(length, 12, &request->body_length))
		return bad_request(problem, "The Content-Length is no number.");
	if (request->body_length > 0 && !request->is_post)
		return bad_request(problem, "A GET has a body.");
	if (request->body_length > REQUEST_BODY)
		return bad(problem, 413, "too_large", "The body is larger than 2 MB.");
	return READ_DONE;
}

/* Whether a list such as that of Connection has this word. */
static bool
has_word(Span list, const char *word)
{
	while (list.data != NULL && list.len > 0)
	{
		const char *comma = memchr(list.data, ',', list.len);
		Span		one = {list.data,
		comma ? (size_t) (comma - list.data) : list.len};

		list.data += one.len + (comma ? 1 : 0);
		list.len -= one.len + (comma ? 1 : 0);
		while (one.len > 0 && strchr(" \t", one.data[0]) != NULL)
			one.data++, one.len--;
		while (one.len > 0 && strchr(" \t", one.data[one.len - 1]) != NULL)
			one.len--;
		if (span_is_word(one, word))
			return true;
	}
	return false;
}

/* What the headers say together. */
static ReadState
check_headers(Request *request, Problem *problem)
{
	Span	   *header = request->header;

	if (header[HEADER_TRANSFER_ENCODING].data != NULL)
		return bad_request(problem, "Transfer-Encoding is not taken.");
	if (header[HEADER_HOST].data == NULL || header[HEADER_HOST].len == 0)
		return bad_request(problem, "There is no Host.");
	if (header[HEADER_EXPECT].data != NULL)
		return bad(problem, 417, "expectation", "Expect is not taken.");
	if (has_word(header[HEADER_CONNECTION], "close"))
		request->keep = false;
	return read_length(request, problem);
}

/*
 * Reads the head of a request from its beginning.  scan is kept between calls
 * for the same request, and len only grows.  The body follows the head in the
 * same bytes; how much of it has come is for the caller to see.
 */
ReadState
request_read_head(HeadScan *scan, const char *data, size_t len,
				  Request *request, Problem *problem)
{
	ReadState	state = scan_lines(scan, data, len, problem);
	const char *line = data;
	int			count = 0;

	if (state != READ_DONE)
		return state;
	memset(request, 0, sizeof(*request));
	request->head_length = scan->seen;
	while (state == READ_DONE && line < data + scan->seen - 2)
	{
		const char *end = memchr(line, '\r', data + scan->seen - line);

		if (count++ == 0)
			state = read_line(request, line, end - line, problem);
		else if (count > REQUEST_HEADERS)
			state = bad(problem, 431, "header_too_large",
						"There are too many headers.");
		else
			state = read_header(request, line, end - line, problem);
		line = end + 2;
	}
	return state == READ_DONE ? check_headers(request, problem) : state;
}
