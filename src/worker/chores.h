/*
 * chores.h
 *	  What a worker does beside runs: it fires schedules, reports runs that
 *	  stand still, and deletes runs that are older than
 *	  workflow_engine.retention.
 */
#ifndef WF_CHORES_H
#define WF_CHORES_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* Is there something to do now?  Else *when is the next moment. */
extern bool chores_are_due(TimestampTz now, TimestampTz *when);

/*
 * Does it, in transactions of its own; outside of any.  An error is logged,
 * and what caused it is tried again later.  Takes some milliseconds, but for
 * schedules, which may be many.
 */
extern void chores_run(void);

/* Between them: the clock was set back.  All waits end. */
extern void chores_clock_set_back(void);

#endif							/* WF_CHORES_H */
