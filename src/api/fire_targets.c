/*
 * fire_targets.c
 *	  The definitions that an event fires.
 *
 * Runs in the backend that fires, as a role that may have no privilege on our
 * tables: so they are read through the access methods.  They are read with a
 * snapshot that is newer than the caller's lock on workflow_runs (fire.c says
 * why).
 *
 * In a serializable transaction that snapshot is newer than the one that its
 * other statements use.  If another transaction has changed the definitions in
 * between, this one may have read the state before the change, and fires the
 * state after it: no order of the two transactions explains both.  So this one
 * fails, and may be retried.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "api/definition.h"
#include "api/fire_targets.h"
#include "base/uuid_list.h"
#include "catalog/indexing.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

typedef struct TargetList
{
	Target	   *targets;
	int			n;
	int			room;
} TargetList;

static void
add_target(TargetList *list, HeapTuple tuple, TupleDesc desc)
{
	bool		isnull;
	Datum		id;
	Datum		version;
	Target	   *target;

	/*
	 * The index has active definitions alone, but with ignore_system_indexes
	 * the scan does not use it.
	 */
	if (!DatumGetBool(heap_getattr(tuple,
								   DEF_IS_ACTIVE,
								   desc, &isnull)))
		return;
	if (list->n == list->room)
		list->targets = repalloc(list->targets,
								 (list->room *= 2) * sizeof(Target));
	id = heap_getattr(tuple, DEF_ID, desc, &isnull);
	version = heap_getattr(tuple, DEF_VERSION, desc,
						   &isnull);
	target = &list->targets[list->n++];
	target->definition_id = *DatumGetUUIDP(id);
	target->version = DatumGetInt32(version);
}

/*
 * The targets that the snapshot shows; the list is in context.  The caller
 * holds a lock on rel, which is workflow_definitions.
 */
static TargetList
read_with(Relation rel, Snapshot snapshot, const pg_uuid_t *tenant,
		  const char *trigger_type, MemoryContext context)
{
	TupleDesc	desc = RelationGetDescr(rel);
	Form_pg_attribute type;
	TargetList	list = {.room = 8};
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], DEF_TENANT_ID,
				BTEqualStrategyNumber, F_UUID_EQ, UUIDPGetDatum(tenant));
	type = TupleDescAttr(desc, DEF_TRIGGER_TYPE - 1);
	ScanKeyEntryInitialize(&keys[1], 0,
						   DEF_TRIGGER_TYPE,
						   BTEqualStrategyNumber, InvalidOid,
						   type->attcollation, F_TEXTEQ,
						   CStringGetTextDatum(trigger_type));
	list.targets = MemoryContextAlloc(context, list.room * sizeof(Target));
	snapshot = RegisterSnapshot(snapshot);
	scan = systable_beginscan(rel,
							  store_relation("workflow_definitions_trigger"),
							  true, snapshot, 2, keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		add_target(&list, tuple, desc);
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	return list;
}

static bool
has_target(const TargetList *list, const Target *target)
{
	for (int i = 0; i < list->n; i++)
		if (list->targets[i].version == target->version &&
			ids_equal(&list->targets[i].definition_id,
					  &target->definition_id))
			return true;
	return false;
}

static bool
are_same(const TargetList *a, const TargetList *b)
{
	for (int i = 0; i < a->n; i++)
		if (!has_target(b, &a->targets[i]))
			return false;
	return a->n == b->n;
}

Target *
targets_read(const pg_uuid_t *tenant, const char *trigger_type,
			 MemoryContext context, int *n)
{
	Relation	rel = table_open(store_relation("workflow_definitions"),
								 AccessShareLock);
	TargetList	now;

	/* after the lock: until then somebody could alter the table */
	store_check_tables(STORE_TABLES_OF_FIRE);
	now = read_with(rel, GetLatestSnapshot(), tenant, trigger_type, context);
	if (IsolationIsSerializable())
	{
		TargetList	then = read_with(rel, GetTransactionSnapshot(), tenant,
									 trigger_type, context);

		if (!are_same(&now, &then))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not serialize access due to a concurrent change of the workflows that \"%s\" fires",
							trigger_type),
					 errhint("The transaction might succeed if retried.")));
		pfree(then.targets);
	}
	table_close(rel, AccessShareLock);
	*n = now.n;
	return now.targets;
}
