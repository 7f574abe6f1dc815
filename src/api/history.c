/*
 * history.c
 *	  wf_history and wf_trace: what ran, and how each step went.
 *
 * Runs in the backend that asks, as the owner of our tables (the functions
 * are SECURITY DEFINER): the tenant binding of the session is applied here.
 * As a row security policy it would keep the payload's index from being
 * used, since @> is not leakproof.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "plan/plan.h"
#include "store/store.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#define MAX_ROWS 10000

/*--- wf_history ---*/

/* A statement that grows, with its parameters. */
typedef struct HistoryQuery
{
	StringInfoData sql;
	int			nparams;
	Oid			types[8];
	Datum		values[8];
} HistoryQuery;

/* Appends ' AND <condition>' with $ standing for the new parameter. */
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

/* The session's tenant, as a condition on column. */
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
 * With a match, the payload's index finds the runs: they are collected
 * first (OFFSET 0), lest the planner walk all runs newest first in the hope
 * of a hit.  Without, each definition gives its newest.
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

/*--- wf_trace ---*/

#define TRACE_COLUMNS 10

/* What wf_trace needs of a run. */
typedef struct TracedRun
{
	Jsonb	   *results;
	Jsonb	   *definition;
	RunStatus	status;
	StepPosition current_step;
	int			attempt;
	TimestampTz attempt_at;		/* 0: none is under way that was committed */
	char	   *last_error;		/* of the current step's last attempt */
} TracedRun;

static bool
load_traced(FunctionCallInfo fcinfo, TracedRun *run)
{
	MemoryContext caller = CurrentMemoryContext;
	HistoryQuery query = {0};
	bool		isnull;

	initStringInfo(&query.sql);
	appendStringInfoString(&query.sql,
						   store_sql("SELECT r.step_results, v.definition, r.status,"
									 " r.current_step, r.attempt, r.attempt_at,"
									 " r.failed_attempts->-1->>'error'"
									 " FROM %t.workflow_runs r"
									 " JOIN %t.workflow_definition_versions v"
									 " ON v.definition_id = r.definition_id"
									 " AND v.version = r.definition_version"
									 " WHERE true"));
	narrow(&query, "r.id = $", UUIDOID, PG_GETARG_DATUM(0));
	bind_tenant(&query, "r.tenant_id = $");

	SPI_connect();
	SPI_execute_with_args(query.sql.data, query.nparams, query.types,
						  query.values, NULL, true, 1);
	if (SPI_processed > 0)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(caller);

		run->results = DatumGetJsonbPCopy(SPI_getbinval(row, desc, 1, &isnull));
		run->definition = DatumGetJsonbPCopy(SPI_getbinval(row, desc, 2, &isnull));
		run->status = run_status_of(DatumGetTextPP(SPI_getbinval(row, desc, 3,
																 &isnull)));
		run->current_step = DatumGetStepPosition(SPI_getbinval(row, desc, 4, &isnull));
		run->attempt = DatumGetInt32(SPI_getbinval(row, desc, 5, &isnull));
		run->attempt_at = DatumGetTimestampTz(SPI_getbinval(row, desc, 6,
															&isnull));
		run->last_error = SPI_getvalue(row, desc, 7);
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return run->results != NULL;
}

static JsonbValue *
member(JsonbContainer *object, const char *key)
{
	JsonbValue *value = getKeyJsonValueFromContainer(object, key, strlen(key),
													 NULL);

	return value == NULL || value->type == jbvNull ? NULL : value;
}

/* A member that is a string or a number, as text; else NULL. */
static char *
member_text(JsonbContainer *object, const char *key)
{
	JsonbValue *value = member(object, key);

	return value != NULL &&
		(value->type == jbvString || value->type == jbvNumeric)
		? json_text(value) : NULL;
}

/* A member that is an int, or false. */
static bool
member_int(JsonbContainer *object, const char *key, int *number)
{
	JsonbValue *value = member(object, key);
	bool		error = false;

	if (value == NULL || value->type != jbvNumeric)
		return false;
	*number = numeric_int4_opt_error(value->val.numeric, &error);
	return !error;
}

static void
set_text(Datum *values, bool *nulls, int column, const char *text)
{
	nulls[column] = text == NULL;
	values[column] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

static void
set_json(Datum *values, bool *nulls, int column, JsonbValue *value)
{
	nulls[column] = value == NULL;
	values[column] = value ? JsonbPGetDatum(JsonbValueToJsonb(value))
		: (Datum) 0;
}

/* Fills the row of a step that has a result. */
static void
fill_passed(JsonbContainer *result, Datum *values, bool *nulls)
{
	char	   *text;
	int			attempts = 0;
	JsonbValue *duration = member(result, "duration_ms");

	set_text(values, nulls, 3, member_text(result, "status"));
	nulls[4] = !member_int(result, "attempts", &attempts);
	values[4] = Int32GetDatum(attempts);
	text = member_text(result, "started_at");
	nulls[5] = text == NULL;
	values[5] = text ? DirectFunctionCall3(timestamptz_in,
										   CStringGetDatum(text),
										   ObjectIdGetDatum(InvalidOid),
										   Int32GetDatum(-1)) : (Datum) 0;

	nulls[6] = duration == NULL || duration->type != jbvNumeric;
	values[6] = nulls[6] ? (Datum) 0
		: NumericGetDatum(duration->val.numeric);
	set_json(values, nulls, 7, member(result, "input"));
	set_json(values, nulls, 8, member(result, "output"));
	set_text(values, nulls, 9, member_text(result, "error"));
}

/*
 * The result of the step at that position, or NULL.  As long as no step is
 * repeated, it is the element of that number; so the search begins there.
 */
static JsonbContainer *
result_of_step(Jsonb *results, StepPosition wanted)
{
	uint32		count = JB_ROOT_IS_ARRAY(results) ? JB_ROOT_COUNT(results) : 0;
	uint32		first = wanted.number;

	for (uint32 i = first < count ? first : 0; i < count; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(&results->root, i);
		StepPosition step;

		if (element->type != jbvBinary ||
			!JsonContainerIsObject(element->val.binary.data))
			continue;
		if (step_position_of_result(element->val.binary.data, &step) &&
			step_position_equal(step, wanted))
			return element->val.binary.data;
	}
	return NULL;
}

/* Fills the row of a step that has none: under way, or still to come. */
static void
fill_ahead(const TracedRun *run, bool current, Datum *values, bool *nulls)
{
	bool		under_way = current && (run->status == RUN_STATUS_RUNNING ||
										run->status == RUN_STATUS_WAITING);

	set_text(values, nulls, 3,
			 under_way ? run_status_name(run->status) : "pending");
	values[4] = Int32GetDatum(current ? run->attempt : 0);
	nulls[4] = false;
	if (!current)
		return;
	values[5] = TimestampTzGetDatum(run->attempt_at);
	nulls[5] = run->attempt_at == 0;
	set_text(values, nulls, 9, run->last_error);
}

/* Tells whose value could not be read. */
static void
say_which_step(void *arg)
{
	errcontext("step %d in column \"step_results\" of the run", *(int *) arg);
}

static void
put_step(ReturnSetInfo *rsinfo, const TracedRun *run, StepPosition position,
		 JsonbContainer *step)
{
	Datum		values[TRACE_COLUMNS] = {0};
	bool		nulls[TRACE_COLUMNS];
	JsonbContainer *result = result_of_step(run->results, position);

	memset(nulls, true, sizeof(nulls));
	values[0] = StepPositionGetDatum(position);
	nulls[0] = false;
	set_text(values, nulls, 1, member_text(step, "name"));
	set_text(values, nulls, 2, member_text(step, "action"));
	if (result != NULL)
	{
		ErrorContextCallback context = {.callback = say_which_step,
		.arg = &position.number,.previous = error_context_stack};

		error_context_stack = &context;
		fill_passed(result, values, nulls);
		error_context_stack = context.previous;
	}
	else
		fill_ahead(run, step_position_equal(position, run->current_step),
				   values, nulls);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(wf_trace);

Datum
wf_trace(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TracedRun	run = {0};
	JsonbValue *steps;
	uint32		count;

	InitMaterializedSRF(fcinfo, 0);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	if (PG_ARGISNULL(0) || !load_traced(fcinfo, &run))
		return (Datum) 0;
	steps = member(&run.definition->root, "steps");
	if (steps == NULL || steps->type != jbvBinary ||
		!JsonContainerIsArray(steps->val.binary.data))
		return (Datum) 0;
	count = JsonContainerSize(steps->val.binary.data);
	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *step = getIthJsonbValueFromContainer(steps->val.binary.data,
														 i);

		CHECK_FOR_INTERRUPTS();
		if (step->type == jbvBinary)
			put_step(rsinfo, &run, (StepPosition) {i},
					 step->val.binary.data);
	}
	return (Datum) 0;
}
