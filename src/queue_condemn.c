/*
 * queue_condemn.c
 *	  Runs that a worker could only get rid of by ending.
 *
 * A step can trap its own cancellation (EXCEPTION WHEN query_canceled), and
 * then nothing but the end of the process stops it.  The transaction goes
 * with the process, so the run would be taken and do the same again; hence
 * its id is left in shared memory on the way out, and the next worker of the
 * database fails it.  Guarded by the lock; lost in a crash of the server,
 * after which the run gets another chance.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "queue.h"
#include "queue_internal.h"

void
queue_condemn(const pg_uuid_t *run_id)
{
	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	if (queue_shared->ncondemned < QUEUE_MAX_CONDEMNED)
	{
		Condemned  *c = &queue_shared->condemned[queue_shared->ncondemned++];

		c->database = MyDatabaseId;
		c->run_id = *run_id;
	}
	LWLockRelease(queue_shared->lock);
}

/* Takes one of this database; false where there is none. */
bool
queue_take_condemned(pg_uuid_t *run_id)
{
	bool		found = false;

	if (queue_shared->ncondemned == 0)
		return false;			/* read without the lock: a hint */
	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < queue_shared->ncondemned && !found; i++)
	{
		Condemned  *c = &queue_shared->condemned[i];

		if (c->database != MyDatabaseId)
			continue;
		*run_id = c->run_id;
		*c = queue_shared->condemned[--queue_shared->ncondemned];
		found = true;
	}
	LWLockRelease(queue_shared->lock);
	return found;
}
