/*
 * clock.c
 *	  The one clock of the engine.
 *
 * Runs in workers and backends.  Whether something is due or too late is
 * judged by clock_now() everywhere.  So a test can move the time for all
 * processes with one setting (workflow_engine.clock_offset), instead of
 * sleeping.  How long a process waits (a poll interval, a transfer's time-out)
 * is real time and does not depend on this clock.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "config/clock.h"
#include "config/settings.h"
#include "utils/timestamp.h"

TimestampTz
clock_now(void)
{
	return GetCurrentTimestamp() + wf_clock_offset * USECS_PER_SEC;
}

long
clock_ms_until(TimestampTz when, long ceiling)
{
	TimestampTz now = clock_now();

	if (when <= now)
		return 0;
	if (TIMESTAMP_IS_NOEND(when) || when - now >= (int64) ceiling * 1000)
		return ceiling;
	/* rounded up: a process that sleeps so long must not wake too early */
	return (long) ((when - now + 999) / 1000);
}
