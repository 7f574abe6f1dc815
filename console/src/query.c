/*
 * query.c
 *	  A connection to PostgreSQL in the loop: one statement at a time, each in
 *	  a transaction of its own, and nothing is reported before its COMMIT.
 *
 * BEGIN, the time-out, the statement and COMMIT go out together, in pipeline
 * mode.  If the transaction is not over afterwards, ROLLBACK follows, and
 * only then is the error reported.  The statement is over when the server is
 * ready again and when no cancel is under way: one that comes late would hit
 * the next (cancel.c).
 *
 * A statement that has a name is prepared the first time it is sent: parsing
 * and planning are a third of what a page of runs costs.
 *
 * Runs in the loop; owns the connection and its two events.  An idle
 * connection is watched too: if it breaks, its owner is told.
 */
#include "query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cancel.h"
#include "text.h"

#define JSONB_OID 3802
#define STATEMENT 2				/* after BEGIN and the time-out; then COMMIT */

/* Formats of a result. */
#define TEXT 0
#define BINARY 1

/* More than any answer has; the server does not know when to stop. */
#define RECEIVE_LIMIT ((size_t) 32 * 1024 * 1024)

typedef enum QueryState
{
	IDLE,
	RUNNING,
	READY,						/* over, but for a cancel or a ROLLBACK */
	ROLLING_BACK
} QueryState;

/* The name of a statement that is prepared. */
typedef struct PreparedName
{
	const char *name;
	struct PreparedName *next;
} PreparedName;

struct Query
{
	PGconn	   *conn;
	struct event *readable;
	struct event *writable;
	QueryState	state;
	int			command;		/* which of those sent is being answered */
	int			statement;		/* which of them is the statement */
	const char *preparing;		/* the one before it prepares this; or NULL */
	bool		committed;
	PreparedName *prepared;		/* what the server knows */
	QueryResult result;
	size_t		received;		/* bytes, about */
	Cancel	   *cancel;			/* under way */
	QueryDone	done;
	QueryLost	lost;
	void	   *arg;
};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

static void
ignore_notice(void *arg, const PGresult *result)
{
	(void) arg;
	(void) result;
}

/*
 * Takes over a connection that is there.  lost is called, once, if it breaks
 * while nothing runs; the owner then frees the query.
 */
Query *
query_new(struct event_base *base, PGconn *conn, QueryLost lost, void *arg)
{
	Query	   *query = text_alloc(sizeof(Query));

	query->conn = conn;
	query->lost = lost;
	query->arg = arg;
	PQsetnonblocking(conn, 1);
	PQsetNoticeReceiver(conn, ignore_notice, NULL);
	PQenterPipelineMode(conn);
	query->readable = event_new(base, PQsocket(conn), EV_READ | EV_PERSIST,
								on_readable, query);
	query->writable = event_new(base, PQsocket(conn), EV_WRITE, on_writable,
								query);
	event_add(query->readable, NULL);
	return query;
}

/* Hands it to another owner; nothing may be running. */
void
query_owner(Query *query, QueryLost lost, void *arg)
{
	query->lost = lost;
	query->arg = arg;
}

PGconn *
query_conn(Query *query)
{
	return query->conn;
}

/*
 * What PostgreSQL says of an error; the texts live as long as it.  NULL: the
 * connection is gone.
 */
void
query_problem(const PGresult *error, Problem *problem)
{
	const char *state = PQresultErrorField(error, PG_DIAG_SQLSTATE);

	memset(problem, 0, sizeof(*problem));
	problem_from_sqlstate(problem, error && !state ? "XX000" : state);
	problem->message = error ?
		PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY) :
		"PostgreSQL closed the connection.";
	problem->detail = PQresultErrorField(error, PG_DIAG_MESSAGE_DETAIL);
	problem->hint = PQresultErrorField(error, PG_DIAG_MESSAGE_HINT);
}

static void
clear_result(Query *query)
{
	PQclear(query->result.rows);
	PQclear(query->result.error);
	query->result.rows = query->result.error = NULL;
}

/* Closes the connection.  What runs is forgotten; done is not called. */
void
query_free(Query *query)
{
	if (query->cancel != NULL)
		cancel_forget(query->cancel);
	clear_result(query);
	while (query->prepared != NULL)
	{
		PreparedName *next = query->prepared->next;

		free(query->prepared);
		query->prepared = next;
	}
	event_free(query->readable);
	event_free(query->writable);
	PQfinish(query->conn);
	free(query);
}

/* Tells the owner, who may free the query: nothing may be done after it. */
static void
report(Query *query)
{
	QueryDone	done = query->done;
	QueryResult result = query->result;

	query->state = IDLE;
	query->done = NULL;
	query->result.rows = query->result.error = NULL;
	done(&result, query->arg);
	PQclear(result.rows);
	PQclear(result.error);
}

/* The connection is gone: neither rows nor an error. */
static void
report_lost(Query *query)
{
	if (query->state == IDLE)
	{
		event_del(query->readable);
		query->lost(query->arg);
		return;
	}
	clear_result(query);
	report(query);
}

static void
flush(Query *query)
{
	int			rc = PQflush(query->conn);

	if (rc < 0)
		event_active(query->readable, EV_READ, 0);	/* it will be found lost */
	else if (rc > 0)
		event_add(query->writable, NULL);
}

static void
send_plain(Query *query, const char *sql)
{
	PQsendQueryParams(query->conn, sql, 0, NULL, NULL, NULL, NULL, 0);
}

static bool
is_prepared(const Query *query, const char *name)
{
	for (const PreparedName *p = query->prepared; p != NULL; p = p->next)
		if (strcmp(p->name, name) == 0)
			return true;
	return false;
}

static void
add_prepared(Query *query, const char *name)
{
	PreparedName *prepared = text_alloc(sizeof(PreparedName));

	prepared->name = name;
	prepared->next = query->prepared;
	query->prepared = prepared;
}

/*
 * Sends a statement with two parameters of jsonb; body may be NULL.  All of
 * them are copied but for name: the same for the same text always, and never
 * freed; NULL: the statement is not kept.  What one with a name returns is in
 * binary, what the others return is text.  timeout in milliseconds.  done is
 * called later, never at once; nothing may be running.
 */
void
query_send(Query *query, const char *name, const char *sql,
		   const char *params, const char *body, bool writes, int timeout,
		   QueryDone done)
{
	const Oid	types[2] = {JSONB_OID, JSONB_OID};
	const char *values[2] = {params, body};
	char		set[64];

	query->state = RUNNING;
	query->command = 0;
	query->statement = STATEMENT;
	query->preparing = NULL;
	query->committed = false;
	query->received = 0;
	query->done = done;
	snprintf(set, sizeof(set), "SET LOCAL statement_timeout = %d", timeout);
	send_plain(query, writes ? "BEGIN READ WRITE" : "BEGIN READ ONLY");
	send_plain(query, set);
	if (name != NULL && !is_prepared(query, name))
	{
		PQsendPrepare(query->conn, name, sql, 2, types);
		query->preparing = name;
		query->statement++;
	}
	if (name != NULL)
		PQsendQueryPrepared(query->conn, name, 2, values, NULL, NULL, BINARY);
	else
		PQsendQueryParams(query->conn, sql, 2, types, values, NULL, NULL,
						  TEXT);
	send_plain(query, "COMMIT");
	PQpipelineSync(query->conn);
	flush(query);
}

static void step(Query *query);

/* In the loop: the cancel has returned. */
static void
on_cancelled(void *arg)
{
	Query	   *query = arg;

	query->cancel = NULL;
	if (query->state == READY)
		step(query);
}

/* Cancels the statement under way; it ends with an error, or as it would. */
void
query_cancel(Query *query)
{
	if (query->state == RUNNING && query->cancel == NULL)
		query->cancel = cancel_send(query->conn, on_cancelled, query);
}

/* Keeps what is to be reported of one result of the pipeline. */
static void
take_result(Query *query, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);

	/* a command without rows has a result all the same */
	if ((status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) &&
		query->command == query->statement && query->state == RUNNING)
	{
		query->result.rows = result;
		return;
	}
	/* it stays prepared whatever becomes of the transaction */
	if (status == PGRES_COMMAND_OK && query->state == RUNNING &&
		query->preparing != NULL && query->command == STATEMENT)
		add_prepared(query, query->preparing);
	if (status == PGRES_COMMAND_OK && query->command == query->statement + 1)
		query->committed = strcmp(PQcmdStatus(result), "COMMIT") == 0;
	if (status == PGRES_FATAL_ERROR && query->result.error == NULL &&
		query->state == RUNNING)
	{
		query->result.error = result;
		return;
	}
	PQclear(result);
}

/*
 * The server is ready.  Goes on if no cancel is under way: the ROLLBACK that
 * is missing, or the report.
 */
static void
step(Query *query)
{
	if (query->cancel != NULL)
		return;
	switch (PQtransactionStatus(query->conn))
	{
		case PQTRANS_IDLE:
			/* rows of a transaction that did not commit are no answer */
			if (query->result.error != NULL || !query->committed)
			{
				PQclear(query->result.rows);
				query->result.rows = NULL;
			}
			report(query);
			return;
		case PQTRANS_INERROR:
		case PQTRANS_INTRANS:
			if (query->state != READY)
				break;
			query->state = ROLLING_BACK;
			query->command = 0;
			send_plain(query, "ROLLBACK");
			PQpipelineSync(query->conn);
			flush(query);
			return;
		default:
			break;
	}
	report_lost(query);
}

/* Takes what has been received; true: up to the end of the pipeline. */
static bool
take_results(Query *query)
{
	bool		was_null = false;

	while (!PQisBusy(query->conn))
	{
		PGresult   *result = PQgetResult(query->conn);

		if (result == NULL)
		{
			if (was_null || PQstatus(query->conn) == CONNECTION_BAD)
				return false;
			was_null = true;
			query->command++;
			continue;
		}
		was_null = false;
		if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
		{
			PQclear(result);
			return true;
		}
		take_result(query, result);
	}
	return false;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	Query	   *query = arg;
	int			bytes = 0;

	(void) what;
	if (ioctl(fd, FIONREAD, &bytes) == 0)
		query->received += bytes;
	if (!PQconsumeInput(query->conn) || query->received > RECEIVE_LIMIT)
	{
		/* what was sent before it broke is still to be read */
		if (query->state == RUNNING || query->state == ROLLING_BACK)
			take_results(query);
		report_lost(query);
		return;
	}
	flush(query);
	if (query->state == IDLE || query->state == READY)
	{
		query->received = 0;
		PQisBusy(query->conn);	/* reads what the server says by itself */
		if (PQstatus(query->conn) == CONNECTION_BAD)
			report_lost(query);
		return;
	}
	if (take_results(query))
	{
		query->state = query->state == RUNNING ? READY : ROLLING_BACK;
		step(query);
	}
	else if (PQstatus(query->conn) == CONNECTION_BAD)
		report_lost(query);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void) fd;
	(void) what;
	flush(arg);
}
