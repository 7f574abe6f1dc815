/*
 * operator.h
 *	  The connection of a session, and the requests that wait for it.
 */
#ifndef WF_OPERATOR_H
#define WF_OPERATOR_H

#include "client.h"
#include "query.h"
#include "route.h"
#include "session.h"

#define OPERATOR_QUEUE 8		/* requests that wait */
#define OPERATOR_POLLS 3		/* and polls */

typedef struct Operator Operator;

/* What is asked of a session; texts live as long as the client waits. */
typedef struct Demand
{
	RouteMatch *match;			/* its params are copied */
	const char *body;			/* NULL of a GET */
	bool		poll;
	char		tab[GUARD_WORD];
	char		slot[GUARD_WORD];
	size_t		order;			/* of the requests of the tab; 0: not said */
} Demand;

extern Session *operator_new(Sessions *sessions, Query *query,
							 const char *role, const char *address,
							 const char *schema);
extern void operator_ask(Session *session, Client *client,
						 const Demand *demand);
extern char *operator_take_preview(Session *session, const char *id,
								   size_t *length);
extern void operator_end(Session *session, const char *reason);

#endif							/* WF_OPERATOR_H */
