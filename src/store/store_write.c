/*
 * store_write.c
 *	  Rows of units, saved past the executor.
 *
 * Runs in a worker, inside a tick's transaction.  Owns nothing: the table is
 * open (store_row.c says why and for how long), and the row was locked when it
 * was loaded.  After a crash the rows are as the last commit left them.
 *
 * What the executor would do at an UPDATE, and what stands for it here:
 *
 *	 privileges, row		the engine writes its own table: neither applies
 *	 security
 *	 defaults				none is asked for: a new version begins as a copy
 *							of the old one, columns of somebody's included
 *	 NOT NULL, the check	hold by construction: only the columns of
 *	 of status				store_changed_columns change, from C values that
 *							cannot be null, and status from an enum
 *	 foreign keys			none of their columns changes
 *	 triggers				ours is for INSERT alone
 *	 index entries			made here (write_changed).  Uniqueness is still
 *							checked where an index demands it
 *	 visibility				each row has a command of its own, so that a step
 *							after it sees it
 *
 * That is true of the table as the install script makes it.  If somebody has
 * added anything that takes part in an UPDATE, store_added.c finds it,
 * "direct" is false, and rows are saved by a statement (store_update_run), as
 * the table's owner.  The table is open and locked from the check to the end
 * of the transaction, so nothing can be added in between.
 *
 * HOT.  A column counts as indexed if an index's predicate names it, so a save
 * that changes status or run_at makes entries in all indexes.  One that leaves
 * them alone, such as a request's answer followed by the next request, may be
 * HOT; the access method decides, and write_changed asks what it decided.
 *
 * A step may itself have updated or deleted the run's row, in this very
 * transaction.  table_tuple_update then says so (TM_SelfModified), nothing is
 * written, and the row is saved by a statement, which finds its newest
 * version.
 */
#include "postgres.h"
#include "compat.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "store/store_changes.h"
#include "store/store_row_internal.h"
#include "store/store_save.h"
#include "store/store_write.h"
#include "utils/snapmgr.h"

static void
set(TupleTableSlot *slot, int column, Datum value, bool isnull)
{
	slot->tts_values[column - 1] = value;
	slot->tts_isnull[column - 1] = isnull;
}

/* The row as found, with what an advance changes. */
static void
fill_changed(const OpenTable *table, const RunRow *run)
{
	TupleTableSlot *slot = ExecClearTuple(table->changed);
	int			natts = slot->tts_tupleDescriptor->natts;
	Datum		values[STORE_NCHANGES];
	bool		isnull[STORE_NCHANGES];

	slot_getallattrs(table->row);
	memcpy(slot->tts_values, table->row->tts_values, natts * sizeof(Datum));
	memcpy(slot->tts_isnull, table->row->tts_isnull, natts * sizeof(bool));
	store_changes(run, values, isnull);
	for (int i = 0; i < STORE_NCHANGES; i++)
		set(slot, table->columns[store_changed_columns[i]], values[i],
			isnull[i]);
	if (run->status == RUN_STATUS_COMPLETED)
		set(slot, table->columns[UNIT_COLUMN_PREVIOUS_RESULTS], (Datum) 0,
			true);
	ExecStoreVirtualTuple(slot);
}

static bool
write_changed(RunTable *runs, const OpenTable *table, const RunRow *run)
{
	TM_FailureData failure;
	ItemPointerData tid = run->tid;
	LockTupleMode mode;
	CompatUpdateIndexes indexes;

	if (table_tuple_update(table->rel, &tid, table->changed,
						   GetCurrentCommandId(true), GetActiveSnapshot(),
						   InvalidSnapshot, true, &failure, &mode,
						   &indexes) != TM_Ok)
		return false;
	if (compat_needs_index_entries(indexes))
		list_free(compat_update_index_tuples(table->result, table->changed,
											 runs->estate, indexes));
	ResetPerTupleExprContext(runs->estate);
	CommandCounterIncrement();
	return true;
}

/* False: nothing was written, and it must be saved by a statement. */
static bool
save_directly(RunTable *runs, const RunRow *run)
{
	const OpenTable *table = open_table_of(runs, &run->unit);
	ItemPointerData tid = run->tid;
	bool		saved = false;

	if (!table->direct || !ItemPointerIsValid(&tid))
		return false;
	if (table_tuple_fetch_row_version(table->rel, &tid, SnapshotSelf,
									  table->row))
	{
		fill_changed(table, run);
		saved = write_changed(runs, table, run);
	}
	ExecClearTuple(table->row);
	ExecClearTuple(table->changed);
	return saved;
}

void
store_save_run(RunTable *runs, const RunRow *run)
{
	if (runs == NULL || !save_directly(runs, run))
		store_update_run(run);
}
