/*
 * run_rows.h
 *	  The rows of wf_runs and wf_search: what a list shows of runs.
 */
#ifndef WF_RUN_ROWS_H
#define WF_RUN_ROWS_H

#include "postgres.h"
#include "nodes/execnodes.h"
#include "utils/uuid.h"

/*
 * Puts a row for each of those runs into the result, the newest first.  The
 * session may see them: run_find() has found them.  Connects to SPI itself.
 */
extern void run_rows_put(ReturnSetInfo *rsinfo, const pg_uuid_t *ids, int n);

#endif							/* WF_RUN_ROWS_H */
