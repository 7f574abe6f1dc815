/*
 * backoff.h
 *	  How long to wait before the next attempt.
 */
#ifndef WF_BACKOFF_H
#define WF_BACKOFF_H

#include "postgres.h"

#define BACKOFF_MAX_MS (INT64CONST(30) * 24 * 60 * 60 * 1000)

typedef struct Backoff
{
	int64		initial_ms;		/* before the second attempt */
	double		coefficient;	/* factor of each pause to the one before */
	int64		max_ms;			/* no pause is longer; -1: BACKOFF_MAX_MS */
} Backoff;

/*
 * The pause in ms, at least 1, after attempt number n (from 1) has failed.
 * random is from 0 to 1 and takes up to a quarter off, so that attempts which
 * failed together are not repeated together.  retry_after_ms is what the peer
 * asked for (Retry-After), or -1.  The pause is not shorter than that,
 * whatever max_ms is, and up to a tenth of it is added at random.
 */
extern int64 backoff_ms(const Backoff *backoff, int n, int64 retry_after_ms,
						double random);

#endif							/* WF_BACKOFF_H */
