/*
 * store_due.c
 *	  Which runs are due: what the queue in shared memory asks of the table.
 *
 * Runs in a worker, inside a tick's transaction.  Reads ids only, locks
 * nothing: the worker that takes an id locks the row and checks again.  Each
 * statement has a snapshot of its own, newer than what the queue was told
 * before.  Owns nothing.
 *
 * Three indexes serve it (the install script).  A queued or waiting run is in
 *
 *	 workflow_runs_due		if it was due when it was fired:
 *							run_at <= queued_at;
 *	 workflow_runs_later	else: it was fired for a later moment, was retried
 *	 workflow_runs_timer	by hand, or waits for its next attempt.
 *
 * A run changes sides by an UPDATE alone, never by the clock, so the latter
 * two hold runs that are due as well: those whose moment has come since.  A
 * run with run_at 'infinity' is in none.
 *
 * What is due of a tenant is one order, (priority DESC, run_at, id), which the
 * queue keeps its runs in, and a reading goes on after a position in that
 * order.  So both indexes of a tenant's runs have that order, a reading takes
 * as many runs as it may from each, after the position, and merges them: the
 * first runs of the union are among the first of either.  The position thus is
 * good for both, and no run is passed over.  Were the later runs ordered by
 * time alone, a reading would have to look at all of them that are due to find
 * the most urgent ones, and 100,000 retries would be read a hundred times.
 *
 * A run that becomes due after a reading comes after its position, since
 * everything read was due earlier; if it is more urgent, the queue has been
 * told so by the timer, and the tenant is read from the beginning.
 *
 * The timer and the rescan find the later runs of all tenants in
 * workflow_runs_timer, by time: what waits for tomorrow is never touched.  The
 * timer reads on from the moment where it stopped.  A rescan reads from
 * -infinity, since a transaction that was prepared may commit after the timer
 * has passed the moment of its run.  If that finds too many runs, the rescan
 * walks the tenants instead (with_later).
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/qunique.h"
#include "shared/due_queue.h"
#include "store/store_due.h"
#include "store/store_execute.h"
#include "store/store_place.h"
#include "utils/array.h"
#include "utils/timestamp.h"

static Datum
column(uint64 row, int number)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 number, &isnull);
}

/*--- what is due ---*/

/* The array of the paused definitions, in the current memory context. */
static Datum
paused_definitions(const Pauses *pauses)
{
	Datum	   *ids = palloc(sizeof(Datum) * (pauses->ndefinitions + 1));

	for (int i = 0; i < pauses->ndefinitions; i++)
		ids[i] = UUIDPGetDatum(&pauses->definitions[i]);
	return PointerGetDatum(construct_array(ids, pauses->ndefinitions, UUIDOID,
										   UUID_LEN, false, TYPALIGN_CHAR));
}

/* The id that follows in their order; false: it is the last. */
static bool
increment_id(pg_uuid_t *id)
{
	for (int i = UUID_LEN - 1; i >= 0; i--)
		if (++id->data[i] != 0)
			return true;
	return false;
}

/*
 * Each reading of the indexes is of one table of units and one place, which
 * stands first in them.  If other places were accepted, each is read, and what
 * all readings have is merged: the first n of the union are among the first n
 * of every reading.
 */
static int
compare_tenants(const void *a, const void *b)
{
	return memcmp(a, b, UUID_LEN);
}

/* Sorts n tenants and leaves each once; returns how many, at most max. */
static int
merge_tenants(pg_uuid_t *tenants, int n, int max)
{
	qsort(tenants, n, sizeof(pg_uuid_t), compare_tenants);
	return Min((int) qunique(tenants, n, sizeof(pg_uuid_t), compare_tenants),
			   max);
}

/* Puts a place's next tenants, from first on, into tenants. */
static int
read_tenants(UnitTable table, int64 place, const pg_uuid_t *first,
			 bool with_later, pg_uuid_t *tenants)
{
	Datum		values[4] = {Int64GetDatum(place), UUIDPGetDatum(first),
	BoolGetDatum(with_later), Int32GetDatum(STORE_TENANTS_A_LOOK)};
	int			n;

	SPI_connect();
	store_execute_on(table, STORE_TENANTS_DUE, values, NULL, false, 0);
	n = Min(SPI_processed, STORE_TENANTS_A_LOOK);
	for (int i = 0; i < n; i++)
		tenants[i] = *DatumGetUUIDP(column(i, 1));
	SPI_finish();
	return n;
}

int
store_tenants_due(const pg_uuid_t *after, bool with_later, pg_uuid_t *tenants)
{
	pg_uuid_t	first = {{0}};
	int64	   *places;
	int			nplaces;
	int			nreadings;
	pg_uuid_t  *all;
	int			n = 0;

	if (after != NULL)
	{
		first = *after;
		if (!increment_id(&first))
			return 0;
	}
	nplaces = store_places(&places);
	nreadings = UNIT_NTABLES * nplaces;
	all = palloc(sizeof(pg_uuid_t) * nreadings * STORE_TENANTS_A_LOOK);
	for (int i = 0; i < nreadings; i++)
		n += read_tenants(i / nplaces, places[i % nplaces], &first,
						  with_later, all + n);
	if (nreadings > 1)
		n = merge_tenants(all, n, STORE_TENANTS_A_LOOK);
	memcpy(tenants, all, sizeof(pg_uuid_t) * n);
	pfree(all);
	pfree(places);
	return n;
}

/* Rows of (id, tenant_id, run_at, priority), of that table. */
static int
collect_due(UnitTable table, DueRun *runs, int max)
{
	int			n = Min(SPI_processed, max);

	for (int i = 0; i < n; i++)
	{
		runs[i].unit.table = table;
		runs[i].unit.id = *DatumGetUUIDP(column(i, 1));
		runs[i].tenant_id = *DatumGetUUIDP(column(i, 2));
		runs[i].run_at = DatumGetTimestampTz(column(i, 3));
		runs[i].priority = DatumGetInt16(column(i, 4));
	}
	return n;
}

/* In the order of a tenant's runs. */
static int
compare_due(const void *a, const void *b)
{
	const DueRun *x = a;
	const DueRun *y = b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	if (x->run_at != y->run_at)
		return x->run_at < y->run_at ? -1 : 1;
	return unit_compare(&x->unit, &y->unit);
}

static int
compare_later(const void *a, const void *b)
{
	const DueRun *x = a;
	const DueRun *y = b;

	return x->run_at < y->run_at ? -1 : x->run_at > y->run_at ? 1 : 0;
}

/*
 * Executes a statement of runs, of which $1 is the place, for every table of
 * units and every place; fills runs with the first max in that order, and
 * returns how many there are.
 */
static int
read_runs(StoreStatement statement, Datum *values,
		  int (*order) (const void *, const void *), DueRun *runs, int max)
{
	int64	   *places;
	int			nplaces = store_places(&places);
	int			nreadings = UNIT_NTABLES * nplaces;
	DueRun	   *all = nreadings == 1 ? runs
		: palloc_extended(sizeof(DueRun) * nreadings * max, MCXT_ALLOC_HUGE);
	int			n = 0;

	for (int i = 0; i < nreadings; i++)
	{
		UnitTable	table = i / nplaces;

		values[0] = Int64GetDatum(places[i % nplaces]);
		SPI_connect();
		store_execute_on(table, statement, values, NULL, false, 0);
		n += collect_due(table, all + n, max);
		SPI_finish();
	}
	if (all != runs)
	{
		qsort(all, n, sizeof(DueRun), order);
		n = Min(n, max);
		memcpy(runs, all, sizeof(DueRun) * n);
		pfree(all);
	}
	pfree(places);
	return n;
}

int
store_read_due(const DueReading *reading, TimestampTz now,
			   const Pauses *pauses, DueRun *runs)
{
	Datum		values[8] = {0, UUIDPGetDatum(&reading->tenant_id),
		Int16GetDatum(reading->after.priority),
		TimestampTzGetDatum(reading->after.run_at),
		UUIDPGetDatum(&reading->after.unit.id),
		TimestampTzGetDatum(now), Int32GetDatum(reading->limit),
	paused_definitions(pauses)};

	return read_runs(STORE_DUE, values, compare_due, runs, reading->limit);
}

int
store_read_later(TimestampTz since, TimestampTz now, DueRun *runs, int max)
{
	Datum		values[4] = {0, TimestampTzGetDatum(since),
	TimestampTzGetDatum(now), Int32GetDatum(max)};

	return read_runs(STORE_LATER, values, compare_later, runs, max);
}

TimestampTz
store_next_due(TimestampTz now)
{
	int64	   *places;
	int			nplaces = store_places(&places);
	TimestampTz due = 0;

	for (int i = 0; i < UNIT_NTABLES * nplaces; i++)
	{
		Datum		values[2] = {Int64GetDatum(places[i % nplaces]),
		TimestampTzGetDatum(now)};

		SPI_connect();
		store_execute_on(i / nplaces, STORE_NEXT_DUE, values, NULL, false, 1);
		if (SPI_processed > 0)
		{
			TimestampTz next = DatumGetTimestampTz(column(0, 1));

			due = due == 0 ? next : Min(due, next);
		}
		SPI_finish();
	}
	pfree(places);
	return due;
}
