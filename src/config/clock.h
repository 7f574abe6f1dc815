/*
 * clock.h
 *	  The one clock of the engine, which tests can move.
 */
#ifndef WF_CLOCK_H
#define WF_CLOCK_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* Now, moved by the developer setting workflow_engine.clock_offset. */
extern TimestampTz clock_now(void);

/* Milliseconds until when, 0 where it has passed, at most ceiling. */
extern long clock_ms_until(TimestampTz when, long ceiling);

#endif							/* WF_CLOCK_H */
