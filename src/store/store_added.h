/*
 * store_added.h
 *	  What somebody has added to workflow_runs, and the engine must respect.
 */
#ifndef WF_STORE_ADDED_H
#define WF_STORE_ADDED_H

#include "postgres.h"

/* How rows of workflow_runs are written, since somebody has added things. */
typedef struct RunsWriting
{
	bool		insert_by_statement;
	bool		update_by_statement;
	bool		has_rules;		/* without RETURNING and ON CONFLICT, then */
} RunsWriting;

/* The caller has workflow_runs open, so that this does not change. */
extern RunsWriting store_runs_writing(void);

#endif							/* WF_STORE_ADDED_H */
