/*
 * query.h
 *	  A connection to PostgreSQL in the loop: one statement at a time.
 */
#ifndef WF_QUERY_H
#define WF_QUERY_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "problem.h"

typedef struct Query Query;

/* What came of a statement; both are freed by query.c, unless taken. */
typedef struct QueryResult
{
	PGresult   *rows;			/* NULL: there is an error */
	PGresult   *error;			/* NULL: the connection is lost */
} QueryResult;

typedef void (*QueryDone) (QueryResult *result, void *arg);
typedef void (*QueryLost) (void *arg);

extern Query *query_new(struct event_base *base, PGconn *conn,
						QueryLost lost, void *arg);
extern void query_send(Query *query, const char *name, const char *sql,
					   const char *params, const char *body, bool writes,
					   int timeout, QueryDone done);
extern void query_cancel(Query *query);
extern void query_free(Query *query);
extern void query_owner(Query *query, QueryLost lost, void *arg);
extern void query_problem(const PGresult *error, Problem *problem);
extern PGconn *query_conn(Query *query);

#endif							/* WF_QUERY_H */
