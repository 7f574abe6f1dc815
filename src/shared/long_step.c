/*
 * long_step.c
 *	  Shared memory: leave for steps that take long.
 *
 * Runs in workers.  Of several workers of a database one always stays free of
 * steps that may take long, so that a run which comes is begun soon.  A worker
 * asks for leave before such a step.  A worker that was refused leave comes
 * before the one that had it last.
 *
 * A matter of courtesy, not of correctness: nothing here outlives the worker.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "shared/launcher_slot.h"
#include "shared/long_step.h"
#include "shared/shared.h"
#include "shared/worker_slot.h"
#include "utils/timestamp.h"

#define WISH_US INT64CONST(500000)	/* a worker that waits asks more often */

/*
 * Does it wait for leave?  Then whoever had leave last does not get it again
 * before.
 */
static bool
wants_leave(const WorkerSlot *slot, TimestampTz now)
{
	return slot->wanted_leave != 0 && slot->wanted_leave <= now &&
		now - slot->wanted_leave < WISH_US;
}

bool
long_step_begin(void)
{
	WorkerSlot *own = worker_slot_mine();
	TimestampTz now = GetCurrentTimestamp();
	int			nlive = 0;
	int			nlong = 0;
	bool		others_want = false;

	if (own == NULL)
		return true;
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		const WorkerSlot *slot = &shared_state->slots[i];

		if (slot->state != SLOT_LIVE || slot->database != MyDatabaseId)
			continue;
		nlive++;
		if (slot == own)
			continue;
		nlong += slot->in_long_step;
		others_want |= wants_leave(slot, now);
	}
	own->in_long_step = nlong < Max(nlive - 1, 1) &&
		!(own->had_leave && others_want);
	own->had_leave = own->in_long_step;
	own->wanted_leave = own->in_long_step ? 0 : now;
	LWLockRelease(shared_state->lock);
	return own->in_long_step;
}

void
long_step_end(void)
{
	WorkerSlot *own = worker_slot_mine();

	if (own != NULL)
		own->in_long_step = false;
}
