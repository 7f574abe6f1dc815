/*
 * schedule.h
 *	  workflow_schedules: when definitions fire by themselves.
 */
#ifndef WF_SCHEDULE_H
#define WF_SCHEDULE_H

#include "postgres.h"
#include "api/trigger_row.h"

/*
 * After a row of workflow_definitions was written, and its version saved:
 * makes the rows of workflow_schedules those that the definition names.  The
 * caller acts as the tables' owner.  Workers are told at the commit.
 */
extern void schedules_sync(const TriggerRow *row);

#endif							/* WF_SCHEDULE_H */
