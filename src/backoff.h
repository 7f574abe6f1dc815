/*
 * backoff.h
 *	  How long to wait before the next attempt.
 */
#ifndef WF_BACKOFF_H
#define WF_BACKOFF_H

#include "postgres.h"

/* No retry waits longer than this, whatever a definition says. */
#define BACKOFF_CEILING_MS (INT64CONST(30) * 24 * 60 * 60 * 1000)

/*
 * Milliseconds to wait after failed attempt number attempt (1 is the first):
 * initial_ms times coefficient for each attempt after the first, at most
 * max_ms (-1: BACKOFF_CEILING_MS), and never less than 1.
 *
 * random is from [0, 1).  It makes the delay up to a quarter longer, so that
 * runs that failed together do not come back together; where that would pass
 * the ceiling, up to a quarter shorter than the ceiling.
 */
extern int64 backoff_delay_ms(int attempt, int64 initial_ms,
							  double coefficient, int64 max_ms,
							  double random);

#endif							/* WF_BACKOFF_H */
