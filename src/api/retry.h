/*
 * retry.h
 *	  Queueing runs again that have stopped: one, or many of one call.
 */
#ifndef WF_RETRY_H
#define WF_RETRY_H

#include "api/retry_place.h"

/* What one call asks for, and what it has read of versions so far. */
typedef struct Retrying
{
	MemoryContext context;		/* of what follows */
	RetryRequest request;
	pg_uuid_t	own_id;			/* whose steps request.own names; version 0: */
	int			own_version;	/* none have been read */
	pg_uuid_t	target_id;		/* the same of request.target */
} Retrying;

/*
 * on_version is 'own', 'current' or NULL, which is 'own'; raises 22023 for
 * anything else.  from_step may be NULL, and must last as long as the call.
 */
extern void retrying_begin(Retrying *retrying, const text *on_version,
						   const char *from_step);

/*
 * Queues a run again, whose row is locked, and has the workers woken at
 * commit.  False, and objection is filled in the current memory context: it
 * cannot be retried as asked for, and is left as it is.
 */
extern bool retry_run(Retrying *retrying, const StoppedRun *run,
					  Objection *objection);

/* Is it in a state in which it can be retried? */
extern bool retry_is_stopped(RunStatus status);

#endif							/* WF_RETRY_H */
