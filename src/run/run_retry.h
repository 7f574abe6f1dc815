/*
 * run_retry.h
 *	  What becomes of a step whose attempt has failed.
 */
#ifndef WF_RUN_RETRY_H
#define WF_RUN_RETRY_H

#include "plan/plan.h"
#include "store/run_row.h"

typedef struct FailedAttempt
{
	const char *error;
	bool		transient;		/* a later try may succeed, and does no harm */
	bool		maybe_delivered;	/* it may have taken effect */
	int64		retry_after_ms; /* when the peer wants the next one, -1: any */
	TimestampTz started_at;		/* 0: not known */
	int64		duration_us;
} FailedAttempt;

/* Was the effect undone by something that passes?  An SQLSTATE. */
extern bool run_error_passes(int sqlstate);

/* How many attempts may be made of a step. */
extern int	run_max_attempts(const PlanStep *step);

/*
 * True: the step is to be tried again; the attempt is noted and the run waits.
 * False: the failure is the step's.
 */
extern bool run_try_again(RunRow *run, const PlanStep *step, bool native,
						  const FailedAttempt *failed);

/* Notes an attempt whose end nobody saw, for that reason. */
extern void run_lose_attempt(RunRow *run, const char *why);

#endif							/* WF_RUN_RETRY_H */
