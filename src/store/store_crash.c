/*
 * store_crash.c
 *	  Runs at which a worker ended: locked, loaded, counted.
 *
 * Runs in a worker, inside a tick's transaction and an SPI connection of its
 * own.  Which runs these are is told by shared memory, or by the server's log
 * of crashes (crashed_step.c).  Results live in the caller's memory context.
 * Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "config/clock.h"
#include "executor/spi.h"
#include "store/run_ended.h"
#include "store/store_crash.h"
#include "store/store_row.h"
#include "store/store_save.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* As store_load_crashed, without loading; false for NULL. */
static bool
lock_crashed(const Unit *unit, StepPosition step, bool *locked)
{
	Datum		values[2] = {UUIDPGetDatum(&unit->id),
	StepPositionGetDatum(step)};
	bool		found;

	SPI_connect();
	store_execute_on(unit->table, STORE_LOCK_CRASHED, values, NULL, false, 1);
	found = SPI_processed > 0;
	if (!found)
		store_execute_on(unit->table, STORE_IS_CRASHED, values, NULL, false,
						 1);
	*locked = !found && SPI_processed > 0;
	SPI_finish();
	return found;
}

RunRow *
store_load_crashed(const Unit *unit, StepPosition step, bool *locked)
{
	RunTable   *runs;
	RunRow	   *run;

	if (!lock_crashed(unit, step, locked))
		return NULL;
	runs = store_open_runs();
	store_loading_begin(runs);
	run = store_load_locked(runs, unit);
	store_loading_end(runs);
	store_close_runs(runs);
	return run;
}

void
store_count_crash(const Unit *unit, int max_ends, const char *message,
				  bool *locked)
{
	Datum		values[4] = {UUIDPGetDatum(&unit->id), Int32GetDatum(max_ends),
	CStringGetTextDatum(message), TimestampTzGetDatum(clock_now())};
	StepPosition any_step = {PG_INT32_MAX};
	bool		is_queued;

	if (!lock_crashed(unit, any_step, locked) ||
		!store_write_run(unit, STORE_COUNT_CRASH, values, NULL))
		return;
	/* it is queued again, or this was the last time */
	values[1] = StepPositionGetDatum(any_step);
	SPI_connect();
	store_execute_on(unit->table, STORE_IS_CRASHED, values, NULL, false, 1);
	is_queued = SPI_processed > 0;
	SPI_finish();
	if (!is_queued)
		run_ended(unit, RUN_STATUS_FAILED);
}
