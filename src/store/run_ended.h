/*
 * run_ended.h
 *	  What follows from the end of a run.
 */
#ifndef WF_RUN_ENDED_H
#define WF_RUN_ENDED_H

#include "postgres.h"
#include "base/unit.h"
#include "store/run_status.h"

/*
 * To be called for each run that was given an ended status (completed, failed,
 * cancelled), by whoever wrote it, in the same transaction, after the row was
 * written.  Announces the end on channel workflow_events when the transaction
 * commits, as workflow_engine.notify_events asks.
 */
extern void run_ended(const Unit *unit, RunStatus status);

#endif							/* WF_RUN_ENDED_H */
