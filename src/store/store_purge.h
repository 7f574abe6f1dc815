/*
 * store_purge.h
 *	  Deletes what ended long ago, a batch at a time.
 */
#ifndef WF_STORE_PURGE_H
#define WF_STORE_PURGE_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "utils/uuid.h"

/* The tables that it deletes from, one after the other. */
typedef enum PurgeTable
{
	PURGE_RUNS,					/* that have ended */
	PURGE_OPERATIONS,			/* but for those on runs that are kept */
	PURGE_NTABLES
} PurgeTable;

/*
 * How far a purge has come.  It goes by ascending id, which is by time, so
 * that one id a table tells it.
 */
typedef struct Purge
{
	TimestampTz before;			/* deletes what ended before this */
	PurgeTable	table;			/* which comes next */
	pg_uuid_t	after[PURGE_NTABLES];	/* the last ids that were looked at */
	bool		has_left[PURGE_NTABLES];	/* rows that it looked at? */
	pg_uuid_t	left_after[PURGE_NTABLES];	/* the first is after this id */
	int			slice;			/* rows that the next statement looks at */
	uint64		deleted[PURGE_NTABLES];
	uint64		locked;			/* rows left, since somebody had locked them */
	uint64		refused;		/* rows left, since a constraint or trigger
								 * that somebody has added keeps them */
	char		refusal[256];	/* the first such error; or "" */
} Purge;

/* From the oldest row on. */
extern void purge_begin(Purge *purge, TimestampTz before);

/*
 * Counts from 0, and goes on with the first row that it has left.  What lies
 * before that need not be read again: between the ids of rows that were
 * deleted, an index scan has nothing to find, and finds it slowly until the
 * table is vacuumed.
 */
extern void purge_begin_again(Purge *purge, TimestampTz before);

/*
 * Deletes a batch in the transaction under way, as the owner of the tables, in
 * about max_ms milliseconds.  Waits for no row's lock.  False: there was no
 * more to look at; a further call looks at what has become old since.
 *
 * *purge tells afterwards how far it came; that holds only if the transaction
 * commits.  Raises what a statement raises, but for what "refused" counts.
 */
extern bool purge_batch(Purge *purge, int max_ms);

#endif							/* WF_STORE_PURGE_H */
