/*
 * run_state.c
 *	  The transitions of a run, one function each.
 *
 * Runs in a worker, inside a tick's transaction.  A transition changes the run
 * in memory only; the worker saves the row in the same transaction.  Each
 * returns the verdict that it stands for.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "config/clock.h"
#include "run/request_key.h"
#include "run/run_internal.h"

#define MAX_ERROR_MESSAGE 8192	/* bytes */
#define NO_ROOM \
	"step \"%s\" is done, but column \"step_results\" has no room for its input and output: it holds at most 255 MB"

/*--- of the run ---*/

static RunVerdict
end_run(RunRow *run, RunStatus status)
{
	run->status = status;
	run->completed_at = clock_now();
	run->owner = 0;
	return RUN_ENDED;
}

RunVerdict
run_complete(RunRow *run)
{
	return end_run(run, RUN_STATUS_COMPLETED);
}

RunVerdict
run_fail(RunRow *run, const char *message)
{
	run->error_message = clip_text(message, MAX_ERROR_MESSAGE);
	return end_run(run, RUN_STATUS_FAILED);
}

RunVerdict
run_keep(RunRow *run, const TickContext *tick, RunVerdict verdict)
{
	run->status = RUN_STATUS_RUNNING;
	run->owner = tick->epoch;
	return verdict;
}

RunVerdict
run_requeue(RunRow *run)
{
	run->status = RUN_STATUS_QUEUED;
	run->owner = 0;
	return RUN_WAITING;
}

RunVerdict
run_wait(RunRow *run, TimestampTz run_at)
{
	run->status = RUN_STATUS_WAITING;
	run->run_at = run_at;
	run->owner = 0;
	return RUN_WAITING;
}

/*--- of its current step ---*/

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

/* Forgets the attempts of the current step, which has its result. */
static void
forget_attempts(RunRow *run)
{
	run->failed_attempts = NULL;
	run->attempt_at = 0;
	/* of a later step: it was undone, and will be executed again */
	if (!step_position_passed(run->abnormal_step, run->current_step))
		run->abnormal_ends = 0;
}

/* Has a step of that number a result? */
static bool
has_result(const RunRow *run, StepPosition wanted)
{
	for (uint32 i = 0; i < JB_ROOT_COUNT(run->step_results); i++)
	{
		JsonbValue *element =
			getIthJsonbValueFromContainer(&run->step_results->root, i);
		StepPosition step;

		if (step_position_of_result(element->val.binary.data, &step) &&
			step_position_equal(step, wanted))
			return true;
	}
	return false;
}

/*
 * The position of the next step without a result.  Only wf_retry on another
 * version leaves results of steps ahead: then the run has more of them than it
 * has passed steps.
 */
static StepPosition
next_position(const RunRow *run, const WorkflowPlan *plan)
{
	StepPosition next = plan_next(plan, run->current_step);
	int			nresults = JB_ROOT_COUNT(run->step_results) +
		list_length(run->new_results);

	if (nresults <= next.number)
		return next;
	while (plan_step_at(plan, next) != NULL && has_result(run, next))
		next = plan_next(plan, next);
	return next;
}

RunVerdict
run_pass_step(RunRow *run, const CachedPlan *plan, StepResult *result,
			  TickContext *tick)
{
	const PlanStep *step = plan_step_at(plan->plan, run->current_step);
	bool		fits;

	Assert(step != NULL);
	result->step = run->current_step;
	result->step_name = step->name;
	result->action = plan_action(step)->name;
	result->failed_attempts = run->failed_attempts;
	result->previous = request_previous_result(run);
	result->repeat = request_delivery(result->previous);
	fits = add_result(run, result);
	forget_attempts(run);
	tick->steps_done++;
	tick->give_up = false;		/* the next one's time begins anew */
	if (strcmp(result->status, "failed") == 0 && !step->continue_on_error)
		return run_fail(run, psprintf("step \"%s\": %s", step->name,
									  result->error));
	run->current_step = next_position(run, plan->plan);
	run->attempt = 0;
	return fits ? RUN_PASSED : run_fail(run, psprintf(NO_ROOM, step->name));
}
