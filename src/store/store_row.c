/*
 * store_row.c
 *	  Rows of units, found, locked and loaded past the executor.
 *
 * Runs in a worker, inside a tick's transaction.  Owns nothing that outlives
 * it: a RunTable lives in the memory context and the resource owner in which
 * it was opened.  After a crash the rows are as the last commit left them.
 *
 * Why.  A tick touches a hundred rows by their keys, twice each: it locks and
 * loads a run, and saves it.  To set up a statement for each of them would
 * cost more than the row.  So the table of units, its indexes and its slots
 * are opened once a tick (RunTable), and rows go through the table's access
 * method, as COPY does it; store_write.c saves them.
 *
 * Finding.  By the primary key, with the latest snapshot: the queue in shared
 * memory announces a run after its commit, which a snapshot of the tick may
 * not show yet.  table_tuple_lock then follows the row to its newest version,
 * and what was checked before is checked again on that version.  A worker's
 * transactions are READ COMMITTED (worker_settings.c sees to it), so nothing
 * that was read before has to agree with it.
 *
 * Subtransactions.  A step executes in one that may be rolled back, and the
 * tick goes on with what remains.  Rows are locked before that, in a
 * subtransaction of their own that is released (tick_batch.c says why), so the
 * lock stays.  A version that was written inside is dead after the rollback,
 * and run->tid still names the version that was loaded, which may be updated
 * anew.  What a slot had pinned inside was released by the rollback:
 * clearing the slot would release it twice, so store_renew_runs throws the
 * slots away.  Between two calls here no slot has anything pinned.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/uuid_list.h"
#include "executor/executor.h"
#include "store/store_actions.h"
#include "store/store_added.h"
#include "store/store_defect.h"
#include "store/store_place.h"
#include "store/store_row.h"
#include "store/store_row_internal.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "store/store_units.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* So far two processes may disagree about what time it is. */
#define CLOCK_STEP_US INT64CONST(200000)

/* What a row refers to, as of this tick. */
typedef struct Definition
{
	pg_uuid_t	id;
	int			version;
	char	   *name;
	TimestampTz saved_at;
} Definition;

/* The caller has zeroed it; in the current memory context. */
static void
open_table(OpenTable *table, UnitTable which)
{
	const UnitTableInfo *info = &store_unit_tables[which];

	table->columns = info->columns;
	table->rel = table_open(store_relation(info->name), RowExclusiveLock);
	store_check_tables_of_worker();
	Assert(which == UNIT_RUN);	/* it is what store_added.c looks at */
	table->direct = !store_runs_writing().update_by_statement;
	table->result = makeNode(ResultRelInfo);
	InitResultRelInfo(table->result, table->rel, 0, NULL, 0);
	ExecOpenIndices(table->result, false);
	table->key = index_open(store_relation(info->key), AccessShareLock);
}

RunTable *
store_open_runs(void)
{
	RunTable   *runs = palloc0(sizeof(RunTable));

	runs->context = CurrentMemoryContext;
	runs->estate = CreateExecutorState();
	for (int i = 0; i < UNIT_NTABLES; i++)
		open_table(&runs->tables[i], i);
	store_renew_runs(runs);
	return runs;
}

/* What an old slot holds was pinned by a subtransaction that is no more. */
static void
forget_slot(TupleTableSlot *slot)
{
	if (slot != NULL)
		ReleaseTupleDesc(slot->tts_tupleDescriptor);
}

void
store_renew_runs(RunTable *runs)
{
	MemoryContext old = MemoryContextSwitchTo(runs->context);

	for (int i = 0; i < UNIT_NTABLES; i++)
	{
		OpenTable  *table = &runs->tables[i];

		forget_slot(table->row);
		forget_slot(table->changed);
		table->row = table_slot_create(table->rel, NULL);
		table->changed = table_slot_create(table->rel, NULL);
	}
	MemoryContextSwitchTo(old);
}

static void
close_table(OpenTable *table)
{
	index_close(table->key, NoLock);
	ExecCloseIndices(table->result);
	ExecDropSingleTupleTableSlot(table->row);
	ExecDropSingleTupleTableSlot(table->changed);
	table_close(table->rel, NoLock);
}

void
store_close_runs(RunTable *runs)
{
	for (int i = 0; i < UNIT_NTABLES; i++)
		close_table(&runs->tables[i]);
	FreeExecutorState(runs->estate);
}

Relation *
store_indexes(RunTable *runs, int *n)
{
	const ResultRelInfo *result = runs->tables[UNIT_RUN].result;

	*n = result->ri_NumIndices;
	return result->ri_IndexRelationDescs;
}

/*--- loading ---*/

static Definition *
find_definition(RunTable *runs, const pg_uuid_t *id, int version)
{
	MemoryContext old;
	Definition *definition;
	ListCell   *lc;

	foreach(lc, runs->definitions)
	{
		definition = lfirst(lc);
		if (definition->version == version && ids_equal(&definition->id, id))
			return definition;
	}
	old = MemoryContextSwitchTo(runs->context);
	definition = palloc0(sizeof(Definition));
	definition->id = *id;
	definition->version = version;
	if (store_fetch_name(id, version, &definition->name,
						 &definition->saved_at))
		runs->definitions = lappend(runs->definitions, definition);
	else
		definition = NULL;
	MemoryContextSwitchTo(old);
	return definition;
}

/* Of the row in the table's slot, which is deformed; 0 for null. */
static Datum
value_of(const OpenTable *table, UnitColumn column)
{
	int			i = table->columns[column] - 1;

	return table->row->tts_isnull[i] ? (Datum) 0 : table->row->tts_values[i];
}

/* The same, deformed if need be. */
static Datum
fetch(const OpenTable *table, UnitColumn column, bool *isnull)
{
	return slot_getattr(table->row, table->columns[column], isnull);
}

static RunStatus
status_of(const OpenTable *table)
{
	bool		isnull;

	return run_status_of(DatumGetTextPP(fetch(table, UNIT_COLUMN_STATUS,
											  &isnull)));
}

/* Of a column that is NOT NULL, which store_tables.c has checked. */
static pg_uuid_t
uuid_of(const OpenTable *table, UnitColumn column)
{
	Datum		datum = value_of(table, column);

	Assert(datum != 0);
	return *DatumGetUUIDP(datum);
}

static TimestampTz
time_of(const OpenTable *table, UnitColumn column)
{
	return DatumGetTimestampTz(value_of(table, column));
}

static StepPosition
step_of(const OpenTable *table, UnitColumn column)
{
	return DatumGetStepPosition(value_of(table, column));
}

static Jsonb *
json_of(const OpenTable *table, UnitColumn column)
{
	Datum		datum = value_of(table, column);

	return datum ? DatumGetJsonbPCopy(datum) : NULL;
}

/*
 * A copy of the unit's row, which is in its table's slot; defect says what of
 * it is not as the engine writes rows.  NULL if its definition is not there.
 */
static RunRow *
run_of_row(RunTable *runs, const Unit *unit)
{
	const OpenTable *row = open_table_of(runs, unit);
	RunRow	   *run = palloc0(sizeof(RunRow));
	Definition *definition;

	slot_getallattrs(row->row);
	run->unit = *unit;
	run->definition_id = uuid_of(row, UNIT_COLUMN_DEFINITION_ID);
	run->version =
		DatumGetInt32(value_of(row, UNIT_COLUMN_DEFINITION_VERSION));
	definition = find_definition(runs, &run->definition_id, run->version);
	if (definition == NULL)
		return NULL;
	run->tid = row->row->tts_tid;
	run->workflow_name = definition->name;
	run->saved_at = definition->saved_at;
	run->tenant_id = uuid_of(row, UNIT_COLUMN_TENANT_ID);
	run->payload = json_of(row, UNIT_COLUMN_TRIGGER_PAYLOAD);
	run->step_results = json_of(row, UNIT_COLUMN_STEP_RESULTS);
	run->status = status_of(row);
	run->current_step = step_of(row, UNIT_COLUMN_CURRENT_STEP);
	run->loaded_step = run->current_step;
	run->attempt = DatumGetInt32(value_of(row, UNIT_COLUMN_ATTEMPT));
	run->depth = DatumGetInt32(value_of(row, UNIT_COLUMN_DEPTH));
	run->queued_at = time_of(row, UNIT_COLUMN_QUEUED_AT);
	run->started_at = time_of(row, UNIT_COLUMN_STARTED_AT);
	run->run_at = time_of(row, UNIT_COLUMN_RUN_AT);
	run->priority = DatumGetInt16(value_of(row, UNIT_COLUMN_PRIORITY));
	run->attempt_at = time_of(row, UNIT_COLUMN_ATTEMPT_AT);
	run->failed_attempts = json_of(row, UNIT_COLUMN_FAILED_ATTEMPTS);
	run->abnormal_ends =
		DatumGetInt16(value_of(row, UNIT_COLUMN_ABNORMAL_ENDS));
	run->abnormal_step = step_of(row, UNIT_COLUMN_ABNORMAL_STEP);
	run->previous_results = json_of(row, UNIT_COLUMN_PREVIOUS_RESULTS);
	run->defect = store_run_defect(run);
	return run;
}

/*--- claiming, and taking up again ---*/

void
store_loading_begin(RunTable *runs)
{
	runs->snapshot = RegisterSnapshot(GetLatestSnapshot());
	for (int i = 0; i < UNIT_NTABLES; i++)
	{
		OpenTable  *table = &runs->tables[i];

		table->scan = compat_index_beginscan(table->rel, table->key,
											 runs->snapshot, 1);
	}
}

void
store_loading_end(RunTable *runs)
{
	for (int i = 0; i < UNIT_NTABLES; i++)
		index_endscan(runs->tables[i].scan);
	UnregisterSnapshot(runs->snapshot);
}

/*
 * Is the run not due?  *later is set if that is only because the clock of this
 * process shows an earlier time than that of the process that fired the run;
 * then the run is tried again soon.  For a run that waits for its time *later
 * is not set: the timer takes care of it.
 */
static bool
is_early(const OpenTable *row, TimestampTz now, bool *later)
{
	bool		isnull;
	TimestampTz when = DatumGetTimestampTz(fetch(row, UNIT_COLUMN_RUN_AT,
												 &isnull));

	*later = when > now && when <= now + CLOCK_STEP_US;
	return when > now;
}

/* Locks the row in the table's slot, which then holds its newest version. */
static TM_Result
lock_row(RunTable *runs, OpenTable *table, LockWaitPolicy policy)
{
	TM_FailureData failure;
	ItemPointerData tid = table->row->tts_tid;

	return table_tuple_lock(table->rel, &tid, runs->snapshot, table->row,
							GetCurrentCommandId(false),
							LockTupleNoKeyExclusive, policy,
							TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
							TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
}

/*
 * Was the run made for this database, or accepted here?  There is no need to
 * ask again after the row is locked: nobody gives such a run another place,
 * and wf_discard_place changes its status.
 */
static bool
belongs_here(const OpenTable *row)
{
	bool		isnull;
	Datum		place = fetch(row, UNIT_COLUMN_PLACE, &isnull);

	return store_belongs_here(DatumGetInt64(place), isnull);
}

/* Is the definition of the run in the table's slot paused? */
static bool
has_paused_definition(const OpenTable *row, const Pauses *pauses)
{
	bool		isnull;
	Datum		id;

	if (pauses->ndefinitions == 0)
		return false;
	id = fetch(row, UNIT_COLUMN_DEFINITION_ID, &isnull);
	return store_definition_is_paused(pauses, DatumGetUUIDP(id));
}

/* Locks and loads the unit's row, which is in its table's slot. */
static RunRow *
claim_row(RunTable *runs, const Unit *unit, TimestampTz now,
		  const Pauses *pauses, bool *later)
{
	OpenTable  *row = open_table_of(runs, unit);
	TM_Result	result;

	if (!run_status_is_open(status_of(row)) ||
		has_paused_definition(row, pauses))
		return NULL;
	if (is_early(row, now, later) || !belongs_here(row))
		return NULL;
	result = lock_row(runs, row, LockWaitSkip);
	*later = result == TM_WouldBlock;
	if (result != TM_Ok || !run_status_is_open(status_of(row)))
		return NULL;
	return is_early(row, now, later) ? NULL : run_of_row(runs, unit);
}

/* Puts the unit's row into the table's slot; false: there is none. */
static bool
find_row(OpenTable *table, const Unit *unit)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ,
				UUIDPGetDatum(&unit->id));
	index_rescan(table->scan, &key, 1, NULL, 0);
	return index_getnext_slot(table->scan, ForwardScanDirection, table->row);
}

RunRow *
store_claim_run(RunTable *runs, const Unit *unit, TimestampTz now,
				const Pauses *pauses, bool *later)
{
	OpenTable  *table = open_table_of(runs, unit);
	RunRow	   *run = NULL;

	*later = false;
	if (find_row(table, unit))
		run = claim_row(runs, unit, now, pauses, later);
	ExecClearTuple(table->row);
	return run;
}

static bool
is_owned(const OpenTable *row, int64 epoch)
{
	bool		isnull;
	Datum		owner = fetch(row, UNIT_COLUMN_OWNER, &isnull);

	return !isnull && DatumGetInt64(owner) == epoch &&
		status_of(row) == RUN_STATUS_RUNNING;
}

RunRow *
store_load_owned(RunTable *runs, const Unit *unit, int64 epoch, bool lock,
				 bool *busy)
{
	OpenTable  *table = open_table_of(runs, unit);
	RunRow	   *run = NULL;

	*busy = false;
	if (find_row(table, unit) && is_owned(table, epoch))
	{
		TM_Result	result = lock ? lock_row(runs, table, LockWaitSkip)
			: TM_Ok;

		*busy = result == TM_WouldBlock;
		if (result == TM_Ok && is_owned(table, epoch))
			run = run_of_row(runs, unit);
	}
	ExecClearTuple(table->row);
	return run;
}

RunRow *
store_load_locked(RunTable *runs, const Unit *unit)
{
	OpenTable  *table = open_table_of(runs, unit);
	RunRow	   *run = NULL;

	if (find_row(table, unit))
		run = run_of_row(runs, unit);
	ExecClearTuple(table->row);
	return run;
}

/* Takes over what cancelling wrote into the row in the table's slot. */
static void
take_cancelled(const OpenTable *row, RunRow *run)
{
	run->status = RUN_STATUS_CANCELLED;
	run->error_message =
		TextDatumGetCString(value_of(row, UNIT_COLUMN_ERROR_MESSAGE));
	run->completed_at = time_of(row, UNIT_COLUMN_COMPLETED_AT);
	if (run->new_results == NIL)
		run->failed_attempts = json_of(row, UNIT_COLUMN_FAILED_ATTEMPTS);
	run->attempt_at = 0;
	run->owner = 0;
}

/* Does the row in the table's slot, locked, still stand where run does? */
static RelockResult
compare_with_loaded(const OpenTable *row, RunRow *run, int64 epoch)
{
	slot_getallattrs(row->row);
	if (!step_position_equal(step_of(row, UNIT_COLUMN_CURRENT_STEP),
							 run->loaded_step))
		return RELOCK_GONE;
	if (is_owned(row, epoch))
		return RELOCK_OURS;
	if (status_of(row) != RUN_STATUS_CANCELLED ||
		value_of(row, UNIT_COLUMN_ERROR_MESSAGE) == 0)
		return RELOCK_GONE;
	take_cancelled(row, run);
	return RELOCK_CANCELLED;
}

RelockResult
store_relock_owned(RunTable *runs, RunRow *run, int64 epoch)
{
	OpenTable  *table = open_table_of(runs, &run->unit);
	RelockResult result = RELOCK_GONE;

	store_loading_begin(runs);
	if (find_row(table, &run->unit) &&
		lock_row(runs, table, LockWaitBlock) == TM_Ok)
	{
		result = compare_with_loaded(table, run, epoch);
		run->tid = table->row->tts_tid;
	}
	ExecClearTuple(table->row);
	store_loading_end(runs);
	return result;
}
