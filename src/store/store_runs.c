/*
 * store_runs.c
 *	  Runs that lost their worker: found, locked and loaded.
 *
 * Runs in a worker, inside a tick's transaction and an SPI connection of its
 * own.  A statement finds the rows and locks them until the transaction ends,
 * so that nobody else advances them; store_row.c loads them, as it loads what
 * is due and what this worker has already.  Results live in the caller's
 * memory context.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/unit.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "store/store_execute.h"
#include "store/store_place.h"
#include "store/store_runs.h"
#include "utils/array.h"
#include "utils/builtins.h"

/*--- results of ids ---*/

/*
 * Appends to units those of that table whose ids are in the SPI result's first
 * column, in context; returns the list.
 */
static List *
collect_units(List *units, UnitTable table, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		id = SPI_getbinval(SPI_tuptable->vals[i],
									   SPI_tuptable->tupdesc, 1, &isnull);
		Unit		unit = {.table = table,.id = *DatumGetUUIDP(id)};

		units = lappend(units, unit_copy(&unit));
	}
	MemoryContextSwitchTo(old);
	return units;
}

/*--- taking over ---*/

/* Loads the runs, which this transaction has locked. */
static List *
load_locked(RunTable *runs, List *units)
{
	List	   *loaded = NIL;
	ListCell   *lc;

	store_loading_begin(runs);
	foreach(lc, units)
	{
		RunRow	   *run = store_load_locked(runs, lfirst(lc));

		if (run != NULL)
			loaded = lappend(loaded, run);
	}
	store_loading_end(runs);
	return loaded;
}

/*
 * A pause stops the start of steps.  A run that was taken over would wait in
 * this worker's hands for its tenant to go on, so the orphans of a paused
 * tenant are left alone until wf_resume.
 */
List *
store_take_over(RunTable *runs, int limit)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[2] = {0, store_places_array()};
	List	   *units = NIL;
	List	   *taken;
	ListCell   *lc;

	SPI_connect();
	for (int table = 0; table < UNIT_NTABLES; table++)
	{
		values[0] = Int32GetDatum(limit - list_length(units));
		store_execute_on(table, STORE_TAKE_OVER, values, NULL, false, 0);
		units = collect_units(units, table, caller);
	}
	SPI_finish();
	taken = load_locked(runs, units);
	foreach(lc, taken)
		((RunRow *) lfirst(lc))->taken_over = true;
	return taken;
}

/*--- runs that this worker has already ---*/

/* The array of the ids of those units that are in that table. */
static Datum
array_of_ids(List *units, UnitTable table)
{
	Datum	   *datums = palloc(sizeof(Datum) * (list_length(units) + 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, units)
	{
		const Unit *unit = lfirst(lc);

		if (unit->table == table)
			datums[n++] = UUIDPGetDatum(&unit->id);
	}
	return PointerGetDatum(construct_array(datums, n, UUIDOID, UUID_LEN,
										   false, TYPALIGN_CHAR));
}

List *
store_owned_but(List *known, int64 epoch)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {0, Int64GetDatum(epoch), store_places_array()};
	List	   *units = NIL;

	SPI_connect();
	for (int table = 0; table < UNIT_NTABLES; table++)
	{
		values[0] = array_of_ids(known, table);
		store_execute_on(table, STORE_OWNED_BUT, values, NULL, false, 0);
		units = collect_units(units, table, caller);
	}
	SPI_finish();
	return units;
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
