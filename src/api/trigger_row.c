/*
 * trigger_row.c
 *	  A row in one of the row triggers on our own tables.
 *
 * Runs in the backend that writes one of our tables.  Owns nothing beyond a
 * call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "api/trigger_row.h"
#include "commands/trigger.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

void
row_begin(TriggerRow *row, FunctionCallInfo fcinfo, const char *table)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function can only be called as a trigger")));
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	if (RelationGetRelid(data->tg_relation) != store_relation(table))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("this trigger function belongs to table \"%s\" alone",
						table)));
	/* columns are found by number, so no column may have been moved */
	store_check_tables(STORE_ALL_TABLES);
	row->rel = data->tg_relation;
	row->is_insert = TRIGGER_FIRED_BY_INSERT(data->tg_event);
	row->is_update = TRIGGER_FIRED_BY_UPDATE(data->tg_event);
	row->old = row->is_update ? data->tg_trigtuple : NULL;
	row->tuple = row->is_update ? data->tg_newtuple : data->tg_trigtuple;
}

bool
row_is_restored(const TriggerRow *row)
{
	return row->is_insert && !check_function_bodies &&
		!InLocalUserIdChange() &&
		compat_table_ownercheck(RelationGetRelid(row->rel), GetUserId());
}

Datum
row_get(const TriggerRow *row, int column, bool *isnull)
{
	return heap_getattr(row->tuple, column, RelationGetDescr(row->rel),
						isnull);
}

Datum
row_get_old(const TriggerRow *row, int column, bool *isnull)
{
	Assert(row->is_update);
	return heap_getattr(row->old, column, RelationGetDescr(row->rel), isnull);
}

char *
row_text(const TriggerRow *row, int column)
{
	bool		isnull;
	Datum		datum = row_get(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(datum);
}

Jsonb *
row_json(const TriggerRow *row, int column)
{
	bool		isnull;
	Datum		datum = row_get(row, column, &isnull);

	return isnull ? NULL : DatumGetJsonbP(datum);
}

void
row_set(TriggerRow *row, int column, Datum value)
{
	bool		isnull = false;

	row->tuple = heap_modify_tuple_by_cols(row->tuple,
										   RelationGetDescr(row->rel), 1,
										   &column, &value, &isnull);
}

bool
row_changed(const TriggerRow *row, int column)
{
	Form_pg_attribute att = TupleDescAttr(RelationGetDescr(row->rel),
										  column - 1);
	bool		new_null;
	bool		old_null;
	Datum		new_value = row_get(row, column, &new_null);
	Datum		old_value = row_get_old(row, column, &old_null);

	if (new_null || old_null)
		return new_null != old_null;
	return !datum_image_eq(new_value, old_value, att->attbyval, att->attlen);
}

Datum
row_end(TriggerRow *row)
{
	return PointerGetDatum(row->tuple);
}

/* The problems that are errors, or those that are warnings, one a line. */
static char *
list_problems(const Problems *problems, bool errors)
{
	StringInfoData list;
	ListCell   *lc;

	initStringInfo(&list);
	foreach(lc, problems->items)
	{
		Problem    *problem = lfirst(lc);

		if (problem->is_error != errors)
			continue;
		appendStringInfo(&list, "%s%s%s%s", list.len ? "\n" : "",
						 problem->path, problem->path[0] ? ": " : "",
						 problem->message);
		if (problem->hint != NULL)
			appendStringInfo(&list, " (%s)", problem->hint);
	}
	return list.data;
}

void
problems_raise(const Problems *problems, const char *message)
{
	/* counts warnings only if there is no error */
	int			nwarnings = list_length(problems->items);

	if (problems->nerrors > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", message),
				 errdetail_internal("%s", list_problems(problems, true))));
	if (nwarnings > 0 && check_function_bodies) /* not in a restore */
		ereport(WARNING,
				(errcode(ERRCODE_WARNING),
				 errmsg_plural("saved with %d warning",
							   "saved with %d warnings", nwarnings,
							   nwarnings),
				 errdetail_internal("%s", list_problems(problems, false))));
}
