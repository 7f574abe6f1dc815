/*
 * run_internal.h
 *	  What the state machine and what answers do share (run.c, run_answer.c).
 */
#ifndef WF_RUN_INTERNAL_H
#define WF_RUN_INTERNAL_H

#include "run/plan_cache.h"
#include "run/run.h"
#include "store/step_result.h"

/* Fails the run, whatever its steps are. */
extern RunVerdict run_fail(RunRow *run, const char *message);

/*
 * Records the result of the step at which the run stands.  RUN_PASSED: the run
 * has moved past it.  RUN_ENDED: the run has failed, at that step since its
 * failure is the run's, or after it since its result has no room in the row.
 */
extern RunVerdict run_pass_step(RunRow *run, const CachedPlan *plan,
								StepResult *result, TickContext *tick);

/* PostgreSQL's message and its detail, in whole characters.  Palloc'd. */
extern char *run_error_text(const ErrorData *error);

/* NULL if the run cannot be executed at all: *error says why. */
extern const CachedPlan *run_usable_plan(const RunRow *run, char **error);

/*
 * Has a step of this tick, its own or another run's, cancelled it, or if its
 * row is not locked, anybody?
 */
extern bool run_was_cancelled(RunRow *run, const TickContext *tick);

#endif							/* WF_RUN_INTERNAL_H */
