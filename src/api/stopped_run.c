/*
 * stopped_run.c
 *	  A run that people act on by hand: looked up, locked, cancelled.
 *
 * Runs in the backend that calls, as the owner of our tables (the functions
 * are SECURITY DEFINER): the session's tenant binding is applied here.  A row
 * is locked and updated, so no worker is needed, and a worker that has the row
 * in a tick is waited for.  A worker that executes such a run finds that it
 * is not its any more: it drops an answer that comes, and begins no step.
 *
 * A step may call these functions, in a worker.  The runs that it cancels may
 * be in the tick under way, which is told (current_run.cancelled).
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/stopped_run.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "run/run_context.h"
#include "store/operation.h"
#include "store/run_ended.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

void
objection_raise(const Objection *objection)
{
	ereport(ERROR,
			(errcode(objection->sqlstate),
			 errmsg_internal("%s", objection->message),
			 objection->detail ? errdetail_internal("%s", objection->detail) : 0,
			 objection->hint ? errhint("%s", objection->hint) : 0));
}

void
stopped_run_enter(FunctionCallInfo fcinfo)
{
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
}

/*--- looking up ---*/

/* A column of the SPI result's first row; 0 and *isnull if it is null. */
static Datum
column(int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number,
						 isnull);
}

/* A jsonb column, copied to the current memory context; NULL if it is null. */
static Jsonb *
json_column(int number)
{
	bool		isnull;
	Datum		datum = column(number, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(datum);
}

/* Fills run from the columns of STORE_STOPPED_RUN. */
static void
fill_run(StoppedRun *run)
{
	bool		isnull;

	run->tenant_id = *DatumGetUUIDP(column(1, &isnull));
	run->definition_id = *DatumGetUUIDP(column(2, &isnull));
	run->version = DatumGetInt32(column(3, &isnull));
	run->status = run_status_of(DatumGetTextPP(column(4, &isnull)));
	run->current_step = DatumGetStepPosition(column(5, &isnull));
	run->attempt = DatumGetInt32(column(6, &isnull));
	run->step_results = json_column(7);
	run->failed_attempts = json_column(8);
	run->previous_results = json_column(9);
	run->belongs_here = DatumGetBool(column(10, &isnull));
	run->place = DatumGetInt64(column(11, &isnull));
}

bool
stopped_run_lock(const pg_uuid_t *id, StoppedRun *run)
{
	MemoryContext caller = CurrentMemoryContext;
	pg_uuid_t	bound;
	TenantBinding binding = settings_tenant(&bound);
	Datum		values[2] = {UUIDPGetDatum(id), UUIDPGetDatum(&bound)};
	char		nulls[] = {' ', binding == TENANT_BOUND ? ' ' : 'n', '\0'};
	bool		found;

	if (binding == TENANT_NONE)
		return false;
	run->id = *id;
	SPI_connect();
	store_execute(STORE_STOPPED_RUN, values, nulls, false, 1);
	found = SPI_processed > 0;
	if (found)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);

		fill_run(run);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	return found;
}

void
stopped_run_require(const pg_uuid_t *id, StoppedRun *run)
{
	if (!stopped_run_lock(id, run))
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("run %s does not exist", id_text(id)),
				 errhint("wf_history() lists the runs that this session may see.")));
}

/*--- changing ---*/

/* An error context callback; arg is what is being done. */
static void
explain_refusal(void *arg)
{
	int			category = ERRCODE_TO_CATEGORY(geterrcode());

	if (category == ERRCODE_TO_CATEGORY(ERRCODE_RAISE_EXCEPTION) ||
		category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION)
		errhint("A trigger or constraint on workflow_runs refuses the change. It has to let this pass before the run can be cancelled or retried.");
	errcontext("%s", (const char *) arg);
}

void
stopped_run_change(const char *what, StoreStatement statement, Datum *values,
				   const char *nulls)
{
	ErrorContextCallback callback = {.callback = explain_refusal,
	.arg = unconstify(char *, what),.previous = error_context_stack};

	error_context_stack = &callback;
	store_execute(statement, values, nulls, false, 0);
	error_context_stack = callback.previous;
}

bool
stopped_run_cancel(const pg_uuid_t *id)
{
	Datum		values[3] = {UUIDPGetDatum(id),
		TimestampTzGetDatum(clock_now()),
	CStringGetTextDatum(operation_role())};
	Unit		unit = unit_of_run(id);
	bool		cancelled;

	SPI_connect();
	stopped_run_change(psprintf("cancelling run %s", id_text(id)),
					   STORE_CANCEL, values, NULL);
	cancelled = SPI_processed > 0;
	SPI_finish();
	if (!cancelled)
		return false;
	run_ended(&unit, RUN_STATUS_CANCELLED);
	current_run.cancelled = true;
	return true;
}
