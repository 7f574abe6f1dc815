/*
 * history.c
 *	  wf_history: the runs that match what the caller asks for.
 *
 * Runs in the backend that calls it, as the owner of our tables, since the
 * function is SECURITY DEFINER: no policy applies, so the session's tenant
 * binding is applied here.  As a row security policy it would keep the
 * payload's index from being used, since @> is not leakproof.
 *
 * Reads only; owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/store.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#define MAX_ROWS 10000

/* A statement that grows, with its parameters. */
typedef struct HistoryQuery
{
	StringInfoData sql;
	int			nparams;
	Oid			types[8];
	Datum		values[8];
} HistoryQuery;

/*
 * Appends ' AND <condition>', in which $ stands for a new parameter of that
 * type and value.
 */
static void
narrow(HistoryQuery *query, const char *condition, Oid type, Datum value)
{
	const char *dollar = strchr(condition, '$');

	query->types[query->nparams] = type;
	query->values[query->nparams++] = value;
	appendStringInfo(&query->sql, " AND %.*s$%d%s",
					 (int) (dollar - condition), condition, query->nparams,
					 dollar + 1);
}

/* Raises 22023 for an argument that is not valid. */
static void
check_arguments(FunctionCallInfo fcinfo, int *max_rows)
{
	if (!PG_ARGISNULL(0) && !JB_ROOT_IS_OBJECT(PG_GETARG_JSONB_P(0)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"match\" of wf_history must be a JSON object"),
				 errhint("It is what the payload contains, such as '{\"order_id\": \"123\"}'.")));
	if (!PG_ARGISNULL(3) &&
		run_status_of(PG_GETARG_TEXT_PP(3)) == RUN_STATUS_UNKNOWN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown status \"%s\"",
						text_to_cstring(PG_GETARG_TEXT_PP(3))),
				 errhint("It is one of queued, running, waiting, completed, failed, cancelled.")));
	*max_rows = PG_ARGISNULL(5) ? 100 : PG_GETARG_INT32(5);
	if (*max_rows < 1 || *max_rows > MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_rows\" of wf_history must be from 1 to %d",
						MAX_ROWS)));
}

/*
 * Narrows the query to what the session's tenant binding lets it see, by that
 * condition.
 */
static void
bind_tenant(HistoryQuery *query, const char *condition)
{
	pg_uuid_t  *tenant = palloc(sizeof(pg_uuid_t));

	switch (settings_tenant(tenant))
	{
		case TENANT_UNBOUND:
			break;
		case TENANT_NONE:
			appendStringInfoString(&query->sql, " AND false");
			break;
		case TENANT_BOUND:
			narrow(query, condition, UUIDOID, UUIDPGetDatum(tenant));
			break;
	}
}

static void
narrow_runs(HistoryQuery *query, FunctionCallInfo fcinfo)
{
	if (!PG_ARGISNULL(3))
		narrow(query, "r.status = $", TEXTOID, PG_GETARG_DATUM(3));
	if (!PG_ARGISNULL(4))
		narrow(query, "r.queued_at >= $", TIMESTAMPTZOID, PG_GETARG_DATUM(4));
}

static void
narrow_definitions(HistoryQuery *query, FunctionCallInfo fcinfo)
{
	if (!PG_ARGISNULL(1))
		narrow(query, "d.tenant_id = $", UUIDOID, PG_GETARG_DATUM(1));
	if (!PG_ARGISNULL(2))
		narrow(query, "d.name = $", TEXTOID, PG_GETARG_DATUM(2));
	bind_tenant(query, "d.tenant_id = $");
}

/*
 * If there is something to match, the payload's index finds the runs.  They
 * are collected first, in a subquery that OFFSET 0 keeps separate: otherwise
 * the planner may read all runs, newest first, until enough of them match.
 * Without a match the newest runs of each definition are read by the index on
 * the definition.
 */
static void
build_query(HistoryQuery *query, FunctionCallInfo fcinfo, int max_rows)
{
	bool		matching = !PG_ARGISNULL(0) &&
		JB_ROOT_COUNT(PG_GETARG_JSONB_P(0)) > 0;

	initStringInfo(&query->sql);
	appendStringInfoString(&query->sql,
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
	if (matching)
	{
		appendStringInfoString(&query->sql,
							   store_sql("(SELECT * FROM %t.workflow_runs r WHERE true"));
		narrow(query, "r.trigger_payload @> $", JSONBOID, PG_GETARG_DATUM(0));
		narrow_runs(query, fcinfo);
		appendStringInfoString(&query->sql,
							   store_sql(" OFFSET 0) r JOIN %t.workflow_definitions d"
										 " ON d.id = r.definition_id"));
	}
	else
	{
		appendStringInfoString(&query->sql,
							   store_sql("%t.workflow_definitions d CROSS JOIN LATERAL"
										 " (SELECT * FROM %t.workflow_runs r"
										 "  WHERE r.definition_id = d.id"));
		narrow_runs(query, fcinfo);
		appendStringInfo(&query->sql, " ORDER BY r.id DESC LIMIT %d) r",
						 max_rows);
	}
	appendStringInfoString(&query->sql,
						   store_sql(" JOIN %t.workflow_definition_versions v"
									 " ON v.definition_id = r.definition_id"
									 " AND v.version = r.definition_version"
									 " WHERE true"));
	narrow_definitions(query, fcinfo);
	appendStringInfo(&query->sql, " ORDER BY r.id DESC LIMIT %d", max_rows);
}

PG_FUNCTION_INFO_V1(wf_history);

/* Raises 22023, and 55000 if a table is not as the engine needs it. */
Datum
wf_history(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	HistoryQuery query = {0};
	int			max_rows;

	InitMaterializedSRF(fcinfo, 0);
	check_arguments(fcinfo, &max_rows);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	build_query(&query, fcinfo, max_rows);

	SPI_connect();
	SPI_execute_with_args(query.sql.data, query.nparams, query.types,
						  query.values, NULL, true, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		values[13];
		bool		nulls[13];

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
						  values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	SPI_finish();
	return (Datum) 0;
}
