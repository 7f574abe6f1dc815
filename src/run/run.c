/*
 * run.c
 *	  One run: a state machine over the steps of its plan.
 *
 * Runs in a worker, inside a tick's transaction.  The state is the row
 * (RunRow): status, current_step, attempt, step_results.  Nothing else is
 * remembered, so whoever loads the row goes on where it stands.
 *
 *	            ┌── native, skipped ──┐
 *	            ▼                     │
 *	  begin ─► step ──────────────────┘
 *	           │ ▲  │ outbound: intent      ┌─ answer: completed, or failed
 *	   failed, │ │  ▼                       │  and on_error continue ─► step
 *	   may be  │ │ sending ─(commit, send)─► receive
 *	   repeated│ │                          │ └─ failed and on_error stop
 *	           ▼ │ run_at                   │          ─► failed
 *	          waiting ◄─────────────────────┘
 *
 * attempt counts the attempts of the current step that were begun.  Of a
 * request, and of every attempt while the tick is on probation, the beginning
 * is committed first (attempt_at is set): whoever finds that of another
 * worker knows that the attempt was lost.
 *
 * A run changes in memory only; the worker saves it in the same transaction,
 * so a native step's effect, its result and the run's progress commit
 * together.
 */
#include "postgres.h"
#include "compat.h"

#include "base/valid_text.h"
#include "config/clock.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "run/plan_cache.h"
#include "run/request_key.h"
#include "run/run.h"
#include "run/run_internal.h"
#include "run/run_retry.h"
#include "run/run_step.h"
#include "run/run_throttle.h"
#include "run/step_sandbox.h"
#include "run/step_sandbox_lock.h"
#include "shared/set_aside.h"
#include "store/step_result.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define DELIVERY_UNKNOWN "delivery unknown: the worker that sent the request ended before the answer came"
#define ABNORMAL_END "its worker ended abnormally while it executed this step"
/*--- transitions ---*/

static void
end_run(RunRow *run, const char *status)
{
	run->status = pstrdup(status);
	run->completed_at = clock_now();
	run->owner = 0;
}

RunVerdict
run_fail(RunRow *run, const char *message)
{
	run->error_message = clip_text(message, 8192);
	end_run(run, "failed");
	return RUN_ENDED;
}

/*
 * Adds an element to the results; false: there was no room for all of it, and
 * it has been added without what is large.
 */
static bool
add_result(RunRow *run, StepResult *result)
{
	Jsonb	   *element = step_result_element(result);
	bool		fits = step_results_fit(run->step_results, run->new_results,
										element);

	if (!fits)
	{
		result->input = result->output = NULL;
		result->failed_attempts = result->previous = NULL;
		element = step_result_element(result);
	}
	run->new_results = lappend(run->new_results, element);
	return fits;
}

RunVerdict
run_pass_step(RunRow *run, const CachedPlan *plan, StepResult *result,
			  TickContext *tick)
{
	const PlanStep *step = plan_step_at(plan->plan, run->current_step);
	bool		fits;

	result->step = run->current_step;
	result->step_name = step->name;
	result->action = plan_action(step)->name;
	result->failed_attempts = run->failed_attempts;
	result->previous = request_previous_result(run);
	result->repeat = request_delivery(result->previous);
	fits = add_result(run, result);
	run->failed_attempts = NULL;
	run->attempt_at = 0;
	if (!step_position_passed(run->abnormal_step, run->current_step))
		run->abnormal_ends = 0;
	tick->steps_done++;
	tick->give_up = false;		/* the next one's time begins anew */
	if (strcmp(result->status, "failed") == 0 && !step->continue_on_error)
		return run_fail(run, psprintf("step \"%s\": %s", step->name,
									  result->error));
	run->current_step = plan_next(plan->plan, run->current_step);
	run->attempt = 0;
	if (!fits)
		return run_fail(run, psprintf("step \"%s\" is done, but column \"step_results\" has no room for its input and output: it holds at most 255 MB",
									  step->name));
	return RUN_PASSED;
}

char *
run_error_text(const ErrorData *error)
{
	const char *detail = error->detail;

	if (detail == NULL)
		detail = sandbox_lock_text(error);
	if (detail == NULL)
		return pstrdup(valid_text(error->message));
	return psprintf("%s (%s)", valid_text(error->message),
					valid_text(detail));
}

static RunVerdict
keep_running(RunRow *run, TickContext *tick, RunVerdict verdict)
{
	run->status = pstrdup("running");
	run->owner = tick->epoch;
	return verdict;
}

static RunVerdict
begin_sending(RunRow *run, StepCall *sc, TickContext *tick)
{
	sc->intent->attempt = run->attempt;
	run->attempt_at = sc->started_at;
	tick->intents = lappend(tick->intents, sc->intent);
	return keep_running(run, tick, RUN_SENDING);
}

static bool
has_struck(const RunRow *run)
{
	return run->abnormal_ends != 0 &&
		step_position_equal(run->abnormal_step, run->current_step);
}

/*
 * Counts an attempt of the current step.  True: its beginning is to be
 * committed before it is made.  One that was begun by a worker that is gone,
 * or a request that was never sent, was lost; and so were those that ended a
 * worker before the run stood at this step.
 */
static bool
begin_attempt(RunRow *run, const PlanStep *step, TickContext *tick)
{
	bool		native = run_step_is_native(step);

	if (run->attempt_at != 0 && (run->taken_over || !native))
		run_lose_attempt(run, "its worker ended before the attempt did");
	run->taken_over = false;
	if (run->attempt_at != 0)
		return false;			/* that is the one */
	while (has_struck(run) && run->attempt < run->abnormal_ends)
	{
		run->attempt++;
		run_lose_attempt(run, ABNORMAL_END);
	}
	run->attempt++;
	if (!native || !tick->probation)
		return false;
	run->attempt_at = clock_now();
	return true;
}

/* Must the current step not be executed any more?  Then why. */
static const char *
struck_out(const RunRow *run)
{
	if (!has_struck(run))
		return NULL;
	if (run->abnormal_ends < 0)
		return "it went on after its time-out had cancelled it, so its worker was ended";
	return run->abnormal_ends < MAX_ABNORMAL_ENDS ? NULL
		: psprintf("%s, %d times", ABNORMAL_END, run->abnormal_ends);
}

/* Fails the current step, unexecuted. */
static RunVerdict
fail_step(RunRow *run, const CachedPlan *plan, const char *error,
		  TickContext *tick)
{
	StepResult	result = {.status = "failed",.error = error,
	.started_at = run->attempt_at};

	if (run->attempt_at != 0)
		result.duration_us = clock_now() - run->attempt_at;
	/* where its attempts were undone with the steps before it */
	result.attempts = Max(run->attempt, Max(run->abnormal_ends, 1));
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

/* The attempt that was counted is not to count. */
static RunVerdict
put_off(RunRow *run, TickContext *tick, RunVerdict verdict)
{
	if (run->attempt_at == 0)
		run->attempt--;
	return keep_running(run, tick, verdict);
}

/*
 * The next step is to have a tick of its own: its attempt is begun here, and
 * committed before it is made.  So the run's row need not be locked while it
 * is made, and whoever cancels the run does not wait.
 */
static RunVerdict
begin_alone(RunRow *run, const CachedPlan *plan, TickContext *tick)
{
	bool		probation = tick->probation;

	if (struck_out(run) == NULL)
	{
		tick->probation = true;
		(void) begin_attempt(run, plan_step_at(plan->plan, run->current_step),
							 tick);
		tick->probation = probation;
	}
	return keep_running(run, tick, RUN_ALONE);
}

/* What a step in the database, or the making of a request, has come to. */
static RunVerdict
finish_step(RunRow *run, const StepCall *sc, const ErrorData *error,
			TickContext *tick)
{
	bool		skipped = sc->prepared.kind == PREPARED_SKIP;
	StepResult	result = {.input = sc->prepared.call.params,
		.output = sc->output,
		.started_at = sc->started_at,.duration_us = sc->duration_us,
	.attempts = run->attempt - (skipped ? 1 : 0)};

	if (error == NULL)
	{
		result.status = skipped ? "skipped" : "completed";
		result.error = sc->prepared.why;
	}
	else
	{
		FailedAttempt failed = {.error = run_error_text(error),
			.transient = run_error_passes(error->sqlerrcode),
			.retry_after_ms = -1,.started_at = sc->started_at,
			.duration_us = sc->duration_us};

		if (run_try_again(run, sc->step, run_step_is_native(sc->step),
						  &failed))
			return RUN_WAITING;
		result.status = "failed";
		result.error = failed.error;
	}
	return run_pass_step(run, sc->plan, &result, tick);
}

/* Executes the step at which the run stands, or fails it unexecuted. */
static RunVerdict
do_step(RunRow *run, const CachedPlan *plan, TickContext *tick)
{
	StepCall	sc = {.run = run,.plan = plan,
	.step = plan_step_at(plan->plan, run->current_step)};
	const char *out = struck_out(run);
	ErrorData  *error;

	if (out == NULL && lost_for_good(run, sc.step))
		out = DELIVERY_UNKNOWN;
	if (out != NULL)
		return fail_step(run, plan, out, tick);
	if (begin_attempt(run, sc.step, tick))
		return keep_running(run, tick, RUN_RUNNABLE);
	error = run_step_execute(&sc, tick);
	if (error != NULL && (sc.too_long || (!tick->give_up &&
			error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)))
		return put_off(run, tick, sc.too_long ? RUN_ALONE : RUN_BLOCKED);
	if (error == NULL && sc.intent != NULL)
		return begin_sending(run, &sc, tick);
	if (error == NULL && sc.held.until != 0)
	{
		out = throttle_wait(run, &sc.held, &(Refusal) {0});
		return out == NULL ? RUN_WAITING : fail_step(run, plan, out, tick);
	}
	return finish_step(run, &sc, error, tick);
}

const CachedPlan *
run_usable_plan(const RunRow *run, char **error)
{
	const CachedPlan *plan = plan_cache_find(run, error);

	if (plan != NULL && !SearchSysCacheExists1(AUTHOID,
											   ObjectIdGetDatum(plan->run_as)))
	{
		*error = pstrdup("the role that this workflow runs as does not exist; "
						 "set run_as of the definition to a role and fire again");
		return NULL;
	}
	return plan;
}

/* Was the current step executing when the whole server was killed? */
static bool
was_killed(const RunRow *run, const CachedPlan *plan, const TickContext *tick)
{
	const PlanStep *step = plan_step_at(plan->plan, run->current_step);

	return run->taken_over && run->attempt_at != 0 &&
		run->attempt_at < tick->killed_before &&
		step != NULL && run_step_is_native(step);
}

bool
run_was_cancelled(RunRow *run, const TickContext *tick)
{
	return (tick->cancelled || tick->alone) && store_take_cancelled(run);
}

/* Is the next step to have a tick of its own? */
static bool
goes_alone(const RunRow *run, const CachedPlan *plan, const TickContext *tick)
{
	return plan_cache_is_slow(plan, run->current_step) ||
		(isolated_turn(&run->definition_id, tick->epoch,
							   false) != TURN_FREE &&
		 run_step_is_native(plan_step_at(plan->plan, run->current_step)));
}

RunVerdict
run_advance(RunRow *run, TickContext *tick)
{
	char	   *error = NULL;
	const CachedPlan *plan = run_usable_plan(run, &error);

	if (run_was_cancelled(run, tick))
		return RUN_ENDED;
	if (run->started_at == run->queued_at &&
		step_position_equal(run->current_step, STEP_POSITION_FIRST))
		run->started_at = clock_now();
	if (plan == NULL)
		return run_fail(run, error);
	if (was_killed(run, plan, tick))
		return run_book_crash(run, &(WorkerCrash) {.step = run->current_step,
						  .since = run->attempt_at}, tick);

	while (plan_step_at(plan->plan, run->current_step) != NULL)
	{
		RunVerdict	verdict;

		CHECK_FOR_INTERRUPTS();
		if (tick->stopping)
			return keep_running(run, tick, RUN_RUNNABLE);
		if ((tick->ending || !tick->alone) && goes_alone(run, plan, tick))
			return begin_alone(run, plan, tick);
		if (tick->subtransactions_left <= 0 || tick->ending)
			return keep_running(run, tick, RUN_RUNNABLE);
		verdict = do_step(run, plan, tick);
		if (verdict != RUN_PASSED)
			return verdict;
		if (run_was_cancelled(run, tick))
			return RUN_ENDED;
	}
	end_run(run, "completed");
	return RUN_ENDED;
}

/*--- workers that a step has ended ---*/

/* Notes the attempt that ended a worker, at the step where the run stands. */
static void
note_crash(RunRow *run, const WorkerCrash *crash)
{
	if (run->attempt_at == 0)
		run->attempt++;			/* its beginning was not committed */
	run->attempt_at = crash->since;
	if (struck_out(run) == NULL)
		run_lose_attempt(run, ABNORMAL_END);
}

/* The struck step itself is failed by do_step: at once, or when it is due. */
RunVerdict
run_book_crash(RunRow *run, const WorkerCrash *crash, TickContext *tick)
{
	char	   *error = NULL;
	const CachedPlan *plan = run_usable_plan(run, &error);
	RunVerdict	verdict;

	if (plan == NULL)
		return run_fail(run, error);
	if (!step_position_equal(run->abnormal_step, crash->step))
		run->abnormal_ends = 0;
	run->abnormal_step = crash->step;
	run->abnormal_ends = crash->uncancelled ? -1 : run->abnormal_ends + 1;
	run->taken_over = false;
	if (step_position_equal(run->current_step, crash->step) &&
		plan_step_at(plan->plan, run->current_step) != NULL)
	{
		note_crash(run, crash);
		if (struck_out(run) != NULL)
		{
			verdict = do_step(run, plan, tick);
			return verdict == RUN_PASSED
				? keep_running(run, tick, RUN_RUNNABLE) : verdict;
		}
	}
	run->status = pstrdup("queued");
	run->owner = 0;
	return RUN_WAITING;
}
