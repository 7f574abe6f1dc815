/*
 * run_step.h
 *	  One attempt of one step, in its fence.
 */
#ifndef WF_RUN_STEP_H
#define WF_RUN_STEP_H

#include "run/plan_cache.h"
#include "run/run.h"
#include "shared/gate.h"

/* What goes into the fence and what comes out. */
typedef struct StepCall
{
	RunRow	   *run;
	const CachedPlan *plan;
	const PlanStep *step;
	/* out: */
	char	   *key;			/* idempotency key */
	TimestampTz started_at;
	int64		duration_us;
	bool		too_long;		/* cut off, to be executed alone */
	Scope		scope;
	const Action *action;
	bool		skipped;
	char	   *why;			/* skipped because undecided */
	Jsonb	   *input;
	Jsonb	   *output;			/* native */
	Intent	   *intent;			/* outbound; NULL: it is held, */
	GateTurn	held;			/* until then */
} StepCall;

/* Does it execute in the transaction?  Functions and unknown actions, too. */
extern bool run_step_is_native(const PlanStep *step);

/* The current step's result of before wf_retry, or NULL. */
extern Jsonb *run_step_previous(const RunRow *run);

/*
 * Makes the attempt.  NULL where it went well, else the error, and its
 * effects are undone; both in the current memory context.
 */
extern ErrorData *run_step_execute(StepCall *sc, TickContext *tick);

#endif							/* WF_RUN_STEP_H */
