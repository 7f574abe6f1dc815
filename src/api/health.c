/*
 * health.c
 *	  wf_health: is everything all right?
 *
 * Runs in the backend that asks, as the owner of our tables (the function is
 * SECURITY DEFINER): the tenant binding of the session is applied here.
 * Whoever looks after the engine asks every few seconds, so nothing here may
 * cost more if the table is larger: each count reads one stretch of an index
 * and stops at HEALTH_COUNT_MAX, and times are looked for by ids, which ascend
 * with them.  Reads shared memory for the workers.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "api/asked_tenant.h"
#include "api/run_counts.h"
#include "api/run_query.h"
#include "base/uuid7.h"
#include "base/valid_text.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "shared/worker_slot.h"
#include "store/store_indexes.h"
#include "store/store_place.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* Columns of the result. */
enum
{
	HEALTH_DUE,
	HEALTH_OLDEST_DUE_AT,
	HEALTH_LATER,
	HEALTH_WAITING,
	HEALTH_RUNNING,
	HEALTH_FAILED_1H,
	HEALTH_FAILED_24H,
	HEALTH_PAUSED,				/* the last one that the statement gives, but
								 * for PART_PAUSED after it */
	HEALTH_COMPLETED_PER_MINUTE,
	HEALTH_STANDING_STILL,
	HEALTH_WORKERS,
	HEALTH_LAST_ERROR,
	HEALTH_NOTIFY_EVENTS,
	HEALTH_NCOLUMNS
};

/* Column of the statement alone: is anything less than all paused? */
#define PART_PAUSED (HEALTH_PAUSED + 1)

/*
 * The statement.  $1 and %a as asked_tenant_query() gives them, $2 place, $3
 * now, $4 and $5 the first ids of the last hour and of the last day.
 */

#define OF_TENANT " AND (%a OR q.tenant_id = $1)"
#define COUNTED_AND_RETRIES \
	RUN_COUNT_LIMIT " + (SELECT retries FROM waiting)"

/*
 * What waits for its time, of all tenants: in the order of its time.  Of the
 * runs that are still to come retries are not counted.  Their number is known,
 * so the index alone tells that of the others (LATER_OF_ALL).  Only if more
 * runs wait than are counted, so that some retries may not be among them, the
 * rows say which is which, those that are furthest away first: retries are the
 * nearest.
 */
#define RIPE_OF_ALL(columns) \
	"(SELECT " columns " FROM %t.workflow_runs q WHERE q.place = $2" \
	"  AND %a AND" IN_LATER " AND q.run_at <= $3" \
	"  ORDER BY q.run_at LIMIT " RUN_COUNT_LIMIT ")"
#define TO_COME_OF_ALL(column, most) \
	"(SELECT " column " FROM %t.workflow_runs q WHERE q.place = $2" \
	"  AND %a AND" IN_LATER " AND q.run_at > $3" \
	"  ORDER BY q.run_at DESC LIMIT " most ")"
#define LATER_OF_ALL TO_COME_OF_ALL("", COUNTED_AND_RETRIES)
#define LATER_SLOW_OF_ALL TO_COME_OF_ALL("q.status", RUN_COUNT_LIMIT)

/*
 * The same of one tenant.  The index has priority before time, so each
 * priority is read for itself.  At most so many of them.
 */
#define PRIORITIES \
	"p (priority, n) AS ((SELECT q.priority, 1 FROM %t.workflow_runs q" \
	"  WHERE q.place = $2 AND q.tenant_id = $1 AND" IN_LATER \
	"  ORDER BY q.priority DESC LIMIT 1)" \
	" UNION ALL SELECT x.priority, p.n + 1 FROM p CROSS JOIN LATERAL" \
	"  (SELECT q.priority FROM %t.workflow_runs q WHERE q.place = $2" \
	"    AND q.tenant_id = $1 AND q.priority < p.priority AND" IN_LATER \
	"    ORDER BY q.priority DESC LIMIT 1) x WHERE p.n < 100)"
#define OF_PRIORITY(column, times, most) \
	"(SELECT x.* FROM p CROSS JOIN LATERAL" \
	"  (SELECT " column " FROM %t.workflow_runs q WHERE q.place = $2" \
	"    AND q.tenant_id = $1 AND q.priority = p.priority AND" IN_LATER \
	"    AND q.run_at " times " LIMIT " most ") x)"
#define RIPE_OF_ONE(columns) \
	OF_PRIORITY(columns, "<= $3 ORDER BY q.run_at", RUN_COUNT_LIMIT)
#define TO_COME "> $3 ORDER BY q.run_at DESC"
#define LATER_OF_ONE \
	OF_PRIORITY("1", TO_COME, COUNTED_AND_RETRIES)
#define LATER_SLOW_OF_ONE \
	OF_PRIORITY("q.status", TO_COME, RUN_COUNT_LIMIT)

/* The tenants and priorities of what was due when it was fired, as g. */
#define DUE_GROUPS \
	" g (tenant_id, priority, queued_at, n) AS (" \
	"  (SELECT q.tenant_id, q.priority, q.queued_at, 1" \
	"    FROM %t.workflow_runs q WHERE q.place = $2" OF_TENANT \
	"     AND" IN_DUE " ORDER BY q.tenant_id, q.priority DESC, q.run_at" \
	"    LIMIT 1)" \
	"  UNION ALL SELECT x.*, g.n + 1 FROM g CROSS JOIN LATERAL" \
	"   ((SELECT q.tenant_id, q.priority, q.queued_at" \
	"      FROM %t.workflow_runs q WHERE q.place = $2" \
	"       AND q.tenant_id = g.tenant_id AND q.priority < g.priority" \
	"       AND" IN_DUE " ORDER BY q.priority DESC, q.run_at LIMIT 1)" \
	"    UNION ALL" \
	"    (SELECT q.tenant_id, q.priority, q.queued_at" \
	"      FROM %t.workflow_runs q WHERE q.place = $2 AND %a" \
	"       AND q.tenant_id > g.tenant_id AND" IN_DUE \
	"      ORDER BY q.tenant_id, q.priority DESC, q.run_at LIMIT 1)" \
	"    LIMIT 1) x WHERE g.n < 1000)"

/* The oldest, if there is more than is counted: the first of each group. */
#define OLDEST_OF_MANY \
	"(WITH RECURSIVE" DUE_GROUPS " SELECT min(queued_at) FROM g)"

/* Those of a status, definition by definition. */
#define OF_STATUS(columns, status, condition) \
	"(SELECT q.* FROM %t.workflow_definitions d CROSS JOIN LATERAL" \
	"  (SELECT " columns " FROM %t.workflow_runs q WHERE q.status = " status \
	"    AND q.definition_id = d.id" condition \
	"    LIMIT " RUN_COUNT_LIMIT ") q" \
	"  WHERE %a OR d.tenant_id = $1 LIMIT " RUN_COUNT_LIMIT ")"

#define COUNT(rows) "(SELECT count(*)::int FROM " rows " x)"

/*
 * What is due is counted from the end of the index: its beginning is full of
 * dead entries, of runs that were executed, while workers are busy.
 */
#define HEALTH_START \
	" due AS (SELECT count(*) AS n, min(x.queued_at) AS oldest FROM" \
	"  (SELECT q.queued_at FROM %t.workflow_runs q WHERE q.place = $2" \
	OF_TENANT " AND" IN_DUE \
	"   ORDER BY q.tenant_id DESC, q.priority, q.run_at DESC" \
	"   LIMIT " RUN_COUNT_LIMIT ") x)," \
	" waiting AS (SELECT count(*) FILTER (WHERE w.place = $2)::int AS n," \
	"  count(*) FILTER (WHERE w.place = $2 AND w.run_at > $3" \
	"   AND w.run_at < 'infinity') AS retries, count(*) AS seen FROM " \
	OF_STATUS("q.place, q.run_at", "'waiting'", "") " w)"

/* How many are still to come; rows as above, a number a row or a status. */
#define LATER(rows, slow_rows) \
	" later AS (SELECT CASE WHEN w.seen < " RUN_COUNT_LIMIT \
	"  THEN (SELECT greatest(count(*) - w.retries, 0) FROM " rows " x)" \
	"  ELSE (SELECT count(*) FROM " slow_rows " x" \
	"   WHERE x.status = 'queued') END AS n FROM waiting w)"

#define HEALTH_END \
	" SELECT least(due.n + ripe.n, " RUN_COUNT_LIMIT ")::int," \
	" least(ripe.oldest, CASE WHEN due.n < " RUN_COUNT_LIMIT \
	"  THEN due.oldest ELSE " OLDEST_OF_MANY " END)," \
	" least(later.n, " RUN_COUNT_LIMIT ")::int, waiting.n, " \
	COUNT("(SELECT FROM " OF_STATUS("q.place", "'running'", "") \
		  " w WHERE w.place = $2)") ", " \
	COUNT(OF_STATUS("", "'failed'", " AND q.id >= $4")) ", " \
	COUNT(OF_STATUS("", "'failed'", " AND q.id >= $5")) "," \
	" EXISTS (SELECT FROM %t.workflow_pauses p" \
	"  WHERE p.definition_id IS NULL" \
	"  AND (p.tenant_id IS NULL OR p.tenant_id = $1))," \
	" EXISTS (SELECT FROM %t.workflow_pauses p" \
	"  WHERE p.tenant_id IS NOT NULL AND (%a OR p.tenant_id = $1))" \
	" FROM due, ripe, later, waiting"

#define HEALTH_OF_ALL \
	"WITH" HEALTH_START "," \
	" ripe AS (SELECT count(*) AS n, min(x.run_at) AS oldest FROM " \
	RIPE_OF_ALL("q.run_at") " x)," \
	LATER(LATER_OF_ALL, LATER_SLOW_OF_ALL) HEALTH_END

#define HEALTH_OF_ONE \
	"WITH RECURSIVE " PRIORITIES "," HEALTH_START "," \
	" ripe AS (SELECT count(*) AS n, min(x.run_at) AS oldest FROM " \
	RIPE_OF_ONE("q.run_at") " x)," \
	LATER(LATER_OF_ONE, LATER_SLOW_OF_ONE) HEALTH_END

/*
 * The oldest that is due if a part is paused: a workflow, or a tenant if all
 * are asked for.  Runs of that part do not wait for a worker, so they are not
 * late.  Millions of them may be due.  So a paused tenant is passed over as a
 * whole, and of each other group no more than RUN_COUNT_MAX runs are looked
 * at: if all of these are of paused workflows, the group counts for nothing.
 */
#define HELD \
	" held AS (SELECT" \
	"  coalesce(array_agg(p.definition_id)" \
	"   FILTER (WHERE p.definition_id IS NOT NULL), '{}') AS workflows," \
	"  coalesce(array_agg(p.tenant_id)" \
	"   FILTER (WHERE p.definition_id IS NULL), '{}') AS tenants" \
	"  FROM %t.workflow_pauses p" \
	"  WHERE p.tenant_id IS NOT NULL AND (%a OR p.tenant_id = $1))"
#define FIRST_OF_GROUP \
	"(SELECT x.queued_at FROM" \
	"  (SELECT q.queued_at, q.definition_id FROM %t.workflow_runs q" \
	"    WHERE q.place = $2 AND q.tenant_id = g.tenant_id" \
	"     AND q.priority = g.priority AND" IN_DUE \
	"    ORDER BY q.run_at LIMIT " RUN_COUNT_LIMIT ") x" \
	"  WHERE x.definition_id <> ALL (held.workflows) LIMIT 1)"
#define OLDEST_OPEN(ripe) \
	DUE_GROUPS "," HELD \
	" SELECT least((SELECT min(f.queued_at) FROM held CROSS JOIN g" \
	"   CROSS JOIN LATERAL " FIRST_OF_GROUP " f" \
	"   WHERE g.tenant_id <> ALL (held.tenants))," \
	"  (SELECT min(x.run_at) FROM held CROSS JOIN " ripe " x" \
	"   WHERE x.tenant_id <> ALL (held.tenants)" \
	"    AND x.definition_id <> ALL (held.workflows)))"
#define RIPE_COLUMNS "q.run_at, q.definition_id, q.tenant_id"
#define OLDEST_OPEN_OF_ALL \
	"WITH RECURSIVE" OLDEST_OPEN(RIPE_OF_ALL(RIPE_COLUMNS))
#define OLDEST_OPEN_OF_ONE \
	"WITH RECURSIVE " PRIORITIES "," OLDEST_OPEN(RIPE_OF_ONE(RIPE_COLUMNS))

/*--- how many complete ---*/

/* $1 and %a the tenant, $2 after this moment, $3 and $4 ids from and up to. */
#define COMPLETED(rows) \
	"SELECT least(count(*), " RUN_COUNT_LIMIT ")::int FROM (" rows ") x" \
	" WHERE x.status = 'completed' AND x.completed_at > $2"
#define COMPLETED_OF_ALL \
	COMPLETED("SELECT q.status, q.completed_at FROM %t.workflow_runs q" \
			  " WHERE q.id >= $3 AND q.id < $4 AND %a" \
			  " ORDER BY q.id DESC LIMIT " RUN_COUNT_LIMIT)
#define COMPLETED_OF_ONE \
	COMPLETED("SELECT q.status, q.completed_at" \
			  " FROM %t.workflow_definitions d CROSS JOIN LATERAL" \
			  "  (SELECT q.status, q.completed_at FROM %t.workflow_runs q" \
			  "    WHERE q.definition_id = d.id AND q.id >= $3" \
			  "     AND q.id < $4 ORDER BY q.id DESC" \
			  "    LIMIT " RUN_COUNT_LIMIT ") q" \
			  " WHERE d.tenant_id = $1 AND NOT %a LIMIT 5 * " RUN_COUNT_LIMIT)

/* Column number column, from 0, of what the statement has given. */
static Datum
queried(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
						 column + 1, isnull);
}

/* The runs with an id from low up to high that have completed since. */
static int
count_completed(const pg_uuid_t *tenant, TimestampTz since, TimestampTz low,
				TimestampTz high)
{
	RunQuery	query;
	pg_uuid_t	ids[2];
	bool		isnull;

	asked_tenant_query(&query, tenant ? COMPLETED_OF_ONE : COMPLETED_OF_ALL,
					   tenant);
	uuid7_floor(&ids[0], low);
	uuid7_floor(&ids[1], high);
	run_query_param(&query, TIMESTAMPTZOID, TimestampTzGetDatum(since));
	run_query_param(&query, UUIDOID, UUIDPGetDatum(&ids[0]));
	run_query_param(&query, UUIDOID, UUIDPGetDatum(&ids[1]));
	run_query_execute(&query, PLANNER_BY_INDEX);
	return DatumGetInt32(queried(0, &isnull));
}

/*
 * How many runs have completed in the last minute.  No index has that time.
 * Those that complete now were fired just now or, if the workers are behind,
 * just before the oldest run that is due.  So the newest runs are looked at,
 * and those of the hour before that one.
 */
static int
completed_per_minute(const pg_uuid_t *tenant, TimestampTz now,
					 TimestampTz oldest_due)
{
	TimestampTz since = now - USECS_PER_MINUTE;
	TimestampTz high = now + USECS_PER_DAY; /* clocks of others may be ahead */
	int			n = count_completed(tenant, since,
									Max(oldest_due, now - USECS_PER_HOUR),
									high);

	/* it has no bound in the past: a tenant may be paused for a week */
	n += count_completed(tenant, since, oldest_due - USECS_PER_HOUR,
						 Max(oldest_due, now - USECS_PER_HOUR));
	return Min(n, RUN_COUNT_MAX);
}

/*--- the function ---*/

/* Sets what is known of the live workers of this database. */
static void
fill_workers(Datum *values, bool *nulls, bool is_bound)
{
	WorkerStatus *workers;
	int			n = worker_slot_list(&workers);
	int			alive = 0;

	for (int i = 0; i < n; i++)
	{
		if (workers[i].database != MyDatabaseId)
			continue;
		alive++;
		/* an error may quote data of another tenant */
		if (is_bound || workers[i].last_error[0] == '\0')
			continue;
		values[HEALTH_LAST_ERROR] =
			CStringGetTextDatum(valid_text(workers[i].last_error));
		nulls[HEALTH_LAST_ERROR] = false;
	}
	values[HEALTH_WORKERS] = Int32GetDatum(alive);
}

/* Executes one of the statements for a place.  Within SPI. */
static void
query_place(const char *sql, const pg_uuid_t *tenant, int64 place,
			TimestampTz now)
{
	RunQuery	query;
	pg_uuid_t	ids[2];

	asked_tenant_query(&query, sql, tenant);
	uuid7_floor(&ids[0], now - USECS_PER_HOUR);
	uuid7_floor(&ids[1], now - USECS_PER_DAY);
	run_query_param(&query, INT8OID, Int64GetDatum(place));
	run_query_param(&query, TIMESTAMPTZOID, TimestampTzGetDatum(now));
	run_query_param(&query, UUIDOID, UUIDPGetDatum(&ids[0]));
	run_query_param(&query, UUIDOID, UUIDPGetDatum(&ids[1]));
	run_query_execute(&query, PLANNER_BY_INDEX);
}

/* Fills what the statements give for a place.  Within SPI. */
static void
fill_counts(Datum *values, bool *nulls, const pg_uuid_t *tenant,
			int64 place, TimestampTz now)
{
	bool		isnull;
	bool		is_part_paused;

	query_place(tenant ? HEALTH_OF_ONE : HEALTH_OF_ALL, tenant, place, now);
	for (int i = 0; i <= HEALTH_PAUSED; i++)
		values[i] = queried(i, &nulls[i]);
	is_part_paused = DatumGetBool(queried(PART_PAUSED, &isnull));
	if (!is_part_paused || DatumGetBool(values[HEALTH_PAUSED]))
		return;
	query_place(tenant ? OLDEST_OPEN_OF_ONE : OLDEST_OPEN_OF_ALL, tenant,
				place, now);
	values[HEALTH_OLDEST_DUE_AT] = queried(0, &nulls[HEALTH_OLDEST_DUE_AT]);
}

/*
 * Adds what the statement gives for a place that was accepted to what is there
 * of this database's own.  Failed runs are of all places already.
 */
static void
add_counts(Datum *values, bool *nulls, const pg_uuid_t *tenant,
		   int64 place, TimestampTz now)
{
	static const int counts[] = {HEALTH_DUE, HEALTH_LATER, HEALTH_WAITING,
	HEALTH_RUNNING};
	Datum		more[HEALTH_NCOLUMNS] = {0};
	bool		more_nulls[HEALTH_NCOLUMNS] = {0};

	fill_counts(more, more_nulls, tenant, place, now);
	for (int i = 0; i < lengthof(counts); i++)
	{
		int			n = DatumGetInt32(values[counts[i]]) +
			DatumGetInt32(more[counts[i]]);

		values[counts[i]] = Int32GetDatum(Min(n, RUN_COUNT_MAX));
	}
	if (more_nulls[HEALTH_OLDEST_DUE_AT])
		return;
	if (nulls[HEALTH_OLDEST_DUE_AT] ||
		DatumGetTimestampTz(more[HEALTH_OLDEST_DUE_AT]) <
		DatumGetTimestampTz(values[HEALTH_OLDEST_DUE_AT]))
		values[HEALTH_OLDEST_DUE_AT] = more[HEALTH_OLDEST_DUE_AT];
	nulls[HEALTH_OLDEST_DUE_AT] = false;
}

/* All that the tables tell.  Within SPI. */
static void
fill_runs(Datum *values, bool *nulls, const pg_uuid_t *tenant,
		  TimestampTz now)
{
	int64	   *places;
	int			n = store_places(&places);
	TimestampTz oldest;

	fill_counts(values, nulls, tenant, places[0], now);
	for (int i = 1; i < n; i++)
		add_counts(values, nulls, tenant, places[i], now);
	values[HEALTH_STANDING_STILL] =
		Int32GetDatum((int32) store_foreign_runs(tenant, RUN_COUNT_MAX));
	oldest = nulls[HEALTH_OLDEST_DUE_AT] ? now
		: DatumGetTimestampTz(values[HEALTH_OLDEST_DUE_AT]);
	values[HEALTH_COMPLETED_PER_MINUTE] =
		Int32GetDatum(completed_per_minute(tenant, now, oldest));
}

PG_FUNCTION_INFO_V1(wf_health);

/* One row.  What a session may not see counts as if it were not there. */
Datum
wf_health(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[HEALTH_NCOLUMNS] = {0};
	bool		nulls[HEALTH_NCOLUMNS] = {0};
	TimestampTz now = clock_now();
	pg_uuid_t	tenant;
	pg_uuid_t	bound;
	AskedTenant asked = asked_tenant(fcinfo, 0, &tenant);
	pg_uuid_t  *one = asked == ASKED_ONE ? &tenant : NULL;

	InitMaterializedSRF(fcinfo, 0);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_ALL_TABLES);

	nulls[HEALTH_OLDEST_DUE_AT] = nulls[HEALTH_LAST_ERROR] = true;
	fill_workers(values, nulls,
				 asked_tenant_of_session(&bound) != ASKED_ALL);
	values[HEALTH_NOTIFY_EVENTS] =
		CStringGetTextDatum(GetConfigOption("workflow_engine.notify_events",
											false, false));
	SPI_connect();
	if (asked != ASKED_NOBODY)
		fill_runs(values, nulls, one, now);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	SPI_finish();
	return (Datum) 0;
}
