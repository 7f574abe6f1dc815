/*
 * run_crash.c
 *	  Book-keeping of worker crashes in the row of a run.
 *
 * Runs in a worker, inside a tick's transaction or in one of its own.  Shared
 * memory tells which step a worker executed when it ended (crashed_step.c);
 * here the run learns of it: column "abnormal_step" is that step, and
 * "abnormal_ends" says how many workers it has ended, -1 if its last one was
 * ended since the step went on after its time-out had cancelled it.
 *
 * Owns nothing: what is noted is in the row, so it outlives the server.
 */
#include "postgres.h"
#include "compat.h"

#include "run/run_crash.h"
#include "run/run_prepare.h"
#include "run/run_retry.h"

#define ABNORMAL_END "its worker ended abnormally while it executed this step"
#define NOT_CANCELLED \
	"it went on after its time-out had cancelled it, so its worker was ended"

/* Has the step at which the run stands ended a worker? */
static bool
has_crashed(const RunRow *run)
{
	return run->abnormal_ends != 0 &&
		step_position_equal(run->abnormal_step, run->current_step);
}

const char *
run_crash_forbids(const RunRow *run)
{
	if (!has_crashed(run))
		return NULL;
	if (run->abnormal_ends < 0)
		return NOT_CANCELLED;	/* it would do so again */
	return run->abnormal_ends < MAX_ABNORMAL_ENDS ? NULL
		: psprintf("%s, %d times", ABNORMAL_END, run->abnormal_ends);
}

void
run_crash_count_attempts(RunRow *run)
{
	Assert(run->attempt_at == 0);
	while (has_crashed(run) && run->attempt < run->abnormal_ends)
	{
		run->attempt++;
		run_lose_attempt(run, ABNORMAL_END);
	}
}

/* Notes the attempt that ended a worker, of the step where the run stands. */
static void
note_attempt(RunRow *run, TimestampTz since)
{
	if (run->attempt_at == 0)
		run->attempt++;			/* its beginning was not committed */
	run->attempt_at = since;
	/* the last attempt is noted as the step's result instead */
	if (run_crash_forbids(run) == NULL)
		run_lose_attempt(run, ABNORMAL_END);
}

void
run_crash_note(RunRow *run, const WorkerCrash *crash,
			   const WorkflowPlan *plan)
{
	if (!step_position_equal(run->abnormal_step, crash->step))
		run->abnormal_ends = 0;
	run->abnormal_step = crash->step;
	run->abnormal_ends = crash->uncancelled ? -1 : run->abnormal_ends + 1;
	run->taken_over = false;
	/* a version that was changed by hand may have fewer steps now */
	if (step_position_equal(run->current_step, crash->step) &&
		plan_step_at(plan, run->current_step) != NULL)
		note_attempt(run, crash->since);
}

bool
run_crash_by_server(const RunRow *run, const WorkflowPlan *plan,
					const TickContext *tick, WorkerCrash *crash)
{
	const PlanStep *step = plan_step_at(plan, run->current_step);

	if (!run->taken_over || run->attempt_at == 0 ||
		run->attempt_at >= tick->killed_before ||
		step == NULL || !run_step_is_native(step))
		return false;
	memset(crash, 0, sizeof(WorkerCrash));
	crash->step = run->current_step;
	crash->since = run->attempt_at;
	return true;
}
