/*
 * operation.c
 *	  workflow_operations: who did what by hand.
 *
 * Runs in the backend that operates, in its transaction: an operation that is
 * rolled back leaves no row.  Roles have no right to write the table, so the
 * row is written as its owner.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "store/operation.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#define INSERT_OPERATION \
	"INSERT INTO %t.workflow_operations" \
	" (id, at, who, what, tenant_id, definition_id, run_id, detail)" \
	" VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, '{}'))"

char *
operation_role(void)
{
	return GetUserNameFromId(GetOuterUserId(), false);
}

void
operation_note(const char *what, const pg_uuid_t *tenant,
			   const pg_uuid_t *definition_id, const pg_uuid_t *run_id,
			   Jsonb *detail)
{
	static const Oid types[8] = {UUIDOID, TIMESTAMPTZOID, NAMEOID, TEXTOID,
	UUIDOID, UUIDOID, UUIDOID, JSONBOID};
	TimestampTz now = clock_now();
	pg_uuid_t	id;
	NameData	who;
	Datum		values[8];
	char		nulls[] = "        ";
	Oid			save_user;
	int			save_context;
	int			level;

	uuid7_generate(&id, now);
	namestrcpy(&who, operation_role());
	values[0] = UUIDPGetDatum(&id);
	values[1] = TimestampTzGetDatum(now);
	values[2] = NameGetDatum(&who);
	values[3] = CStringGetTextDatum(what);
	values[4] = UUIDPGetDatum(tenant);
	values[5] = UUIDPGetDatum(definition_id);
	values[6] = UUIDPGetDatum(run_id);
	values[7] = PointerGetDatum(detail);
	for (int i = 4; i < lengthof(types); i++)
		nulls[i] = DatumGetPointer(values[i]) == NULL ? 'n' : ' ';

	level = store_enter_search_path();
	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	SPI_execute_with_args(store_sql(INSERT_OPERATION), lengthof(types),
						  (Oid *) types, values, nulls, false, 0);
	SPI_finish();
	store_leave_owner(save_user, save_context);
	store_leave_search_path(level);
}

/*--- calls about several runs ---*/

void
operation_runs_begin(OperationRuns *runs)
{
	runs->count = runs->nids = 0;
	runs->size = 64;
	runs->ids = palloc(sizeof(pg_uuid_t) * runs->size);
}

void
operation_runs_add(OperationRuns *runs, const pg_uuid_t *id)
{
	runs->count++;
	if (runs->nids >= OPERATION_MAX_RUNS)
		return;
	if (runs->nids == runs->size)
	{
		runs->size *= 2;
		runs->ids = repalloc(runs->ids, sizeof(pg_uuid_t) * runs->size);
	}
	runs->ids[runs->nids++] = *id;
}

/* The ids as an array of texts. */
static Jsonb *
ids_as_json(const OperationRuns *runs)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < runs->nids; i++)
	{
		JsonbValue	id = {.type = jbvString};

		id.val.string.val = id_text(&runs->ids[i]);
		id.val.string.len = strlen(id.val.string.val);
		pushJsonbValue(&state, WJB_ELEM, &id);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

void
operation_runs_note(const OperationRuns *runs, const char *what,
					const pg_uuid_t *tenant, const pg_uuid_t *definition_id,
					ObjectBuilder *detail)
{
	if (runs->count == 0)
		return;
	object_number(detail, "count", runs->count);
	if (runs->count > 1)
		object_json(detail, "run_ids", ids_as_json(runs));
	operation_note(what, tenant, definition_id,
				   runs->count == 1 ? &runs->ids[0] : NULL,
				   object_end(detail));
}
