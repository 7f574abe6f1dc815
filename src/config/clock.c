/*
 * clock.c
 *	  The one clock of the engine.
 *
 * Whatever is due, late or timed out is judged by clock_now(), in workers
 * and in backends, so that a test moves time for all of them with one
 * setting (workflow_engine.clock_offset) instead of sleeping.  Waits within
 * a process (a poll interval, a transfer's time-out) are real time and do
 * not come here.  Owns nothing; nothing survives.
 */
#include "postgres.h"
#include "compat.h"

#include "config/clock.h"
#include "config/settings.h"
#include "utils/timestamp.h"

/* The server's clock plus workflow_engine.clock_offset seconds. */
TimestampTz
clock_now(void)
{
	return GetCurrentTimestamp() + wf_clock_offset * USECS_PER_SEC;
}

/*
 * Milliseconds from now until when, rounded up so that a sleeper never wakes
 * a moment too early; 0 where it has passed, at most ceiling.  A when of
 * infinity gives ceiling.
 */
long
clock_ms_until(TimestampTz when, long ceiling)
{
	TimestampTz now = clock_now();

	if (when <= now)
		return 0;
	if (TIMESTAMP_IS_NOEND(when) || when - now >= (int64) ceiling * 1000)
		return ceiling;
	return (long) ((when - now + 999) / 1000);
}
