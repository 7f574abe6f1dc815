/*
 * connect.h
 *	  A connection to PostgreSQL as a role, with its password.
 */
#ifndef WF_CONNECT_H
#define WF_CONNECT_H

#include <event2/event.h>

#include "database.h"
#include "problem.h"

typedef struct Connect Connect;

typedef enum ConnectEnd
{
	CONNECT_DONE,				/* connect_take has it */
	CONNECT_REFUSED,			/* role or password: see connect_why */
	CONNECT_FAILED				/* for another reason: see connect_problem */
} ConnectEnd;

typedef void (*ConnectDone) (ConnectEnd end, void *arg);

extern Connect *connect_begin(struct event_base *base,
							  const Database *database, const char *role,
							  const char *password, const char *address,
							  ConnectDone done, void *arg);
extern PGconn *connect_take(Connect *connect);
extern const char *connect_why(const Connect *connect);
extern const Problem *connect_problem(const Connect *connect);
extern void connect_free(Connect *connect);

#endif							/* WF_CONNECT_H */
