/*
 * backoff.c
 *	  How long to wait before the next attempt: exponential, with jitter.
 *
 * Pure: numbers in, a number out.  Any process.
 */
#include "postgres.h"
#include "compat.h"

#include <math.h>

#include "base/backoff.h"

int64
backoff_ms(const Backoff *backoff, int n, int64 retry_after_ms, double random)
{
	int64		ceiling = backoff->max_ms >= 0
		? Min(backoff->max_ms, BACKOFF_MAX_MS) : BACKOFF_MAX_MS;
	double		pause = backoff->initial_ms * pow(backoff->coefficient, n - 1);
	int64		ms;

	/* compared as double: the power may be infinite */
	pause = pause < (double) ceiling ? pause : (double) ceiling;
	ms = Max((int64) (pause * (1 - 0.25 * random)), 1);
	if (retry_after_ms > ms)
		ms = retry_after_ms + (int64) (retry_after_ms * 0.1 * random);
	return ms;
}
