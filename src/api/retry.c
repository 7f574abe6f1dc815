/*
 * retry.c
 *	  wf_retry and wf_retry_many: runs that have stopped go on.
 *
 * Runs in the backend that calls; stopped_run.c tells how it acts for that.
 * What the results of a step were before goes to previous_results, by the
 * step's number in the version that the run goes on in, and the step's next
 * result takes it up (request_key.c, step_result.c).
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/many.h"
#include "api/retry.h"
#include "base/json_object.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "shared/commit_wakeup.h"
#include "store/operation.h"
#include "store/store_actions.h"
#include "store/store_defect.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

void
retrying_begin(Retrying *retrying, const text *on_version,
			   const char *from_step)
{
	char	   *version = on_version ? text_to_cstring(on_version) : "own";

	memset(retrying, 0, sizeof(Retrying));
	retrying->context = CurrentMemoryContext;
	retrying->request.from_step = from_step;
	retrying->request.on_current = strcmp(version, "current") == 0;
	if (!retrying->request.on_current && strcmp(version, "own") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown on_version \"%s\"", version),
				 errhint("It is \"own\", the version that the run was fired with, or \"current\", the workflow as it is now.")));
}

/*--- versions ---*/

/* The version that the definition has now. */
static int
current_version(const pg_uuid_t *definition_id)
{
	Datum		value = UUIDPGetDatum(definition_id);
	bool		isnull;
	int			version;

	SPI_connect();
	store_execute(STORE_DEFINITION, &value, NULL, false, 1);
	if (SPI_processed == 0)		/* the run's foreign key keeps it */
		elog(ERROR, "definition %s of a run does not exist",
			 id_text(definition_id));
	version = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[0],
										  SPI_tuptable->tupdesc, 2, &isnull));
	SPI_finish();
	return version;
}

/* The names of the steps of a version, in the context of retrying. */
static void
read_names(Retrying *retrying, const pg_uuid_t *definition_id, int version,
		   StepNames *names)
{
	MemoryContext old = MemoryContextSwitchTo(retrying->context);
	Jsonb	   *definition;
	Oid			run_as;

	if (!store_fetch_version(definition_id, version, &definition, &run_as))
		elog(ERROR, "version %d of definition %s does not exist", version,
			 id_text(definition_id));
	step_names_read(names, definition);
	MemoryContextSwitchTo(old);
}

/*
 * Reads what retry_place_find needs of the run's versions.  Within a call all
 * runs of a definition go on in the same version.
 */
static void
read_versions(Retrying *retrying, const StoppedRun *run)
{
	RetryRequest *request = &retrying->request;

	if (!request->on_current && request->from_step == NULL)
		return;
	if (retrying->own_version != run->version ||
		!ids_equal(&retrying->own_id, &run->definition_id))
		read_names(retrying, &run->definition_id, run->version, &request->own);
	retrying->own_version = run->version;
	retrying->own_id = run->definition_id;
	if (!request->on_current ||
		(request->version != 0 &&
		 ids_equal(&retrying->target_id, &run->definition_id)))
		return;
	request->version = current_version(&run->definition_id);
	retrying->target_id = run->definition_id;
	read_names(retrying, &run->definition_id, request->version,
			   &request->target);
}

/*--- one run ---*/

bool
retry_is_stopped(RunStatus status)
{
	return status == RUN_STATUS_FAILED || status == RUN_STATUS_CANCELLED ||
		status == RUN_STATUS_WAITING;
}

/* Is the run's row as it must be?  False: objection says what is not. */
static bool
check_run(const StoppedRun *run, Objection *objection)
{
	char	   *defect;

	*objection = (Objection)
	{
		.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
	};
	if (!retry_is_stopped(run->status))
	{
		objection->message = psprintf("run %s is %s", id_text(&run->id),
									  run_status_name(run->status));
		objection->detail = "Only a run that has failed, was cancelled or waits for its next attempt can be retried.";
		if (run->status == RUN_STATUS_COMPLETED)
			objection->hint = "wf_rerun() starts a new run of the same event.";
		return false;
	}
	if (!run->belongs_here)
	{
		objection->message = psprintf("run %s was not made for this database",
									  id_text(&run->id));
		objection->detail = "It came in with a restore or a copy, and the original may have it as well.";
		objection->hint = psprintf("SELECT wf_accept_place(" INT64_FORMAT ") has the runs that came in with it executed here.",
								   run->place);
		return false;
	}
	defect = store_results_defect(run->step_results, run->failed_attempts,
								  run->previous_results);
	if (defect == NULL)
		return true;
	objection->message = psprintf("run %s cannot be retried",
								  id_text(&run->id));
	objection->detail = psprintf("%s.", defect);
	objection->hint = "Somebody has changed its row. Put the column right, or fire the event again.";
	return false;
}

bool
retry_run(Retrying *retrying, const StoppedRun *run, Objection *objection)
{
	RetryRequest *request = &retrying->request;
	RetryPlace	place;
	Datum		values[6];
	char		nulls[] = "      ";

	if (!check_run(run, objection))
		return false;
	read_versions(retrying, run);
	if (!retry_place_find(run, request, &place, objection))
		return false;
	values[0] = UUIDPGetDatum(&run->id);
	values[1] = TimestampTzGetDatum(clock_now());
	values[2] = Int32GetDatum(request->on_current ? request->version
							  : run->version);
	values[3] = StepPositionGetDatum(place.step);
	values[4] = JsonbPGetDatum(place.step_results);
	values[5] = PointerGetDatum(place.previous_results);
	nulls[5] = place.previous_results == NULL ? 'n' : ' ';
	SPI_connect();
	stopped_run_change(psprintf("retrying run %s", id_text(&run->id)),
					   STORE_REQUEUE, values, nulls);
	SPI_finish();
	wakeup_at_commit();
	return true;
}

/*--- SQL ---*/

/* What an operation on the call's runs says of it. */
static void
describe(const Retrying *retrying, ObjectBuilder *b)
{
	if (retrying->request.from_step != NULL)
		object_text(b, "from_step", retrying->request.from_step);
	if (!retrying->request.on_current)
		return;
	object_text(b, "on_version", "current");
}

static char *
text_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

PG_FUNCTION_INFO_V1(wf_retry);

/* Raises P0002, 55000, and 22023 for from_step and on_version. */
Datum
wf_retry(PG_FUNCTION_ARGS)
{
	Retrying	retrying;
	StoppedRun	run;
	Objection	objection;
	ObjectBuilder detail;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	stopped_run_enter(fcinfo);
	retrying_begin(&retrying, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2),
				   text_argument(fcinfo, 1));
	stopped_run_require(PG_GETARG_UUID_P(0), &run);
	if (!retry_run(&retrying, &run, &objection))
		objection_raise(&objection);
	object_begin(&detail);
	describe(&retrying, &detail);
	if (retrying.request.on_current)
		object_number(&detail, "version", retrying.request.version);
	operation_note("retry", &run.tenant_id, &run.definition_id, &run.id,
				   object_end(&detail));
	PG_RETURN_BOOL(true);
}

/* For many_each: arg is Retrying *. */
static bool
retry_one(const StoppedRun *run, void *arg, char **outcome)
{
	Objection	objection;

	*outcome = "retried";
	if (retry_run(arg, run, &objection))
		return true;
	*outcome = retry_is_stopped(run->status) ? objection.message
		: unconstify(char *, run_status_name(run->status));
	return false;
}

PG_FUNCTION_INFO_V1(wf_retry_many);

/* Raises 22004 and 22023 for the arguments, nothing for a single run. */
Datum
wf_retry_many(PG_FUNCTION_ARGS)
{
	Retrying	retrying;
	ObjectBuilder detail;

	many_begin(fcinfo);
	retrying_begin(&retrying, PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2),
				   text_argument(fcinfo, 1));
	object_begin(&detail);
	describe(&retrying, &detail);
	many_each(fcinfo, "retry", retry_one, &retrying, &detail);
	return (Datum) 0;
}
