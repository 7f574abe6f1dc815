/*
 * store_pauses.c
 *	  Who is paused.
 *
 * Runs in a worker, inside a tick's transaction.  Owns nothing: the pauses are
 * rows, and what was read of them is the tick's.
 */
#include "postgres.h"
#include "compat.h"

#include "executor/spi.h"
#include "store/store_execute.h"
#include "store/store_pauses.h"

static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, UUID_LEN);
}

/* Sorts them, since contains_id is asked under the lock of the queue. */
void
store_load_pauses(Pauses *pauses)
{
	MemoryContext caller = CurrentMemoryContext;

	memset(pauses, 0, sizeof(Pauses));
	SPI_connect();
	store_execute(STORE_PAUSES, NULL, NULL, false, 0);
	pauses->tenants = MemoryContextAlloc(caller, sizeof(pg_uuid_t) *
										 (SPI_processed + 1));
	pauses->definitions = MemoryContextAlloc(caller, sizeof(pg_uuid_t) *
											 (SPI_processed + 1));
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		of_all;
		bool		of_tenant;
		Datum		tenant = SPI_getbinval(SPI_tuptable->vals[i],
										   SPI_tuptable->tupdesc, 1, &of_all);
		Datum		definition = SPI_getbinval(SPI_tuptable->vals[i],
											   SPI_tuptable->tupdesc, 2,
											   &of_tenant);

		if (of_all)
			pauses->all = true;
		else if (of_tenant)
			pauses->tenants[pauses->ntenants++] = *DatumGetUUIDP(tenant);
		else
			pauses->definitions[pauses->ndefinitions++] =
				*DatumGetUUIDP(definition);
	}
	SPI_finish();
	qsort(pauses->tenants, pauses->ntenants, sizeof(pg_uuid_t), compare_ids);
	qsort(pauses->definitions, pauses->ndefinitions, sizeof(pg_uuid_t),
		  compare_ids);
}

static bool
contains_id(const pg_uuid_t *ids, int n, const pg_uuid_t *id)
{
	return n > 0 &&
		bsearch(id, ids, n, sizeof(pg_uuid_t), compare_ids) != NULL;
}

bool
store_is_paused(const Pauses *pauses, const pg_uuid_t *tenant)
{
	return contains_id(pauses->tenants, pauses->ntenants, tenant);
}

bool
store_definition_is_paused(const Pauses *pauses,
						   const pg_uuid_t *definition_id)
{
	return contains_id(pauses->definitions, pauses->ndefinitions,
					   definition_id);
}
