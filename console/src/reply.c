/*
 * reply.c
 *	  What a statement has returned, as an answer: status and body.
 *
 * A body comes in pieces (statement.c), since libpq keeps a buffer for the
 * largest row for as long as its connection lives: with whole bodies each
 * session would keep 16 MB after one download.
 *
 * Runs in the loop; owns a body, which counts as a buffer, until it is sent.
 */
#include "reply.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "clock.h"
#include "statement.h"

/* By it a spreadsheet knows that a file is UTF-8. */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* The columns of what statement_write has cut into pieces. */
enum
{
	STATUS,
	BODY,
	SIZE,						/* of the whole body */
	PLACE						/* of the piece in it, from 0 */
};

/* What only a preview has, in the place of SIZE. */
#define KEPT 2

/* A value of type int4, as it is sent in binary; -1: it is none. */
static int
number(const PGresult *rows, int row, int column)
{
	uint32_t	value;

	if (PQgetlength(rows, row, column) != sizeof(value))
		return -1;
	memcpy(&value, PQgetvalue(rows, row, column), sizeof(value));
	return (int) ntohl(value);
}

static void
fail(const Reply *reply, int status, const char *code, const char *message)
{
	client_fail(reply->client, &(Problem) {.status = status, .code = code,
				.message = message,
				.retry_after = strcmp(code, "memory") == 0 ? 2 : 0});
}

/* The body is sent. */
static void
free_body(const void *data, size_t len, void *arg)
{
	(void) arg;
	budget_give(len);
	free((void *) data);
}

/*
 * Puts the pieces together, which may come in any order; NULL: they are not
 * the whole.
 */
static char *
join(const PGresult *rows, bool pieces, size_t size)
{
	char	   *body = text_alloc(size + 1);
	size_t		found = 0;

	for (int i = 0; i < PQntuples(rows); i++)
	{
		size_t		length = PQgetlength(rows, i, BODY);
		size_t		place = pieces ? (size_t) number(rows, i, PLACE) : 0;

		if (place > size || length > size - place)
			break;
		memcpy(body + place, PQgetvalue(rows, i, BODY), length);
		found += length;
	}
	if (found == size)
		return body;
	free(body);
	return NULL;
}

/*
 * Adds the id of what a preview has, if it has anything that can be kept: a
 * frame of the page asks for it by that.
 */
static void
preview_header(const Reply *reply, char *headers, size_t size,
			   const PGresult *rows)
{
	size_t		at = strlen(headers);

	if (PQnfields(rows) > KEPT && !PQgetisnull(rows, 0, KEPT) &&
		preview_keep(reply->preview, PQgetvalue(rows, 0, KEPT),
					 PQgetlength(rows, 0, KEPT), clock_ms()))
		snprintf(headers + at, size - at, "X-WF-Preview: %s\r\n",
				 reply->preview->id);
}

/* Answers with a body, which it takes over, as its part of the budget. */
static void
send_body(const Reply *reply, const PGresult *rows, int status, char *body,
		  size_t size)
{
	const Route *route = reply->route;
	char		headers[256];
	size_t		at;

	snprintf(headers, sizeof(headers), "X-WF-Idle: %d\r\n", reply->left);
	at = strlen(headers);
	if (status == 200)
		route_file(route, reply->id, reply->n, headers + at,
				   sizeof(headers) - at);
	if (route->keeps)
		preview_header(reply, headers, sizeof(headers), rows);
	client_answer(reply->client, &(Answer)
				  {.status = status, .headers = headers,
				  .type = route->csv ? "text/csv; charset=utf-8" : NULL,
				  .lead = route->csv ? BYTE_ORDER_MARK : NULL,
				  .body = body, .length = size, .done = free_body});
}

/* Answers with what a statement has returned. */
void
reply_rows(const Reply *reply, QueryResult *result)
{
	const PGresult *rows = result->rows;
	bool		pieces = statement_is_cut(reply->route);
	int			status;
	size_t		size;
	char	   *body;

	if (PQntuples(rows) == 0)
	{
		fail(reply, 404, "not_found", "There is no such thing.");
		return;
	}
	size = pieces && !PQgetisnull(rows, 0, SIZE) ?
		(size_t) number(rows, 0, SIZE) : (size_t) PQgetlength(rows, 0, BODY);
	if (PQgetisnull(rows, 0, BODY) || size > ANSWER_LIMIT)
	{
		log_event("answer too large", NULL, NULL, reply->route->statement);
		fail(reply, 507, "too_much", "The answer is larger than 8 MB.");
		return;
	}
	if (!budget_take(size))
	{
		fail(reply, 503, "memory", "Too much is under way.");
		return;
	}
	status = number(rows, 0, STATUS);
	body = status < 200 || status > 599 ? NULL : join(rows, pieces, size);
	if (body != NULL)
	{
		send_body(reply, rows, status, body, size);
		return;
	}
	budget_give(size);
	log_event("statement without status and body", NULL, NULL,
			  reply->route->statement);
	fail(reply, 500, "internal", "The statement has no answer.");
}
