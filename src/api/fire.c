/*
 * fire.c
 *	  An event becomes rows of workflow_runs.
 *
 * Runs in the backend that calls wf_fire or that changes a table with a
 * trigger, in its transaction, for a role that may have no privilege on our
 * tables: EXECUTE on wf_fire is the privilege.  Rows are inserted through the
 * table's access method, as COPY does, and not by an SQL statement, unless a
 * user has added something to the table that this would skip: a trigger, a
 * default, a constraint, a rule (store_added.c).  Then statements insert the
 * rows (fire_statement.c).
 *
 * Foreign keys.  PostgreSQL's check of each row would lock the definition's
 * row for each run: if many sessions fire one definition, they would queue for
 * that lock and create multixacts.  The check is skipped here, and the key
 * holds all the same:
 *
 *	fire:	lock workflow_runs ROW EXCLUSIVE, then read the definitions
 *			with a new snapshot, then insert.
 *	DELETE:	(trigger A_wf_definition_lock, after a row was deleted) lock
 *			workflow_runs SHARE ROW EXCLUSIVE, which waits until every
 *			transaction that has fired has ended; then PostgreSQL's check
 *			of the referencing side.
 *
 * If the fire gets its lock first, the check sees its rows, since the check
 * reads what is committed when it starts, whatever the isolation level of the
 * DELETE.  If the fire gets its lock later, it sees that the definition is
 * gone (or, if the DELETE was rolled back, that it is there), whatever its own
 * isolation level, since its snapshot is newer than its lock.  The DELETE
 * keeps its lock until it commits: a fire before that would still see the
 * definition.
 *
 * Serializable transactions.  The inserts take part in the detection of
 * conflicts, since the access methods of the table and its indexes do.  A fire
 * reads the definitions, and the run that has a key, with newer snapshots than
 * the transaction's.  If the transaction's snapshot shows something else,
 * 40001 is raised.
 *
 * Owns nothing beyond a fire.  If the transaction aborts, its rows are gone as
 * any others are, and no worker is woken.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "api/fire.h"
#include "api/fire_statement.h"
#include "api/fire_targets.h"
#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "config/settings.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "run/run_context.h"
#include "shared/commit_wakeup.h"
#include "shared/due_queue.h"
#include "storage/lmgr.h"
#include "store/run_columns.h"
#include "store/store_added.h"
#include "store/store_place.h"
#include "store/store_runs.h"
#include "store/store_schema.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Rows wait in memory for one multi-insert: so many, and of so many bytes. */
#define BATCH_ROWS 500
#define BATCH_BYTES (1024 * 1024)

struct Firing
{
	MemoryContext context;		/* of this struct */
	MemoryContext batch_context;	/* of the rows that wait */
	const char *trigger_type;
	const TimestampTz *run_at;	/* NULL: now */
	int			priority;
	int			depth;
	Relation	runs;
	FireStatement *statement;	/* inserts the rows; NULL: what follows does */
	EState	   *estate;
	ResultRelInfo *result;
	Oid			key_index;
	BulkInsertState bulk;
	Datum		queued;			/* 'queued' and '[]', made once */
	Datum		no_results;
	pg_uuid_t	tenant;			/* that targets belong to */
	bool		has_tenant;		/* are tenant and targets set? */
	int			ntargets;
	Target	   *targets;
	TupleTableSlot *slots[BATCH_ROWS];
	int			nslots;			/* so many have been created */
	int			nrows;			/* so many hold a row that waits */
	size_t		nbytes;			/* of the payloads that wait */
};

/*--- chains of workflows ---*/

/*
 * How deep in a chain of workflows that fire one another the new runs are: 0
 * unless a step fires.  Raises 54001 beyond max_depth, with the names of the
 * chain, which are read as the owner of our tables.
 */
int
firing_depth(const char *trigger_type)
{
	int			depth;
	char	   *chain;
	Oid			save_user;
	int			save_context;

	if (!current_run.active)
		return 0;
	depth = current_run.depth + 1;
	if (depth <= wf_max_depth)
		return depth;

	store_enter_owner(&save_user, &save_context);
	chain = store_chain_of_names(&current_run.id);
	store_leave_owner(save_user, save_context);
	ereport(ERROR,
			(errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
			 errmsg("workflows fire each other more than %d deep",
					wf_max_depth),
			 errdetail("The last of the chain: %s, which fires \"%s\".",
					   chain, trigger_type),
			 errhint("Give a step of the chain a condition that ends it, or raise \"workflow_engine.max_depth\".")));
}

/*--- targets ---*/

/*
 * Sets the definitions that the event fires for this tenant, unless they are
 * set.  Raises 42501 if the session may not fire for the tenant.
 */
static void
find_targets(Firing *firing, const pg_uuid_t *tenant)
{
	if (firing->has_tenant &&
		memcmp(&firing->tenant, tenant, UUID_LEN) == 0)
		return;
	if (!settings_tenant_visible(tenant))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this session may not fire workflows of tenant %s",
						id_text(tenant)),
				 errdetail("It is bound by \"workflow_engine.tenant_id\".")));
	if (firing->targets != NULL)
		pfree(firing->targets);
	firing->targets = targets_read(tenant, firing->trigger_type,
								   firing->context, &firing->ntargets);
	firing->tenant = *tenant;
	firing->has_tenant = true;
}

/*--- rows ---*/

/* Prepares to insert through the access method. */
static void
open_directly(Firing *firing)
{
	firing->batch_context = AllocSetContextCreate(CurrentMemoryContext,
												  "workflow_engine fire",
												  ALLOCSET_DEFAULT_SIZES);
	firing->queued = CStringGetTextDatum("queued");
	firing->no_results = DirectFunctionCall1(jsonb_in, CStringGetDatum("[]"));
	firing->estate = CreateExecutorState();
	firing->result = makeNode(ResultRelInfo);
	InitResultRelInfo(firing->result, firing->runs, 1, NULL, 0);
	ExecOpenIndices(firing->result, true);
	firing->key_index = store_relation("workflow_runs_key");
	firing->bulk = GetBulkInsertState();
}

Firing *
firing_begin(Oid schema, const char *trigger_type, const TimestampTz *run_at,
			 int priority)
{
	Firing	   *firing = palloc0(sizeof(Firing));
	RunsWriting writing;

	PreventCommandIfReadOnly("wf_fire()");
	PreventCommandDuringRecovery("wf_fire()");
	PreventCommandIfParallelMode("wf_fire()");
	store_use_schema(schema);
	firing->depth = firing_depth(trigger_type);
	firing->context = CurrentMemoryContext;
	firing->trigger_type = trigger_type;
	firing->run_at = run_at;
	firing->priority = priority;
	firing->runs = table_open(store_relation("workflow_runs"),
							  RowExclusiveLock);
	writing = store_runs_writing();
	if (writing.insert_by_statement)
		firing->statement = fire_statement_begin(run_at, priority,
												 firing->depth,
												 writing.has_rules);
	else
		open_directly(firing);
	return firing;
}

/* An empty slot for the next row that waits. */
static TupleTableSlot *
next_slot(Firing *firing)
{
	if (firing->nrows == firing->nslots)
	{
		MemoryContext old = MemoryContextSwitchTo(firing->context);

		firing->slots[firing->nslots++] = table_slot_create(firing->runs,
															NULL);
		MemoryContextSwitchTo(old);
	}
	return ExecClearTuple(firing->slots[firing->nrows]);
}

/*
 * Fills slot with a queued run, gives it an id, and has the workers woken for
 * it at commit.  The slot points to the arguments and into the current memory
 * context, so these must last until the row is written.
 */
static void
fill_slot(Firing *firing, TupleTableSlot *slot, const Target *target,
		  const pg_uuid_t *tenant, pg_uuid_t *id, Jsonb *payload,
		  const char *key)
{
	TimestampTz now = clock_now();
	DueRun		due;
	Datum	   *v = slot->tts_values - 1;	/* columns count from 1 */
	bool	   *n = slot->tts_isnull - 1;

	uuid7_generate(id, now);
	memset(slot->tts_isnull, true,
		   sizeof(bool) * slot->tts_tupleDescriptor->natts);
	for (int i = Anum_workflow_runs_id; i <= Anum_workflow_runs_depth; i++)
		n[i] = false;
	v[Anum_workflow_runs_id] = UUIDPGetDatum(id);
	v[Anum_workflow_runs_definition_id] =
		UUIDPGetDatum(&target->definition_id);
	v[Anum_workflow_runs_trigger_payload] = JsonbPGetDatum(payload);
	v[Anum_workflow_runs_status] = firing->queued;
	v[Anum_workflow_runs_current_step] =
		StepPositionGetDatum(STEP_POSITION_FIRST);
	v[Anum_workflow_runs_step_results] = firing->no_results;
	n[Anum_workflow_runs_error_message] = true;
	v[Anum_workflow_runs_started_at] = TimestampTzGetDatum(now);
	n[Anum_workflow_runs_completed_at] = true;
	v[Anum_workflow_runs_tenant_id] = UUIDPGetDatum(tenant);
	v[Anum_workflow_runs_definition_version] = Int32GetDatum(target->version);
	v[Anum_workflow_runs_queued_at] = TimestampTzGetDatum(now);
	due.run_at = firing->run_at ? *firing->run_at : now;
	v[Anum_workflow_runs_run_at] = TimestampTzGetDatum(due.run_at);
	v[Anum_workflow_runs_priority] = Int16GetDatum((int16) firing->priority);
	n[Anum_workflow_runs_idempotency_key] = key == NULL;
	if (key != NULL)
		v[Anum_workflow_runs_idempotency_key] = CStringGetTextDatum(key);
	v[Anum_workflow_runs_attempt] = Int32GetDatum(0);
	v[Anum_workflow_runs_place] = Int64GetDatum(store_place());
	n[Anum_workflow_runs_owner] = true;
	n[Anum_workflow_runs_parent_id] = !current_run.active;
	v[Anum_workflow_runs_parent_id] = UUIDPGetDatum(&current_run.id);
	v[Anum_workflow_runs_depth] = Int32GetDatum(firing->depth);
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(firing->runs);
	due.unit = unit_of_run(id);
	due.tenant_id = *tenant;
	due.priority = (int16) firing->priority;
	wakeup_run_at_commit(&due);
}

/* Writes the rows that wait and their index entries. */
static void
flush(Firing *firing)
{
	if (firing->nrows == 0)
		return;
	table_multi_insert(firing->runs, firing->slots, firing->nrows,
					   GetCurrentCommandId(true), 0, firing->bulk);
	for (int i = 0; i < firing->nrows; i++)
	{
		List	   *recheck =
			compat_insert_index_tuples(firing->result, firing->slots[i],
									   firing->estate, false, NULL, NIL);

		list_free(recheck);
		ResetPerTupleExprContext(firing->estate);
		ExecClearTuple(firing->slots[i]);
	}
	firing->nrows = 0;
	firing->nbytes = 0;
	MemoryContextReset(firing->batch_context);
}

/* Copies a run without a key to the rows that wait; *id becomes its id. */
static void
queue_row(Firing *firing, const Target *target, const pg_uuid_t *tenant,
		  Jsonb *payload, pg_uuid_t *id)
{
	TupleTableSlot *slot;
	MemoryContext old;
	Jsonb	   *copy;
	pg_uuid_t  *ids;

	if (firing->nrows == BATCH_ROWS || firing->nbytes > BATCH_BYTES)
		flush(firing);
	slot = next_slot(firing);
	old = MemoryContextSwitchTo(firing->batch_context);
	copy = palloc(VARSIZE(payload));
	memcpy(copy, payload, VARSIZE(payload));
	ids = palloc(sizeof(pg_uuid_t) * 2);
	ids[1] = *tenant;
	fill_slot(firing, slot, target, &ids[1], &ids[0], copy, NULL);
	slot->tts_values[Anum_workflow_runs_definition_id - 1] =
		UUIDPGetDatum(id_copy(&target->definition_id));
	firing->nrows++;
	firing->nbytes += VARSIZE(payload);
	*id = ids[0];
	MemoryContextSwitchTo(old);
}

/*
 * Raises 40001 if the transaction's snapshot does not show the run: a
 * serializable transaction must not learn of it, since no order of the
 * transactions would explain that.  The scan also registers what it reads, so
 * that later conflicts are found.
 */
static void
check_snapshot_has(Firing *firing, const pg_uuid_t *id)
{
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	ScanKeyData key;
	SysScanDesc scan;

	ScanKeyInit(&key, Anum_workflow_runs_id, BTEqualStrategyNumber, F_UUID_EQ,
				UUIDPGetDatum(id));
	scan = systable_beginscan(firing->runs,
							  store_relation("workflow_runs_pkey"),
							  true, snapshot, 1, &key);
	if (!HeapTupleIsValid(systable_getnext(scan)))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to a concurrent run with this idempotency key"),
				 errhint("The transaction might succeed if retried.")));
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
}

/* Sets *id to that of the run at tid, which has the key already. */
static void
id_of_existing(Firing *firing, ItemPointer tid, pg_uuid_t *id)
{
	TupleTableSlot *slot = table_slot_create(firing->runs, NULL);
	bool		isnull;
	bool		ours;
	Datum		xmin;

	if (!table_tuple_fetch_row_version(firing->runs, tid, SnapshotAny, slot))
		elog(ERROR, "could not fetch the run of an idempotency key");
	*id = *DatumGetUUIDP(slot_getattr(slot, Anum_workflow_runs_id, &isnull));
	xmin = slot_getsysattr(slot, MinTransactionIdAttributeNumber, &isnull);
	ours = TransactionIdIsCurrentTransactionId(DatumGetTransactionId(xmin));
	if (IsolationIsSerializable() && !ours)
		check_snapshot_has(firing, id);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * Inserts a run with a key, or finds the run that has it; *id becomes that of
 * either.  The insertion is speculative, as that of INSERT ... ON CONFLICT DO
 * NOTHING: it waits for a transaction that is about to insert the same key.
 */
static void
insert_keyed(Firing *firing, const Target *target, const pg_uuid_t *tenant,
			 Jsonb *payload, const char *key, pg_uuid_t *id)
{
	List	   *arbiters = list_make1_oid(firing->key_index);
	TupleTableSlot *slot = table_slot_create(firing->runs, NULL);
	bool		conflict;

	fill_slot(firing, slot, target, tenant, id, payload, key);
	do
	{
		ItemPointerData tid;
		uint32		token;

		CHECK_FOR_INTERRUPTS();
		if (!compat_check_index_constraints(firing->result, slot,
											firing->estate, &tid, arbiters))
		{
			id_of_existing(firing, &tid, id);
			break;
		}
		conflict = false;
		token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
		table_tuple_insert_speculative(firing->runs, slot,
									   GetCurrentCommandId(true), 0, NULL,
									   token);
		list_free(compat_insert_index_tuples(firing->result, slot,
											 firing->estate, true, &conflict,
											 arbiters));
		table_tuple_complete_speculative(firing->runs, slot, token, !conflict);
		SpeculativeInsertionLockRelease(GetCurrentTransactionId());
		ResetPerTupleExprContext(firing->estate);
	} while (conflict);
	ExecDropSingleTupleTableSlot(slot);
}

void
fire_check_payload(Jsonb *payload)
{
	if (!JB_ROOT_IS_OBJECT(payload))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the payload of an event must be a JSON object")));
	if (VARSIZE(payload) > (Size) wf_max_payload * 1024)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the payload of an event is too large"),
				 errdetail("It has %u bytes as stored; \"workflow_engine.max_payload\" is %d kB.",
						   (unsigned) VARSIZE(payload), wf_max_payload)));
}

/* Queues a run of the target; appends its id to *ids unless ids is NULL. */
static void
add_run(Firing *firing, const Target *target, const pg_uuid_t *tenant,
		Jsonb *payload, const char *key, List **ids)
{
	pg_uuid_t	id;

	if (key == NULL)
		queue_row(firing, target, tenant, payload, &id);
	else
		insert_keyed(firing, target, tenant, payload, key, &id);
	if (ids != NULL)
		*ids = lappend(*ids, id_copy(&id));
}

void
firing_add(Firing *firing, const pg_uuid_t *tenant, Jsonb *payload,
		   const char *key, List **ids)
{
	fire_check_payload(payload);
	if (key != NULL)
		check_idempotency_key(key);
	find_targets(firing, tenant);
	for (int i = 0; i < firing->ntargets; i++)
	{
		Target	   *target = &firing->targets[i];

		if (firing->statement != NULL)
			fire_statement_add(firing->statement, &target->definition_id,
							   target->version, tenant, payload, key, ids);
		else
			add_run(firing, target, tenant, payload, key, ids);
	}
}

void
firing_end(Firing *firing)
{
	if (firing->statement != NULL)
		fire_statement_end(firing->statement);
	else
	{
		flush(firing);
		for (int i = 0; i < firing->nslots; i++)
			ExecDropSingleTupleTableSlot(firing->slots[i]);
		FreeBulkInsertState(firing->bulk);
		ExecCloseIndices(firing->result);
		FreeExecutorState(firing->estate);
		MemoryContextDelete(firing->batch_context);
	}
	table_close(firing->runs, NoLock);
}
