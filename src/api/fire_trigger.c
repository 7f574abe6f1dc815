/*
 * fire_trigger.c
 *	  The trigger function wf_fire_trigger: a table's rows become events.
 *
 * Runs in the backend that changes the table, after the row or after the
 * statement, as the role that does so.  A row-level trigger fires for each
 * row; a statement-level trigger reads the transition tables and inserts all
 * runs together.
 *
 * The application's statement does not fail because of a mistake in the
 * trigger or a value that a payload cannot hold: it gets a warning.  Errors of
 * firing itself remain errors: the session is bound to another tenant (42501),
 * workflows fire one another more than max_depth deep (54001), the transaction
 * cannot write (25006).
 *
 * Owns a description of the trigger (columns, conversions), made at its first
 * call in a statement and kept in flinfo->fn_extra.  For the life of the
 * process it also owns, for each trigger of a partition, which trigger that
 * one was cloned from.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "api/fire.h"
#include "api/fire_guard.h"
#include "api/fire_payload.h"
#include "catalog/indexing.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "config/settings.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

typedef struct FireTrigger
{
	TriggerName name;
	TriggerSpec *spec;
	Oid			schema;			/* the extension's */
	bool		tenant_is_uuid; /* if not, its text is that of a uuid */
	bool		tenant_is_foreign;	/* an extension's or a user's code makes
									 * its text */
	FmgrInfo	tenant_out;
	PayloadFormat *format;
} FireTrigger;

/*--- which trigger it is ---*/

/* A partition's trigger, and the one that was created and cloned. */
typedef struct CloneEntry
{
	Oid			clone;			/* the key */
	Oid			created;		/* the trigger that CREATE TRIGGER named */
	Oid			table;			/* of that trigger */
} CloneEntry;

/*
 * Sets *parent to the trigger that this one was cloned from, or InvalidOid,
 * and *table to its table; false if there is no such trigger.
 */
static bool
read_trigger(Relation triggers, Oid trigger, Oid *parent, Oid *table)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger));
	scan = systable_beginscan(triggers, TriggerOidIndexId, true, NULL, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_trigger row = (Form_pg_trigger) GETSTRUCT(tuple);

		*parent = row->tgparentid;
		*table = row->tgrelid;
	}
	systable_endscan(scan);
	return HeapTupleIsValid(tuple);
}

/* Fills the entry of a clone; table is used if nothing can be found. */
static void
find_created(CloneEntry *entry, Oid table)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	Oid			next = entry->clone;

	entry->created = next;
	entry->table = table;
	while (OidIsValid(next) &&
		   read_trigger(triggers, next, &next, &entry->table))
	{
		if (OidIsValid(next))
			entry->created = next;
	}
	table_close(triggers, AccessShareLock);
}

/*
 * The trigger that a clone was cloned from.  It never changes, since a
 * partition that is detached loses its clones: so it is looked up once in a
 * process.
 */
static CloneEntry
created_of_clone(Oid clone, Oid table)
{
	static HTAB *clones = NULL; /* of CloneEntry; for the next statements */
	CloneEntry	fresh = {.clone = clone};
	CloneEntry *entry;

	if (clones == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(Oid),
		.entrysize = sizeof(CloneEntry)};

		clones = hash_create("workflow_engine cloned triggers", 64, &ctl,
							 HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(clones, &clone, HASH_FIND, NULL);
	if (entry != NULL)
		return *entry;
	find_created(&fresh, table);
	entry = hash_search(clones, &clone, HASH_ENTER, NULL);
	*entry = fresh;
	return fresh;
}

/* Sets the name by which messages call the trigger, that of its author. */
static void
set_name(TriggerName *name, const Trigger *trigger, Relation rel)
{
	CloneEntry	created;

	name->oid = trigger->tgoid;
	name->trigger = pstrdup(trigger->tgname);
	if (trigger->tgisclone)
	{
		created = created_of_clone(trigger->tgoid, RelationGetRelid(rel));
		name->oid = created.created;
		name->table = get_rel_name(created.table);
		name->schema = get_namespace_name(get_rel_namespace(created.table));
		if (name->table != NULL && name->schema != NULL)
			return;

		/* the parent is being dropped, and this partition was written to */
	}
	name->table = pstrdup(RelationGetRelationName(rel));
	name->schema = get_namespace_name(RelationGetNamespace(rel));
}

/*--- what it has to do ---*/

/* Prepares to read the tenant from the rows. */
static void
prepare_tenant(FireTrigger *ft, Relation rel)
{
	Form_pg_attribute att;
	Oid			type;
	Oid			output;
	bool		varlena;

	if (ft->spec->tenant_column == 0)
		return;
	att = TupleDescAttr(RelationGetDescr(rel), ft->spec->tenant_column - 1);
	type = att->atttypid == UUIDOID ? UUIDOID : getBaseType(att->atttypid);
	ft->tenant_is_uuid = type == UUIDOID;
	if (ft->tenant_is_uuid)
		return;
	ft->tenant_is_foreign = type >= FirstNormalObjectId;
	getTypeOutputInfo(type, &output, &varlena);
	fmgr_info(output, &ft->tenant_out);
}

/*
 * The description of the trigger, in fn_mcxt: it is used for all rows of the
 * statement.
 */
static FireTrigger *
describe_trigger(FunctionCallInfo fcinfo, TriggerData *data)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	Relation	rel = data->tg_relation;
	FireTrigger *ft = palloc0(sizeof(FireTrigger));

	ft->schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	ft->spec = trigger_spec_make(rel, data->tg_trigger);
	set_name(&ft->name, data->tg_trigger, rel);
	if (ft->spec->can_fire)
	{
		prepare_tenant(ft, rel);
		ft->format = payload_format_make(rel, ft->spec, &ft->name);
	}
	MemoryContextSwitchTo(old);
	return ft;
}

static void
warn_of_problems(FireTrigger *ft)
{
	ListCell   *lc;

	foreach(lc, ft->spec->problems)
	{
		SpecProblem *problem = lfirst(lc);

		payload_warn(&ft->name, problem->sqlstate, problem->message,
					 ft->spec->can_fire
					 ? "The payload lacks its value."
					 : "No workflow is fired.", problem->hint);
	}
}

/*--- a row ---*/

static const char *
operation(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return "INSERT";
	return TRIGGER_FIRED_BY_UPDATE(event) ? "UPDATE" : "DELETE";
}

typedef struct TenantText
{
	FmgrInfo   *output;
	Datum		datum;
	char	   *text;			/* the result */
} TenantText;

/* arg is a TenantText. */
static void
make_tenant_text(void *arg)
{
	TenantText *t = arg;

	t->text = OutputFunctionCall(t->output, t->datum);
}

/* Converts the value of the tenant's column; false if it is no uuid. */
static bool
read_tenant(FireTrigger *ft, Datum datum, pg_uuid_t *tenant)
{
	TenantText	t = {.output = &ft->tenant_out,.datum = datum};
	char	   *reason;

	if (ft->tenant_is_uuid)
	{
		*tenant = *DatumGetUUIDP(datum);
		return true;
	}
	return fire_guarded(make_tenant_text, &t, ft->tenant_is_foreign,
						&reason) &&
		settings_parse_uuid(t.text, tenant);
}

/* The row's tenant; false, after a warning, if it has none that is a uuid. */
static bool
tenant_of(FireTrigger *ft, TupleTableSlot *row, pg_uuid_t *tenant)
{
	const TriggerSpec *spec = ft->spec;
	bool		isnull;
	Datum		datum;

	*tenant = spec->tenant;
	if (spec->tenant_column == 0)
		return true;
	datum = slot_getattr(row, spec->tenant_column, &isnull);
	if (!isnull && read_tenant(ft, datum, tenant))
		return true;
	payload_warn(&ft->name,
				 isnull ? ERRCODE_NULL_VALUE_NOT_ALLOWED
				 : ERRCODE_INVALID_TEXT_REPRESENTATION,
				 psprintf(isnull
						  ? "column \"%s\" is null, and it is the tenant of event \"%s\""
						  : "column \"%s\" holds no uuid, and it is the tenant of event \"%s\"",
						  spec->tenant_name, spec->trigger_type),
				 "No workflow is fired for such a row.", NULL);
	return false;
}

/* Fires for one row; old is the row before an UPDATE, or NULL. */
static void
fire_row(FireTrigger *ft, Firing *firing, TriggerData *data,
		 TupleTableSlot *row, TupleTableSlot *old)
{
	pg_uuid_t	tenant;
	Jsonb	   *payload;

	if (!tenant_of(ft, row, &tenant))
		return;
	payload = payload_of_row(ft->format, operation(data->tg_event), row,
							 TRIGGER_FIRED_BY_UPDATE(data->tg_event), old);
	if (payload != NULL)
		firing_add(firing, &tenant, payload, NULL, NULL);
}

/* A call of a row-level trigger. */
static void
fire_one(FireTrigger *ft, TriggerData *data)
{
	Firing	   *firing = firing_begin(ft->schema, ft->spec->trigger_type, NULL,
									  0);
	TupleTableSlot *old = data->tg_trigslot;
	TupleTableSlot *row = old;

	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		row = data->tg_newslot;
	else
		old = NULL;
	fire_row(ft, firing, data, row, old);
	firing_end(firing);
}

/*--- statements ---*/

/*
 * Opens a read pointer of our own at the beginning of a transition table,
 * which other triggers read too.  Returns a slot for its rows.
 */
static TupleTableSlot *
open_transition(Tuplestorestate *table, TupleDesc desc, int *pointer)
{
	*pointer = tuplestore_alloc_read_pointer(table, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(table, *pointer);
	tuplestore_rescan(table);
	return MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
}

/* Reads the next row into slot; false at the end. */
static bool
read_transition(Tuplestorestate *table, int pointer, TupleTableSlot *slot)
{
	tuplestore_select_read_pointer(table, pointer);
	return tuplestore_gettupleslot(table, true, false, slot);
}

/*
 * The old rows of an UPDATE; NULL for another statement, or if they cannot be
 * paired with the new ones.  Both transition tables have the rows in the same
 * order, since the executor appends to both for each row.  But if a row was
 * moved to a partition whose trigger then suppressed it, one table has fewer
 * rows, and it cannot be known which.
 */
static Tuplestorestate *
old_rows(FireTrigger *ft, TriggerData *data)
{
	if (!TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		return NULL;
	if (tuplestore_tuple_count(data->tg_oldtable) ==
		tuplestore_tuple_count(data->tg_newtable))
		return data->tg_oldtable;
	payload_warn(&ft->name, ERRCODE_FEATURE_NOT_SUPPORTED,
				 "the old and new rows of this UPDATE cannot be paired",
				 "The payload has null as \"_old\".",
				 "Use a trigger FOR EACH ROW.");
	return NULL;
}

/* Fires for all rows; olds are their old rows, or NULL. */
static void
fire_rows(FireTrigger *ft, Firing *firing, TriggerData *data,
		  Tuplestorestate *rows, Tuplestorestate *olds)
{
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	int			row_pointer;
	int			old_pointer = 0;
	TupleTableSlot *row = open_transition(rows, desc, &row_pointer);
	TupleTableSlot *old = NULL;
	MemoryContext per_row = AllocSetContextCreate(CurrentMemoryContext,
												  "workflow_engine row",
												  ALLOCSET_DEFAULT_SIZES);

	if (olds != NULL)
		old = open_transition(olds, desc, &old_pointer);
	while (read_transition(rows, row_pointer, row))
	{
		MemoryContext context;

		CHECK_FOR_INTERRUPTS();
		if (old != NULL && !read_transition(olds, old_pointer, old))
			elog(ERROR, "a transition table has fewer rows than it said");
		context = MemoryContextSwitchTo(per_row);
		fire_row(ft, firing, data, row, old);
		MemoryContextSwitchTo(context);
		MemoryContextReset(per_row);
	}
	ExecDropSingleTupleTableSlot(row);
	if (old != NULL)
		ExecDropSingleTupleTableSlot(old);
}

/* A call of a statement-level trigger. */
static void
fire_all(FireTrigger *ft, TriggerData *data)
{
	Firing	   *firing = firing_begin(ft->schema, ft->spec->trigger_type, NULL,
									  0);

	fire_rows(ft, firing, data, TRIGGER_FIRED_BY_DELETE(data->tg_event)
			  ? data->tg_oldtable : data->tg_newtable, old_rows(ft, data));
	firing_end(firing);
}

/*--- the call ---*/

/*
 * Raises 39P01 unless the call is one of a trigger.  It is an error, and not a
 * warning, for an INSTEAD OF trigger of a view: such a trigger is all that the
 * statement does, so the rows would be lost.
 */
static void
check_call(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("wf_fire_trigger can only be called as a trigger")));
	if (TRIGGER_FIRED_INSTEAD(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("wf_fire_trigger must be called AFTER INSERT, UPDATE or DELETE")));
}

/* What the function returns so that the row is written: BEFORE, the row. */
static Datum
go_on(TriggerData *data)
{
	if (!TRIGGER_FIRED_BEFORE(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		return PointerGetDatum(NULL);
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(data->tg_event)
						   ? data->tg_newtuple : data->tg_trigtuple);
}

PG_FUNCTION_INFO_V1(wf_fire_trigger);

Datum
wf_fire_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	FireTrigger *ft;

	check_call(fcinfo);
	ft = fcinfo->flinfo->fn_extra;
	if (ft == NULL)
	{
		ft = fcinfo->flinfo->fn_extra = describe_trigger(fcinfo, data);
		warn_of_problems(ft);
	}
	if (!ft->spec->can_fire)
		return go_on(data);
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		fire_one(ft, data);
	else
		fire_all(ft, data);
	return PointerGetDatum(NULL);
}
