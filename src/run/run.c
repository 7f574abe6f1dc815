/*
 * run.c
 *	  One run: a state machine over the steps of its plan.
 *
 * Runs in a worker, inside a tick's transaction.  The state is the row
 * (RunRow): status, current_step, attempt, step_results.  Nothing else is
 * remembered, so a worker that loads the row goes on where it stands.
 * README.md has the drawing; run_state.c has the transitions.
 *
 * attempt counts the attempts of the current step that were begun.  Of a
 * request, and of every attempt while the tick is on probation, the beginning
 * is committed before the attempt is made (attempt_at is set): a worker that
 * finds it in a row of another worker's knows that the attempt was lost.
 *
 * A run changes in memory only; the worker saves it in the same transaction,
 * so a native step's effect, its result and the run's progress commit
 * together.
 */
#include "postgres.h"
#include "compat.h"

#include "config/clock.h"
#include "miscadmin.h"
#include "run/run.h"
#include "run/run_crash.h"
#include "run/run_internal.h"
#include "run/run_retry.h"
#include "run/run_step.h"
#include "run/run_throttle.h"
#include "shared/set_aside.h"

#define ATTEMPT_LOST "its worker ended before the attempt did"
#define DELIVERY_UNKNOWN \
	"delivery unknown: the worker that sent the request ended before the answer came"

/*--- an attempt ---*/

static RunVerdict
begin_sending(RunRow *run, StepCall *sc, TickContext *tick)
{
	Assert(run->attempt > 0);
	sc->intent->attempt = run->attempt;
	run->attempt_at = sc->started_at;
	tick->intents = lappend(tick->intents, sc->intent);
	return run_keep(run, tick, RUN_SENDING);
}

/* The request needs a token: no attempt is begun before that has come. */
static RunVerdict
wait_for_token(RunRow *run, StepCall *sc, TickContext *tick)
{
	run->attempt--;
	sc->intent->attempt = run->attempt;
	tick->intents = lappend(tick->intents, sc->intent);
	return run_keep(run, tick, RUN_SENDING);
}

/*
 * Counts an attempt of the current step.  True: its beginning is to be
 * committed before it is made.
 *
 * An attempt that was begun by a worker that is gone was lost, as was a
 * request that was never sent, and the attempts that ended a worker before the
 * run stood at this step.
 */
static bool
begin_attempt(RunRow *run, const PlanStep *step, bool commit_first)
{
	bool		native = run_step_is_native(step);

	if (run->attempt_at != 0 && (run->taken_over || !native))
		run_lose_attempt(run, ATTEMPT_LOST);
	run->taken_over = false;
	if (run->attempt_at != 0)
		return false;			/* it was begun in an earlier tick */
	run_crash_count_attempts(run);
	run->attempt++;
	if (!native || !commit_first)
		return false;
	run->attempt_at = clock_now();
	return true;
}

/* Fails the current step, unexecuted. */
static RunVerdict
fail_step(RunRow *run, const CachedPlan *plan, const char *error,
		  TickContext *tick)
{
	StepResult	result = {
		.status = "failed",
		.error = error,
		.started_at = run->attempt_at,
		/* attempts that were undone with the steps before it count too */
		.attempts = Max(run->attempt, Max(run->abnormal_ends, 1))
	};

	if (run->attempt_at != 0)
		result.duration_us = clock_now() - run->attempt_at;
	return run_pass_step(run, plan, &result, tick);
}

/*
 * Was the last request that may be sent lost with its worker?  Nobody knows
 * whether it has arrived.
 */
static bool
lost_for_good(const RunRow *run, const PlanStep *step)
{
	return run->attempt_at != 0 && !run_step_is_native(step) &&
		run->attempt >= run_max_attempts(step);
}

/* Why the current step must not be attempted, or NULL. */
static const char *
forbids_attempt(const RunRow *run, const PlanStep *step)
{
	const char *why = run_crash_forbids(run);

	return why == NULL && lost_for_good(run, step) ? DELIVERY_UNKNOWN : why;
}

/* The attempt was cut short, and does not count: it will be made again. */
static RunVerdict
put_off(RunRow *run, TickContext *tick, RunVerdict verdict)
{
	if (run->attempt_at == 0)
		run->attempt--;
	return run_keep(run, tick, verdict);
}

/*
 * The next step is to have a tick of its own: its attempt is begun here, and
 * committed before it is made.  So the run's row need not be locked while it
 * is made, and a session that cancels the run does not wait.
 */
static RunVerdict
begin_alone(RunRow *run, const CachedPlan *plan, TickContext *tick)
{
	if (run_crash_forbids(run) == NULL)
		(void) begin_attempt(run, plan_step_at(plan->plan, run->current_step),
							 true);
	return run_keep(run, tick, RUN_ALONE);
}

/* The step, or the making of its request, has raised an error. */
static RunVerdict
failed_in_step(RunRow *run, const StepCall *sc, const ErrorData *error,
			   StepResult *result, TickContext *tick)
{
	FailedAttempt failed = {
		.error = run_error_text(error),
		.transient = run_error_passes(error->sqlerrcode),
		.retry_after_ms = -1,
		.started_at = sc->started_at,
		.duration_us = sc->duration_us
	};

	if (run_try_again(run, sc->step, run_step_is_native(sc->step), &failed))
		return RUN_WAITING;
	result->status = "failed";
	result->error = failed.error;
	return run_pass_step(run, sc->plan, result, tick);
}

/* The step was executed in the database, was skipped, or raised an error. */
static RunVerdict
finish_step(RunRow *run, const StepCall *sc, const ErrorData *error,
			TickContext *tick)
{
	bool		skipped = sc->prepared.kind == PREPARED_SKIP;
	StepResult	result = {
		.input = sc->prepared.call.params,
		.output = sc->output,
		.started_at = sc->started_at,
		.duration_us = sc->duration_us,
		.attempts = run->attempt - (skipped ? 1 : 0)
	};

	if (error != NULL)
		return failed_in_step(run, sc, error, &result, tick);
	result.status = skipped ? "skipped" : "completed";
	result.error = sc->prepared.why;
	return run_pass_step(run, sc->plan, &result, tick);
}

/* The gate before its provider holds the request back. */
static RunVerdict
wait_at_gate(RunRow *run, const StepCall *sc, TickContext *tick)
{
	Refusal		not_sent = {0};
	const char *error = throttle_wait(run, &sc->held, &not_sent);

	return error == NULL ? RUN_WAITING
		: fail_step(run, sc->plan, error, tick);
}

/*--- the run ---*/

/* Executes the step at which the run stands, or fails it unexecuted. */
static RunVerdict
do_step(RunRow *run, const CachedPlan *plan, TickContext *tick)
{
	StepCall	sc = {.run = run,.plan = plan,
		.step = plan_step_at(plan->plan, run->current_step),
	.waited_for = tick->waited_for};
	const char *why = forbids_attempt(run, sc.step);
	ErrorData  *error;

	if (why != NULL)
		return fail_step(run, plan, why, tick);
	if (begin_attempt(run, sc.step, tick->probation))
		return run_keep(run, tick, RUN_RUNNABLE);
	error = run_step_execute(&sc, tick);
	if (sc.too_long)
		return put_off(run, tick, RUN_ALONE);
	if (error != NULL && !tick->give_up &&
		error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
		return put_off(run, tick, RUN_BLOCKED);
	if (error == NULL && sc.intent != NULL)
		return sc.intent->asks ? wait_for_token(run, &sc, tick)
			: begin_sending(run, &sc, tick);
	if (error == NULL && sc.held.until != 0)
		return wait_at_gate(run, &sc, tick);
	return finish_step(run, &sc, error, tick);
}

/* Is the next step to have a tick of its own? */
static bool
goes_alone(const RunRow *run, const CachedPlan *plan, const TickContext *tick)
{
	const PlanStep *step = plan_step_at(plan->plan, run->current_step);

	return plan_cache_is_slow(plan, run->current_step) ||
		(isolated_turn(&run->definition_id, tick->epoch, false) != TURN_FREE &&
		 run_step_is_native(step));
}

/*
 * A step that must not be executed any more is failed: here if the run stands
 * at it, else when the run comes to it again.
 */
RunVerdict
run_book_crash(RunRow *run, const WorkerCrash *crash, TickContext *tick)
{
	char	   *error = NULL;
	const CachedPlan *plan = run_usable_plan(run, &error);
	RunVerdict	verdict;

	if (plan == NULL)
		return run_fail(run, error);
	run_crash_note(run, crash, plan->plan);
	if (plan_step_at(plan->plan, run->current_step) == NULL ||
		run_crash_forbids(run) == NULL)
		return run_requeue(run);
	verdict = do_step(run, plan, tick);
	return verdict == RUN_PASSED ? run_keep(run, tick, RUN_RUNNABLE)
		: verdict;
}

RunVerdict
run_advance(RunRow *run, TickContext *tick)
{
	char	   *error = NULL;
	const CachedPlan *plan = run_usable_plan(run, &error);
	WorkerCrash crash;

	if (run_was_cancelled(run, tick))
		return RUN_ENDED;
	if (run->started_at == run->queued_at &&
		step_position_equal(run->current_step, STEP_POSITION_FIRST))
		run->started_at = clock_now();
	if (plan == NULL)
		return run_fail(run, error);
	if (run_crash_by_server(run, plan->plan, tick, &crash))
		return run_book_crash(run, &crash, tick);

	while (plan_step_at(plan->plan, run->current_step) != NULL)
	{
		RunVerdict	verdict;

		CHECK_FOR_INTERRUPTS();
		if (tick->stopping)
			return run_keep(run, tick, RUN_RUNNABLE);
		if ((tick->ending || !tick->alone) && goes_alone(run, plan, tick))
			return begin_alone(run, plan, tick);
		if (tick->subtransactions_left <= 0 || tick->ending)
			return run_keep(run, tick, RUN_RUNNABLE);
		verdict = do_step(run, plan, tick);
		if (verdict != RUN_PASSED)
			return verdict;
		if (run_was_cancelled(run, tick))
			return RUN_ENDED;
	}
	return run_complete(run);
}
