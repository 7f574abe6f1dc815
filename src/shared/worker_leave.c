/*
 * worker_leave.c
 *	  Shared memory: workers that are to leave, and how soon.
 *
 * A worker is asked to leave by a mark in its slot: by the launcher, which
 * has too many, and by commands that its database's sessions would make fail.
 * It looks at the mark between two ticks.  SIGTERM says the same to a process,
 * whoever sends it, and is remembered in that process alone.
 *
 * How soon is the mark's own business: the last answers under way are worth
 * waiting for, but not if the database is about to be dropped with them.
 *
 * Nothing here takes a lock: the mark is an atomic number.  What is said of
 * signals is safe in a signal handler.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>

#include "shared/shared.h"
#include "shared/worker_leave.h"

static volatile sig_atomic_t stopping = false;

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

/* The latch is good only once the worker has entered: it looks then. */
void
worker_leave_ask(int slot, LeaveWish wish)
{
	WorkerSlot *s = &shared_state->slots[slot];

	if (pg_atomic_read_u32(&s->leave) < (uint32) wish)
		pg_atomic_write_u32(&s->leave, (uint32) wish);
	pg_memory_barrier();
	if (pg_atomic_read_u32(&shared_state->live_database[slot]) != InvalidOid)
		SetLatch(s->latch);
}
