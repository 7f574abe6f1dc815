/*
 * queue_launcher.c
 *	  Shared memory: the slots of the workers, as the launcher sees them.
 *
 * Runs in the launcher, which alone reserves and frees slots; queue.c draws
 * their states.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "queue.h"
#include "queue_internal.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"


static void
leave_launcher(int code, Datum arg)
{
	queue_shared->launcher = NULL;
}

void
queue_launcher_enter(void)
{
	queue_shared->launcher = MyLatch;
	before_shmem_exit(leave_launcher, (Datum) 0);
}

/* Fills what the slot's worker says of itself. */
static void
look_inside(Slot *slot, QueueSlot *copy)
{
	SpinLockAcquire(&slot->mutex);
	copy->settled = slot->settled;
	copy->idle_since = slot->idle && slot->status.in_flight == 0 ?
		slot->last_work : 0;
	SpinLockRelease(&slot->mutex);
}

void
queue_look(QueueSlot slots[QUEUE_MAX_WORKERS])
{
	int			i;

	memset(slots, 0, sizeof(QueueSlot) * QUEUE_MAX_WORKERS);
	LWLockAcquire(queue_shared->lock, LW_SHARED);
	for (i = 0; i < QUEUE_MAX_WORKERS; i++)
	{
		Slot	   *slot = &queue_shared->slots[i];

		slots[i].state = slot->state;
		slots[i].database = slot->database;
		slots[i].since = slot->since;
		slots[i].end = slot->end;
		slots[i].leaving = pg_atomic_read_u32(&slot->leave) != 0;
		if (slot->state == SLOT_LIVE)
			look_inside(slot, &slots[i]);
	}
	LWLockRelease(queue_shared->lock);
}

/* A bar that came a moment ago reaches the new worker like any other. */
int
queue_reserve(Oid database, uint32 *generation)
{
	int			i;

	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	for (i = 0; i < QUEUE_MAX_WORKERS; i++)
		if (queue_shared->slots[i].state == SLOT_FREE)
			break;
	if (i < QUEUE_MAX_WORKERS)
	{
		Slot	   *slot = &queue_shared->slots[i];

		slot->state = SLOT_STARTING;
		slot->database = database;
		slot->since = GetCurrentTimestamp();
		slot->end = WORKER_END_ERROR;
		pg_atomic_write_u32(&slot->leave, queue_find_bar(database)
							? LEAVE_AT_ONCE : LEAVE_NOT);
		pg_atomic_write_u32(&slot->woken, 0);
		*generation = ++slot->generation;
	}
	LWLockRelease(queue_shared->lock);
	return i < QUEUE_MAX_WORKERS ? i : -1;
}

WorkerEnd
queue_release(int slot, TimestampTz *since)
{
	Slot	   *s = &queue_shared->slots[slot];
	WorkerEnd	end;

	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	end = s->end;
	if (s->state == SLOT_STARTING && pg_atomic_read_u32(&s->leave))
		end = WORKER_END_ASKED;
	*since = s->since;
	s->state = SLOT_FREE;
	s->database = InvalidOid;
	LWLockRelease(queue_shared->lock);
	return end;
}
