/*
 * store_runs.h
 *	  Runs that lost their worker: found, locked and loaded.
 */
#ifndef WF_STORE_RUNS_H
#define WF_STORE_RUNS_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "store/store_row.h"
#include "utils/uuid.h"

/* Up to limit runs whose owner is gone, locked and loaded (RunRow *). */
extern List *store_take_over(RunTable *runs, int limit);

/* The runs that this epoch owns, without known.  Lists of Unit *. */
extern List *store_owned_but(List *known, int64 epoch);

/*
 * '"a" > "b"': the workflows of a run and of those above it, that of the run
 * last; at most five.
 */
extern char *store_chain_of_names(const pg_uuid_t *run_id);

#endif							/* WF_STORE_RUNS_H */
