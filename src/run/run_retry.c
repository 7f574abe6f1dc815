/*
 * run_retry.c
 *	  What becomes of a step whose attempt has failed: another one, later.
 *
 * Runs in a worker, inside a tick's transaction.  Owns nothing: the wait is
 * in the row (status waiting, run_at), so no process holds it and it lasts
 * through restarts, for days if the step asks for that.
 *
 * Only a failure that allows it is repeated:
 * - what certainly took no effect (no connection, "come later", a transaction
 *   that was rolled back), always;
 * - what may have taken effect, only if the step's author says "retry";
 * - what would fail again, never.
 * The actions say which of these an answer is.
 */
#include "postgres.h"
#include "compat.h"

#include "base/backoff.h"
#include "common/pg_prng.h"
#include "config/clock.h"
#include "run/run_internal.h"
#include "run/run_retry.h"
#include "store/step_result.h"

/* Of a step without retry. */
#define DEFAULT_ATTEMPTS 3
#define DEFAULT_COEFFICIENT 2
#define OUTBOUND_INITIAL_MS 2000
#define NATIVE_INITIAL_MS 100

bool
run_error_passes(int sqlstate)
{
	int			category = ERRCODE_TO_CATEGORY(sqlstate);

	return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE ||
		category == ERRCODE_TRANSACTION_ROLLBACK ||
		category == ERRCODE_INSUFFICIENT_RESOURCES;
}

static void
note_attempt(RunRow *run, const FailedAttempt *failed)
{
	Jsonb	   *element = step_failed_attempt(run->attempt, failed->error,
											  failed->started_at,
											  failed->duration_us);
	Jsonb	   *before = run->failed_attempts;

	if (before == NULL)
		before = step_results_empty();
	run->failed_attempts = step_results_join(before, list_make1(element));
	run->attempt_at = 0;
}

int
run_max_attempts(const PlanStep *step)
{
	const PlanAction *action = plan_action(step);

	return action->has_retry ? action->retry.max_attempts : DEFAULT_ATTEMPTS;
}

bool
run_try_again(RunRow *run, const PlanStep *step, bool native,
			  const FailedAttempt *failed)
{
	const PlanAction *action = plan_action(step);
	Backoff		backoff = {.initial_ms = native ? NATIVE_INITIAL_MS
	: OUTBOUND_INITIAL_MS,.coefficient = DEFAULT_COEFFICIENT,.max_ms = -1};
	int64		pause;

	Assert(run->attempt > 0);
	if (!failed->transient && !(failed->maybe_delivered && action->has_retry))
		return false;
	if (action->has_retry)
	{
		backoff.coefficient = action->retry.coefficient;
		backoff.max_ms = action->retry.max_ms;
		if (action->retry.initial_ms >= 0)
			backoff.initial_ms = action->retry.initial_ms;
	}
	if (run->attempt >= run_max_attempts(step))
		return false;

	pause = backoff_ms(&backoff, run->attempt, failed->retry_after_ms,
					   pg_prng_double(&pg_global_prng_state));
	note_attempt(run, failed);
	(void) run_wait(run, clock_now() + pause * 1000);
	return true;
}

/* A run that is taken over again and again must not fill its row. */
#define MAX_NOTED 200

void
run_lose_attempt(RunRow *run, const char *why)
{
	FailedAttempt lost = {.error = why,.started_at = run->attempt_at};

	if (run->attempt_at != 0)
		lost.duration_us = clock_now() - run->attempt_at;
	if (run->attempt <= MAX_NOTED)
		note_attempt(run, &lost);
	run->attempt_at = 0;
}
