/*
 * history.c
 *	  wf_history: the runs that match what the caller asks for.
 *
 * Runs in the backend that calls it, as the owner of our tables, since the
 * function is SECURITY DEFINER: no policy applies, and run_find.c applies the
 * session's tenant binding.
 *
 * Reads only; owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/run_find.h"
#include "api/run_query.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/lsyscache.h"

/* The arguments as a filter.  Raises 22023 for one that is not valid. */
static void
read_arguments(FunctionCallInfo fcinfo, RunFilter *filter)
{
	TimestampTz since = PG_ARGISNULL(4) ? 0 : PG_GETARG_TIMESTAMPTZ(4);
	TimestampTz until = PG_ARGISNULL(6) ? 0 : PG_GETARG_TIMESTAMPTZ(6);

	if (!PG_ARGISNULL(0))
	{
		Jsonb	   *match = PG_GETARG_JSONB_P(0);
		Datum		datum = JsonbPGetDatum(match);

		/* {}, the default, is in every payload: nothing is to be looked for */
		if (!JB_ROOT_IS_OBJECT(match) || JB_ROOT_COUNT(match) > 0)
		{
			run_check_match(match, "wf_history");
			filter->match = construct_array(&datum, 1, JSONBOID, -1, false,
											TYPALIGN_INT);
		}
	}
	if (!PG_ARGISNULL(1))
		filter->tenant = PG_GETARG_UUID_P(1);
	if (!PG_ARGISNULL(2))
		filter->workflow = PG_GETARG_TEXT_PP(2);
	if (!PG_ARGISNULL(3))
		filter->statuses =
			RUN_STATUS_BIT(run_status_argument(PG_GETARG_TEXT_PP(3)));
	run_filter_time(filter, PG_ARGISNULL(4) ? NULL : &since,
					PG_ARGISNULL(6) ? NULL : &until);
	filter->max_rows = PG_ARGISNULL(5) ? 100 : PG_GETARG_INT32(5);
	run_check_max_rows(filter->max_rows, "wf_history");
}

/* Puts the rows of those runs into the result, the newest first. */
static void
put_rows(ReturnSetInfo *rsinfo, const pg_uuid_t *ids, int n)
{
	RunQuery	query;

	run_query_begin(&query);
	run_query_add(&query,
				  "SELECT r.id, d.name, r.definition_version, r.status,"
				  " d.trigger_type, r.trigger_payload, r.queued_at,"
				  " r.started_at, r.completed_at,"
				  " CASE WHEN isfinite(r.completed_at)"
				  "  AND isfinite(r.started_at)"
				  "  THEN r.completed_at - r.started_at END,"
				  " CASE jsonb_typeof(r.step_results) WHEN 'array'"
				  "  THEN jsonb_array_length(r.step_results) END,"
				  " jsonb_array_length(v.definition->'steps'),"
				  " r.error_message FROM ");
	run_query_add_param(&query, "unnest($) i (id)", UUIDARRAYOID,
						run_ids_array(ids, n));
	run_query_add(&query, " JOIN %t.workflow_runs r ON r.id = i.id"
				  " JOIN %t.workflow_definitions d ON d.id = r.definition_id"
				  " JOIN %t.workflow_definition_versions v"
				  "  ON v.definition_id = r.definition_id"
				  "  AND v.version = r.definition_version"
				  " ORDER BY r.id DESC");
	run_query_execute(&query, PLANNER_BY_INDEX);
	run_query_return_rows(rsinfo);
}

PG_FUNCTION_INFO_V1(wf_history);

/* Raises 22023, and 55000 if a table is not as the engine needs it. */
Datum
wf_history(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RunFilter	filter = {0};
	pg_uuid_t  *ids;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	read_arguments(fcinfo, &filter);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	ids = run_find(&filter, &n);
	if (n == 0)
		return (Datum) 0;
	SPI_connect();
	put_rows(rsinfo, ids, n);
	SPI_finish();
	return (Datum) 0;
}
