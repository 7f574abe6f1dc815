/*
 * store_changes.c
 *	  Which columns of a run's row an advance changes, and to what.
 *
 * Whatever saves a run asks here: store_row.c past the executor, store_save.c
 * by a statement.  Runs in a worker, inside a tick's transaction; values are
 * in the current memory context.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "store/store_changes.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

const UnitColumn store_changed_columns[STORE_NCHANGES] = {
	UNIT_COLUMN_STATUS,
	UNIT_COLUMN_CURRENT_STEP,
	UNIT_COLUMN_STEP_RESULTS,
	UNIT_COLUMN_ERROR_MESSAGE,
	UNIT_COLUMN_STARTED_AT,
	UNIT_COLUMN_COMPLETED_AT,
	UNIT_COLUMN_RUN_AT,
	UNIT_COLUMN_ATTEMPT,
	UNIT_COLUMN_OWNER,
	UNIT_COLUMN_ATTEMPT_AT,
	UNIT_COLUMN_FAILED_ATTEMPTS,
	UNIT_COLUMN_ABNORMAL_ENDS,
	UNIT_COLUMN_ABNORMAL_STEP
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
