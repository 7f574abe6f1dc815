/*
 * run_crash.h
 *	  Book-keeping of worker crashes in the row of a run.
 */
#ifndef WF_RUN_CRASH_H
#define WF_RUN_CRASH_H

#include "run/plan_cache.h"
#include "run/run.h"

/*
 * Why the step at which the run stands is not to be executed any more: it has
 * ended too many workers, or would not end; palloc'd or constant.  NULL: it
 * may be executed.
 */
extern const char *run_crash_forbids(const RunRow *run);

/*
 * Counts the attempts of the current step that ended a worker and of which the
 * row knows nothing else, since they were undone with the steps before it.
 */
extern void run_crash_count_attempts(RunRow *run);

/*
 * Counts the crash at its step, and notes the attempt that ended the worker if
 * the run stands at that step.
 */
extern void run_crash_note(RunRow *run, const WorkerCrash *crash,
						   const WorkflowPlan *plan);

/*
 * Was the step at which the run stands executing when the whole server was
 * killed, so that shared memory could not say so?  Then *crash says what is to
 * be noted.
 */
extern bool run_crash_by_server(const RunRow *run, const WorkflowPlan *plan,
								const TickContext *tick, WorkerCrash *crash);

#endif							/* WF_RUN_CRASH_H */
