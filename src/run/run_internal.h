/*
 * run_internal.h
 *	  What the files of the state machine share: run*.c only.
 */
#ifndef WF_RUN_INTERNAL_H
#define WF_RUN_INTERNAL_H

#include "run/plan_cache.h"
#include "run/run.h"
#include "store/step_result.h"

/*--- transitions (run_state.c) ---*/

/* It has passed its last step. */
extern RunVerdict run_complete(RunRow *run);

/* Fails the run, whatever its steps are. */
extern RunVerdict run_fail(RunRow *run, const char *message);

/* This worker keeps it, with that verdict, which is returned. */
extern RunVerdict run_keep(RunRow *run, const TickContext *tick,
						   RunVerdict verdict);

/* Any worker may take it, at once. */
extern RunVerdict run_requeue(RunRow *run);

/* Any worker may take it, from that moment on. */
extern RunVerdict run_wait(RunRow *run, TimestampTz run_at);

/*
 * Records the result of the step at which the run stands.  RUN_PASSED: the run
 * has moved past it.  RUN_ENDED: the run has failed, at that step since its
 * failure is the run's, or after it since its result has no room in the row.
 */
extern RunVerdict run_pass_step(RunRow *run, const CachedPlan *plan,
								StepResult *result, TickContext *tick);

/*--- what a run needs to go on (run_ready.c) ---*/

/* NULL if the run cannot be executed at all: *error says why. */
extern const CachedPlan *run_usable_plan(const RunRow *run, char **error);

/*
 * Has the run been cancelled since it was loaded: by a step of this tick, its
 * own or another run's, or, if its row is not locked, by anybody?  Then run
 * takes over what that wrote.
 */
extern bool run_was_cancelled(RunRow *run, const TickContext *tick);

/* PostgreSQL's message and its detail, in whole characters.  Palloc'd. */
extern char *run_error_text(const ErrorData *error);

#endif							/* WF_RUN_INTERNAL_H */
