/*
 * worker_internal.h
 *	  What the loop of a worker and its end share (worker.c, worker_stop.c).
 */
#ifndef WF_WORKER_INTERNAL_H
#define WF_WORKER_INTERNAL_H

#include "postgres.h"
#include "datatype/timestamp.h"

/*--- worker_stop.c ---*/

/* The handler of SIGTERM. */
extern void worker_terminate(SIGNAL_ARGS);

/*
 * From now on the first SIGTERM asks this worker to end, as soon as its
 * answers are recorded; the second one ends it.  Before, the first one ends
 * it.
 */
extern void worker_may_stop(void);

/* Whether a tick is under way that the first SIGTERM is to cancel. */
extern void worker_in_tick(bool yes);

/*
 * For how many milliseconds answers may still be waited for, if the waiting
 * began at that moment; 0 if no longer.
 */
extern long worker_grace_left(TimestampTz began);

#endif							/* WF_WORKER_INTERNAL_H */
