/*
 * tick.h
 *	  One transaction of a worker: what it has in hand, and moving it on.
 */
#ifndef WF_TICK_H
#define WF_TICK_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* Once per process; epoch is the owner of what it claims. */
extern void tick_begin(int64 epoch);

/* Takes over the answers of exchanges that have ended. */
extern void tick_collect(void);

/*
 * Does one tick: records answers, goes on with runs in hand, claims, saves,
 * commits, sends.  sweep: also take over runs whose owner is gone.
 * Returns false where the extension is not there (any more); raises where
 * the tick failed: call tick_failed then.
 */
extern bool tick_run(bool sweep);

/*
 * From now on ticks begin nothing: they record answers only.  What waits for
 * its place among the requests is given back, unsent.
 */
extern void tick_wind_up(void);

/*
 * Are there requests whose answers are to come or to be recorded?  *when: a
 * tick is due then; 0: none is yet.
 */
extern bool tick_under_way(TimestampTz *when);

/* Is there more to do right now?  Else *when is the next thing due, 0: none. */
extern bool tick_has_more(TimestampTz now, TimestampTz *when);

/* Between ticks: the clock was set back, and is at now.  All waits end. */
extern void tick_clock_set_back(TimestampTz now);

#endif							/* WF_TICK_H */
