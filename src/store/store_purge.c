/*
 * store_purge.c
 *	  Deletes runs that ended long ago, and old operations, a batch at a time.
 *
 * Runs in the backend that calls wf_purge, and in a worker under
 * workflow_engine.retention; each batch is a transaction of the caller's.
 *
 * A purge reads the runs by the primary key, the oldest first, up to the first
 * id that is too young: a run cannot end before it was fired, so no younger
 * one can have ended long enough ago.  Those that live, or ended late, are
 * passed by.  Then it reads the operations in the same way.  A statement looks
 * at a slice of rows, and slices grow and shrink so that each takes a small
 * part of the batch's time, whatever the disk, the rows' sizes, and the
 * triggers that somebody has added may be.
 *
 * Owns nothing: how far a purge has come is the caller's to keep.  After a
 * crash it begins anew, with the oldest run that is left.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid7.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "store/store_execute.h"
#include "store/store_purge.h"
#include "store/store_schema.h"
#include "utils/array.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#define MAX_SLICE 2000

/*
 * Slices of one transaction.  Each has a subtransaction that writes, and more
 * than 64 of those would slow down every other backend's snapshots.
 */
#define MAX_SLICES 32

/* What each table takes: a look at a slice, and deleting of it. */
static const struct
{
	StoreStatement look;
	StoreStatement purge;
}			statements[PURGE_NTABLES] = {
	[PURGE_RUNS] = {STORE_PURGE_LOOK_RUNS, STORE_PURGE_RUNS},
	[PURGE_OPERATIONS] = {STORE_PURGE_LOOK_OPERATIONS, STORE_PURGE_OPERATIONS},
};

void
purge_begin(Purge *purge, TimestampTz before)
{
	memset(purge, 0, sizeof(Purge));
	purge->before = before;
	purge->slice = 1;
}

void
purge_begin_again(Purge *purge, TimestampTz before)
{
	Purge		last = *purge;

	purge_begin(purge, before);
	for (int i = 0; i < PURGE_NTABLES; i++)
		purge->after[i] = last.has_left[i] ? last.left_after[i] :
			last.after[i];
}

/* A row of the next slice stays. */
static void
note_left(Purge *purge)
{
	PurgeTable	table = purge->table;

	if (purge->has_left[table])
		return;
	purge->has_left[table] = true;
	purge->left_after[table] = purge->after[table];
}

/*
 * Sets *ids to those of the slice's rows that have ended long enough ago, and
 * *last to the last id of the slice.  Returns how many rows it has: fewer than
 * the slice's size are the end.
 */
static int
look(const Purge *purge, ArrayType **ids, int *nids, pg_uuid_t *last)
{
	pg_uuid_t	end;
	Datum		values[4] = {UUIDPGetDatum(&purge->after[purge->table]),
		UUIDPGetDatum(&end),
	TimestampTzGetDatum(purge->before), Int32GetDatum(purge->slice)};
	Datum	   *ended;
	int			n;

	uuid7_floor(&end, purge->before);
	store_execute(statements[purge->table].look, values, NULL, false, 0);
	n = (int) SPI_processed;
	ended = palloc(sizeof(Datum) * Max(n, 1));
	*nids = 0;
	for (int i = 0; i < n; i++)
	{
		Datum		columns[2];
		bool		nulls[2];

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
						  columns, nulls);
		*last = *DatumGetUUIDP(columns[0]);
		if (!nulls[1] && DatumGetBool(columns[1]))
			ended[(*nids)++] = columns[0];
	}
	*ids = construct_array(ended, *nids, UUIDOID, UUID_LEN, false,
						   TYPALIGN_CHAR);
	return n;
}

/* Deletes what is to go of the next slice.  False: it was the last one. */
static bool
purge_slice(Purge *purge)
{
	ArrayType  *ids;
	int			nids;
	PurgeTable	table = purge->table;
	pg_uuid_t	last = purge->after[table];
	int			n = look(purge, &ids, &nids, &last);
	uint64		deleted = purge->deleted[table];

	if (nids > 0)
	{
		Datum		values[2] = {PointerGetDatum(ids),
		TimestampTzGetDatum(purge->before)};

		store_execute(statements[purge->table].purge, values, NULL, false, 0);
		purge->deleted[table] += SPI_processed;
		purge->locked += nids - Min(nids, SPI_processed);
	}
	if (purge->deleted[table] - deleted != n)
		note_left(purge);
	purge->after[table] = last;
	if (n == purge->slice)
		return true;
	purge->table = (table + 1) % PURGE_NTABLES;
	return purge->table != PURGE_RUNS;
}

/*
 * Is it an error of what somebody has added to the table: a constraint that
 * refers to its rows, or a trigger?
 */
static bool
is_refusal(int sqlerrcode)
{
	int			category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		category == ERRCODE_TRIGGERED_ACTION_EXCEPTION ||
		category == ERRCODE_PLPGSQL_ERROR;
}

/* Passes by the next row, which could not be deleted for that reason. */
static void
pass_by(Purge *purge, const char *message)
{
	ArrayType  *ids;
	int			nids;

	Assert(purge->slice == 1);
	note_left(purge);
	look(purge, &ids, &nids, &purge->after[purge->table]);
	if (purge->refused++ == 0)
		strlcpy(purge->refusal, message, sizeof(purge->refusal));
}

/*
 * purge_slice in a subtransaction.  If it is refused, slices begin small
 * again; a row that is refused alone is passed by.
 */
static bool
try_slice(Purge *purge)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile message = NULL;
	volatile bool more = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		more = purge_slice(purge);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* before it is raised again: outside it would stay open */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!is_refusal(error->sqlerrcode))
			ReThrowError(error);
		message = pstrdup(error->message);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (message != NULL && purge->slice == 1)
		pass_by(purge, message);
	else if (message != NULL)
		purge->slice = 1;
	return more;
}

static double
ms_since(instr_time began)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, began);
	return INSTR_TIME_GET_MILLISEC(now);
}

/* The size of the next slice, after one that took so long. */
static int
next_slice(int slice, double took, int max_ms)
{
	if (took < max_ms / 8.0)
		return Min(slice * 2, MAX_SLICE);
	if (took > max_ms / 4.0)
		return Max(slice / 2, 1);
	return slice;
}

bool
purge_batch(Purge *purge, int max_ms)
{
	Oid			save_user;
	int			save_context;
	int			level;
	instr_time	began;
	bool		more = true;

	INSTR_TIME_SET_CURRENT(began);
	level = store_enter_search_path();
	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	for (int i = 0; more && i < MAX_SLICES && ms_since(began) < max_ms; i++)
	{
		instr_time	slice_began;
		int			slice = purge->slice;

		CHECK_FOR_INTERRUPTS();
		INSTR_TIME_SET_CURRENT(slice_began);
		more = try_slice(purge);
		if (purge->slice == slice)
			purge->slice = next_slice(slice, ms_since(slice_began), max_ms);
	}
	SPI_finish();
	store_leave_owner(save_user, save_context);
	store_leave_search_path(level);
	return more;
}
