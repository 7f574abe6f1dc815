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
#include "shared/shared.h"
#include "shared/wakeup.h"
#include "shared/worker_slot.h"
#include "storage/latch.h"

/* Wakes the workers of a database, except the one in that slot. */
static void
wake_workers(Oid database, const WorkerSlot *but)
{
	int			i;

	pg_memory_barrier();
	for (i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		WorkerSlot *slot = &shared_state->slots[i];

		if (slot == but)
			continue;
		if (pg_atomic_read_u32(&shared_state->live_database[i]) != database ||
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
	wake_workers(database, NULL);
}

void
wakeup_others(void)
{
	wake_workers(MyDatabaseId, worker_slot_mine());
}

void
wakeup_launcher(void)
{
	Latch	   *latch = *((Latch *volatile *) &shared_state->launcher);

	if (latch != NULL)
		SetLatch(latch);
}
