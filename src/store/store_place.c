/*
 * store_place.c
 *	  Which runs and schedules belong to this database.
 *
 * A copy of a database must not send what the original sends as well.  So
 * every run and every schedule carries the place that it was made for, and
 * only what belongs to this place, or to one that somebody has accepted here,
 * is executed here.  The place is a hash of
 *
 *	 the system identifier	another cluster: pg_dumpall, pg_upgrade
 *	 the database's oid		another database: pg_dump, CREATE DATABASE ...
 *							TEMPLATE; a rename keeps it
 *	 workflow_engine.site	a base backup that was started beside the original
 *	 the incarnation		drawn by CREATE EXTENSION, and carried by no dump:
 *							a restore into the same database (--clean)
 *
 * A standby has all four in common with its primary, so work goes on after a
 * promotion.
 *
 * Rows keep the place that they were made for, also after it was accepted:
 * accepting writes one row into workflow_places, and what comes in later from
 * the same place (a restore with -j that has not ended, a subscription) is
 * accepted as well.  A row of workflow_places says for which place it counts,
 * so it means nothing in a copy of this database.
 *
 * "place" comes first in the indexes of what is due, so each reading of them
 * is of one place.  store_due.c reads place by place and merges.  As long as
 * nothing was accepted that is one reading, as it would be without places.
 *
 * Runs in workers and in backends.  Owns this database's place, in static
 * memory, until the relation cache says that one of our tables has changed.
 * What was accepted is read whenever the table of runs is read: a worker that
 * has been told of runs must not miss that they are accepted, and to read an
 * empty table takes a microsecond.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/store_execute.h"
#include "store/store_place.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/array.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Columns, in the order of the install script. */
#define IDENTITY_INCARNATION 1
#define PLACES_HERE 1
#define PLACES_ACCEPTED 2

static int64 own_place = 0;		/* 0: not known */
static uint64 own_generation;	/* store_tables_generation as of then */
static int64 restored_place = 0;	/* of what this process restores; or 0 */

/*--- small tables, as of now ---*/

/* A table that is read from end to end, with the newest snapshot. */
typedef struct Reading
{
	Relation	rel;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;
} Reading;

/* Privileges and row security do not count: who asks may be anybody. */
static void
reading_begin(Reading *reading, const char *table)
{
	reading->rel = table_open(store_relation(table), AccessShareLock);
	reading->snapshot = RegisterSnapshot(GetLatestSnapshot());
	reading->slot = table_slot_create(reading->rel, NULL);
	reading->scan = table_beginscan(reading->rel, reading->snapshot, 0, NULL);
}

static bool
reading_next(Reading *reading)
{
	if (!table_scan_getnextslot(reading->scan, ForwardScanDirection,
								reading->slot))
		return false;
	slot_getallattrs(reading->slot);
	return true;
}

static void
reading_end(Reading *reading)
{
	table_endscan(reading->scan);
	ExecDropSingleTupleTableSlot(reading->slot);
	UnregisterSnapshot(reading->snapshot);
	table_close(reading->rel, AccessShareLock);
}

/*--- this database's place ---*/

static pg_uuid_t
read_incarnation(void)
{
	Reading		reading;
	pg_uuid_t	incarnation = {{0}};
	bool		found;

	reading_begin(&reading, "workflow_identity");
	found = reading_next(&reading);
	if (found)
		incarnation =
			*DatumGetUUIDP(reading.slot->tts_values[IDENTITY_INCARNATION - 1]);
	reading_end(&reading);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"workflow_identity\" has no row, but the engine needs one"),
				 errdetail("Until it is there, nothing is fired or executed in this database."),
				 errhint("INSERT INTO workflow_identity DEFAULT VALUES makes this database a new place: the runs that it has stand still until wf_accept_place is called.")));
	return incarnation;
}

static int64
compute_place(void)
{
	pg_uuid_t	incarnation = read_incarnation();
	uint64		system_identifier = GetSystemIdentifier();
	StringInfoData buf;
	int64		place;

	initStringInfo(&buf);
	appendBinaryStringInfo(&buf, (const char *) &system_identifier,
						   sizeof(system_identifier));
	appendBinaryStringInfo(&buf, (const char *) &MyDatabaseId,
						   sizeof(MyDatabaseId));
	appendBinaryStringInfo(&buf, (const char *) &incarnation,
						   sizeof(incarnation));
	appendStringInfoString(&buf, wf_site);
	place = (int64) hash_bytes_extended((const unsigned char *) buf.data,
										buf.len, 0);
	pfree(buf.data);
	return place != 0 ? place : 1;
}

int64
store_place(void)
{
	uint64		generation = store_tables_generation();

	if (own_place != 0 && own_generation == generation)
		return own_place;
	own_place = 0;
	store_check_tables(STORE_TABLES_OF_FIRE);
	generation = store_tables_generation();
	own_place = compute_place();
	own_generation = generation;
	return own_place;
}

/*--- the places whose runs are executed here ---*/

int
store_places(int64 **places)
{
	int64		here = store_place();
	int			max = 4;
	int			n = 0;
	Reading		reading;

	*places = palloc(sizeof(int64) * max);
	(*places)[n++] = here;
	reading_begin(&reading, "workflow_places");
	while (reading_next(&reading))
	{
		Datum	   *values = reading.slot->tts_values;

		if (DatumGetInt64(values[PLACES_HERE - 1]) != here)
			continue;
		if (n == max)
		{
			max *= 2;
			*places = repalloc(*places, sizeof(int64) * max);
		}
		(*places)[n++] = DatumGetInt64(values[PLACES_ACCEPTED - 1]);
	}
	reading_end(&reading);
	return n;
}

static Datum
array_of_places(const int64 *places, int n)
{
	Datum	   *datums = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		datums[i] = Int64GetDatum(places[i]);
	return PointerGetDatum(construct_array(datums, n, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

Datum
store_places_array(void)
{
	int64	   *places;
	int			n = store_places(&places);

	return array_of_places(places, n);
}

bool
store_belongs_here(int64 place, bool isnull)
{
	int64	   *places;
	bool		found = false;
	int			n;

	if (isnull)
		return false;
	if (place == store_place())
		return true;
	n = store_places(&places);
	for (int i = 0; i < n; i++)
		found |= places[i] == place;
	pfree(places);
	return found;
}

/*--- rows that are inserted ---*/

/*
 * A place for rows that are restored into the very database that they were
 * dumped from (--data-only).  What was queued in them has been executed since,
 * so they must not have this database's place; nor 0, or one restore would be
 * accepted along with another.  So each session that restores draws a number,
 * and another one after that was accepted.
 */
static int64
place_of_restore(void)
{
	while (restored_place == 0 || restored_place == own_place ||
		   store_belongs_here(restored_place, false))
		if (!pg_strong_random(&restored_place, sizeof(restored_place)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate a random place")));
	return restored_place;
}

/*
 * A restore is recognized by check_function_bodies, which the scripts of
 * pg_dump and pg_restore turn off.  Every role can do that; here it is enough,
 * since it only keeps the row from being executed.  Whatever a session does
 * about that setting, what it fires is no part of a restore: fire_statement.c
 * inserts as the owner of the tables, in a changed security context.
 */
int64
store_place_of_inserted(const int64 *given)
{
	if (check_function_bodies || InLocalUserIdChange())
		return given != NULL ? *given : store_place();
	if (given == NULL)
		return 0;
	return *given == store_place() ? place_of_restore() : *given;
}

/*--- what came in from elsewhere ---*/

/* Is it among the accepted ones, which follow the first? */
static bool
is_accepted(int64 place, const int64 *places, int n)
{
	for (int i = 1; i < n; i++)
		if (places[i] == place)
			return true;
	return false;
}

/* Puts it into the list, which is sorted, unless it is there. */
static List *
add_foreign(List *list, int64 place, bool accepted)
{
	ForeignPlace *foreign;
	int			i;

	for (i = 0; i < list_length(list); i++)
	{
		foreign = list_nth(list, i);
		if (foreign->place > place)
			break;
		if (foreign->place == place)
		{
			foreign->accepted &= accepted;
			return list;
		}
	}
	foreign = palloc(sizeof(ForeignPlace));
	foreign->place = place;
	foreign->accepted = accepted;
	return list_insert_nth(list, i, foreign);
}

List *
store_foreign_places(bool with_held)
{
	MemoryContext caller = CurrentMemoryContext;
	int64	   *places;
	int			n = store_places(&places);
	Datum		values[2] = {Int64GetDatum(places[0]),
	BoolGetDatum(with_held)};
	List	   *list = NIL;

	for (int i = 1; i < n; i++)
		list = add_foreign(list, places[i], true);
	SPI_connect();
	store_execute(STORE_FOREIGN_PLACES, values, NULL, false, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		MemoryContext spi = MemoryContextSwitchTo(caller);
		bool		isnull;
		Datum		datum = SPI_getbinval(SPI_tuptable->vals[i],
										  SPI_tuptable->tupdesc, 1, &isnull);
		int64		place = isnull ? 0 : DatumGetInt64(datum);

		list = add_foreign(list, place,
						   !isnull && is_accepted(place, places, n));
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	pfree(places);
	return list;
}

Datum
store_foreign_array(void)
{
	List	   *list = store_foreign_places(false);
	int64	   *places = palloc(sizeof(int64) * Max(list_length(list), 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, list)
	{
		ForeignPlace *foreign = lfirst(lc);

		if (!foreign->accepted)
			places[n++] = foreign->place;
	}
	return array_of_places(places, n);
}

int64
store_count_place(int64 place, const pg_uuid_t *tenant, int64 max,
				  TimestampTz *oldest)
{
	Datum		values[3] = {Int64GetDatum(place), UUIDPGetDatum(tenant),
	Int64GetDatum(max)};
	char		nulls[] = {' ', tenant == NULL ? 'n' : ' ',
	max == 0 ? 'n' : ' ', '\0'};
	bool		isnull;
	int64		count;
	Datum		datum;

	SPI_connect();
	store_execute(STORE_COUNT_PLACE, values, nulls, false, 0);
	count = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
										SPI_tuptable->tupdesc, 1, &isnull));
	datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2,
						  &isnull);
	if (oldest != NULL)
		*oldest = isnull ? 0 : DatumGetTimestampTz(datum);
	SPI_finish();
	return count;
}

Datum
store_open_ids(int64 place)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext spi;
	Datum		values[2] = {Int64GetDatum(place), (Datum) 0};
	bool		isnull;
	Datum		ids;

	SPI_connect();
	store_execute(STORE_OPEN_IDS, values, " n", false, 0);
	ids = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						&isnull);
	spi = MemoryContextSwitchTo(caller);
	ids = datumCopy(ids, false, -1);
	MemoryContextSwitchTo(spi);
	SPI_finish();
	return ids;
}

int64
store_foreign_runs(const pg_uuid_t *tenant, int64 max)
{
	List	   *list = store_foreign_places(false);
	int64		count = 0;
	ListCell   *lc;

	Assert(max > 0);
	foreach(lc, list)
	{
		ForeignPlace *foreign = lfirst(lc);

		if (foreign->accepted)
			continue;
		count += store_count_place(foreign->place, tenant,
								   max - count, NULL);
		if (count >= max)
			break;
	}
	list_free_deep(list);
	return count;
}
