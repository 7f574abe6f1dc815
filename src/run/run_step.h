/*
 * run_step.h
 *	  One attempt of one step: prepared and performed, in its sandbox.
 */
#ifndef WF_RUN_STEP_H
#define WF_RUN_STEP_H

#include "run/plan_cache.h"
#include "run/run.h"
#include "run/run_prepare.h"
#include "shared/gate.h"

/* What an attempt needs, and what it comes to. */
typedef struct StepCall
{
	RunRow	   *run;
	const CachedPlan *plan;
	const PlanStep *step;
	int64		waited_for;		/* as in TickContext */
	/* out: */
	TimestampTz started_at;
	int64		duration_us;
	bool		too_long;		/* cut off, to be executed alone */
	Scope		scope;
	PreparedStep prepared;
	Jsonb	   *output;			/* native */
	Intent	   *intent;			/* outbound; it may ask for a token.  NULL: it
								 * is held, */
	GateTurn	held;			/* until then */
} StepCall;

/*
 * Makes the attempt.  NULL if it went well, else the error, and its effects
 * are undone; both in the current memory context.
 */
extern ErrorData *run_step_execute(StepCall *sc, TickContext *tick);

#endif							/* WF_RUN_STEP_H */
