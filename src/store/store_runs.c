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

#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "store/store.h"
#include "store/store_place.h"
#include "utils/array.h"
#include "utils/builtins.h"

/*--- results of ids ---*/

/* The ids in the SPI result's first column, in context. */
static List *
collect_ids(MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	List	   *ids = NIL;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		id = SPI_getbinval(SPI_tuptable->vals[i],
									   SPI_tuptable->tupdesc, 1, &isnull);

		ids = lappend(ids, id_copy(DatumGetUUIDP(id)));
	}
	MemoryContextSwitchTo(old);
	return ids;
}

/*--- taking over ---*/

/* Loads the runs, which this transaction has locked. */
static List *
load_locked(RunTable *runs, List *ids)
{
	List	   *loaded = NIL;
	ListCell   *lc;

	store_loading_begin(runs);
	foreach(lc, ids)
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
	Datum		values[2] = {Int32GetDatum(limit), store_places_array()};
	List	   *ids;
	List	   *taken;
	ListCell   *lc;

	SPI_connect();
	store_execute(STORE_TAKE_OVER, values, NULL, false, 0);
	ids = collect_ids(caller);
	SPI_finish();
	taken = load_locked(runs, ids);
	foreach(lc, taken)
		((RunRow *) lfirst(lc))->taken_over = true;
	return taken;
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

List *
store_owned_but(List *known, int64 epoch)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		values[3] = {array_of_ids(known), Int64GetDatum(epoch),
	store_places_array()};
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
