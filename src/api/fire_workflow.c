/*
 * fire_workflow.c
 *	  wf_fire_workflow: one workflow is run, as if its event had happened.
 *
 * Runs in the backend that calls, as the owner of our tables (the function is
 * SECURITY DEFINER): the session's tenant binding is applied here.  It is for
 * people, and rare: so the run is inserted by a statement, whose foreign keys
 * may lock the definition's row, and workflow_operations says who did it.
 *
 * Owns nothing beyond a call.  The run and its operation commit together.
 */
#include "postgres.h"
#include "compat.h"

#include "api/fire.h"
#include "api/stopped_run.h"
#include "base/json_object.h"
#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "run/run_context.h"
#include "shared/commit_wakeup.h"
#include "store/operation.h"
#include "store/store_place.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define ERRCODE_CHANGED_MEANWHILE MAKE_SQLSTATE('W', 'F', '4', '0', '9')

enum
{
	FIRE_ID,
	FIRE_PAYLOAD,
	FIRE_VERSION
};

/* The workflow, as it is now. */
typedef struct Fired
{
	pg_uuid_t	id;
	pg_uuid_t	tenant_id;
	char	   *name;
	int			version;
	bool		is_active;
} Fired;

/*
 * Reads the definition of fired->id within SPI.  False: there is none that the
 * session may act for.
 */
static bool
find(Fired *fired, MemoryContext context)
{
	pg_uuid_t	bound;
	TenantBinding binding = settings_tenant(&bound);
	Oid			types[2] = {UUIDOID, UUIDOID};
	Datum		values[2] = {UUIDPGetDatum(&fired->id), UUIDPGetDatum(&bound)};
	HeapTuple	row;
	TupleDesc	desc;
	bool		isnull;

	if (binding == TENANT_NONE)
		return false;
	SPI_execute_with_args(store_sql("SELECT tenant_id, name, version, is_active"
									" FROM %t.workflow_definitions"
									" WHERE id = $1"
									" AND ($2 IS NULL OR tenant_id = $2)"),
						  2, types, values,
						  binding == TENANT_BOUND ? "  " : " n", true, 1);
	if (SPI_processed == 0)
		return false;
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	fired->tenant_id = *DatumGetUUIDP(SPI_getbinval(row, desc, 1, &isnull));
	fired->name = MemoryContextStrdup(context, SPI_getvalue(row, desc, 2));
	fired->version = DatumGetInt32(SPI_getbinval(row, desc, 3, &isnull));
	fired->is_active = DatumGetBool(SPI_getbinval(row, desc, 4, &isnull));
	return true;
}

/* Raises P0002, WF409 and 55000. */
static void
check(FunctionCallInfo fcinfo, const Fired *fired, bool found)
{
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("definition %s does not exist", id_text(&fired->id))));
	if (!PG_ARGISNULL(FIRE_VERSION) &&
		PG_GETARG_INT32(FIRE_VERSION) != fired->version)
		ereport(ERROR,
				(errcode(ERRCODE_CHANGED_MEANWHILE),
				 errmsg("workflow \"%s\" has version %d, not %d", fired->name,
						fired->version, PG_GETARG_INT32(FIRE_VERSION)),
				 errhint("Somebody has saved it. Read it again before you run it.")));
	if (!fired->is_active)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("workflow \"%s\" is switched off", fired->name),
				 errhint("Set its is_active to true, or try it with wf_preview().")));
}

/* Queues the run within SPI. */
static void
insert_run(const Fired *fired, Jsonb *payload, const pg_uuid_t *run_id)
{
	Oid			types[8] = {UUIDOID, UUIDOID, INT4OID, JSONBOID,
	TIMESTAMPTZOID, UUIDOID, INT4OID, INT8OID};
	Datum		values[8] = {UUIDPGetDatum(run_id), UUIDPGetDatum(&fired->id),
		Int32GetDatum(fired->version), JsonbPGetDatum(payload),
		TimestampTzGetDatum(clock_now()), UUIDPGetDatum(&current_run.id),
		Int32GetDatum(firing_depth(fired->name)),
	Int64GetDatum(store_place())};
	char		nulls[] = "        ";

	nulls[5] = current_run.active ? ' ' : 'n';
	SPI_execute_with_args(store_sql("INSERT INTO %t.workflow_runs"
									" (id, definition_id, definition_version,"
									"  trigger_payload, queued_at, started_at,"
									"  run_at, parent_id, depth, place)"
									" VALUES ($1, $2, $3, $4, $5, $5, $5, $6, $7, $8)"),
						  8, types, values, nulls, false, 0);
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("a run was not inserted"),
				 errdetail("A trigger or rule of table \"workflow_runs\" left it out.")));
}

PG_FUNCTION_INFO_V1(wf_fire_workflow);

/* Raises 22004, 22023, 54000 and 54001 as wf_fire, and what check does. */
Datum
wf_fire_workflow(PG_FUNCTION_ARGS)
{
	Fired		fired = {0};
	pg_uuid_t  *run_id = palloc(sizeof(pg_uuid_t));
	MemoryContext context = CurrentMemoryContext;
	Jsonb	   *payload;
	bool		found;

	if (PG_ARGISNULL(FIRE_ID))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(FIRE_PAYLOAD))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"payload\" of wf_fire_workflow must not be null")));
	fired.id = *PG_GETARG_UUID_P(FIRE_ID);
	payload = PG_GETARG_JSONB_P(FIRE_PAYLOAD);
	stopped_run_enter(fcinfo);
	fire_check_payload(payload);
	SPI_connect();
	found = find(&fired, context);
	check(fcinfo, &fired, found);
	uuid7_generate(run_id, clock_now());
	insert_run(&fired, payload, run_id);
	SPI_finish();
	wakeup_at_commit();
	operation_note("fire", &fired.tenant_id, &fired.id, run_id, NULL);
	PG_RETURN_UUID_P(run_id);
}
