/*
 * store_due.c
 *	  Which runs are due: what the queue in shared memory asks of the table.
 *
 * Runs in a worker, inside a tick's transaction.  Reads ids only, locks
 * nothing: who takes an id locks the row and looks again.  Each statement has
 * a snapshot of its own, newer than what the queue was told before.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid_list.h"
#include "executor/spi.h"
#include "shared/due_queue.h"
#include "store/store.h"
#include "utils/timestamp.h"

static Datum
column(uint64 row, int number)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 number, &isnull);
}

/*--- pauses ---*/

void
store_load_pauses(Pauses *pauses)
{
	MemoryContext caller = CurrentMemoryContext;

	memset(pauses, 0, sizeof(Pauses));
	SPI_connect();
	store_execute(STORE_PAUSES, NULL, NULL, false, 0);
	pauses->tenants = MemoryContextAlloc(caller, sizeof(pg_uuid_t) *
										 (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		tenant = SPI_getbinval(SPI_tuptable->vals[i],
										   SPI_tuptable->tupdesc, 1, &isnull);

		if (isnull)
			pauses->all = true;
		else
			pauses->tenants[pauses->ntenants++] = *DatumGetUUIDP(tenant);
	}
	SPI_finish();
}

bool
store_is_paused(const Pauses *pauses, const pg_uuid_t *tenant)
{
	for (int i = 0; i < pauses->ntenants; i++)
		if (ids_equal(&pauses->tenants[i], tenant))
			return true;
	return false;
}

/*--- what is due ---*/

int
store_tenants_due(const pg_uuid_t *after, pg_uuid_t *tenants)
{
	Datum		values[2] = {after ? UUIDPGetDatum(after) : (Datum) 0,
	Int32GetDatum(STORE_TENANTS_A_LOOK)};
	int			n;

	SPI_connect();
	store_execute(STORE_TENANTS_DUE, values, after ? "  " : "n ", false, 0);
	n = Min(SPI_processed, STORE_TENANTS_A_LOOK);
	for (int i = 0; i < n; i++)
		tenants[i] = *DatumGetUUIDP(column(i, 1));
	SPI_finish();
	return n;
}

/* Rows of (id, tenant_id, run_at, priority). */
static int
collect_due(DueRun *runs, int max)
{
	int			n = Min(SPI_processed, max);

	for (int i = 0; i < n; i++)
	{
		runs[i].id = *DatumGetUUIDP(column(i, 1));
		runs[i].tenant_id = *DatumGetUUIDP(column(i, 2));
		runs[i].run_at = DatumGetTimestampTz(column(i, 3));
		runs[i].priority = DatumGetInt16(column(i, 4));
	}
	return n;
}

int
store_read_due(const DueReading *reading, TimestampTz now, DueRun *runs)
{
	Datum		values[6] = {UUIDPGetDatum(&reading->tenant_id),
		Int16GetDatum(reading->after.priority),
		TimestampTzGetDatum(reading->after.run_at),
		UUIDPGetDatum(&reading->after.id),
	TimestampTzGetDatum(now), Int32GetDatum(reading->limit)};
	int			n;

	SPI_connect();
	store_execute(STORE_DUE, values, NULL, false, 0);
	n = collect_due(runs, reading->limit);
	SPI_finish();
	return n;
}

int
store_read_later(TimestampTz since, TimestampTz now, DueRun *runs, int max)
{
	Datum		values[3] = {TimestampTzGetDatum(since),
	TimestampTzGetDatum(now), Int32GetDatum(max)};
	int			n;

	SPI_connect();
	store_execute(STORE_LATER, values, NULL, false, 0);
	n = collect_due(runs, max);
	SPI_finish();
	return n;
}

TimestampTz
store_next_due(TimestampTz now)
{
	Datum		values[1] = {TimestampTzGetDatum(now)};
	TimestampTz due = 0;

	SPI_connect();
	store_execute(STORE_NEXT_DUE, values, NULL, false, 1);
	if (SPI_processed > 0)
		due = DatumGetTimestampTz(column(0, 1));
	SPI_finish();
	return due;
}
