/*
 * store_runs.c
 *	  Runs as the workers see them: take over, load.
 *
 * Runs in a worker, inside a tick's transaction and an SPI connection of its
 * own.  What is loaded lives in the caller's memory context; every loaded
 * row is locked until the tick ends, so that nobody else advances it.
 *
 * What is due is claimed past the executor, and so are runs loaded that this
 * worker has already (store_row.c).
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/store.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Columns of a loaded run, in the order of workflow_runs_columns (store.c). */
enum
{
	COL_ID = 1,
	COL_DEFINITION_ID,
	COL_VERSION,
	COL_TENANT_ID,
	COL_NAME,
	COL_PAYLOAD,
	COL_STEP_RESULTS,
	COL_STATUS,
	COL_CURRENT_STEP,
	COL_ATTEMPT,
	COL_DEPTH,
	COL_QUEUED_AT,
	COL_STARTED_AT,
	COL_RUN_AT,
	COL_SAVED_AT,
	COL_ATTEMPT_AT,
	COL_FAILED_ATTEMPTS,
	COL_ABNORMAL_ENDS,
	COL_ABNORMAL_STEP,
	COL_PREVIOUS_RESULTS,
	COL_TID,
	COL_PRIORITY
};

static Datum
column(uint64 row, int number)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 number, &isnull);
}

/* A jsonb that may be null, copied. */
static Jsonb *
json_column(uint64 row, int number)
{
	bool		isnull;
	Datum		datum = SPI_getbinval(SPI_tuptable->vals[row],
									  SPI_tuptable->tupdesc, number, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(datum);
}

/* Copies row number row of the SPI result into the current context. */
static RunRow *
run_of_row(uint64 row)
{
	RunRow	   *run = palloc0(sizeof(RunRow));

	run->id = *DatumGetUUIDP(column(row, COL_ID));
	run->definition_id = *DatumGetUUIDP(column(row, COL_DEFINITION_ID));
	run->version = DatumGetInt32(column(row, COL_VERSION));
	run->tenant_id = *DatumGetUUIDP(column(row, COL_TENANT_ID));
	run->workflow_name = TextDatumGetCString(column(row, COL_NAME));
	run->payload = DatumGetJsonbPCopy(column(row, COL_PAYLOAD));
	run->step_results = DatumGetJsonbPCopy(column(row, COL_STEP_RESULTS));
	run->status = TextDatumGetCString(column(row, COL_STATUS));
	run->current_step = DatumGetStepPosition(column(row, COL_CURRENT_STEP));
	run->attempt = DatumGetInt32(column(row, COL_ATTEMPT));
	run->depth = DatumGetInt32(column(row, COL_DEPTH));
	run->queued_at = DatumGetTimestampTz(column(row, COL_QUEUED_AT));
	run->started_at = DatumGetTimestampTz(column(row, COL_STARTED_AT));
	run->run_at = DatumGetTimestampTz(column(row, COL_RUN_AT));
	run->saved_at = DatumGetTimestampTz(column(row, COL_SAVED_AT));
	/* SPI's datum of a null is 0 */
	run->attempt_at = DatumGetTimestampTz(column(row, COL_ATTEMPT_AT));
	run->failed_attempts = json_column(row, COL_FAILED_ATTEMPTS);
	run->abnormal_ends = DatumGetInt16(column(row, COL_ABNORMAL_ENDS));
	run->abnormal_step = DatumGetStepPosition(column(row, COL_ABNORMAL_STEP));
	run->previous_results = json_column(row, COL_PREVIOUS_RESULTS);
	run->priority = DatumGetInt16(column(row, COL_PRIORITY));
	run->tid = *(ItemPointer) DatumGetPointer(column(row, COL_TID));
	run->defect = store_run_defect(run);
	return run;
}

/* Appends the rows of the SPI result to runs, in context. */
static List *
collect_runs(List *runs, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	for (uint64 i = 0; i < SPI_processed; i++)
		runs = lappend(runs, run_of_row(i));
	MemoryContextSwitchTo(old);
	return runs;
}

/*--- taking over ---*/

/*
 * A pause stops the start of steps, not the taking over: the run waits in
 * the worker's hands no more than a queued one does, so a paused tenant's
 * orphans are left until wf_resume.
 */
List *
store_take_over(int limit)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {Int32GetDatum(limit), Int64GetDatum(store_place())};
	List	   *runs;
	ListCell   *lc;

	SPI_connect();
	store_execute(STORE_TAKE_OVER, values, NULL, false, 0);
	runs = collect_runs(NIL, caller);
	SPI_finish();
	foreach(lc, runs)
		((RunRow *) lfirst(lc))->taken_over = true;
	return runs;
}

RunRow *
store_load_struck(const pg_uuid_t *id, StepPosition step, bool *locked)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {UUIDPGetDatum(id), StepPositionGetDatum(step)};
	List	   *runs;

	SPI_connect();
	store_execute(STORE_LOAD_STRUCK, values, NULL, false, 0);
	runs = collect_runs(NIL, caller);
	if (runs == NIL)
		store_execute(STORE_IS_STRUCK, values, NULL, false, 1);
	*locked = runs == NIL && SPI_processed > 0;
	SPI_finish();
	return runs != NIL ? linitial(runs) : NULL;
}

/*--- runs that this worker has already ---*/

/* The array of a list of ids. */
static Datum
array_of_ids(List *ids)
{
	Datum	   *datums = palloc(sizeof(Datum) * (list_length(ids) + 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, ids)
		datums[n++] = UUIDPGetDatum(lfirst(lc));
	return PointerGetDatum(construct_array(datums, n, UUIDOID, UUID_LEN,
										   false, TYPALIGN_CHAR));
}

/* The ids in the SPI result's first column, in context. */
static List *
collect_ids(MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *ids = NIL;

	for (uint64 i = 0; i < SPI_processed; i++)
		ids = lappend(ids, id_copy(DatumGetUUIDP(column(i, 1))));
	MemoryContextSwitchTo(old);
	return ids;
}

List *
store_owned_but(List *known, int64 epoch)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {array_of_ids(known), Int64GetDatum(epoch)};
	List	   *ids;

	SPI_connect();
	store_execute(STORE_OWNED_BUT, values, NULL, false, 0);
	ids = collect_ids(caller);
	SPI_finish();
	return ids;
}

/*--- around it ---*/

char *
store_chain_of_names(const pg_uuid_t *run_id)
{
	StringInfoData chain;
	Datum		values[1] = {UUIDPGetDatum(run_id)};

	initStringInfo(&chain);
	SPI_connect();
	store_execute(STORE_CHAIN, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
		appendStringInfo(&chain, "%s\"%s\"", i ? " > " : "",
						 SPI_getvalue(SPI_tuptable->vals[i],
									  SPI_tuptable->tupdesc, 1));
	SPI_finish();
	return chain.data;
}
