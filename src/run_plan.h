/*
 * run_plan.h
 *	  Plans by (definition, version, when it was saved), compiled once a
 *	  process.
 */
#ifndef WF_RUN_PLAN_H
#define WF_RUN_PLAN_H

#include "plan.h"
#include "store.h"

typedef struct RunPlan
{
	const WorkflowPlan *plan;
	Oid			run_as;			/* InvalidOid: no role */
	bool		plain;			/* built-in actions only */
	int			alone;			/* so many runs go by themselves */
} RunPlan;

/*
 * Never raises for what the definition holds: returns NULL with *error set
 * where the version is gone or does not compile.  The result is valid until
 * the next call.
 */
extern const RunPlan *run_plan_find(const RunRow *run, char **error);

/*
 * May the run be advanced within one fence with others?  Not where its
 * workflow has actions of the user's, whose effects may go beyond what a
 * transaction undoes, nor for a while after one of its steps failed.
 */
extern bool run_plan_may_share(const RunRow *run);

/* A step of that run's workflow has failed among others. */
extern void run_plan_had_failed(const RunRow *run);

#endif							/* WF_RUN_PLAN_H */
