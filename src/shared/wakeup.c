/*
 * wakeup.c
 *	  Shared memory: waking workers and the launcher.
 *
 * Runs in any backend, at the end of transactions among other places, so
 * nothing here takes a lock, allocates or raises.  Owns nothing.
 *
 * A wake-up is a flag in the worker's slot, and its latch.  A worker clears
 * its flag before it looks for work (worker_slot_take_wakeup).  A waker that
 * finds the flag set leaves the latch alone, so a worker that is busy is
 * signalled once, however many transactions commit meanwhile.
 *
 * Latches lie in PGPROCs, which are never freed: setting the latch of a worker
 * that has just ended wakes, for nothing, the process that has its PGPROC now.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "shared/wakeup.h"
#include "shared/worker_slot.h"
#include "shared/worker_slot_internal.h"
#include "storage/latch.h"

/*
 * Wakes the workers of a database, except the one in that slot (-1: all).
 * The first barrier is for what the caller has made known, the second for the
 * flag: the worker sees both if it sees its latch set.
 */
static void
wake_workers(Oid database, int except)
{
	pg_memory_barrier();
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		WorkerSlot *slot = &worker_slots->slots[i];

		if (i == except ||
			pg_atomic_read_u32(&worker_slots->live_database[i]) != database ||
			pg_atomic_read_u32(&slot->woken))
			continue;
		pg_atomic_write_u32(&slot->woken, 1);
		pg_memory_barrier();
		SetLatch(slot->latch);
	}
}

void
wakeup_workers(Oid database)
{
	wake_workers(database, -1);
}

void
wakeup_others(void)
{
	wake_workers(MyDatabaseId, worker_slot_number());
}

/* Read once: the launcher may end between the test and the use. */
void
wakeup_launcher(void)
{
	Latch	   *latch = *((Latch *volatile *) &worker_slots->launcher);

	if (latch != NULL)
		SetLatch(latch);
}
