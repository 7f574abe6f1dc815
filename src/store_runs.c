/*
 * store_runs.c
 *	  Runs as the workers see them: claim, take over, load.
 *
 * Runs in a worker, inside a tick's transaction and an SPI connection of its
 * own.  What is loaded lives in the caller's memory context; every loaded
 * row is locked until the tick ends, so that nobody else advances it.
 *
 * Claiming takes turns: the tenants that have something due are walked in
 * the order of their ids, from the one served last, and each gives up to its
 * share of the batch, by priority and then time.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "clock.h"
#include "executor/spi.h"
#include "ids.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Columns of a loaded run, in the order of RUN_COLUMNS (store.c). */
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
	COL_PREVIOUS_RESULTS
};

#define TENANTS_A_LOOK 64		/* tenants asked for at a time */

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
	run->current_step = DatumGetInt32(column(row, COL_CURRENT_STEP));
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
	run->abnormal_step = DatumGetInt32(column(row, COL_ABNORMAL_STEP));
	run->previous_results = json_column(row, COL_PREVIOUS_RESULTS);
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

static Datum
uuid_array(const pg_uuid_t *ids, int n)
{
	Datum	   *datums = palloc(sizeof(Datum) * (n + 1));

	for (int i = 0; i < n; i++)
		datums[i] = UUIDPGetDatum(&ids[i]);
	return PointerGetDatum(construct_array(datums, n, UUIDOID, UUID_LEN,
										   false, TYPALIGN_CHAR));
}

/*--- claiming ---*/

typedef struct Pauses
{
	bool		all;
	int			ntenants;
	pg_uuid_t  *tenants;
} Pauses;

static Pauses
load_pauses(void)
{
	Pauses		pauses = {0};

	store_execute(STORE_PAUSES, NULL, NULL, false, 0);
	pauses.tenants = palloc(sizeof(pg_uuid_t) * (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		tenant = SPI_getbinval(SPI_tuptable->vals[i],
										   SPI_tuptable->tupdesc, 1, &isnull);

		if (isnull)
			pauses.all = true;
		else
			pauses.tenants[pauses.ntenants++] = *DatumGetUUIDP(tenant);
	}
	SPI_freetuptable(SPI_tuptable);
	return pauses;
}

static bool
is_paused(const Pauses *pauses, const pg_uuid_t *tenant)
{
	for (int i = 0; i < pauses->ntenants; i++)
		if (ids_equal(&pauses->tenants[i], tenant))
			return true;
	return false;
}

/*
 * The next tenants that have runs queued, after *after (NULL: from the
 * first), at most TENANTS_A_LOOK.  Returns how many.
 */
static int
tenants_after(const pg_uuid_t *after, pg_uuid_t *tenants)
{
	Datum		values[2] = {after ? UUIDPGetDatum(after) : (Datum) 0,
		Int32GetDatum(TENANTS_A_LOOK)};
	int			n;

	store_execute(STORE_TENANTS_DUE, values, after ? "  " : "n ", false, 0);
	n = Min(SPI_processed, TENANTS_A_LOOK);
	for (int i = 0; i < n; i++)
		tenants[i] = *DatumGetUUIDP(column(i, 1));
	SPI_freetuptable(SPI_tuptable);
	return n;
}

/*
 * Claims up to limit runs of these tenants, an equal share each.  Where the
 * limit left tenants out, *last becomes the last that was served.
 */
static List *
claim_of_tenants(const pg_uuid_t *tenants, int ntenants, int limit,
				 List *runs, pg_uuid_t *last, MemoryContext context)
{
	int			share = (limit + ntenants - 1) / ntenants;
	Datum		values[4] = {uuid_array(tenants, ntenants),
		TimestampTzGetDatum(clock_now()),
		Int32GetDatum(share), Int32GetDatum(limit)};

	store_execute(STORE_CLAIM, values, NULL, false, 0);
	if (SPI_processed >= limit)
		*last = *DatumGetUUIDP(column(SPI_processed - 1, COL_TENANT_ID));
	runs = collect_runs(runs, context);
	SPI_freetuptable(SPI_tuptable);
	return runs;
}

/*
 * Claims from the tenants after *cursor and, once past the last, from the
 * first on up to where it began; never one twice, since rows that this
 * transaction has locked would be claimed again.  A look claims for at
 * most as many tenants as runs are wanted, so that the cursor stands where
 * the batch ended.
 */
static List *
claim_in_turn(const Pauses *pauses, pg_uuid_t *cursor, bool *has_cursor,
			  int limit, bool (*left_out) (const pg_uuid_t *tenant),
			  MemoryContext context)
{
	pg_uuid_t	start = *cursor;
	bool		must_wrap = *has_cursor;
	bool		wrapped = false;
	List	   *runs = NIL;

	while (list_length(runs) < limit)
	{
		pg_uuid_t	tenants[TENANTS_A_LOOK];
		int			want = limit - list_length(runs);
		int			n = tenants_after(*has_cursor ? cursor : NULL, tenants);
		int			kept = 0;

		CHECK_FOR_INTERRUPTS();
		if (n == 0)
		{
			*has_cursor = false;
			if (!must_wrap || wrapped)
				break;
			wrapped = true;
			continue;
		}
		n = Min(n, want);
		/* beyond start they were looked at: what is ours would come again */
		while (wrapped && n > 0 && memcmp(&tenants[n - 1], &start, UUID_LEN) > 0)
			n--;
		if (n == 0)
			break;
		*cursor = tenants[n - 1];
		*has_cursor = true;
		for (int i = 0; i < n; i++)
			if (!is_paused(pauses, &tenants[i]) && !left_out(&tenants[i]))
				tenants[kept++] = tenants[i];
		if (kept > 0)
			runs = claim_of_tenants(tenants, kept, want, runs, cursor,
									context);
	}
	return runs;
}

List *
store_claim_due(pg_uuid_t *cursor, bool *has_cursor, int limit,
				bool (*left_out) (const pg_uuid_t *tenant))
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *runs = NIL;
	Pauses		pauses;

	SPI_connect();
	pauses = load_pauses();
	if (!pauses.all && limit > 0)
		runs = claim_in_turn(&pauses, cursor, has_cursor, limit, left_out,
							 caller);
	SPI_finish();
	return runs;
}

/*
 * A pause stops the start of steps, not the taking over: the run waits in
 * the worker's hands no more than a queued one does, so a paused tenant's
 * orphans are left until wf_resume.
 */
List *
store_take_over(int limit)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[1] = {Int32GetDatum(limit)};
	List	   *runs = NIL;
	ListCell   *lc;
	Pauses		pauses;

	SPI_connect();
	pauses = load_pauses();
	if (!pauses.all && limit > 0)
	{
		store_execute(STORE_TAKE_OVER, values, NULL, false, 0);
		runs = collect_runs(NIL, caller);
	}
	SPI_finish();
	foreach(lc, runs)
		((RunRow *) lfirst(lc))->taken_over = true;
	return runs;
}

RunRow *
store_load_struck(const pg_uuid_t *id, int step, bool *locked)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {UUIDPGetDatum(id), Int32GetDatum(step)};
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
	pg_uuid_t  *array = palloc(sizeof(pg_uuid_t) * (list_length(ids) + 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, ids)
		array[n++] = *(pg_uuid_t *) lfirst(lc);
	return uuid_array(array, n);
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

static bool
is_loaded(List *runs, const pg_uuid_t *id)
{
	ListCell   *lc;

	foreach(lc, runs)
		if (ids_equal(&((RunRow *) lfirst(lc))->id, id))
			return true;
	return false;
}

/* Of those owned still, the ones that were not loaded are locked. */
static List *
busy_ones(Datum *values, List *runs, MemoryContext context)
{
	List	   *busy;
	ListCell   *lc;

	store_execute(STORE_OWNED, values, NULL, false, 0);
	busy = collect_ids(context);
	foreach(lc, busy)
	{
		if (is_loaded(runs, lfirst(lc)))
			busy = foreach_delete_current(busy, lc);
	}
	return busy;
}

List *
store_load_owned(List *ids, int64 epoch, List **busy)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2];
	List	   *runs;

	*busy = NIL;
	if (ids == NIL)
		return NIL;
	values[0] = array_of_ids(ids);
	values[1] = Int64GetDatum(epoch);

	SPI_connect();
	store_execute(STORE_LOAD_OWNED, values, NULL, false, 0);
	runs = collect_runs(NIL, caller);
	if (list_length(runs) < list_length(ids))
		*busy = busy_ones(values, runs, caller);
	SPI_finish();
	return runs;
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

TimestampTz
store_next_due(void)
{
	Datum		values[1] = {TimestampTzGetDatum(clock_now())};
	TimestampTz due = 0;
	bool		isnull = true;
	Datum		datum = 0;

	SPI_connect();
	store_execute(STORE_NEXT_DUE, values, NULL, false, 1);
	if (SPI_processed > 0)
		datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							  &isnull);
	if (!isnull)
		due = DatumGetTimestampTz(datum);
	SPI_finish();
	return due;
}

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
