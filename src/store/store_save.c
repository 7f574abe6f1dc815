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
#include "store/store_changes.h"
#include "store/store_save.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* What somebody has put on the table may take so long for a row. */
#define SAVE_TIMEOUT_MS 1000

/*
 * Executes a statement that writes one run, as the owner of the table: what
 * somebody has put on it (a trigger, a check) is the owner's.  Deferred
 * triggers are executed at once: at the commit they would have the rights of
 * the worker, a superuser, and nobody would know whose run they refuse.
 * True: a row was written.
 */
static bool
write_as_owner(UnitTable table, StoreStatement statement, Datum *values,
			   const char *nulls)
{
	Oid			save_user;
	int			save_context;
	bool		written;

	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	store_execute_on(table, statement, values, nulls, false, 0);
	written = SPI_processed > 0;
	SPI_finish();
	AfterTriggerFireDeferred();
	store_leave_owner(save_user, save_context);
	return written;
}

/* The limit is since a trigger that waits must not hold up all other runs. */
bool
store_write_run(const Unit *unit, StoreStatement statement, Datum *values,
				const char *nulls)
{
	TimestampTz began = clock_now();
	volatile bool written = false;

	enable_timeout_after(STATEMENT_TIMEOUT, SAVE_TIMEOUT_MS);
	PG_TRY();
	{
		written = write_as_owner(unit->table, statement, values, nulls);
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
				 errmsg("run %s could not be saved within %d ms: a trigger or constraint of table \"%s\" takes too long",
						id_text(&unit->id), SAVE_TIMEOUT_MS,
						store_unit_tables[unit->table].name)));
	}
	PG_END_TRY();
	disable_timeout(STATEMENT_TIMEOUT, false);
	QueryCancelPending = false;
	return written;
}

/* Is the run there?  A step may have deleted it. */
static bool
run_exists(const Unit *unit)
{
	Datum		id = UUIDPGetDatum(&unit->id);
	bool		exists;

	SPI_connect();
	store_execute_on(unit->table, STORE_EXISTS, &id, NULL, false, 1);
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
	Datum		values[STORE_NCHANGES + 1] = {UUIDPGetDatum(&run->unit.id)};
	bool		isnull[STORE_NCHANGES];
	char		nulls[STORE_NCHANGES + 2] = " ";

	store_changes(run, &values[1], isnull);
	for (int i = 0; i < STORE_NCHANGES; i++)
		nulls[i + 1] = isnull[i] ? 'n' : ' ';
	if (!store_write_run(&run->unit, STORE_SAVE, values, nulls) &&
		run_exists(&run->unit))
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("run %s could not be saved: a trigger or rule of table \"%s\" left out the UPDATE",
						id_text(&run->unit.id),
						store_unit_tables[run->unit.table].name)));
}

void
store_fail_run(const Unit *unit, const char *message)
{
	Datum		values[3] = {UUIDPGetDatum(&unit->id),
	CStringGetTextDatum(message), TimestampTzGetDatum(clock_now())};

	if (store_write_run(unit, STORE_FAIL, values, NULL))
		run_ended(unit, RUN_STATUS_FAILED);
}

bool
store_take_cancelled(RunRow *run)
{
	Datum		values[1] = {UUIDPGetDatum(&run->unit.id)};
	MemoryContext caller = CurrentMemoryContext;
	bool		cancelled;

	SPI_connect();
	store_execute_on(run->unit.table, STORE_CANCELLED, values, NULL, false, 1);
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
