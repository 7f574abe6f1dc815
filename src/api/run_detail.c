/*
 * run_detail.c
 *	  wf_run: all of a run in one value; wf_samples: payloads of an event.
 *
 * Runs in the backend that calls one of them, as the owner of our tables; see
 * run_query.c.  Reads only; owns nothing beyond a call.
 *
 * How the steps went is told by wf_trace, which the statement calls, so that
 * both say the same.  All is read by one statement, so that its parts agree.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "api/run_query.h"
#include "api/run_title.h"
#include "base/error_class.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "plan/plan_title.h"
#include "store/step_result.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* A larger payload is shown by its beginning. */
#define MAX_PAYLOAD (64 * 1024)

/* So many of the runs that a run's steps have fired are named. */
#define MAX_CHILDREN "100"

#define SAMPLES 20

/*
 * Elements of step_results by their step's number.  What somebody has damaged
 * is left out.
 */
#define RESULTS \
	"SELECT coalesce(jsonb_object_agg(e->>'step', e), '{}')" \
	" FROM jsonb_array_elements(CASE jsonb_typeof(r.step_results)" \
	"  WHEN 'array' THEN r.step_results ELSE '[]' END) e" \
	" WHERE jsonb_typeof(e) = 'object' AND e->>'step' IS NOT NULL"

/*
 * wf_trace's rows, with what the definition and the result say besides.  Both
 * are found by the step's number, not joined: a run may have 1,000 steps.
 */
#define STEPS \
	"SELECT coalesce(jsonb_agg(to_jsonb(t) || jsonb_build_object(" \
	"  'condition', s.step->'condition'," \
	"  'on_error', coalesce(s.step->'on_error', '\"stop\"')," \
	"  'retry', s.step->'retry', 'timeout', s.step->'timeout'," \
	"  'failed_attempts', CASE WHEN s.element IS NULL" \
	"    AND t.step = r.current_step THEN r.failed_attempts" \
	"   ELSE s.element->'failed_attempts' END," \
	"  'previous', CASE WHEN s.element IS NULL" \
	"    THEN r.previous_results->t.step::text" \
	"   ELSE s.element->'previous' END," \
	"  'repeat', s.element->'repeat') ORDER BY t.step), '[]')" \
	" FROM %t.wf_trace(r.id) t CROSS JOIN LATERAL" \
	"  (SELECT x.steps->t.step, x.results->t.step::text OFFSET 0)" \
	"  s (step, element)"

/* Another run, of the same tenant. */
#define RELATED(columns) \
	"SELECT " columns " FROM %t.workflow_runs o" \
	" JOIN %t.workflow_definitions od ON od.id = o.definition_id" \
	" WHERE o.tenant_id = r.tenant_id AND "
#define NAMED \
	"jsonb_build_object('run_id', o.id, 'workflow_name', od.name," \
	" 'status', o.status)"

/* What people did to it, also by a call about several runs. */
#define OPERATIONS \
	"SELECT coalesce(jsonb_agg(jsonb_build_object('at', w.at, 'who', w.who," \
	"  'what', w.what, 'detail', w.detail - 'run_ids') ORDER BY w.id), '[]')" \
	" FROM (SELECT o.* FROM %t.workflow_operations o" \
	"   WHERE o.run_id = r.id" \
	"  UNION ALL SELECT o.* FROM %t.workflow_operations o" \
	"   WHERE o.detail ? 'run_ids' AND o.detail->'run_ids' ? r.id::text) w"

#define DESCRIBED \
	"jsonb_build_object('run_id', r.id, 'tenant_id', r.tenant_id," \
	" 'definition_id', r.definition_id, 'workflow_name', d.name," \
	" 'version', r.definition_version, 'current_version', d.version," \
	" 'run_as', v.run_as::text, 'trigger_type', d.trigger_type," \
	" 'status', r.status, 'queued_at', r.queued_at, 'run_at', r.run_at," \
	" 'started_at', r.started_at, 'completed_at', r.completed_at," \
	" 'next_attempt_at', CASE WHEN r.status IN ('queued', 'waiting')" \
	"  AND isfinite(r.run_at) THEN r.run_at END," \
	" 'priority', r.priority, 'idempotency_key', r.idempotency_key," \
	" 'step', r.current_step, 'attempt', r.attempt," \
	" 'attempt_at', r.attempt_at, 'error_message', r.error_message) ||" \
	" jsonb_build_object('depth', r.depth," \
	" 'parent', (" RELATED(NAMED) "o.id = r.parent_id)," \
	" 'children', (SELECT coalesce(jsonb_agg(c.named ORDER BY c.id), '[]')" \
	"  FROM (" RELATED("o.id, " NAMED " AS named") "o.parent_id = r.id" \
	"   ORDER BY o.id LIMIT " MAX_CHILDREN ") c)," \
	" 'operations', (" OPERATIONS ")," \
	" 'steps', (" STEPS ")," \
	" 'definition', v.definition)"

/* Columns of the statement. */
enum
{
	DETAIL_JSON,
	DETAIL_PAYLOAD,
	DETAIL_DEFINITION,
	DETAIL_ID,
	DETAIL_DEFINITION_ID,
	DETAIL_TENANT,
	DETAIL_NAME,
	DETAIL_VERSION,
	DETAIL_ATTEMPT,
	DETAIL_QUEUED_AT,
	DETAIL_ERROR,
	DETAIL_COLUMNS
};

static void
write_detail(RunQuery *query, const pg_uuid_t *id)
{
	run_query_begin(query);
	run_query_add(query, "SELECT " DESCRIBED ", r.trigger_payload,"
				  " v.definition, r.id, r.definition_id, r.tenant_id, d.name,"
				  " r.definition_version, r.attempt, r.queued_at,"
				  " r.error_message"
				  " FROM %t.workflow_runs r"
				  " JOIN %t.workflow_definitions d ON d.id = r.definition_id"
				  " JOIN %t.workflow_definition_versions v"
				  "  ON v.definition_id = r.definition_id"
				  "  AND v.version = r.definition_version"
				  " CROSS JOIN LATERAL (SELECT (" RESULTS "),"
				  "  v.definition->'steps' OFFSET 0) x (results, steps) WHERE ");
	run_query_add_param(query, "r.id = $", UUIDOID, UUIDPGetDatum(id));
	run_query_bind_tenant(query, "r.tenant_id = $");
}

/* The payload, or, if it is large, its size and its beginning. */
static Jsonb *
shown_payload(Jsonb *payload)
{
	ObjectBuilder b;

	if (VARSIZE(payload) <= MAX_PAYLOAD)
		return payload;
	object_begin(&b);
	object_text(&b, "head", clip_text(json_head(payload, MAX_PAYLOAD),
									  MAX_PAYLOAD));
	object_number(&b, "size", VARSIZE(payload));
	object_bool(&b, "truncated", true);
	return object_end(&b);
}

/* The value of the statement's row, in the current memory context. */
static Jsonb *
make_detail(const Datum *row, const bool *isnull)
{
	Jsonb	   *payload = DatumGetJsonbP(row[DETAIL_PAYLOAD]);
	TitledRun	titled = {
		.id = DatumGetUUIDP(row[DETAIL_ID]),
		.tenant_id = DatumGetUUIDP(row[DETAIL_TENANT]),
		.definition_id = DatumGetUUIDP(row[DETAIL_DEFINITION_ID]),
		.workflow_name = TextDatumGetCString(row[DETAIL_NAME]),
		.version = DatumGetInt32(row[DETAIL_VERSION]),
		.attempt = DatumGetInt32(row[DETAIL_ATTEMPT]),
		.queued_at = DatumGetTimestampTz(row[DETAIL_QUEUED_AT]),
		.payload = payload
	};
	Template   *title = plan_title_of(DatumGetJsonbP(row[DETAIL_DEFINITION]));
	JsonbValue	json;
	JsonMember *members;
	ObjectBuilder b;
	int			n;

	json_of_jsonb(DatumGetJsonbP(row[DETAIL_JSON]), &json);
	members = json_members(&json, &n);
	object_begin(&b);
	for (int i = 0; i < n; i++)
		object_value(&b, members[i].key, &members[i].value);
	object_text(&b, "title", run_title(&titled, title));
	object_json(&b, "payload", shown_payload(payload));
	object_text(&b, "error_class", isnull[DETAIL_ERROR] ? NULL
				: error_class(TextDatumGetCString(row[DETAIL_ERROR])));
	return object_end(&b);
}

PG_FUNCTION_INFO_V1(wf_run);

/*
 * Raises P0002 if there is no such run, or the session may not see it, and
 * 55000 if a table is not as the engine needs it.
 */
Datum
wf_run(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	const pg_uuid_t *id = PG_GETARG_UUID_P(0);
	RunQuery	query;
	Datum		row[DETAIL_COLUMNS];
	bool		isnull[DETAIL_COLUMNS];
	Jsonb	   *detail;

	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	SPI_connect();
	write_detail(&query, id);
	run_query_execute(&query, PLANNER_BY_INDEX);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("run %s does not exist", id_text(id)),
				 errhint("wf_search and wf_runs list the runs that this session sees.")));
	heap_deform_tuple(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, row,
					  isnull);
	MemoryContextSwitchTo(caller);
	detail = make_detail(row, isnull);
	SPI_finish();
	PG_RETURN_JSONB_P(detail);
}

/*--- wf_samples ---*/

/*
 * Of the newest runs of each definition, one for each payload: an event that
 * fires several definitions has a run of each.  Payloads are compared by a
 * hash first, so that a large one is read once.
 */
static void
write_samples(RunQuery *query, text *trigger_type, const pg_uuid_t *tenant)
{
	run_query_begin(query);
	run_query_add(query, "SELECT e.id, e.queued_at, e.trigger_payload FROM"
				  " (SELECT DISTINCT ON (jsonb_hash_extended(r.trigger_payload, 0),"
				  "  r.trigger_payload)"
				  "  r.id, r.queued_at, r.trigger_payload"
				  "  FROM %t.workflow_definitions d CROSS JOIN LATERAL"
				  "  (SELECT r.id, r.queued_at, r.trigger_payload"
				  "   FROM %t.workflow_runs r WHERE r.definition_id = d.id");
	run_query_add(query, psprintf(" ORDER BY r.id DESC LIMIT %d) r WHERE ",
								  SAMPLES));
	run_query_add_param(query, "d.trigger_type = $", TEXTOID,
						PointerGetDatum(trigger_type));
	if (tenant != NULL)
		run_query_add_param(query, " AND d.tenant_id = $", UUIDOID,
							UUIDPGetDatum(tenant));
	run_query_bind_tenant(query, "d.tenant_id = $");
	run_query_add(query, " ORDER BY jsonb_hash_extended(r.trigger_payload, 0),"
				  " r.trigger_payload, r.id DESC) e");
	run_query_add(query, psprintf(" ORDER BY e.id DESC LIMIT %d", SAMPLES));
}

PG_FUNCTION_INFO_V1(wf_samples);

/*
 * Raises 22004 without a trigger type, and 55000 if a table is not as the
 * engine needs it.  No rows: nothing of that type has been fired.
 */
Datum
wf_samples(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RunQuery	query;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"trigger_type\" of wf_samples must not be null")));
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	SPI_connect();
	write_samples(&query, PG_GETARG_TEXT_PP(0),
				  PG_ARGISNULL(1) ? NULL : PG_GETARG_UUID_P(1));
	run_query_execute(&query, PLANNER_BY_INDEX);
	run_query_return_rows(rsinfo);
	SPI_finish();
	return (Datum) 0;
}
