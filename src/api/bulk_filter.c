/*
 * bulk_filter.c
 *	  Which runs the functions about many runs choose, by ascending id.
 *
 * Runs in the backend that calls, as the owner of our tables: the session's
 * tenant binding is applied here.  The ids come from a cursor, a few hundred
 * at a time, so a call about a million runs does not hold them in memory.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/bulk_filter.h"
#include "api/bulk_statement.h"
#include "base/error_class.h"
#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "store/step_result.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define FETCH_ROWS 500

/*
 * So many more runs than max_rows are read, since others may change a run
 * between the reading and its lock.
 */
#define SPARE_ROWS 1000

/* The arguments, in the order of all functions about many runs. */
enum
{
	ARG_TENANT,
	ARG_WORKFLOW,
	ARG_STATUS,
	ARG_SINCE,
	ARG_DEFINITION,
	ARG_UNTIL,
	ARG_STEP,
	ARG_ERROR_CLASS,
	ARG_AFTER,
	ARG_MAX_ROWS
};

/*--- arguments ---*/

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static void
read_status(BulkFilter *filter, const FilterRule *rule,
			FunctionCallInfo fcinfo)
{
	filter->status = rule->by_default;
	if (PG_ARGISNULL(ARG_STATUS))
		return;
	filter->status = run_status_of(PG_GETARG_TEXT_PP(ARG_STATUS));
	for (int i = 0; i < rule->nstatuses; i++)
		if (filter->status == rule->statuses[i])
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("runs of status \"%s\" cannot be chosen here",
					text_argument(fcinfo, ARG_STATUS)),
			 errhint("%s", rule->hint)));
}

/*
 * Sets the tenant: the argument, or that of the session.  False: the session
 * sees no tenant's runs.  Raises 42501.
 */
static bool
read_tenant(BulkFilter *filter, FunctionCallInfo fcinfo)
{
	TenantBinding binding = settings_tenant(&filter->tenant);

	filter->has_tenant = binding == TENANT_BOUND;
	if (PG_ARGISNULL(ARG_TENANT))
		return binding != TENANT_NONE;
	if (!settings_tenant_visible(PG_GETARG_UUID_P(ARG_TENANT)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this session may only choose runs of its own tenant"),
				 errdetail("It is bound by \"workflow_engine.tenant_id\".")));
	filter->tenant = *PG_GETARG_UUID_P(ARG_TENANT);
	filter->has_tenant = true;
	return true;
}

static void
read_max_rows(BulkFilter *filter, FunctionCallInfo fcinfo)
{
	filter->max_rows = -1;
	if (PG_ARGISNULL(ARG_MAX_ROWS))
		return;
	filter->max_rows = PG_GETARG_INT32(ARG_MAX_ROWS);
	if (filter->max_rows < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_rows\" must be at least 1")));
}

/*
 * What has failed, or is about to.  Raises 22023 if that is asked for of runs
 * that have ended otherwise; without a status it is asked for of failed runs.
 */
static void
read_failure(BulkFilter *filter, const FilterRule *rule,
			 FunctionCallInfo fcinfo)
{
	filter->step = text_argument(fcinfo, ARG_STEP);
	filter->error_class = text_argument(fcinfo, ARG_ERROR_CLASS);
	if (filter->error_class != NULL)
		filter->error_class = error_class(filter->error_class);
	if (filter->step == NULL && filter->error_class == NULL)
		return;
	if (filter->status == RUN_STATUS_UNKNOWN && rule->any_status)
		filter->status = RUN_STATUS_FAILED;
	if (filter->status != RUN_STATUS_COMPLETED &&
		filter->status != RUN_STATUS_CANCELLED)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("arguments \"step\" and \"error_class\" do not go with status \"%s\"",
					run_status_name(filter->status)),
			 errhint("They choose failed runs, or runs under way by the step that they stand at.")));
}

/*--- definitions ---*/

/*
 * Raises 42704 or P0002 if the session sees no definition of that name or id.
 * Within SPI.
 */
static void
check_definitions(FunctionCallInfo fcinfo, Datum *values, const char *nulls)
{
	static const Oid types[3] = {UUIDOID, TEXTOID, UUIDOID};

	if (PG_ARGISNULL(ARG_WORKFLOW) && PG_ARGISNULL(ARG_DEFINITION))
		return;
	SPI_execute_with_args(store_sql(BULK_WITH_DEFINITIONS "SELECT FROM d"), 3,
						  (Oid *) types, values, nulls, true, 1);
	if (SPI_processed > 0)
		return;
	if (!PG_ARGISNULL(ARG_DEFINITION))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("definition %s does not exist",
						id_text(PG_GETARG_UUID_P(ARG_DEFINITION))),
				 errhint("The tenant and the workflow, if they are given too, must be its own.")));
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("workflow \"%s\" does not exist",
					text_argument(fcinfo, ARG_WORKFLOW)),
			 errhint("Table workflow_definitions has the names.")));
}

/*--- reading ---*/

static void
set_parameter(Datum *values, char *nulls, int n, Datum value, bool isnull)
{
	values[n] = value;
	nulls[n] = isnull ? 'n' : ' ';
}

/* Sets *id to the first id of the argument's time, or of that other time. */
static void
time_bound(FunctionCallInfo fcinfo, int n, TimestampTz other, pg_uuid_t *id)
{
	uuid7_floor(id, PG_ARGISNULL(n) ? other : PG_GETARG_TIMESTAMPTZ(n));
}

void
bulk_filter_begin(BulkFilter *filter, const FilterRule *rule,
				 FunctionCallInfo fcinfo)
{
	static const Oid types[BULK_NPARAMS] = {UUIDOID, TEXTOID, UUIDOID, UUIDOID,
	UUIDOID, UUIDOID, INT8OID, TEXTOID};
	pg_uuid_t	from;
	pg_uuid_t	to;
	pg_uuid_t	none = {{0}};
	Datum		values[BULK_NPARAMS];
	char		nulls[BULK_NPARAMS + 1] = {0};
	int64		limit = -1;		/* none */
	bool		sees_any;

	memset(filter, 0, sizeof(BulkFilter));
	read_status(filter, rule, fcinfo);
	read_failure(filter, rule, fcinfo);
	read_max_rows(filter, fcinfo);
	sees_any = read_tenant(filter, fcinfo);
	if (!sees_any)
		return;
	if (rule->enough > 0)
		limit = rule->enough;
	else if (filter->max_rows >= 0)
		limit = filter->max_rows + SPARE_ROWS;
	time_bound(fcinfo, ARG_SINCE, DT_NOBEGIN, &from);
	time_bound(fcinfo, ARG_UNTIL, DT_NOEND, &to);
	set_parameter(values, nulls, BULK_TENANT, UUIDPGetDatum(&filter->tenant),
				  !filter->has_tenant);
	set_parameter(values, nulls, BULK_WORKFLOW, PG_GETARG_DATUM(ARG_WORKFLOW),
				  PG_ARGISNULL(ARG_WORKFLOW));
	set_parameter(values, nulls, BULK_DEFINITION,
				  PG_GETARG_DATUM(ARG_DEFINITION),
				  PG_ARGISNULL(ARG_DEFINITION));
	set_parameter(values, nulls, BULK_FROM, UUIDPGetDatum(&from), false);
	set_parameter(values, nulls, BULK_TO, UUIDPGetDatum(&to), false);
	set_parameter(values, nulls, BULK_AFTER, PG_ARGISNULL(ARG_AFTER)
				  ? UUIDPGetDatum(&none) : PG_GETARG_DATUM(ARG_AFTER), false);
	set_parameter(values, nulls, BULK_LIMIT, Int64GetDatum(limit), limit < 0);
	set_parameter(values, nulls, BULK_STEP,
				  PG_GETARG_DATUM(ARG_STEP), PG_ARGISNULL(ARG_STEP));
	check_definitions(fcinfo, values, nulls);
	filter->batch = AllocSetContextCreate(CurrentMemoryContext,
										  "workflow_engine run filter",
										  ALLOCSET_DEFAULT_SIZES);
	filter->portal =
		SPI_cursor_open_with_args(NULL, bulk_statement(filter, rule),
								  BULK_NPARAMS, (Oid *) types, values, nulls,
								  false, 0);
}

/* Fetches the next rows; false: there are none. */
static bool
fetch(BulkFilter *filter)
{
	MemoryContext old;
	TupleDesc	desc;

	SPI_cursor_fetch(filter->portal, true, FETCH_ROWS);
	MemoryContextReset(filter->batch);
	old = MemoryContextSwitchTo(filter->batch);
	filter->nids = SPI_processed;
	filter->next = 0;
	filter->ids = palloc(sizeof(pg_uuid_t) * (filter->nids + 1));
	filter->errors = palloc(sizeof(char *) * (filter->nids + 1));
	desc = SPI_tuptable->tupdesc;
	for (int i = 0; i < filter->nids; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		bool		isnull;

		filter->ids[i] = *DatumGetUUIDP(SPI_getbinval(row, desc, 1, &isnull));
		filter->errors[i] = SPI_getvalue(row, desc, 2);
	}
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
	return filter->nids > 0;
}

/* Is the error of the class that is asked for? */
static bool
has_class(const BulkFilter *filter, const char *error)
{
	char	   *class;
	bool		same;

	if (filter->error_class == NULL)
		return true;
	if (error == NULL)
		return false;
	class = error_class(error);
	same = strcmp(class, filter->error_class) == 0;
	pfree(class);
	return same;
}

bool
bulk_filter_next(BulkFilter *filter, pg_uuid_t *id)
{
	if (filter->portal == NULL || filter->nchosen == filter->max_rows)
		return false;
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (filter->next == filter->nids && !fetch(filter))
			return false;
		*id = filter->ids[filter->next++];
		if (has_class(filter, filter->errors[filter->next - 1]))
			return true;
	}
}

void
bulk_filter_take(BulkFilter *filter)
{
	filter->nchosen++;
}

void
bulk_filter_end(BulkFilter *filter)
{
	if (filter->portal != NULL)
		SPI_cursor_close(filter->portal);
	filter->portal = NULL;
}

/*--- for the record ---*/

static void
describe_text(FunctionCallInfo fcinfo, int n, const char *key,
			  ObjectBuilder *b)
{
	if (!PG_ARGISNULL(n))
		object_text(b, key, text_argument(fcinfo, n));
}

static void
describe_time(FunctionCallInfo fcinfo, int n, const char *key,
			  ObjectBuilder *b)
{
	if (PG_ARGISNULL(n))
		return;
	object_text(b, key, iso_time(PG_GETARG_TIMESTAMPTZ(n)));
}

static void
describe_id(FunctionCallInfo fcinfo, int n, const char *key, ObjectBuilder *b)
{
	if (!PG_ARGISNULL(n))
		object_text(b, key, id_text(PG_GETARG_UUID_P(n)));
}

void
bulk_filter_describe(FunctionCallInfo fcinfo, ObjectBuilder *b)
{
	describe_text(fcinfo, ARG_WORKFLOW, "workflow", b);
	describe_text(fcinfo, ARG_STATUS, "status", b);
	describe_time(fcinfo, ARG_SINCE, "since", b);
	describe_time(fcinfo, ARG_UNTIL, "until", b);
	describe_text(fcinfo, ARG_STEP, "step", b);
	describe_text(fcinfo, ARG_ERROR_CLASS, "error_class", b);
	describe_id(fcinfo, ARG_AFTER, "after", b);
	if (!PG_ARGISNULL(ARG_MAX_ROWS))
		object_number(b, "max_rows", PG_GETARG_INT32(ARG_MAX_ROWS));
}
