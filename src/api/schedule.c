/*
 * schedule.c
 *	  workflow_schedules follows the definitions; wf_schedules.
 *
 * Runs in the backend that writes a definition, or asks.  A row of
 * workflow_schedules is the state of one schedule: when it is due next, and
 * what it fired last.  schedule_fire.c fires what is due.
 *
 * A restore brings these rows along: they are not made from definitions then,
 * or what the original has fired would be fired again.
 */
#include "postgres.h"
#include "compat.h"

#include "api/definition.h"
#include "api/run_query.h"
#include "api/schedule.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "plan/plan_schedule.h"
#include "shared/commit_wakeup.h"
#include "store/store_place.h"
#include "store/store_schema.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/*--- following the definitions ---*/

static PlanSchedule *
find_schedule(List *schedules, const char *key)
{
	ListCell   *lc;

	foreach(lc, schedules)
	{
		PlanSchedule *schedule = lfirst(lc);

		if (strcmp(schedule->key, key) == 0)
			return schedule;
	}
	return NULL;
}

/* Do both mean the same times? */
static bool
same_times(const PlanSchedule *a, const PlanSchedule *b)
{
	return strcmp(a->cron_text, b->cron_text) == 0 &&
		strcmp(a->zone_name, b->zone_name) == 0;
}

static Datum
keys_as_array(List *schedules)
{
	Datum	   *keys = palloc(sizeof(Datum) * Max(list_length(schedules), 1));
	ListCell   *lc;

	foreach(lc, schedules)
		keys[foreach_current_index(lc)] =
		CStringGetTextDatum(((PlanSchedule *) lfirst(lc))->key);
	return PointerGetDatum(construct_array(keys, list_length(schedules),
										   TEXTOID, -1, false, TYPALIGN_INT));
}

static void
drop_others(Datum definition_id, List *schedules)
{
	Oid			types[2] = {UUIDOID, TEXTARRAYOID};
	Datum		values[2] = {definition_id, keys_as_array(schedules)};

	SPI_execute_with_args(store_sql("DELETE FROM %t.workflow_schedules"
									" WHERE definition_id = $1 AND key <> ALL ($2)"),
						  2, types, values, NULL, false, 0);
}

/*
 * What had been fired stays known if the schedule has other times now; the
 * next one counts from this moment, and belongs here.  If it has the same
 * times as before, only a row that is never due is written: wf_discard_place
 * has left it so, and saving the definition has it fire again.
 */
static void
put_schedule(Datum definition_id, Datum tenant_id,
			 const PlanSchedule *schedule, bool is_new)
{
	Oid			types[6] = {UUIDOID, UUIDOID, TEXTOID, TIMESTAMPTZOID, INT8OID,
	BOOLOID};
	TimestampTz next = cron_next(&schedule->cron, schedule->zone,
								 clock_now());
	Datum		values[6] = {definition_id, tenant_id,
		CStringGetTextDatum(schedule->key), TimestampTzGetDatum(next),
	Int64GetDatum(store_place()), BoolGetDatum(is_new)};
	const char *nulls = next == 0 ? "   n  " : NULL;

	SPI_execute_with_args(store_sql("INSERT INTO %t.workflow_schedules"
									" AS s (definition_id, tenant_id, key,"
									"  next_at, place)"
									" VALUES ($1, $2, $3, $4, $5)"
									" ON CONFLICT (definition_id, key) DO UPDATE"
									" SET next_at = excluded.next_at,"
									"  place = excluded.place, error = NULL"
									" WHERE $6 OR s.next_at IS NULL"),
						  6, types, values, nulls, false, 0);
}

void
schedules_sync(const TriggerRow *row)
{
	bool		isnull;
	Datum		id = row_get(row, DEF_ID, &isnull);
	Datum		tenant_id = row_get(row, DEF_TENANT_ID, &isnull);
	List	   *now = plan_schedules_of(row_json(row, DEF_DEFINITION));
	List	   *before = NIL;
	ListCell   *lc;

	if (row->is_update)
	{
		Datum		old = row_get_old(row, DEF_DEFINITION, &isnull);

		before = plan_schedules_of(DatumGetJsonbP(old));
	}
	if (now == NIL && before == NIL)
		return;

	SPI_connect();
	drop_others(id, now);
	foreach(lc, now)
	{
		PlanSchedule *schedule = lfirst(lc);
		PlanSchedule *old = find_schedule(before, schedule->key);

		put_schedule(id, tenant_id, schedule,
					 old == NULL || !same_times(schedule, old));
	}
	SPI_finish();
	wakeup_schedules_at_commit();
}

/*--- wf_schedules ---*/

PG_FUNCTION_INFO_V1(wf_schedules);

/*
 * Runs as the tables' owner (SECURITY DEFINER), so the tenant that the session
 * is bound to is looked at here.
 */
Datum
wf_schedules(PG_FUNCTION_ARGS)
{
	Oid			types[2] = {UUIDOID, UUIDOID};
	Datum		values[2] = {0, 0};
	char		nulls[3] = "nn";
	pg_uuid_t	bound;
	TenantBinding binding = settings_tenant(&bound);

	InitMaterializedSRF(fcinfo, 0);
	if (binding == TENANT_NONE)
		return (Datum) 0;
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	if (!PG_ARGISNULL(0))
	{
		values[0] = PG_GETARG_DATUM(0);
		nulls[0] = ' ';
	}
	if (binding == TENANT_BOUND)
	{
		values[1] = UUIDPGetDatum(&bound);
		nulls[1] = ' ';
	}
	SPI_connect();
	SPI_execute_with_args(store_sql("SELECT s.definition_id, d.name, s.key,"
									" s.next_at, s.last_at, s.last_run_id"
									" FROM %t.workflow_schedules s"
									" JOIN %t.workflow_definitions d"
									" ON d.id = s.definition_id"
									" WHERE ($1 IS NULL OR s.tenant_id = $1)"
									" AND ($2 IS NULL OR s.tenant_id = $2)"
									" ORDER BY s.next_at NULLS LAST, d.name, s.key"),
						  2, types, values, nulls, true, 0);
	run_query_return_rows((ReturnSetInfo *) fcinfo->resultinfo);
	SPI_finish();
	return (Datum) 0;
}
