/*
 * run_status.h
 *	  What state a run is in: column "status" of workflow_runs.
 */
#ifndef WF_RUN_STATUS_H
#define WF_RUN_STATUS_H

#include "postgres.h"

typedef enum RunStatus
{
	RUN_STATUS_UNKNOWN,			/* somebody has removed the column's check */
	RUN_STATUS_QUEUED,
	RUN_STATUS_RUNNING,
	RUN_STATUS_WAITING,			/* for its next attempt */
	RUN_STATUS_COMPLETED,
	RUN_STATUS_FAILED,
	RUN_STATUS_CANCELLED
} RunStatus;

/* As the column spells it; of RUN_STATUS_UNKNOWN "unknown". */
extern const char *run_status_name(RunStatus status);

/* The status that the column, or an argument, spells so. */
extern RunStatus run_status_of(const text *name);

/* Is it queued or waiting, so that a worker takes it when it is due? */
extern bool run_status_is_open(RunStatus status);

#endif							/* WF_RUN_STATUS_H */
