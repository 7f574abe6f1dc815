/*
 * bulk_filter.c
 *	  Which runs the functions about many runs choose, by ascending id.
 *
 * Runs in the backend that calls, as the owner of our tables: the session's
 * tenant binding is applied here.  The ids come from a cursor, a few hundred
 * at a time, so a call about a million runs does not hold them in memory.
 *
 * The definitions are chosen first; each status is then read by the index that
 * has it:
 *
 *	 failed, cancelled, running
 *							workflow_runs_state, definition by definition;
 *	 queued, waiting		the indexes of what is due, of what is due later
 *							and of what is not due at all, each as a whole:
 *							they hold nothing else;
 *	 completed				workflow_runs_definition, of which every run
 *							between since and until is looked at.
 *
 * A step, or a class of errors, is in no index.  So with either the newest
 * FILTER_WINDOW runs of the status are looked at, whatever "after" is: a
 * caller that goes on after the last run of a call sees the same ones.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/bulk_filter.h"
#include "base/error_class.h"
#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/step_result.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define FILTER_WINDOW "10000"	/* runs looked at for a step or an error */
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

/* The parameters of the statement: $1 and so on. */
enum
{
	PARAM_TENANT,
	PARAM_WORKFLOW,
	PARAM_DEFINITION,
	PARAM_FROM,					/* the first id */
	PARAM_TO,					/* the first id after the last */
	PARAM_AFTER,
	PARAM_LIMIT,
	PARAM_STEP,
	NPARAMS
};

/* In a format of psprintf. */
#define DEFINITIONS \
	"WITH d AS MATERIALIZED (SELECT id FROM %%t.workflow_definitions" \
	" WHERE ($1 IS NULL OR tenant_id = $1) AND ($2 IS NULL OR name = $2)" \
	" AND ($3 IS NULL OR id = $3)) "

/*
 * Of each definition the runs of a status (%s), from the first id on; or the
 * newest of them (the second %s).
 */
#define OF_DEFINITION \
	"(SELECT x.id FROM d CROSS JOIN LATERAL" \
	" (SELECT r.id FROM %%t.workflow_runs r WHERE r.definition_id = d.id" \
	"  AND %s AND r.id >= $4 AND r.id < $5%s) x)"
#define FIRST_ONES " AND r.id > $6 ORDER BY r.id LIMIT $7"
#define NEWEST " ORDER BY r.id DESC LIMIT " FILTER_WINDOW

/* The runs of an index of what workers take, by its condition. */
#define OF_INDEX(condition) \
	"(SELECT r.id FROM %%t.workflow_runs r WHERE " condition \
	" AND r.status IN ('queued', 'waiting') AND %s" \
	" AND r.definition_id IN (SELECT d.id FROM d)" \
	" AND r.id >= $4 AND r.id < $5%s)"

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

/*--- the statement ---*/

/*
 * Appends a reading, which has %s for what is asked of the status and for
 * where it begins.
 */
static void
add_reading(StringInfo sql, const char *reading, const char *status,
			const char *after)
{
	if (sql->len > 0)
		appendStringInfoString(sql, " UNION ALL ");
	appendStringInfo(sql, reading, status, after);
}

/* Appends the readings of queued or waiting runs, or of both. */
static void
add_open(StringInfo sql, const char *status, bool windowed)
{
	const char *after = windowed ? "" : " AND r.id > $6";

	add_reading(sql, OF_INDEX("r.run_at <= r.queued_at"), status, after);
	add_reading(sql, OF_INDEX("r.run_at > r.queued_at"
							  " AND r.run_at < 'infinity'"), status, after);
	add_reading(sql, OF_INDEX("r.run_at > r.queued_at"
							  " AND r.run_at = 'infinity'"), status, after);
}

/* Appends the reading of a status, definition by definition. */
static void
add_of_definition(StringInfo sql, const char *status, bool windowed)
{
	add_reading(sql, OF_DEFINITION, status, windowed ? NEWEST : FIRST_ONES);
}

/* Appends the readings of the runs that the filter may choose. */
static void
add_readings(StringInfo sql, const BulkFilter *filter, const FilterRule *rule,
			 bool windowed)
{
	switch (filter->status)
	{
		case RUN_STATUS_QUEUED:
			add_open(sql, "r.status = 'queued'", windowed);
			break;
		case RUN_STATUS_WAITING:
			add_open(sql, "r.status = 'waiting'", windowed);
			break;
		case RUN_STATUS_RUNNING:
			add_of_definition(sql, "r.status = 'running'", windowed);
			break;
		case RUN_STATUS_FAILED:
			add_of_definition(sql, "r.status = 'failed'", windowed);
			break;
		case RUN_STATUS_COMPLETED:
			add_of_definition(sql, "r.status = 'completed'", windowed);
			break;
		case RUN_STATUS_CANCELLED:
			add_of_definition(sql, "r.status = 'cancelled'", windowed);
			break;
		case RUN_STATUS_UNKNOWN:
			if (rule->any_status)
			{
				add_of_definition(sql, "true", windowed);
				break;
			}
			add_open(sql, "true", windowed);
			add_of_definition(sql, "r.status = 'running'", windowed);
			break;
	}
}

#define ERROR_OF_RUN \
	"CASE r.status WHEN 'failed' THEN r.error_message" \
	" ELSE r.failed_attempts->-1->>'error' END"

/* The whole: rows of (id, error), by ascending id. */
static char *
filter_sql(const BulkFilter *filter, const FilterRule *rule)
{
	bool		windowed = filter->step != NULL || filter->error_class != NULL;
	StringInfoData readings;

	initStringInfo(&readings);
	add_readings(&readings, filter, rule, windowed);
	if (!windowed)
		return store_sql(psprintf(DEFINITIONS "SELECT u.id, NULL::text FROM (%s) u"
								  " ORDER BY u.id LIMIT $7", readings.data));
	return store_sql(psprintf(DEFINITIONS "SELECT c.id, " ERROR_OF_RUN " FROM"
							  " (SELECT u.id FROM (%s) u"
							  "  ORDER BY u.id DESC LIMIT " FILTER_WINDOW ") c"
							  " JOIN %%t.workflow_runs r ON r.id = c.id"
							  " JOIN %%t.workflow_definition_versions v"
							  "  ON v.definition_id = r.definition_id"
							  "  AND v.version = r.definition_version"
							  " WHERE c.id > $6 AND ($8 IS NULL OR"
							  "  v.definition->'steps'->r.current_step->>'name'"
							  "  = $8) ORDER BY c.id", readings.data));
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
	SPI_execute_with_args(store_sql(psprintf(DEFINITIONS "SELECT FROM d")), 3,
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
	static const Oid types[NPARAMS] = {UUIDOID, TEXTOID, UUIDOID, UUIDOID,
	UUIDOID, UUIDOID, INT8OID, TEXTOID};
	pg_uuid_t	from;
	pg_uuid_t	to;
	pg_uuid_t	none = {{0}};
	Datum		values[NPARAMS];
	char		nulls[NPARAMS + 1] = {0};
	bool		sees_any;

	memset(filter, 0, sizeof(BulkFilter));
	read_status(filter, rule, fcinfo);
	read_failure(filter, rule, fcinfo);
	read_max_rows(filter, fcinfo);
	sees_any = read_tenant(filter, fcinfo);
	if (!sees_any)
		return;
	time_bound(fcinfo, ARG_SINCE, DT_NOBEGIN, &from);
	time_bound(fcinfo, ARG_UNTIL, DT_NOEND, &to);
	set_parameter(values, nulls, PARAM_TENANT, UUIDPGetDatum(&filter->tenant),
				  !filter->has_tenant);
	set_parameter(values, nulls, PARAM_WORKFLOW, PG_GETARG_DATUM(ARG_WORKFLOW),
				  PG_ARGISNULL(ARG_WORKFLOW));
	set_parameter(values, nulls, PARAM_DEFINITION,
				  PG_GETARG_DATUM(ARG_DEFINITION),
				  PG_ARGISNULL(ARG_DEFINITION));
	set_parameter(values, nulls, PARAM_FROM, UUIDPGetDatum(&from), false);
	set_parameter(values, nulls, PARAM_TO, UUIDPGetDatum(&to), false);
	set_parameter(values, nulls, PARAM_AFTER, PG_ARGISNULL(ARG_AFTER)
				  ? UUIDPGetDatum(&none) : PG_GETARG_DATUM(ARG_AFTER), false);
	set_parameter(values, nulls, PARAM_LIMIT,
				  Int64GetDatum(filter->max_rows + SPARE_ROWS),
				  filter->max_rows < 0);
	set_parameter(values, nulls, PARAM_STEP,
				  PG_GETARG_DATUM(ARG_STEP), PG_ARGISNULL(ARG_STEP));
	check_definitions(fcinfo, values, nulls);
	filter->batch = AllocSetContextCreate(CurrentMemoryContext,
										  "workflow_engine run filter",
										  ALLOCSET_DEFAULT_SIZES);
	filter->portal = SPI_cursor_open_with_args(NULL, filter_sql(filter, rule),
											   NPARAMS, (Oid *) types, values,
											   nulls, false, 0);
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
