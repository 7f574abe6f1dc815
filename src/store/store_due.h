/*
 * store_due.h
 *	  Which runs are due: what the queue in shared memory asks of the table.
 */
#ifndef WF_STORE_DUE_H
#define WF_STORE_DUE_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "shared/due_queue.h"
#include "store/store_pauses.h"

/*
 * Fills tenants with the next ones, after *after (NULL: from the first), that
 * have runs which were due when they were fired; with_later: also those with
 * runs that wait for their time, whether it has come or not.  Returns how
 * many there are, at most STORE_TENANTS_A_LOOK.
 */
#define STORE_TENANTS_A_LOOK 64
extern int	store_tenants_due(const pg_uuid_t *after, bool with_later,
							  pg_uuid_t *tenants);

/*
 * Fills runs with a tenant's next ones that are due, in their order, without
 * those of paused definitions; returns how many, at most reading->limit.
 */
extern int	store_read_due(const DueReading *reading, TimestampTz now,
						   const Pauses *pauses, DueRun *runs);

/*
 * Fills runs with those that were to wait for a moment after since and up to
 * now, the earliest first; returns how many, at most max.
 */
extern int	store_read_later(TimestampTz since, TimestampTz now,
							 DueRun *runs, int max);

/* When the next run that waits for its time is due, after now; 0: none. */
extern TimestampTz store_next_due(TimestampTz now);

#endif							/* WF_STORE_DUE_H */
