/*
 * store_row.h
 *	  Rows of units, found, locked and loaded past the executor.
 */
#ifndef WF_STORE_ROW_H
#define WF_STORE_ROW_H

#include "postgres.h"
#include "base/unit.h"
#include "datatype/timestamp.h"
#include "store/run_row.h"
#include "store/store_pauses.h"
#include "utils/relcache.h"

/* The tables of units, opened for one tick's transaction. */
typedef struct RunTable RunTable;

/* In the current memory context and resource owner.  Raises 55000. */
extern RunTable *store_open_runs(void);
extern void store_close_runs(RunTable *runs);

/* The indexes of workflow_runs, which it has open. */
extern Relation *store_indexes(RunTable *runs, int *n);

/* After a subtransaction was rolled back in which runs were saved. */
extern void store_renew_runs(RunTable *runs);

/* Between these two runs are loaded, as a snapshot taken now sees them. */
extern void store_loading_begin(RunTable *runs);
extern void store_loading_end(RunTable *runs);

/*
 * Locks and loads a run if it is due and its definition is not paused; else
 * NULL, and *later if somebody else holds its row or it is not due yet.
 */
extern RunRow *store_claim_run(RunTable *runs, const Unit *unit,
							   TimestampTz now, const Pauses *pauses,
							   bool *later);

/*
 * Loads a run that this epoch owns, and locks it if that is wanted; else NULL,
 * *busy if it does and somebody else holds the row.
 */
extern RunRow *store_load_owned(RunTable *runs, const Unit *unit,
								int64 epoch, bool lock, bool *busy);

/*
 * Loads a run whose row this transaction has locked; NULL if it, or its
 * definition, is not there.
 */
extern RunRow *store_load_locked(RunTable *runs, const Unit *unit);

typedef enum RelockResult
{
	RELOCK_OURS,				/* run may be saved */
	RELOCK_CANCELLED,			/* the same, and run says so now */
	RELOCK_GONE					/* it is not ours any more */
} RelockResult;

/*
 * Locks the row of a run that was loaded unlocked and has been advanced since.
 * Waits for whoever has it; raises 55P03 after LockTimeout.
 */
extern RelockResult store_relock_owned(RunTable *runs, RunRow *run,
									   int64 epoch);

#endif							/* WF_STORE_ROW_H */
