/*
 * clock.h
 *	  The one clock of the engine, which tests can move.
 */
#ifndef WF_CLOCK_H
#define WF_CLOCK_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* The server's clock plus workflow_engine.clock_offset seconds. */
extern TimestampTz clock_now(void);

/*
 * Milliseconds from clock_now() until when, rounded up: from 0, if it has
 * passed, to ceiling, also if when is infinity.
 */
extern long clock_ms_until(TimestampTz when, long ceiling);

#endif							/* WF_CLOCK_H */
