/*
 * tick.h
 *	  One transaction of a worker, which moves on its runs and those that are
 *	  due; and when the next one is to be.
 */
#ifndef WF_TICK_H
#define WF_TICK_H

#include "postgres.h"
#include "datatype/timestamp.h"

/* Once per process; epoch is the owner of the runs that it claims. */
extern void tick_begin(int64 epoch);

/*
 * Does one tick, outside of any transaction: records answers, goes on with
 * runs that this worker has, claims what is due, saves, commits, sends.
 * sweep: also takes over runs whose owner is gone.  Returns false if the
 * extension is not there (any more).  Raises if the tick failed: call
 * tick_failed then (tick_recovery.h).
 */
extern bool tick_run(bool sweep);

/*
 * From now on ticks begin nothing: they only record answers.  Requests that
 * wait for their place are taken back, unsent.
 */
extern void tick_wind_up(void);

/*
 * Are there requests whose answers are to come or to be recorded?  *when: a
 * tick is due then; 0: none is yet.
 */
extern bool tick_under_way(TimestampTz *when);

/*
 * Is there something to do right now?  *when is when the next thing is due, if
 * nothing wakes the worker before; 0: nothing is.
 */
extern bool tick_has_more(TimestampTz now, TimestampTz *when);

/* Between ticks: the clock was set back, and is at now.  All waits end. */
extern void tick_clock_set_back(TimestampTz now);

#endif							/* WF_TICK_H */
