/*
 * run_context.h
 *	  Which run's step this process is executing, so that what it fires in
 *	  turn knows its parent.
 */
#ifndef WF_RUN_CONTEXT_H
#define WF_RUN_CONTEXT_H

#include "postgres.h"
#include "utils/uuid.h"

typedef struct RunContext
{
	bool		active;			/* a native step of a run executes now */
	pg_uuid_t	id;
	int			depth;
	bool		cancelled;		/* it has cancelled runs: this or others */
} RunContext;

extern RunContext current_run;

#endif							/* WF_RUN_CONTEXT_H */
