/*
 * reply.h
 *	  What a statement has returned, as an answer.
 */
#ifndef WF_REPLY_H
#define WF_REPLY_H

#include "client.h"
#include "preview.h"
#include "query.h"
#include "route.h"

/* Of what the answer is; id and n are those of the path. */
typedef struct Reply
{
	Client	   *client;
	const Route *route;
	const char *id;
	const char *n;
	int			left;			/* seconds that the session has left */
	Preview    *preview;		/* of the session */
} Reply;

extern void reply_rows(const Reply *reply, QueryResult *result);

#endif							/* WF_REPLY_H */
