/*
 * fire_trigger.c
 *	  wf_fire_trigger(): a table's rows become events.
 *
 * Runs in the backend that changes the table, after the row or after the
 * statement, as the role that does so.  A row-level trigger fires row by
 * row; a statement-level one reads the transition tables and inserts all its
 * runs at once.  Values become JSON by to_jsonb, so types with a cast to
 * json use it.
 *
 * Owns a description of the trigger (columns, conversions), made at its
 * first call in a statement and kept in flinfo->fn_extra.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "fire.h"
#include "jsonobject.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

/* One member of the payload. */
typedef struct Member
{
	char	   *key;
	AttrNumber	column;
	FmgrInfo	to_jsonb;
} Member;

typedef struct FireTrigger
{
	char	   *trigger_type;
	Oid			schema;			/* the extension's */
	AttrNumber	tenant_column;	/* 0: a literal */
	bool		tenant_is_uuid;
	FmgrInfo	tenant_out;
	pg_uuid_t	tenant;
	int			nmembers;
	Member	   *members;
} FireTrigger;

/*--- what the trigger's arguments say ---*/

static AttrNumber
find_column(Relation rel, const char *name)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return att->attnum;
	}
	return 0;
}

static void
undefined_column(Relation rel, const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_COLUMN),
			 errmsg("column \"%s\" of relation \"%s\" does not exist", name,
					RelationGetRelationName(rel)),
			 errhint("Arguments of wf_fire_trigger are the trigger type, the tenant's column or id, and columns of the payload (\"name\" or \"new_name=name\").")));
}

/* Sets up to_jsonb for a column's type, which it asks of its call's node. */
static void
prepare_member(Member *member, Relation rel, AttrNumber column, char *key)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), column - 1);
	Node	   *argument = (Node *) makeNullConst(att->atttypid, att->atttypmod,
												  att->attcollation);

	member->key = key;
	member->column = column;
	fmgr_info(F_TO_JSONB, &member->to_jsonb);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
											 list_make1(argument), InvalidOid,
											 InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &member->to_jsonb);
}

/* "total" or "new=old". */
static void
add_argument_member(FireTrigger *ft, Relation rel, const char *argument)
{
	char	   *key = pstrdup(argument);
	char	   *equals = strchr(key, '=');
	const char *name = key;
	AttrNumber	column;

	if (equals != NULL)
	{
		*equals = '\0';
		name = equals + 1;
	}
	column = find_column(rel, name);
	if (column == 0)
		undefined_column(rel, name);
	prepare_member(&ft->members[ft->nmembers++], rel, column, key);
}

static void
add_all_members(FireTrigger *ft, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped)
			prepare_member(&ft->members[ft->nmembers++], rel, att->attnum,
						   pstrdup(NameStr(att->attname)));
	}
}

/* A column, or where there is no such column a literal uuid. */
static void
set_tenant(FireTrigger *ft, Relation rel, const char *argument)
{
	Oid			output;
	bool		varlena;

	ft->tenant_column = find_column(rel, argument);
	if (ft->tenant_column != 0)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel),
											  ft->tenant_column - 1);

		ft->tenant_is_uuid = att->atttypid == UUIDOID;
		getTypeOutputInfo(att->atttypid, &output, &varlena);
		fmgr_info(output, &ft->tenant_out);
		return;
	}
	if (strlen(argument) < 32)
		undefined_column(rel, argument);
	ft->tenant = *DatumGetUUIDP(DirectFunctionCall1(uuid_in,
													CStringGetDatum(argument)));
}

/* In fn_mcxt: it is used for all rows of the statement. */
static FireTrigger *
describe_trigger(FunctionCallInfo fcinfo, TriggerData *data)
{
	MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
	Trigger    *trigger = data->tg_trigger;
	Relation	rel = data->tg_relation;
	FireTrigger *ft = palloc0(sizeof(FireTrigger));

	if (trigger->tgnargs < 1 || trigger->tgargs[0][0] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("wf_fire_trigger needs the trigger type as its first argument"),
				 errhint("For example: EXECUTE FUNCTION wf_fire_trigger('new_order').")));
	ft->trigger_type = pstrdup(trigger->tgargs[0]);
	ft->schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	set_tenant(ft, rel, trigger->tgnargs > 1 ? trigger->tgargs[1]
			   : "tenant_id");
	ft->members = palloc0(sizeof(Member) *
						  Max(trigger->tgnargs, RelationGetDescr(rel)->natts));
	for (int i = 2; i < trigger->tgnargs; i++)
		add_argument_member(ft, rel, trigger->tgargs[i]);
	if (trigger->tgnargs <= 2)
		add_all_members(ft, rel);
	MemoryContextSwitchTo(old);
	return ft;
}

/*--- payloads ---*/

static void
add_column(ObjectBuilder *b, Member *member, TupleTableSlot *row)
{
	bool		isnull;
	Datum		datum = slot_getattr(row, member->column, &isnull);

	object_json(b, member->key, isnull ? NULL :
				DatumGetJsonbP(FunctionCall1(&member->to_jsonb, datum)));
}

static const char *
operation(TriggerEvent event)
{
	if (TRIGGER_FIRED_BY_INSERT(event))
		return "INSERT";
	return TRIGGER_FIRED_BY_UPDATE(event) ? "UPDATE" : "DELETE";
}

static Jsonb *
payload_of(FireTrigger *ft, TriggerData *data, TupleTableSlot *row,
		   TupleTableSlot *old)
{
	ObjectBuilder b;

	object_begin(&b);
	for (int i = 0; i < ft->nmembers; i++)
		add_column(&b, &ft->members[i], row);
	object_text(&b, "_op", operation(data->tg_event));
	object_text(&b, "_table", RelationGetRelationName(data->tg_relation));
	if (old != NULL)
	{
		ObjectBuilder before;

		object_begin(&before);
		for (int i = 0; i < ft->nmembers; i++)
			add_column(&before, &ft->members[i], old);
		object_json(&b, "_old", object_end(&before));
	}
	return object_end(&b);
}

static pg_uuid_t
tenant_of(FireTrigger *ft, TriggerData *data, TupleTableSlot *row)
{
	bool		isnull;
	Datum		datum;
	char	   *text;

	if (ft->tenant_column == 0)
		return ft->tenant;
	datum = slot_getattr(row, ft->tenant_column, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("column \"%s\" of relation \"%s\" must not be null: it is the tenant of event \"%s\"",
						NameStr(TupleDescAttr(RelationGetDescr(data->tg_relation),
											  ft->tenant_column - 1)->attname),
						RelationGetRelationName(data->tg_relation),
						ft->trigger_type)));
	if (ft->tenant_is_uuid)
		return *DatumGetUUIDP(datum);
	text = OutputFunctionCall(&ft->tenant_out, datum);
	return *DatumGetUUIDP(DirectFunctionCall1(uuid_in, CStringGetDatum(text)));
}

static void
fire_row(FireTrigger *ft, Firing *firing, TriggerData *data,
		 TupleTableSlot *row, TupleTableSlot *old)
{
	pg_uuid_t	tenant = tenant_of(ft, data, row);

	firing_add(firing, &tenant, payload_of(ft, data, row, old), NULL, NULL);
}

/*--- rows ---*/

static void
fire_one(FireTrigger *ft, TriggerData *data)
{
	Firing	   *firing = firing_begin(ft->schema, ft->trigger_type, 0, 0);
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

/* Begins to read a transition table anew, beside its other readers. */
static TupleTableSlot *
open_transition(Tuplestorestate *table, TupleDesc desc, int *pointer)
{
	*pointer = tuplestore_alloc_read_pointer(table, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(table, *pointer);
	tuplestore_rescan(table);
	return MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
}

static bool
read_transition(Tuplestorestate *table, int pointer, TupleTableSlot *slot)
{
	tuplestore_select_read_pointer(table, pointer);
	return tuplestore_gettupleslot(table, true, false, slot);
}

static void
require_transition(const char *have, const char *clause)
{
	if (have == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("a statement-level trigger with wf_fire_trigger needs a transition table"),
				 errhint("Add REFERENCING %s TABLE AS ... to CREATE TRIGGER.",
						 clause)));
}

/* A row moved to a partition whose trigger then dropped it, for instance. */
static void
rows_do_not_pair(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the old and new rows of this UPDATE cannot be paired"),
			 errhint("Use a trigger FOR EACH ROW.")));
}

/*
 * The transition tables of an UPDATE hold its rows in the same order: the
 * executor appends to both for each row.
 */
static void
fire_all(FireTrigger *ft, TriggerData *data)
{
	Tuplestorestate *rows = data->tg_newtable;
	Tuplestorestate *olds = NULL;
	TupleDesc	desc = RelationGetDescr(data->tg_relation);
	TupleTableSlot *row;
	TupleTableSlot *old = NULL;
	int			row_pointer;
	int			old_pointer = 0;
	MemoryContext per_row;
	Firing	   *firing;

	if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
		rows = data->tg_oldtable;
	else if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		olds = data->tg_oldtable;

	firing = firing_begin(ft->schema, ft->trigger_type, 0, 0);
	per_row = AllocSetContextCreate(CurrentMemoryContext,
									"workflow_engine row",
									ALLOCSET_DEFAULT_SIZES);
	row = open_transition(rows, desc, &row_pointer);
	if (olds != NULL)
		old = open_transition(olds, desc, &old_pointer);
	while (read_transition(rows, row_pointer, row))
	{
		MemoryContext context;

		CHECK_FOR_INTERRUPTS();
		if (old != NULL && !read_transition(olds, old_pointer, old))
			rows_do_not_pair();
		context = MemoryContextSwitchTo(per_row);
		fire_row(ft, firing, data, row, old);
		MemoryContextSwitchTo(context);
		MemoryContextReset(per_row);
	}
	if (old != NULL && read_transition(olds, old_pointer, old))
		rows_do_not_pair();
	ExecDropSingleTupleTableSlot(row);
	if (old != NULL)
		ExecDropSingleTupleTableSlot(old);
	firing_end(firing);
}

static void
check_call(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Trigger    *trigger;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("wf_fire_trigger can only be called as a trigger")));
	if (!TRIGGER_FIRED_AFTER(data->tg_event) ||
		TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("wf_fire_trigger must be called AFTER INSERT, UPDATE or DELETE")));
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		return;
	trigger = data->tg_trigger;
	if (!TRIGGER_FIRED_BY_DELETE(data->tg_event))
		require_transition(trigger->tgnewtable, "NEW");
	if (!TRIGGER_FIRED_BY_INSERT(data->tg_event))
		require_transition(trigger->tgoldtable, "OLD");
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
		ft = fcinfo->flinfo->fn_extra = describe_trigger(fcinfo, data);
	if (TRIGGER_FIRED_FOR_ROW(data->tg_event))
		fire_one(ft, data);
	else
		fire_all(ft, data);
	return PointerGetDatum(NULL);
}
