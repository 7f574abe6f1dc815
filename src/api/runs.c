/*
 * runs.c
 *	  wf_runs: a page of a list of runs, by every filter.
 *
 * Runs in the backend that calls it, as the owner of our tables, since the
 * function is SECURITY DEFINER: no policy applies, and run_find.c applies the
 * session's tenant binding.  Reads only; owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/run_find.h"
#include "api/run_query.h"
#include "api/run_rows.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define DEFAULT_ROWS 50
#define MAX_MATCHES 1000

/* In the order of the install script. */
enum
{
	ARG_MATCH,
	ARG_TENANT,
	ARG_DEFINITION,
	ARG_STATUSES,
	ARG_SINCE,
	ARG_UNTIL,
	ARG_STEP,
	ARG_ERROR_CLASS,
	ARG_BEFORE,
	ARG_MAX_ROWS
};

/* Raises 22023 if an element is null or cannot be found by index. */
static ArrayType *
match_argument(ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, JSONBOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &n);
	if (n > MAX_MATCHES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"match\" of wf_runs has more than %d elements",
						MAX_MATCHES)));
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("an element of argument \"match\" of wf_runs must not be null")));
		run_check_match(DatumGetJsonbP(elements[i]), "wf_runs");
	}
	return n > 0 ? array : NULL;
}

/* Bits of the statuses; 0 if there are none, so that every status will do. */
static uint32
statuses_argument(ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	uint32		statuses = 0;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("an element of argument \"statuses\" of wf_runs must not be null")));
		statuses |=
			RUN_STATUS_BIT(run_status_argument(DatumGetTextPP(elements[i])));
	}
	return statuses;
}

/* Raises P0002 if there is no such definition for this session. */
static void
check_definition(const pg_uuid_t *id)
{
	RunQuery	query;
	bool		exists;

	SPI_connect();
	run_query_begin(&query);
	run_query_add(&query, "SELECT FROM %t.workflow_definitions d WHERE ");
	run_query_add_param(&query, "d.id = $", UUIDOID, UUIDPGetDatum(id));
	run_query_bind_tenant(&query, "d.tenant_id = $");
	run_query_execute(&query, PLANNER_BY_INDEX);
	exists = SPI_processed > 0;
	SPI_finish();
	if (!exists)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("definition %s does not exist", id_text(id)),
				 errhint("Column \"id\" of workflow_definitions has the definitions that this session sees.")));
}

/* Raises 22023 and 22004 for an argument that is not valid. */
static void
read_arguments(FunctionCallInfo fcinfo, RunFilter *filter)
{
	TimestampTz since = PG_ARGISNULL(ARG_SINCE) ? 0
		: PG_GETARG_TIMESTAMPTZ(ARG_SINCE);
	TimestampTz until = PG_ARGISNULL(ARG_UNTIL) ? 0
		: PG_GETARG_TIMESTAMPTZ(ARG_UNTIL);

	if (!PG_ARGISNULL(ARG_MATCH))
		filter->match = match_argument(PG_GETARG_ARRAYTYPE_P(ARG_MATCH));
	if (!PG_ARGISNULL(ARG_TENANT))
		filter->tenant = PG_GETARG_UUID_P(ARG_TENANT);
	if (!PG_ARGISNULL(ARG_DEFINITION))
		filter->definition = PG_GETARG_UUID_P(ARG_DEFINITION);
	if (!PG_ARGISNULL(ARG_STATUSES))
		filter->statuses =
			statuses_argument(PG_GETARG_ARRAYTYPE_P(ARG_STATUSES));
	run_filter_time(filter, PG_ARGISNULL(ARG_SINCE) ? NULL : &since,
					PG_ARGISNULL(ARG_UNTIL) ? NULL : &until);
	if (!PG_ARGISNULL(ARG_STEP))
		filter->step = PG_GETARG_TEXT_PP(ARG_STEP);
	if (!PG_ARGISNULL(ARG_ERROR_CLASS))
		filter->error_class = PG_GETARG_TEXT_PP(ARG_ERROR_CLASS);
	if (!PG_ARGISNULL(ARG_BEFORE))
		run_filter_before(filter, PG_GETARG_UUID_P(ARG_BEFORE));
	filter->max_rows = PG_ARGISNULL(ARG_MAX_ROWS) ? DEFAULT_ROWS
		: PG_GETARG_INT32(ARG_MAX_ROWS);
	run_check_max_rows(filter->max_rows, "wf_runs");
}

PG_FUNCTION_INFO_V1(wf_runs);

/*
 * Raises what read_arguments raises, P0002 for an unknown definition, and
 * 55000 if a table is not as the engine needs it.
 */
Datum
wf_runs(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RunFilter	filter = {0};
	pg_uuid_t  *ids;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	read_arguments(fcinfo, &filter);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	if (filter.definition != NULL)
		check_definition(filter.definition);
	ids = run_find(&filter, &n);
	run_rows_put(rsinfo, ids, n);
	return (Datum) 0;
}
