/*
 * store_row.c
 *	  Rows of workflow_runs, found, locked and loaded past the executor.
 *
 * Runs in a worker, inside a tick's transaction.  Owns nothing that outlives
 * it: a RunTable lives in the memory context and the resource owner in which
 * it was opened.  After a crash the rows are as the last commit left them.
 *
 * Why.  A tick touches a hundred rows by their keys, twice each: it locks and
 * loads a run, and saves it.  To set up a statement for each of them would
 * cost more than the row.  So the table, its indexes and its slots are opened
 * once a tick (RunTable), and rows go through the table's access method, as
 * COPY does it; store_write.c saves them.
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
#include "store/store.h"
#include "store/store_place.h"
#include "store/store_row_internal.h"
#include "store/store_tables.h"
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

RunTable *
store_open_runs(void)
{
	RunTable   *runs = palloc0(sizeof(RunTable));

	runs->context = CurrentMemoryContext;
	runs->rel = table_open(store_relation("workflow_runs"), RowExclusiveLock);
	store_check_tables_of_worker();
	runs->direct = !store_runs_writing().update_by_statement;
	runs->estate = CreateExecutorState();
	runs->result = makeNode(ResultRelInfo);
	InitResultRelInfo(runs->result, runs->rel, 0, NULL, 0);
	ExecOpenIndices(runs->result, false);
	runs->key = index_open(store_relation("workflow_runs_pkey"),
						   AccessShareLock);
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

	forget_slot(runs->row);
	forget_slot(runs->changed);
	runs->row = table_slot_create(runs->rel, NULL);
	runs->changed = table_slot_create(runs->rel, NULL);
	MemoryContextSwitchTo(old);
}

void
store_close_runs(RunTable *runs)
{
	index_close(runs->key, NoLock);
	ExecCloseIndices(runs->result);
	FreeExecutorState(runs->estate);
	ExecDropSingleTupleTableSlot(runs->row);
	ExecDropSingleTupleTableSlot(runs->changed);
	table_close(runs->rel, NoLock);
}

Relation *
store_indexes(RunTable *runs, int *n)
{
	*n = runs->result->ri_NumIndices;
	return runs->result->ri_IndexRelationDescs;
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

static Datum
value_of(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column - 1] ? (Datum) 0
		: slot->tts_values[column - 1];
}

/* The column, deformed if need be; 0 for null. */
static Datum
fetch(TupleTableSlot *slot, int column)
{
	bool		isnull;
	Datum		datum = slot_getattr(slot, column, &isnull);

	return isnull ? (Datum) 0 : datum;
}

static RunStatus
status_of(TupleTableSlot *slot)
{
	return run_status_of(DatumGetTextPP(fetch(slot,
											  Anum_workflow_runs_status)));
}

/* Of a column that is NOT NULL, which store_tables.c has checked. */
static pg_uuid_t
uuid_of(TupleTableSlot *slot, int column)
{
	Datum		datum = value_of(slot, column);

	Assert(datum != 0);
	return *DatumGetUUIDP(datum);
}

static Jsonb *
json_of(TupleTableSlot *slot, int column)
{
	Datum		datum = value_of(slot, column);

	return datum ? DatumGetJsonbPCopy(datum) : NULL;
}

/*
 * A copy of the row in the slot, whose defect says what of it is not as the
 * engine writes rows; NULL if its definition is not there.
 */
static RunRow *
run_of_slot(RunTable *runs, TupleTableSlot *slot)
{
	RunRow	   *run = palloc0(sizeof(RunRow));
	Definition *definition;

	slot_getallattrs(slot);
	run->unit.table = UNIT_RUN;
	run->unit.id = uuid_of(slot, Anum_workflow_runs_id);
	run->definition_id = uuid_of(slot, Anum_workflow_runs_definition_id);
	run->version =
		DatumGetInt32(value_of(slot, Anum_workflow_runs_definition_version));
	definition = find_definition(runs, &run->definition_id, run->version);
	if (definition == NULL)
		return NULL;
	run->tid = slot->tts_tid;
	run->workflow_name = definition->name;
	run->saved_at = definition->saved_at;
	run->tenant_id = uuid_of(slot, Anum_workflow_runs_tenant_id);
	run->payload = json_of(slot, Anum_workflow_runs_trigger_payload);
	run->step_results = json_of(slot, Anum_workflow_runs_step_results);
	run->status = status_of(slot);
	run->current_step =
		DatumGetStepPosition(value_of(slot, Anum_workflow_runs_current_step));
	run->loaded_step = run->current_step;
	run->attempt = DatumGetInt32(value_of(slot, Anum_workflow_runs_attempt));
	run->depth = DatumGetInt32(value_of(slot, Anum_workflow_runs_depth));
	run->queued_at =
		DatumGetTimestampTz(value_of(slot, Anum_workflow_runs_queued_at));
	run->started_at =
		DatumGetTimestampTz(value_of(slot, Anum_workflow_runs_started_at));
	run->run_at =
		DatumGetTimestampTz(value_of(slot, Anum_workflow_runs_run_at));
	run->priority = DatumGetInt16(value_of(slot, Anum_workflow_runs_priority));
	run->attempt_at =
		DatumGetTimestampTz(value_of(slot, Anum_workflow_runs_attempt_at));
	run->failed_attempts = json_of(slot, Anum_workflow_runs_failed_attempts);
	run->abnormal_ends =
		DatumGetInt16(value_of(slot, Anum_workflow_runs_abnormal_ends));
	run->abnormal_step =
		DatumGetStepPosition(value_of(slot, Anum_workflow_runs_abnormal_step));
	run->previous_results = json_of(slot, Anum_workflow_runs_previous_results);
	run->defect = store_run_defect(run);
	return run;
}

/*--- claiming, and taking up again ---*/

void
store_loading_begin(RunTable *runs)
{
	runs->snapshot = RegisterSnapshot(GetLatestSnapshot());
	runs->scan = compat_index_beginscan(runs->rel, runs->key, runs->snapshot,
										1);
}

void
store_loading_end(RunTable *runs)
{
	index_endscan(runs->scan);
	UnregisterSnapshot(runs->snapshot);
}

static TimestampTz
due_at(TupleTableSlot *slot)
{
	return DatumGetTimestampTz(fetch(slot, Anum_workflow_runs_run_at));
}

/*
 * Is the run not due?  *later is set if that is only because the clock of this
 * process shows an earlier time than that of the process that fired the run;
 * then the run is tried again soon.  For a run that waits for its time *later
 * is not set: the timer takes care of it.
 */
static bool
is_early(TupleTableSlot *slot, TimestampTz now, bool *later)
{
	TimestampTz when = due_at(slot);

	*later = when > now && when <= now + CLOCK_STEP_US;
	return when > now;
}

/* Locks the row in the slot, which then holds its newest version. */
static TM_Result
lock_row(RunTable *runs, LockWaitPolicy policy)
{
	TM_FailureData failure;
	ItemPointerData tid = runs->row->tts_tid;

	return table_tuple_lock(runs->rel, &tid, runs->snapshot, runs->row,
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
belongs_here(TupleTableSlot *slot)
{
	bool		isnull;
	Datum		place = slot_getattr(slot, Anum_workflow_runs_place, &isnull);

	return store_belongs_here(DatumGetInt64(place), isnull);
}

/* Is the definition of the run in the slot paused? */
static bool
has_paused_definition(TupleTableSlot *slot, const Pauses *pauses)
{
	bool		isnull;
	Datum		id;

	if (pauses->ndefinitions == 0)
		return false;
	id = slot_getattr(slot, Anum_workflow_runs_definition_id, &isnull);
	return store_definition_is_paused(pauses, DatumGetUUIDP(id));
}

/* Locks and loads the row in the slot. */
static RunRow *
claim_row(RunTable *runs, TimestampTz now, const Pauses *pauses, bool *later)
{
	TM_Result	result;

	if (!run_status_is_open(status_of(runs->row)) ||
		has_paused_definition(runs->row, pauses))
		return NULL;
	if (is_early(runs->row, now, later) || !belongs_here(runs->row))
		return NULL;
	result = lock_row(runs, LockWaitSkip);
	*later = result == TM_WouldBlock;
	if (result != TM_Ok || !run_status_is_open(status_of(runs->row)))
		return NULL;
	return is_early(runs->row, now, later) ? NULL
		: run_of_slot(runs, runs->row);
}

/* Puts the run's row into the slot; false: there is none. */
static bool
find_row(RunTable *runs, const Unit *unit)
{
	ScanKeyData key;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_UUID_EQ,
				UUIDPGetDatum(&unit->id));
	index_rescan(runs->scan, &key, 1, NULL, 0);
	return index_getnext_slot(runs->scan, ForwardScanDirection, runs->row);
}

RunRow *
store_claim_run(RunTable *runs, const Unit *unit, TimestampTz now,
				const Pauses *pauses, bool *later)
{
	RunRow	   *run = NULL;

	*later = false;
	if (find_row(runs, unit))
		run = claim_row(runs, now, pauses, later);
	ExecClearTuple(runs->row);
	return run;
}

static bool
is_owned(TupleTableSlot *slot, int64 epoch)
{
	bool		isnull;
	Datum		owner = slot_getattr(slot, Anum_workflow_runs_owner, &isnull);

	return !isnull && DatumGetInt64(owner) == epoch &&
		status_of(slot) == RUN_STATUS_RUNNING;
}

RunRow *
store_load_owned(RunTable *runs, const Unit *unit, int64 epoch, bool lock,
				 bool *busy)
{
	RunRow	   *run = NULL;

	*busy = false;
	if (find_row(runs, unit) && is_owned(runs->row, epoch))
	{
		TM_Result	result = lock ? lock_row(runs, LockWaitSkip) : TM_Ok;

		*busy = result == TM_WouldBlock;
		if (result == TM_Ok && is_owned(runs->row, epoch))
			run = run_of_slot(runs, runs->row);
	}
	ExecClearTuple(runs->row);
	return run;
}

RunRow *
store_load_locked(RunTable *runs, const Unit *unit)
{
	RunRow	   *run = NULL;

	if (find_row(runs, unit))
		run = run_of_slot(runs, runs->row);
	ExecClearTuple(runs->row);
	return run;
}

/* Takes over what cancelling wrote into the row in the slot. */
static void
take_cancelled(TupleTableSlot *slot, RunRow *run)
{
	run->status = RUN_STATUS_CANCELLED;
	run->error_message =
		TextDatumGetCString(value_of(slot, Anum_workflow_runs_error_message));
	run->completed_at =
		DatumGetTimestampTz(value_of(slot, Anum_workflow_runs_completed_at));
	if (run->new_results == NIL)
		run->failed_attempts =
			json_of(slot, Anum_workflow_runs_failed_attempts);
	run->attempt_at = 0;
	run->owner = 0;
}

/* Does the row in the slot, locked, still stand where the run was loaded? */
static RelockResult
compare_with_loaded(TupleTableSlot *slot, RunRow *run, int64 epoch)
{
	StepPosition step;

	slot_getallattrs(slot);
	step =
		DatumGetStepPosition(value_of(slot, Anum_workflow_runs_current_step));
	if (!step_position_equal(step, run->loaded_step))
		return RELOCK_GONE;
	if (is_owned(slot, epoch))
		return RELOCK_OURS;
	if (status_of(slot) != RUN_STATUS_CANCELLED ||
		slot->tts_isnull[Anum_workflow_runs_error_message - 1])
		return RELOCK_GONE;
	take_cancelled(slot, run);
	return RELOCK_CANCELLED;
}

RelockResult
store_relock_owned(RunTable *runs, RunRow *run, int64 epoch)
{
	RelockResult result = RELOCK_GONE;

	store_loading_begin(runs);
	if (find_row(runs, &run->unit) && lock_row(runs, LockWaitBlock) == TM_Ok)
	{
		result = compare_with_loaded(runs->row, run, epoch);
		run->tid = runs->row->tts_tid;
	}
	ExecClearTuple(runs->row);
	store_loading_end(runs);
	return result;
}
