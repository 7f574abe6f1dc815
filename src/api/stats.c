/*
 * stats.c
 *	  The rows of view workflow_stats: what each workflow does.
 *
 * Runs in the backend that asks, as the owner of our tables (wf_stats is
 * SECURITY DEFINER): the tenant binding of the session is applied here.  One
 * statement reads for each tenant what is due and what waits for its time, and
 * for each definition the runs of the last hour, by index, and stops at
 * RUN_COUNT_MAX runs each.  Owns nothing.
 *
 * No index tells which of a definition's runs are queued: every fire would pay
 * for it.  So the queued ones are counted among what waits of the tenant, in
 * the order in which it goes.  If the tenant has more than is counted, those
 * of the last hour are counted too, and the greater number is shown: either is
 * a lower bound.
 */
#include "postgres.h"
#include "compat.h"

#include "api/asked_tenant.h"
#include "api/run_counts.h"
#include "api/run_query.h"
#include "base/uuid7.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "store/store_indexes.h"
#include "store/store_place.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/*
 * $1 and %a as asked_tenant_query() gives them, $2 the places whose runs are
 * executed here, $3 now, $4 the first id of the last hour, $5 the places whose
 * runs stand still.
 */
#define OF_INDEX(places, stands, index) \
	"(SELECT z.*, " stands " FROM unnest(" places ") p (place)" \
	"  CROSS JOIN LATERAL" \
	"  (SELECT q.definition_id, q.status, q.queued_at, q.run_at" \
	"   FROM %t.workflow_runs q WHERE q.place = p.place" \
	"    AND q.tenant_id = t.tenant_id AND" index \
	"   LIMIT " RUN_COUNT_LIMIT ") z)"

/* The same of runs without a place, which stand still. */
#define OF_NO_PLACE(index) \
	"(SELECT q.definition_id, q.status, q.queued_at, q.run_at, true" \
	"   FROM %t.workflow_runs q WHERE q.place IS NULL" \
	"    AND q.tenant_id = t.tenant_id AND" index \
	"   LIMIT " RUN_COUNT_LIMIT ")"

/* Since when the oldest has been due; of what is not due yet, null. */
#define OLDEST(condition) \
	"min(greatest(x.run_at, x.queued_at)) FILTER (WHERE" \
	" x.status = 'queued' AND x.run_at <= $3 AND isfinite(x.queued_at)" \
	condition ")"

/* A row for each definition, also if nothing of it is queued. */
#define QUEUED \
	"SELECT x.definition_id," \
	"  count(*) FILTER (WHERE x.status = 'queued' AND NOT x.stands) AS queued," \
	"  count(*) FILTER (WHERE x.stands) AS standing," \
	"  " OLDEST(" AND NOT x.stands") " AS oldest" \
	" FROM (SELECT d.id AS definition_id, NULL AS status," \
	"   NULL::timestamptz AS queued_at, NULL::timestamptz AS run_at," \
	"   false AS stands" \
	"   FROM %t.workflow_definitions d WHERE %a OR d.tenant_id = $1" \
	"  UNION ALL SELECT y.* FROM" \
	"   (SELECT DISTINCT d.tenant_id FROM %t.workflow_definitions d" \
	"     WHERE %a OR d.tenant_id = $1) t CROSS JOIN LATERAL" \
	"   (" OF_INDEX("$2", "false", IN_DUE) \
	"   UNION ALL " OF_INDEX("$2", "false", IN_LATER) \
	"   UNION ALL " OF_INDEX("$5", "true", IN_DUE) \
	"   UNION ALL " OF_INDEX("$5", "true", IN_LATER) \
	"   UNION ALL " OF_NO_PLACE(IN_DUE) \
	"   UNION ALL " OF_NO_PLACE(IN_LATER) ") y) x" \
	" GROUP BY x.definition_id"

#define DURATION(fraction) \
	"percentile_cont(" fraction ") WITHIN GROUP" \
	" (ORDER BY x.completed_at - x.started_at)" \
	" FILTER (WHERE x.status = 'completed'" \
	"  AND isfinite(x.completed_at) AND isfinite(x.started_at))"

#define LAST_HOUR \
	"(SELECT count(*) FILTER (WHERE x.status = 'completed') AS completed," \
	"  count(*) FILTER (WHERE x.status = 'queued'" \
	"   AND x.place = ANY ($2)) AS queued," \
	"  " OLDEST(" AND x.place = ANY ($2)") " AS oldest," \
	"  " DURATION("0.5") " AS p50, " DURATION("0.95") " AS p95" \
	" FROM (SELECT q.status, q.place, q.queued_at, q.run_at, q.started_at," \
	"   q.completed_at FROM %t.workflow_runs q" \
	"   WHERE q.definition_id = d.id AND q.id >= $4" \
	"   ORDER BY q.id DESC LIMIT " RUN_COUNT_LIMIT ") x)"

/* By the index of what runs, waits or has failed. */
#define OF_STATUS(status, condition, place) \
	"(SELECT count(*) FROM (SELECT q.place FROM %t.workflow_runs q" \
	"   WHERE q.status = " status " AND q.definition_id = d.id" condition \
	"   LIMIT " RUN_COUNT_LIMIT ") x" place ")::int"

#define STATS \
	"SELECT d.id, d.tenant_id, d.name, d.version, d.is_active, d.run_as," \
	"  EXISTS (SELECT FROM pg_roles a WHERE a.oid = d.run_as)," \
	"  least(greatest(q.queued, h.queued), " RUN_COUNT_LIMIT ")::int, " \
	OF_STATUS("'running'", "", " WHERE x.place = ANY ($2)") ", " \
	OF_STATUS("'waiting'", "", " WHERE x.place = ANY ($2)") "," \
	"  $3 - least(q.oldest, h.oldest)," \
	"  h.completed::int, " OF_STATUS("'failed'", " AND q.id >= $4", "") "," \
	"  h.p50, h.p95, least(q.standing + " \
	OF_STATUS("'running'", "", " WHERE coalesce(x.place = ANY ($5), true)") ", " \
	RUN_COUNT_LIMIT ")::int," \
	"  EXISTS (SELECT FROM %t.workflow_pauses p" \
	"   WHERE p.tenant_id IS NULL OR p.tenant_id = d.tenant_id" \
	"    AND (p.definition_id IS NULL OR p.definition_id = d.id))" \
	" FROM (" QUEUED ") q" \
	"  JOIN %t.workflow_definitions d ON d.id = q.definition_id" \
	"  CROSS JOIN LATERAL " LAST_HOUR " h" \
	" ORDER BY d.tenant_id, d.name"

PG_FUNCTION_INFO_V1(wf_stats);

/* One row for each definition that the session may see. */
Datum
wf_stats(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TimestampTz now = clock_now();
	RunQuery	query;
	pg_uuid_t	tenant;
	pg_uuid_t	hour_ago;
	AskedTenant asked = asked_tenant_of_session(&tenant);

	InitMaterializedSRF(fcinfo, 0);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_ALL_TABLES);
	if (asked == ASKED_NOBODY)
		return (Datum) 0;

	SPI_connect();
	uuid7_floor(&hour_ago, now - USECS_PER_HOUR);
	asked_tenant_query(&query, STATS, asked == ASKED_ONE ? &tenant : NULL);
	run_query_param(&query, INT8ARRAYOID, store_places_array());
	run_query_param(&query, TIMESTAMPTZOID, TimestampTzGetDatum(now));
	run_query_param(&query, UUIDOID, UUIDPGetDatum(&hour_ago));
	run_query_param(&query, INT8ARRAYOID, store_foreign_array());
	run_query_execute(&query, PLANNER_BY_INDEX);
	run_query_return_rows(rsinfo);
	SPI_finish();
	return (Datum) 0;
}
