/*
 * backoff.c
 *	  The delay before the next attempt: exponential, bounded, with jitter.
 *
 * A pure function, called by the workers; it owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include <math.h>

#include "backoff.h"

/* The part of a delay that is left to chance. */
#define JITTER 0.25

int64
backoff_delay_ms(int attempt, int64 initial_ms, double coefficient,
				 int64 max_ms, double random)
{
	double		ceiling = BACKOFF_CEILING_MS;
	double		delay;

	if (max_ms >= 0 && max_ms < BACKOFF_CEILING_MS)
		ceiling = max_ms;
	random = Min(Max(random, 0.0), 1.0);

	/* The product may be infinite or, from 0 times that, not a number. */
	delay = initial_ms * pow(coefficient, Max(attempt, 1) - 1);
	if (isnan(delay))
		delay = 0;
	if (delay >= ceiling)
		delay = ceiling * (1 - JITTER * random);
	else
		delay += Min(delay * JITTER, ceiling - delay) * random;
	return (int64) Max(Min(delay, ceiling), 1.0);
}
