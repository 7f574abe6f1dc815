/*
 * current_run.h
 *	  Which run's step this process is executing, so that what it fires in
 *	  turn knows its parent.
 */
#ifndef WF_CURRENT_RUN_H
#define WF_CURRENT_RUN_H

#include "postgres.h"
#include "utils/uuid.h"

typedef struct CurrentRun
{
	bool		active;			/* a native step of a run executes now */
	pg_uuid_t	id;
	int			depth;
	bool		cancelled;		/* it has cancelled runs: this or others */
} CurrentRun;

extern CurrentRun current_run;

#endif							/* WF_CURRENT_RUN_H */
