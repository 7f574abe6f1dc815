/*
 * store_crash.h
 *	  Runs at which a worker ended: locked, loaded, counted.
 */
#ifndef WF_STORE_CRASH_H
#define WF_STORE_CRASH_H

#include "postgres.h"
#include "store/run_row.h"

/*
 * Locks and loads a run whose worker ended while it executed that step.  NULL:
 * it is not there, has passed the step or ended, or a worker has it by now;
 * or, *locked, somebody has locked its row.
 */
extern RunRow *store_load_crashed(const Unit *unit, StepPosition step,
								  bool *locked);

/*
 * Counts an end of a worker on the run that it was about without executing a
 * step.  The run is queued again; at the max_ends-th such end at the same
 * step it is failed with that message.  Reads nothing of the row but plain
 * columns.  Raises nothing if there is no such run, or a worker has it by now;
 * *locked: somebody has locked its row.
 */
extern void store_count_crash(const Unit *unit, int max_ends,
							  const char *message, bool *locked);

#endif							/* WF_STORE_CRASH_H */
