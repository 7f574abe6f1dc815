/*
 * store_purge.h
 *	  Deletes what ended long ago, a batch at a time.
 */
#ifndef WF_STORE_PURGE_H
#define WF_STORE_PURGE_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "utils/uuid.h"

/*
 * How far a purge has come.  It goes by ascending id, which is by time, so
 * that it is found again by one id.
 */
typedef struct Purge
{
	TimestampTz before;			/* deletes runs that ended before this */
	pg_uuid_t	after;			/* the last id that was looked at */
	int			slice;			/* rows that the next statement looks at */
	uint64		deleted;		/* runs */
	uint64		locked;			/* runs left, since somebody had locked them */
	uint64		refused;		/* runs left, since a constraint or trigger
								 * that somebody has added refuses to lose
								 * them */
	char		refusal[256];	/* the first such error; or "" */
} Purge;

/* From the oldest run on. */
extern void purge_begin(Purge *purge, TimestampTz before);

/*
 * Deletes a batch in the transaction under way, as the owner of the tables, in
 * about max_ms milliseconds.  Waits for no row's lock.  False: there was no
 * more to look at.
 *
 * *purge tells afterwards how far it came; that holds only if the transaction
 * commits.  Raises what a statement raises, but for what "refused" counts.
 */
extern bool purge_batch(Purge *purge, int max_ms);

#endif							/* WF_STORE_PURGE_H */
