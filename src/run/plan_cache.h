/*
 * plan_cache.h
 *	  Plans by (definition, version, when it was saved), compiled once a
 *	  process.
 */
#ifndef WF_PLAN_CACHE_H
#define WF_PLAN_CACHE_H

#include "plan/plan.h"
#include "store/run_row.h"

typedef struct CachedPlan
{
	const WorkflowPlan *plan;
	Oid			run_as;			/* InvalidOid: no role */
	bool		plain;			/* built-in actions only */
	int			unbatched;		/* so many of its next runs go one by one */
	bool		measured;		/* a native step of it has ended */
	int			slowness;		/* goes up with slow steps, down with others */
	bool		cut_off;		/* the last one took longer than it might */
	int64		longest_us;		/* of its slow steps */
} CachedPlan;

/*
 * The plan of the run's version; it is valid until the next call.  The run
 * stands at a step of the plan or after its last one.  Never raises for what
 * the definition or the row holds: returns NULL with *error set if the version
 * is gone or does not compile, or if the run's row has a defect.
 */
extern const CachedPlan *plan_cache_find(const RunRow *run, char **error);

/*
 * May the run be advanced in a batch, within one subtransaction with others?
 * Not if its workflow has actions of users, whose effects may go beyond what a
 * transaction undoes, nor for a while after one of its steps failed in one.
 */
extern bool plan_cache_may_share(const RunRow *run);

/* A step of that run's workflow has failed in a batch. */
extern void plan_cache_had_failed(const RunRow *run);

/* A step that takes longer is slow. */
#define SLOW_STEP_US INT64CONST(10000)

/* A step that may take longer than this needs leave to (long_step_begin). */
#define LONG_STEP_MS 1000

/*
 * Is the step at that position to have a transaction of its own, since it is
 * native and steps of its workflow are slow?  A function of a user's counts as
 * slow until a step of the workflow has been measured.  False at the end.
 */
extern bool plan_cache_is_slow(const CachedPlan *plan, StepPosition at);

/* Is it known that such a step may take more than LONG_STEP_MS? */
extern bool plan_cache_is_long(const CachedPlan *plan);

/* Has no step of the workflow been measured, or was the last one cut off? */
extern bool plan_cache_is_unknown(const CachedPlan *plan);

/* A native step has taken so long, and then ended or was cut off. */
extern void plan_cache_note_time(const CachedPlan *noted, int64 duration_us,
								 bool cut_off);

#endif							/* WF_PLAN_CACHE_H */
