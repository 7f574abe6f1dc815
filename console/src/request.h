/*
 * request.h
 *	  One HTTP request, read strictly.
 */
#ifndef WF_REQUEST_H
#define WF_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "problem.h"

#define REQUEST_HEAD ((size_t) 16 * 1024)	/* bytes of line and headers */
#define REQUEST_BODY ((size_t) 2 * 1024 * 1024)
#define REQUEST_HEADERS 100		/* lines */

/* The headers that something is done with; each is there at most once. */
typedef enum HeaderName
{
	HEADER_HOST,
	HEADER_ORIGIN,
	HEADER_SEC_FETCH_SITE,
	HEADER_CONTENT_TYPE,
	HEADER_CONTENT_LENGTH,
	HEADER_COOKIE,
	HEADER_CONNECTION,
	HEADER_ACCEPT_ENCODING,
	HEADER_EXPECT,
	HEADER_TRANSFER_ENCODING,
	HEADER_FORWARDED_FOR,
	HEADER_TOKEN,
	HEADER_TAB,
	HEADER_SLOT,
	HEADER_ORDER,
	HEADER_POLL,
	HEADERS
} HeaderName;

typedef struct Span
{
	const char *data;			/* NULL: it is not there */
	size_t		len;
} Span;

/* All spans point into the buffer that was read. */
typedef struct Request
{
	bool		is_post;
	bool		keep;			/* the connection may serve another one */
	Span		path;
	Span		query;			/* after the question mark */
	Span		header[HEADERS];
	size_t		head_length;
	size_t		body_length;
} Request;

typedef enum ReadState
{
	READ_MORE,					/* nothing is wrong with what is there */
	READ_DONE,
	READ_BAD					/* the problem says why; close after it */
} ReadState;

/* How far a head was looked at; begins as zeros. */
typedef struct HeadScan
{
	size_t		seen;
	size_t		line;			/* where the line under way begins */
} HeadScan;

extern ReadState request_read_head(HeadScan *scan, const char *data,
								   size_t len, Request *request,
								   Problem *problem);
extern bool span_is(Span span, const char *s);
extern bool span_is_word(Span span, const char *s);
extern char *span_copy(Span span);
extern bool span_number(Span span, size_t digits, size_t *number);

#endif							/* WF_REQUEST_H */
