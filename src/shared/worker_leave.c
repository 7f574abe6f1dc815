/*
 * worker_leave.c
 *	  Shared memory: workers that are to leave, and how soon.
 *
 * A worker is asked to leave by a wish in its slot: by the launcher, if the
 * database has too many workers, and by commands that fail while a session is
 * connected to the database (database_block.c).  The worker reads the wish
 * between two ticks.  SIGTERM says the same to a process, whoever sends it,
 * and is remembered in that process alone.
 *
 * The wish says how soon: the last answers under way are worth waiting for,
 * but not if the database is about to be dropped with them.
 *
 * Nothing here takes a lock: the wish is an atomic number.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>

#include "shared/worker_leave.h"
#include "shared/worker_slot_internal.h"

/* What signal handlers of this process have noted. */
static volatile sig_atomic_t stopping = false;
static volatile sig_atomic_t terminated = false;

/*--- of a worker ---*/

void
worker_leave_set_stopping(void)
{
	stopping = true;
}

bool
worker_leave_is_stopping(void)
{
	return stopping;
}

void
worker_leave_note_terminate(void)
{
	terminated = true;
}

bool
worker_leave_was_terminated(void)
{
	return terminated;
}

LeaveWish
worker_leave_wish(void)
{
	WorkerSlot *slot = worker_slot_mine();

	return slot == NULL ? LEAVE_NOT
		: (LeaveWish) pg_atomic_read_u32(&slot->leave);
}

void
worker_leave_ask_self(void)
{
	WorkerSlot *slot = worker_slot_mine();

	if (slot != NULL && worker_leave_wish() == LEAVE_NOT)
		pg_atomic_write_u32(&slot->leave, LEAVE_SOON);
}

/*--- of the launcher, and of commands ---*/

/*
 * The latch is valid only once the worker has entered; a worker that enters
 * later asks for the wish itself.
 */
void
worker_leave_ask(int slot, LeaveWish wish)
{
	WorkerSlot *s = &worker_slots->slots[slot];

	if (pg_atomic_read_u32(&s->leave) < (uint32) wish)
		pg_atomic_write_u32(&s->leave, (uint32) wish);
	pg_memory_barrier();
	if (pg_atomic_read_u32(&worker_slots->live_database[slot]) != InvalidOid)
		SetLatch(s->latch);
}
