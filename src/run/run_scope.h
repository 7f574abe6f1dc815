/*
 * run_scope.h
 *	  What a step of a run sees: the roots of its expressions.
 */
#ifndef WF_RUN_SCOPE_H
#define WF_RUN_SCOPE_H

#include "language/scope.h"
#include "plan/plan.h"
#include "store/run_row.h"

/*
 * Fills the roots that the step may look at; *scope is zeroed.  Values live in
 * the current memory context, or are the run's.
 */
extern void run_fill_scope(Scope *scope, const RunRow *run,
						   const PlanStep *step);

#endif							/* WF_RUN_SCOPE_H */
