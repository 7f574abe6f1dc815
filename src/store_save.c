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

#include "clock.h"
#include "executor/spi.h"
#include "store.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

void
store_save_run(const RunRow *run)
{
	Datum		values[14] = {
		UUIDPGetDatum(&run->id),
		CStringGetTextDatum(run->status),
		Int32GetDatum(run->current_step),
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
		Int32GetDatum(run->abnormal_step)
	};
	char		nulls[] = "              ";

	if (run->error_message == NULL)
		nulls[4] = 'n';
	if (run->completed_at == 0)
		nulls[6] = 'n';
	if (run->owner == 0)
		nulls[9] = 'n';
	if (run->attempt_at == 0)
		nulls[10] = 'n';
	if (run->failed_attempts == NULL)
		nulls[11] = 'n';
	if (run->abnormal_ends == 0)
		nulls[12] = nulls[13] = 'n';
	SPI_connect();
	store_execute(STORE_SAVE, values, nulls, false, 0);
	SPI_finish();
}

void
store_fail_run(const pg_uuid_t *id, const char *message)
{
	Datum		values[3] = {UUIDPGetDatum(id), CStringGetTextDatum(message),
		TimestampTzGetDatum(clock_now())};

	SPI_connect();
	store_execute(STORE_FAIL, values, NULL, false, 0);
	SPI_finish();
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

		run->status = pstrdup("cancelled");
		run->error_message = SPI_getvalue(row, desc, 1);
		run->completed_at = DatumGetTimestampTz(SPI_getbinval(row, desc, 2,
															  &isnull));
		failed = SPI_getbinval(row, desc, 3, &isnull);
		run->failed_attempts = isnull ? NULL : DatumGetJsonbPCopy(failed);
		run->attempt_at = 0;
		run->owner = 0;
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return cancelled;
}
