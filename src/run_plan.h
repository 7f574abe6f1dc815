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
} RunPlan;

/*
 * Never raises for what the definition holds: returns NULL with *error set
 * where the version is gone or does not compile.  The result is valid until
 * the next call.
 */
extern const RunPlan *run_plan_find(const RunRow *run, char **error);

#endif							/* WF_RUN_PLAN_H */
