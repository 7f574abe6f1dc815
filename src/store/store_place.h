/*
 * store_place.h
 *	  Which runs and schedules belong to this database, and which came in with
 *	  a copy of another one.
 */
#ifndef WF_STORE_PLACE_H
#define WF_STORE_PLACE_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

/*
 * The place of this database: what column "place" of the runs and schedules
 * has that are made here.  Never 0.  Raises 55000 if workflow_identity has no
 * row, or if a column of our tables was altered.
 */
extern int64 store_place(void);

/*
 * The places whose runs are executed here: that of this database, which comes
 * first, and those that were accepted, as of now.  Returns how many; *places
 * is palloc'd.  And the same as a bigint[].
 */
extern int	store_places(int64 **places);
extern Datum store_places_array(void);

/* Is it one of them?  A null place is none. */
extern bool store_belongs_here(int64 place, bool isnull);

/*
 * The place that an inserted row gets, if it came with the given one or, given
 * NULL, with none.  In a restore nothing gets the place of this database.
 */
extern int64 store_place_of_inserted(const int64 *given);

/* A place that runs or schedules have, and that is not this database's. */
typedef struct ForeignPlace
{
	int64		place;			/* 0: it is not known; null counts as 0 */
	bool		accepted;		/* and none of its rows has a null place */
} ForeignPlace;

/*
 * The places of the runs that have not ended and of the schedules, and those
 * that were accepted, without this database's own.  List of ForeignPlace *,
 * palloc'd, in the order of their places.  By index: how many runs have ended
 * does not matter.  with_held: also if all that a place has are runs that are
 * held (run_at 'infinity'); then all runs that are held are read.
 */
extern List *store_foreign_places(bool with_held);

/* Those of them that were not accepted, as a bigint[]. */
extern Datum store_foreign_array(void);

/*
 * How many runs of that place have not ended, of that tenant (NULL: of all);
 * at most max are counted, without those that are held (0: all, with them).
 * *oldest, unless it is NULL, becomes when the first of them was fired, or 0.
 * By index.
 */
extern int64 store_count_place(int64 place, const pg_uuid_t *tenant, int64 max,
							   TimestampTz *oldest);

/* The ids of the runs of that place that have not ended, as a uuid[]. */
extern Datum store_open_ids(int64 place);

/*
 * How many runs stand still because their place is neither this database's nor
 * accepted, of that tenant (NULL: of all), without those that are held; at
 * most max are counted.
 */
extern int64 store_foreign_runs(const pg_uuid_t *tenant, int64 max);

#endif							/* WF_STORE_PLACE_H */
