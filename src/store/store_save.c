/*
 * store_save.c
 *	  Runs as the workers leave them: saved, failed, found cancelled.
 *
 * Runs in a worker, inside a tick's transaction and an SPI connection of its
 * own; the rows are locked by then, but for a run that is failed since no
 * tick could process it.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid_list.h"
#include "commands/trigger.h"
#include "config/clock.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "store/run_ended.h"
#include "store/store.h"
#include "utils/builtins.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* What somebody has put on the table may take so long for a row. */
#define SAVE_TIMEOUT_MS 1000

const int	store_changed_columns[STORE_NCHANGES] = {
	Anum_workflow_runs_status,
	Anum_workflow_runs_current_step,
	Anum_workflow_runs_step_results,
	Anum_workflow_runs_error_message,
	Anum_workflow_runs_started_at,
	Anum_workflow_runs_completed_at,
	Anum_workflow_runs_run_at,
	Anum_workflow_runs_attempt,
	Anum_workflow_runs_owner,
	Anum_workflow_runs_attempt_at,
	Anum_workflow_runs_failed_attempts,
	Anum_workflow_runs_abnormal_ends,
	Anum_workflow_runs_abnormal_step
};

void
store_changes(const RunRow *run, Datum *values, bool *isnull)
{
	Datum		all[STORE_NCHANGES] = {
		CStringGetTextDatum(run_status_name(run->status)),
		StepPositionGetDatum(run->current_step),
		JsonbPGetDatum(run->step_results),
		run->error_message ? CStringGetTextDatum(run->error_message) : 0,
		TimestampTzGetDatum(run->started_at),
		TimestampTzGetDatum(run->completed_at),
		TimestampTzGetDatum(run->run_at),
		Int32GetDatum(run->attempt),
		Int64GetDatum(run->owner),
		TimestampTzGetDatum(run->attempt_at),
		run->failed_attempts ? JsonbPGetDatum(run->failed_attempts) : 0,
		Int16GetDatum(run->abnormal_ends),
		StepPositionGetDatum(run->abnormal_step)
	};
	bool		none[STORE_NCHANGES] = {false, false, false,
		run->error_message == NULL, false, run->completed_at == 0, false,
		false, run->owner == 0, run->attempt_at == 0,
		run->failed_attempts == NULL, run->abnormal_ends == 0,
	run->abnormal_ends == 0};

	memcpy(values, all, sizeof(all));
	memcpy(isnull, none, sizeof(none));
}

/*
 * Executes a statement that writes one run, as the owner of the table: what
 * somebody has put on it (a trigger, a check) is the owner's.  Deferred
 * triggers are executed at once: at the commit they would have the rights of
 * the worker, a superuser, and nobody would know whose run they refuse.
 * True: a row was written.
 */
static bool
write_as_owner(StoreStatement statement, Datum *values, const char *nulls)
{
	Oid			save_user;
	int			save_context;
	bool		written;

	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	store_execute(statement, values, nulls, false, 0);
	written = SPI_processed > 0;
	SPI_finish();
	AfterTriggerFireDeferred();
	store_leave_owner(save_user, save_context);
	return written;
}

/*
 * The same, within SAVE_TIMEOUT_MS: a trigger that waits for something must
 * not hold up all other runs.  Raises 57014 if it took longer.
 */
static bool
write_run(StoreStatement statement, Datum *values, const char *nulls)
{
	TimestampTz began = clock_now();
	volatile bool written = false;

	enable_timeout_after(STATEMENT_TIMEOUT, SAVE_TIMEOUT_MS);
	PG_TRY();
	{
		written = write_as_owner(statement, values, nulls);
	}
	PG_CATCH();
	{
		disable_timeout(STATEMENT_TIMEOUT, false);
		if (geterrcode() != ERRCODE_QUERY_CANCELED ||
			clock_now() - began < SAVE_TIMEOUT_MS * INT64CONST(1000))
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED),
				 errmsg("run %s could not be saved within %d ms: a trigger or constraint of table \"workflow_runs\" takes too long",
						id_text(DatumGetUUIDP(values[0])), SAVE_TIMEOUT_MS)));
	}
	PG_END_TRY();
	disable_timeout(STATEMENT_TIMEOUT, false);
	QueryCancelPending = false;
	return written;
}

/* Is the run there?  A step may have deleted it. */
static bool
run_exists(Datum id)
{
	bool		exists;

	SPI_connect();
	store_execute(STORE_EXISTS, &id, NULL, false, 1);
	exists = SPI_processed > 0;
	SPI_finish();
	return exists;
}

/*
 * A run that is not saved would be executed again, whatever it has done: if a
 * trigger or a rule keeps it from being saved, that is an error.
 */
void
store_update_run(const RunRow *run)
{
	Datum		values[STORE_NCHANGES + 1] = {UUIDPGetDatum(&run->id)};
	bool		isnull[STORE_NCHANGES];
	char		nulls[STORE_NCHANGES + 2] = " ";

	store_changes(run, &values[1], isnull);
	for (int i = 0; i < STORE_NCHANGES; i++)
		nulls[i + 1] = isnull[i] ? 'n' : ' ';
	if (!write_run(STORE_SAVE, values, nulls) && run_exists(values[0]))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("run %s could not be saved: a trigger or rule of table \"workflow_runs\" left out the UPDATE",
						id_text(&run->id))));
}

void
store_fail_run(const pg_uuid_t *id, const char *message)
{
	Datum		values[3] = {UUIDPGetDatum(id), CStringGetTextDatum(message),
	TimestampTzGetDatum(clock_now())};

	if (write_run(STORE_FAIL, values, NULL))
		run_ended(id, RUN_STATUS_FAILED);
}

void
store_count_crash(const pg_uuid_t *id, int max_ends, const char *message,
				  bool *locked)
{
	Datum		values[4] = {UUIDPGetDatum(id), Int32GetDatum(max_ends),
	CStringGetTextDatum(message), TimestampTzGetDatum(clock_now())};
	StepPosition any_step = {PG_INT32_MAX};
	bool		is_queued;

	if (!store_lock_crashed(id, any_step, locked) ||
		!write_run(STORE_COUNT_CRASH, values, NULL))
		return;
	/* it is queued again, or this was the last time */
	values[1] = StepPositionGetDatum(any_step);
	SPI_connect();
	store_execute(STORE_IS_CRASHED, values, NULL, false, 1);
	is_queued = SPI_processed > 0;
	SPI_finish();
	if (!is_queued)
		run_ended(id, RUN_STATUS_FAILED);
}

bool
store_take_cancelled(RunRow *run)
{
	Datum		values[1] = {UUIDPGetDatum(&run->id)};
	MemoryContext caller = CurrentMemoryContext;
	bool		cancelled;

	SPI_connect();
	store_execute(STORE_CANCELLED, values, NULL, false, 1);
	cancelled = SPI_processed > 0;
	if (cancelled)
	{
		HeapTuple	row = SPI_tuptable->vals[0];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		MemoryContext old = MemoryContextSwitchTo(caller);
		bool		isnull;
		Datum		failed;

		run->status = RUN_STATUS_CANCELLED;
		run->error_message = SPI_getvalue(row, desc, 1);
		run->completed_at = DatumGetTimestampTz(SPI_getbinval(row, desc, 2,
															  &isnull));
		failed = SPI_getbinval(row, desc, 3, &isnull);
		if (run->new_results == NIL)	/* else they are the passed step's */
			run->failed_attempts = isnull ? NULL : DatumGetJsonbPCopy(failed);
		run->attempt_at = 0;
		run->owner = 0;
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return cancelled;
}
