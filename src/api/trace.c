/*
 * trace.c
 *	  wf_trace: how each step of a run went.
 *
 * Runs in the backend that calls it, as the owner of our tables, since the
 * function is SECURITY DEFINER: no policy applies, so the session's tenant
 * binding is applied here.
 *
 * The steps are those of the version that the run executes.  A step that has
 * ended is described by its element of step_results; of the current step
 * without one, the run's own columns tell the attempt.
 *
 * Reads only; owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "base/json_value.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "plan/step_position.h"
#include "store/run_status.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

#define TRACE_COLUMNS 10

/* What wf_trace reads of a run. */
typedef struct TracedRun
{
	Jsonb	   *results;
	Jsonb	   *definition;
	RunStatus	status;
	StepPosition current_step;
	int			attempt;
	TimestampTz attempt_at;		/* of the attempt under way that has been
								 * committed; 0: there is none */
	char	   *last_error;		/* of the current step's last attempt */
} TracedRun;

/*
 * Reads the run with that id, if the session's tenant binding lets it be
 * seen; false if there is no such run.  The result is in the current memory
 * context.
 */
static bool
load_traced(const pg_uuid_t *id, TracedRun *run)
{
	MemoryContext caller = CurrentMemoryContext;
	pg_uuid_t	tenant;
	TenantBinding binding = settings_tenant(&tenant);
	Oid			types[2] = {UUIDOID, UUIDOID};
	Datum		values[2] = {UUIDPGetDatum(id), UUIDPGetDatum(&tenant)};
	char		nulls[] = {' ', binding == TENANT_BOUND ? ' ' : 'n', '\0'};
	Datum		columns[7];
	bool		isnull[7];

	if (binding == TENANT_NONE)
		return false;
	SPI_connect();
	SPI_execute_with_args(store_sql("SELECT r.step_results, v.definition, r.status,"
									" r.current_step, r.attempt, r.attempt_at,"
									" r.failed_attempts->-1->>'error'"
									" FROM %t.workflow_runs r"
									" JOIN %t.workflow_definition_versions v"
									" ON v.definition_id = r.definition_id"
									" AND v.version = r.definition_version"
									" WHERE r.id = $1"
									"  AND ($2 IS NULL OR r.tenant_id = $2)"),
						  2, types, values, nulls, true, 1);
	if (SPI_processed > 0)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(caller);

		heap_deform_tuple(row, desc, columns, isnull);
		run->results = DatumGetJsonbPCopy(columns[0]);
		run->definition = DatumGetJsonbPCopy(columns[1]);
		run->status = run_status_of(DatumGetTextPP(columns[2]));
		run->current_step = DatumGetStepPosition(columns[3]);
		run->attempt = DatumGetInt32(columns[4]);
		run->attempt_at = isnull[5] ? 0 : DatumGetTimestampTz(columns[5]);
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
fill_ended(JsonbContainer *result, Datum *values, bool *nulls)
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
 * The result of the step at that position, or NULL.  As a rule it is
 * the element of that number, so the search begins there; a run that was
 * retried on another version may have it anywhere.
 */
static JsonbContainer *
result_of_step(Jsonb *results, StepPosition wanted)
{
	uint32		count = JB_ROOT_IS_ARRAY(results) ? JB_ROOT_COUNT(results) : 0;

	for (uint32 i = 0; i < count; i++)
	{
		uint32		nth = ((uint32) wanted.number + i) % count;
		JsonbValue *element = getIthJsonbValueFromContainer(&results->root,
															nth);
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

/* Fills the row of a step without a result: it is under way or comes later. */
static void
fill_not_ended(const TracedRun *run, bool current, Datum *values, bool *nulls)
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

/* Adds to an error which step's value could not be read; arg is its number. */
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
		fill_ended(result, values, nulls);
		error_context_stack = context.previous;
	}
	else
		fill_not_ended(run, step_position_equal(position, run->current_step),
					   values, nulls);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(wf_trace);

/* No row if there is no such run, or the session may not see it. */
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
	if (PG_ARGISNULL(0) || !load_traced(PG_GETARG_UUID_P(0), &run))
		return (Datum) 0;
	steps = member(&run.definition->root, "steps");
	if (steps == NULL || steps->type != jbvBinary ||
		!JsonContainerIsArray(steps->val.binary.data))
		return (Datum) 0;
	count = JsonContainerSize(steps->val.binary.data);
	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *step =
			getIthJsonbValueFromContainer(steps->val.binary.data, i);

		CHECK_FOR_INTERRUPTS();
		if (step->type == jbvBinary)
			put_step(rsinfo, &run, (StepPosition) {i},
					 step->val.binary.data);
	}
	return (Datum) 0;
}
