/*
 * cancel_retry.c
 *	  wf_cancel and wf_retry, and the same for many runs: wf_cancel_runs and
 *	  wf_retry_runs.
 *
 * Runs in the backend that calls it, as the owner of our tables, since the
 * functions are SECURITY DEFINER: the session's tenant binding is applied
 * here.  Each function locks rows and updates them.  It needs no worker, and
 * it waits for a tick that has locked the row.  A worker that is executing the
 * run finds afterwards that it no longer owns it: it drops an answer that
 * comes, and begins no further step.
 *
 * wf_retry moves the results of the steps that are repeated to
 * previous_results, by the step's number; the step's next result takes them
 * over (run.c).  It moves the attempts of a step at which a run was cancelled
 * there as well.
 *
 * A step may call these functions, in a worker.  The runs that it cancels may
 * belong to the tick under way, so current_run.cancelled is set for it.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/cancel_retry.h"
#include "base/json_object.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "run/run_context.h"
#include "shared/commit_wakeup.h"
#include "store/operation.h"
#include "store/run_ended.h"
#include "store/step_result.h"
#include "store/store.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/*
 * $1 is the time, $2 the role that cancels.  An attempt under way gets its
 * entry in failed_attempts here, since its answer will be dropped.
 */
#define SET_CANCELLED \
	"UPDATE %t.workflow_runs r SET status = 'cancelled', completed_at = $1," \
	" error_message = 'cancelled by ' || quote_ident($2), owner = NULL," \
	" failed_attempts = CASE WHEN attempt_at IS NULL THEN failed_attempts" \
	"  ELSE coalesce(failed_attempts, '[]') || jsonb_build_object(" \
	"   'attempt', attempt, 'error', 'cancelled while it was under way'," \
	"   'started_at', attempt_at, 'duration_ms'," \
	"   CASE WHEN isfinite(attempt_at)" \
	"    THEN round(1000 * extract(epoch FROM $1 - attempt_at), 3) END) END," \
	" attempt_at = NULL" \
	" FROM %t.workflow_definitions d WHERE d.id = r.definition_id"

/*
 * The current step, as an object of one member, if it has failed attempts and
 * no element in step_results; otherwise {}.  A step that was repeated before
 * keeps the number of its repetition.
 */
#define UNFINISHED \
	"CASE WHEN failed_attempts IS NULL THEN '{}' ELSE" \
	"  jsonb_build_object(current_step, jsonb_build_object(" \
	"   'step', current_step, 'status', status, 'attempts', attempt," \
	"   'failed_attempts', failed_attempts) ||" \
	"  coalesce((SELECT jsonb_build_object('previous', p, 'repeat'," \
	"    coalesce((p->>'repeat')::int, 1)" \
	"    + (p->>'status' = 'completed')::int)" \
	"   FROM jsonb_extract_path(previous_results, current_step::text) p" \
	"   WHERE p IS NOT NULL), '{}')) END"

/* $1 is the time, $2 the step to begin with; null: the current step. */
#define SET_QUEUED \
	"UPDATE %t.workflow_runs r SET status = 'queued', run_at = $1," \
	" place = coalesce(place, 0)," \
	" current_step = coalesce($2, current_step), attempt = 0," \
	" attempt_at = NULL, failed_attempts = NULL," \
	" abnormal_ends = NULL, abnormal_step = NULL," \
	" owner = NULL, completed_at = NULL, error_message = NULL," \
	" previous_results = nullif(coalesce(previous_results, '{}')" \
	"  || " UNFINISHED " || (" \
	"  SELECT coalesce(jsonb_object_agg(e->>'step', e), '{}')" \
	"   FROM jsonb_array_elements(step_results) e" \
	"   WHERE (e->>'step')::int >= coalesce($2, current_step)), '{}')," \
	" step_results = (" \
	"  SELECT coalesce(jsonb_agg(e ORDER BY n), '[]')" \
	"   FROM jsonb_array_elements(step_results) WITH ORDINALITY x(e, n)" \
	"   WHERE (e->>'step')::int < coalesce($2, current_step))" \
	" FROM %t.workflow_definitions d WHERE d.id = r.definition_id"

/*
 * Are these columns as the engine writes them?  If not, SET_QUEUED cannot be
 * executed.  For one run, store_results_defect says what is wrong; of many,
 * such runs are left out.
 */
#define WELL_FORMED \
	" AND jsonb_typeof(r.step_results) = 'array' AND NOT EXISTS (SELECT" \
	"  FROM jsonb_array_elements(CASE jsonb_typeof(r.step_results)" \
	"   WHEN 'array' THEN r.step_results ELSE '[]' END) e" \
	"  WHERE NOT CASE jsonb_typeof(e->'step') WHEN 'number' THEN" \
	"   (e->'step')::numeric BETWEEN 0 AND 2147483647 ELSE false END)" \
	" AND jsonb_typeof(coalesce(r.failed_attempts, '[]')) = 'array'" \
	" AND NOT EXISTS (SELECT" \
	"  FROM jsonb_array_elements(CASE jsonb_typeof(r.failed_attempts)" \
	"   WHEN 'array' THEN r.failed_attempts ELSE '[]' END) a" \
	"  WHERE jsonb_typeof(a) <> 'object')" \
	" AND jsonb_typeof(coalesce(r.previous_results, '{}')) = 'object'" \
	" AND NOT EXISTS (SELECT" \
	"  FROM jsonb_each(CASE jsonb_typeof(r.previous_results)" \
	"   WHEN 'object' THEN r.previous_results ELSE '{}' END) p (key, value)" \
	"  WHERE jsonb_typeof(value) <> 'object'" \
	"   OR NOT CASE jsonb_typeof(coalesce(value->'repeat', '1'))" \
	"    WHEN 'number' THEN coalesce(value->'repeat', '1')::numeric" \
	"     BETWEEN 1 AND 2147483646 ELSE false END)"

#define RETURNING " RETURNING r.id"

/*--- one run is looked up ---*/

/* Raises 42501 if this session may not act for that tenant. */
static void
check_tenant(const pg_uuid_t *tenant)
{
	if (!settings_tenant_visible(tenant))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this session may only cancel and retry runs of its own tenant"),
				 errdetail("It is bound by \"workflow_engine.tenant_id\".")));
}

/* Raises P0002. */
static void
raise_no_run(const pg_uuid_t *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_NO_DATA_FOUND),
			 errmsg("run %s does not exist", id_text(id))));
}

/* What wf_cancel and wf_retry read of a run after they have locked it. */
typedef struct StoppedRun
{
	pg_uuid_t	tenant_id;
	pg_uuid_t	definition_id;
	RunStatus	status;
	StepPosition current_step;
	StepPosition from_step;		/* the step that the caller names, or none */
} StoppedRun;

/*
 * Looks a run up and locks its row, whose columns then are the SPI result.
 * Raises P0002 if there is no such run, or if it belongs to a tenant that the
 * session may not act for; then it waits for no lock.  Within SPI.
 */
static void
look_up(const pg_uuid_t *id, text *from_step, StoppedRun *run)
{
	pg_uuid_t	bound;
	TenantBinding binding = settings_tenant(&bound);
	Oid			types[3] = {UUIDOID, TEXTOID, UUIDOID};
	Datum		values[3] = {UUIDPGetDatum(id), PointerGetDatum(from_step),
	UUIDPGetDatum(&bound)};
	char		nulls[] = {' ', from_step ? ' ' : 'n',
	binding == TENANT_BOUND ? ' ' : 'n', '\0'};
	bool		isnull;
	HeapTuple	row;
	TupleDesc	desc;
	Datum		number;

	if (binding == TENANT_NONE)
		raise_no_run(id);
	SPI_execute_with_args(store_sql("SELECT r.status, r.current_step,"
									" coalesce((SELECT n::int - 1"
									"  FROM jsonb_array_elements(v.definition->'steps')"
									"   WITH ORDINALITY s(step, n)"
									"  WHERE step->>'name' = $2), -1),"
									" r.step_results, r.failed_attempts,"
									" r.previous_results, r.tenant_id,"
									" r.definition_id,"
									" %t.wf_belongs_here(r.place),"
									" coalesce(r.place, 0)"
									" FROM %t.workflow_runs r"
									" JOIN %t.workflow_definition_versions v"
									"  ON v.definition_id = r.definition_id"
									"  AND v.version = r.definition_version"
									" WHERE r.id = $1"
									"  AND ($3 IS NULL OR r.tenant_id = $3)"
									" FOR NO KEY UPDATE OF r"),
						  3, types, values, nulls, false, 1);
	if (SPI_processed == 0)
		raise_no_run(id);
	row = SPI_tuptable->vals[0];
	desc = SPI_tuptable->tupdesc;
	number = SPI_getbinval(row, desc, 1, &isnull);
	run->status = run_status_of(DatumGetTextPP(number));
	number = SPI_getbinval(row, desc, 2, &isnull);
	run->current_step = DatumGetStepPosition(number);
	number = SPI_getbinval(row, desc, 3, &isnull);
	run->from_step = DatumGetStepPosition(number);
	number = SPI_getbinval(row, desc, 7, &isnull);
	run->tenant_id = *DatumGetUUIDP(number);
	number = SPI_getbinval(row, desc, 8, &isnull);
	run->definition_id = *DatumGetUUIDP(number);
}

/* Raises 55000 if the run cannot be retried, 22023 for from_step. */
static void
check_retry(const pg_uuid_t *id, const StoppedRun *run, text *from_step)
{
	if (run->status != RUN_STATUS_FAILED &&
		run->status != RUN_STATUS_CANCELLED)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("run %s is %s", id_text(id),
						run_status_name(run->status)),
				 errdetail("Only a failed or cancelled run can be retried.")));
	if (from_step == NULL)
		return;
	if (step_position_is_none(run->from_step))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("run %s has no step \"%s\"", id_text(id),
						text_to_cstring(from_step))));
	if (step_position_passed(run->from_step, run->current_step))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("step \"%s\" comes after the step where run %s stopped",
						text_to_cstring(from_step), id_text(id)),
				 errhint("Steps cannot be left out.")));
}

/* A column of the row that look_up has found; NULL if it is null. */
static Jsonb *
found_jsonb(int column)
{
	bool		isnull;
	Datum		datum = SPI_getbinval(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? NULL : DatumGetJsonbP(datum);
}

/*
 * Raises 55000 if columns of the row that look_up has found are not as the
 * engine writes them.
 */
static void
check_results(const pg_uuid_t *id)
{
	char	   *defect = store_results_defect(found_jsonb(4), found_jsonb(5),
											  found_jsonb(6));

	if (defect != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("run %s cannot be retried", id_text(id)),
				 errdetail_internal("%s.", defect),
				 errhint("Somebody has changed its row. Put the column right, or fire the event again.")));
}

/* Raises 55000 if the run that look_up has found must not be executed here. */
static void
check_place(const pg_uuid_t *id)
{
	HeapTuple	row = SPI_tuptable->vals[0];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	bool		isnull;

	if (DatumGetBool(SPI_getbinval(row, desc, 9, &isnull)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("run %s was not made for this database", id_text(id)),
			 errdetail("It came in with a restore or a copy, and the original may have it as well."),
			 errhint("SELECT wf_accept_place(%s) has the runs that came in with it executed here.",
					 SPI_getvalue(row, desc, 10))));
}

/*--- one run ---*/

/* $1 of the statements above. */
static Datum
time_argument(void)
{
	return TimestampTzGetDatum(clock_now());
}

/* $2 of SET_CANCELLED: the role that has called, not the tables' owner. */
static Datum
caller(void)
{
	return CStringGetTextDatum(operation_role());
}

/* Announces that the run of row i of the SPI result is cancelled. */
static void
note_cancelled(uint64 i)
{
	bool		isnull;
	Datum		id = SPI_getbinval(SPI_tuptable->vals[i],
								   SPI_tuptable->tupdesc, 1, &isnull);

	run_ended(DatumGetUUIDP(id), RUN_STATUS_CANCELLED);
	current_run.cancelled = true;
}

/*
 * An error context callback; arg is what is being done.  If a trigger or a
 * constraint that a user has added to workflow_runs raises, the error gets a
 * hint.
 */
static void
explain_refusal(void *arg)
{
	int			category = ERRCODE_TO_CATEGORY(geterrcode());

	if (category == ERRCODE_TO_CATEGORY(ERRCODE_RAISE_EXCEPTION) ||
		category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
		errhint("A trigger or constraint on workflow_runs refuses the change. It has to let this pass before the run can be cancelled or retried.");
	errcontext("%s", (const char *) arg);
}

/*
 * SPI_execute_with_args of a statement that changes runs; what says in an
 * error what was being done.
 */
static void
change_runs(const char *what, const char *sql, int nargs, Oid *types,
			Datum *values, const char *nulls)
{
	ErrorContextCallback callback = {.callback = explain_refusal,
	.arg = unconstify(char *, what),.previous = error_context_stack};

	error_context_stack = &callback;
	SPI_execute_with_args(sql, nargs, types, values, nulls, false, 0);
	error_context_stack = callback.previous;
}

PG_FUNCTION_INFO_V1(wf_cancel);

/* Raises P0002.  Returns false if the run has ended already. */
Datum
wf_cancel(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = PG_GETARG_UUID_P(0);
	Oid			types[3] = {TIMESTAMPTZOID, TEXTOID, UUIDOID};
	Datum		values[3];
	StoppedRun	run;
	bool		cancelled;

	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	SPI_connect();
	look_up(id, NULL, &run);
	values[0] = time_argument();
	values[1] = caller();
	values[2] = UUIDPGetDatum(id);
	change_runs(psprintf("cancelling run %s", id_text(id)),
				store_sql(SET_CANCELLED " AND r.id = $3"
						  " AND r.status IN ('queued', 'running', 'waiting')"
						  RETURNING), 3, types, values, NULL);
	cancelled = SPI_processed > 0;
	if (cancelled)
	{
		note_cancelled(0);
		operation_note("cancel", &run.tenant_id, &run.definition_id, id, NULL);
	}
	SPI_finish();
	PG_RETURN_BOOL(cancelled);
}

PG_FUNCTION_INFO_V1(wf_retry);

/* Raises P0002, 55000, 22023. */
Datum
wf_retry(PG_FUNCTION_ARGS)
{
	text	   *from_step = PG_ARGISNULL(1) ? NULL : PG_GETARG_TEXT_PP(1);
	Oid			types[3] = {TIMESTAMPTZOID, INT4OID, UUIDOID};
	Datum		values[3];
	pg_uuid_t  *id;
	StoppedRun	run;
	ObjectBuilder detail;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	id = PG_GETARG_UUID_P(0);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	SPI_connect();
	look_up(id, from_step, &run);
	check_retry(id, &run, from_step);
	check_place(id);
	check_results(id);
	values[0] = time_argument();
	values[1] = StepPositionGetDatum(from_step ? run.from_step
									 : run.current_step);
	values[2] = UUIDPGetDatum(id);
	change_runs(psprintf("retrying run %s", id_text(id)),
				store_sql(SET_QUEUED " AND r.id = $3"), 3, types, values, NULL);
	object_begin(&detail);
	if (from_step != NULL)
		object_text(&detail, "from_step", text_to_cstring(from_step));
	operation_note("retry", &run.tenant_id, &run.definition_id, id,
				   object_end(&detail));
	SPI_finish();
	wakeup_at_commit();
	PG_RETURN_BOOL(true);
}

/*--- many runs ---*/

/* The status argument; raises 22023 unless it is one of the n allowed. */
static const char *
status_argument(FunctionCallInfo fcinfo, const RunStatus *allowed, int n,
				const char *hint)
{
	RunStatus	status;

	if (PG_ARGISNULL(2))
		return NULL;
	status = run_status_of(PG_GETARG_TEXT_PP(2));
	for (int i = 0; i < n; i++)
	{
		if (status == allowed[i])
			return run_status_name(status);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("runs of status \"%s\" cannot be chosen here",
					text_to_cstring(PG_GETARG_TEXT_PP(2))),
			 errhint("%s", hint)));
}

/*
 * $3 tenant, $4 workflow, $5 status, $6 since.  update_runs locks the runs in
 * the order of their ids, so that two sessions that choose the same runs
 * cannot deadlock.
 */
#define CHOSEN \
	"SELECT r.id FROM %t.workflow_runs r JOIN %t.workflow_definitions d" \
	" ON d.id = r.definition_id WHERE r.tenant_id = $3" \
	" AND ($4 IS NULL OR d.name = $4) AND ($5 IS NULL OR r.status = $5)" \
	" AND ($6 IS NULL OR r.queued_at >= $6)"

/*
 * Records one operation on count runs, chosen by the arguments (tenant,
 * workflow, status, since).
 */
static void
note_many(FunctionCallInfo fcinfo, const char *what, const char *status,
		  uint64 count)
{
	ObjectBuilder b;

	object_begin(&b);
	object_number(&b, "count", count);
	if (!PG_ARGISNULL(1))
		object_text(&b, "workflow", text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (status != NULL)
		object_text(&b, "status", status);
	if (!PG_ARGISNULL(3))
		object_text(&b, "since", iso_time(PG_GETARG_TIMESTAMPTZ(3)));
	operation_note(what, PG_GETARG_UUID_P(0), NULL, NULL, object_end(&b));
}

/*
 * Executes update for the runs that the arguments choose (tenant, workflow,
 * status, since), if the condition statuses (" AND ...") holds for them too,
 * and puts their ids into the result.  second is $2 of the update, of that
 * type; 0 is null.  If announced, the runs are announced as cancelled.
 */
static void
update_runs(FunctionCallInfo fcinfo, const char *update, const char *statuses,
			Oid type, Datum second, const char *status, bool cancels)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			types[6] = {TIMESTAMPTZOID, type, UUIDOID, TEXTOID, TEXTOID,
	TIMESTAMPTZOID};
	Datum		values[6] = {time_argument(), second, PG_GETARG_DATUM(0),
		PG_GETARG_DATUM(1), status ? CStringGetTextDatum(status) : (Datum) 0,
	PG_GETARG_DATUM(3)};
	char		nulls[] = {' ', second ? ' ' : 'n', ' ',
		PG_ARGISNULL(1) ? 'n' : ' ', status ? ' ' : 'n',
	PG_ARGISNULL(3) ? 'n' : ' ', '\0'};

	SPI_connect();
	change_runs("cancelling or retrying runs",
				psprintf("WITH chosen AS MATERIALIZED (%s%s"
						 " ORDER BY r.id FOR NO KEY UPDATE OF r)"
						 " %s AND r.id IN (SELECT id FROM chosen)%s"
						 RETURNING, store_sql(CHOSEN), store_sql(statuses),
						 store_sql(update), store_sql(statuses)),
				6, types, values, nulls);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull = false;
		Datum		id = SPI_getbinval(SPI_tuptable->vals[i],
									   SPI_tuptable->tupdesc, 1, &isnull);

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &id,
							 &isnull);
		if (cancels)
			note_cancelled(i);
	}
	if (SPI_processed > 0)
		note_many(fcinfo, cancels ? "cancel" : "retry", status,
				  SPI_processed);
	SPI_finish();
}

/* Checks argument 0 and the tables: raises 22004, 42501, 55000. */
static void
begin_many(FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"tenant_id\" must not be null")));
	check_tenant(PG_GETARG_UUID_P(0));
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
}

int64
cancel_runs_by_id(Datum ids)
{
	Oid			types[3] = {TIMESTAMPTZOID, TEXTOID, UUIDARRAYOID};
	Datum		values[3] = {time_argument(), caller(), ids};
	int64		n;

	SPI_connect();
	change_runs("cancelling runs",
				store_sql("WITH chosen AS MATERIALIZED"
						  " (SELECT r.id FROM %t.workflow_runs r"
						  "  WHERE r.id = ANY ($3)"
						  "  ORDER BY r.id FOR NO KEY UPDATE OF r) "
						  SET_CANCELLED " AND r.id IN (SELECT id FROM chosen)"
						  " AND r.status IN ('queued', 'running', 'waiting')"
						  RETURNING), 3, types, values, NULL);
	n = (int64) SPI_processed;
	for (int64 i = 0; i < n; i++)
		note_cancelled(i);
	SPI_finish();
	return n;
}

PG_FUNCTION_INFO_V1(wf_cancel_runs);

/* Raises 22004, 42501, 22023. */
Datum
wf_cancel_runs(PG_FUNCTION_ARGS)
{
	static const RunStatus allowed[] = {RUN_STATUS_QUEUED,
	RUN_STATUS_RUNNING, RUN_STATUS_WAITING};
	const char *status;

	begin_many(fcinfo);
	status = status_argument(fcinfo, allowed, lengthof(allowed),
							 "It is one of queued, running, waiting.");
	update_runs(fcinfo, SET_CANCELLED,
				" AND r.status IN ('queued', 'running', 'waiting')",
				TEXTOID, caller(), status, true);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(wf_retry_runs);

/* Raises 22004, 42501, 22023. */
Datum
wf_retry_runs(PG_FUNCTION_ARGS)
{
	static const RunStatus allowed[] = {RUN_STATUS_FAILED,
	RUN_STATUS_CANCELLED};
	const char *status;

	begin_many(fcinfo);
	status = status_argument(fcinfo, allowed, lengthof(allowed),
							 "It is one of failed, cancelled.");
	update_runs(fcinfo, SET_QUEUED,
				" AND r.status IN ('failed', 'cancelled')"
				" AND %t.wf_belongs_here(r.place)" WELL_FORMED,
				INT4OID, (Datum) 0, status ? status : "failed", false);
	wakeup_at_commit();
	return (Datum) 0;
}
