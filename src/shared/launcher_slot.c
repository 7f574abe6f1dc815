/*
 * launcher_slot.c
 *	  Shared memory: the slots of the workers, as the launcher sees them.
 *
 * Runs in the launcher, which alone reserves and frees slots; README.md draws
 * their states.  A new launcher finds the workers that the last one started in
 * their slots.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "shared/database_block.h"
#include "shared/launcher_slot.h"
#include "shared/worker_leave.h"
#include "shared/worker_slot.h"
#include "shared/worker_slot_internal.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

static void
leave_launcher(int code, Datum arg)
{
	worker_slots->launcher = NULL;
}

void
launcher_slot_enter(void)
{
	worker_slots->launcher = MyLatch;
	before_shmem_exit(leave_launcher, (Datum) 0);
}

/* Fills what the slot's worker says of itself. */
static void
copy_own_words(WorkerSlot *slot, LauncherSlot *copy)
{
	SpinLockAcquire(&slot->mutex);
	copy->found_extension = slot->found_extension;
	copy->idle_since = slot->idle && slot->status.in_flight == 0 ?
		slot->last_work : 0;
	SpinLockRelease(&slot->mutex);
}

void
launcher_slot_copy_all(LauncherSlot slots[MAX_WORKER_SLOTS])
{
	int			i;

	memset(slots, 0, sizeof(LauncherSlot) * MAX_WORKER_SLOTS);
	LWLockAcquire(worker_slots->lock, LW_SHARED);
	for (i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		WorkerSlot *slot = &worker_slots->slots[i];

		slots[i].state = slot->state;
		slots[i].database = slot->database;
		slots[i].since = slot->since;
		slots[i].end = slot->end;
		slots[i].leaving = pg_atomic_read_u32(&slot->leave) != 0;
		if (slot->state == SLOT_LIVE)
			copy_own_words(slot, &slots[i]);
	}
	LWLockRelease(worker_slots->lock);
}

/*
 * A block that came a moment ago reaches the new worker as it does any other:
 * the wish to leave stands in the slot before the process is started.
 */
int
launcher_slot_reserve(Oid database, uint32 *generation)
{
	int			i;

	LWLockAcquire(worker_slots->lock, LW_EXCLUSIVE);
	for (i = 0; i < MAX_WORKER_SLOTS; i++)
		if (worker_slots->slots[i].state == SLOT_FREE)
			break;
	if (i < MAX_WORKER_SLOTS)
	{
		WorkerSlot *slot = &worker_slots->slots[i];

		slot->state = SLOT_STARTING;
		slot->database = database;
		slot->since = GetCurrentTimestamp();
		slot->end = WORKER_END_ERROR;
		pg_atomic_write_u32(&slot->leave, database_is_blocked_locked(database)
							? LEAVE_AT_ONCE : LEAVE_NOT);
		pg_atomic_write_u32(&slot->woken, 0);
		*generation = ++slot->generation;
	}
	LWLockRelease(worker_slots->lock);
	return i < MAX_WORKER_SLOTS ? i : -1;
}

WorkerEnd
launcher_slot_release(int slot, TimestampTz *since)
{
	WorkerSlot *s = &worker_slots->slots[slot];
	WorkerEnd	end;

	LWLockAcquire(worker_slots->lock, LW_EXCLUSIVE);
	end = s->end;
	if (s->state == SLOT_STARTING && pg_atomic_read_u32(&s->leave))
		end = WORKER_END_ASKED;
	*since = s->since;
	s->state = SLOT_FREE;
	s->database = InvalidOid;
	LWLockRelease(worker_slots->lock);
	return end;
}
