/*
 * run_answer.c
 *	  What the answer to a request makes of its run.
 *
 * Runs in a worker, inside a tick's transaction.  The action says what the
 * answer means (Outcome); here it becomes the step's result, another attempt
 * later, or a wait that the provider asks for.  The gate before the provider
 * learns of each answer.  Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "config/clock.h"
#include "config/settings.h"
#include "run/run_crash.h"
#include "run/run_internal.h"
#include "run/run_retry.h"
#include "run/run_throttle.h"
#include "run/run_token.h"
#include "run/step_sandbox.h"
#include "shared/gate.h"

typedef struct Interpretation
{
	const Answer *answer;
	Outcome		outcome;
} Interpretation;

static void
interpret(Sandbox *sandbox, void *arg)
{
	Interpretation *i = arg;

	i->outcome.retry_after_ms = -1;
	i->answer->action->interpret(i->answer->prepare_state, i->answer->response,
								 &i->outcome);
}

/*
 * Lets the run wait if the answer is a failure after which the step may be
 * tried again, or if the provider asks to wait.  False: the outcome is the
 * step's; its error says so if the provider asks to wait for too long.
 */
static bool
answered_for_later(RunRow *run, const PlanStep *step, const Answer *answer,
				   Outcome *outcome, int64 duration_us)
{
	FailedAttempt failed = {.error = outcome->error,
		.transient = outcome->transient,
		.maybe_delivered = outcome->maybe_delivered,
		.retry_after_ms = outcome->retry_after_ms,
	.started_at = answer->started_at,.duration_us = duration_us};
	Refusal		refusal = {.error = outcome->error,
		.retry_after_ms = outcome->retry_after_ms,
	.started_at = answer->started_at,.duration_us = duration_us};
	GateTurn	turn;

	if (!outcome->ok && outcome->throttled)
	{
		throttle_refused(run, &answer->gate, &refusal, &turn);
		outcome->error = throttle_wait(run, &turn, &refusal);
		return outcome->error == NULL;
	}
	if (answer->response != NULL &&
		answer->response->failure == FAILURE_NONE)
		gate_answered(&answer->gate, answer->started_at);
	return !outcome->ok && run_try_again(run, step, false, &failed);
}

/* The request was not sent: the run is due when it was due before. */
static RunVerdict
take_back(RunRow *run)
{
	run->attempt--;
	run->attempt_at = 0;
	return run_wait(run, run->run_at);
}

/* Asks the action what the answer means, in a sandbox. */
static void
interpret_answer(const RunRow *run, Interpretation *i)
{
	Sandbox		sandbox = {.unit = &run->unit,
		.definition_id = &run->definition_id,.step = run->current_step,
	.timeout_ms = wf_step_timeout,.lock_timeout_ms = wf_lock_timeout};
	ErrorData  *raised = sandbox_run(&sandbox, interpret, i);

	if (raised == NULL)
		return;
	memset(&i->outcome, 0, sizeof(i->outcome));
	i->outcome.error = run_error_text(raised);
}

/*
 * The token that the run has waited for has come: the step is begun.  Or it
 * has not: the attempt is begun here, and has failed unsent.  False: it has,
 * and *outcome says why.
 */
static bool
token_has_come(RunRow *run, const Answer *answer, TickContext *tick,
			   Outcome *outcome, RunVerdict *verdict)
{
	tick->waited_for = token_serial(answer->waited);
	if (tick->waited_for != 0)
	{
		*verdict = run_advance(run, tick);
		tick->waited_for = 0;
		return true;
	}
	run_crash_count_attempts(run);
	run->attempt++;
	run_token_failed(answer->waited, outcome);
	return false;
}

RunVerdict
run_receive(RunRow *run, const Answer *answer, TickContext *tick)
{
	Interpretation i = {.answer = answer};
	StepResult	result = {.input = answer->input,
		.started_at = answer->started_at,
	.duration_us = clock_now() - answer->started_at};
	char	   *error = NULL;
	const CachedPlan *plan = run_usable_plan(run, &error);
	const PlanStep *step;
	RunVerdict	verdict;

	if (run_was_cancelled(run, tick))
		return RUN_ENDED;
	if (answer->waited == NULL &&
		answer->response->failure == FAILURE_WITHDRAWN)
		return take_back(run);
	if (plan == NULL)
		return run_fail(run, error);
	step = plan_step_at(plan->plan, run->current_step);
	if (step == NULL)
		return run_advance(run, tick);	/* its version was changed by hand */
	if (answer->waited == NULL)
		interpret_answer(run, &i);
	else if (token_has_come(run, answer, tick, &i.outcome, &verdict))
		return verdict;
	result.attempts = run->attempt;
	if (answer->waited == NULL &&
		run_token_renew(run, answer, i.outcome.error, result.duration_us))
		return run_advance(run, tick);
	if (answered_for_later(run, step, answer, &i.outcome, result.duration_us))
		return RUN_WAITING;
	result.status = i.outcome.ok ? "completed" : "failed";
	result.output = i.outcome.output;
	result.error = i.outcome.ok ? NULL : i.outcome.error;
	verdict = run_pass_step(run, plan, &result, tick);
	return verdict == RUN_PASSED ? run_advance(run, tick) : verdict;
}
