/*
 * long_step.c
 *	  Shared memory: permission for steps that take long.
 *
 * Runs in workers.  Of several workers of a database one always stays free of
 * steps that may take long, so that a run which comes is begun soon.  A worker
 * asks for permission before such a step.  A worker that was refused comes
 * before the one that had the last permission.
 *
 * A matter of courtesy, not of correctness: nothing here outlives the worker.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "shared/long_step.h"
#include "shared/shared.h"
#include "shared/worker_slot.h"
#include "shared/worker_slot_internal.h"
#include "utils/timestamp.h"

/* A worker that still waits has asked again within this time. */
#define WAITS_US INT64CONST(500000)

/* Of the worker in the slot of the same number.  Guarded by the lock. */
typedef struct LongStep
{
	volatile bool is_under_way; /* its worker clears it without the lock */
	bool		had_permission; /* the last time that it asked */
	TimestampTz refused_at;		/* 0: it was not, or not since */
} LongStep;

/* The memory, one entry a slot; it has the lock of the slots. */
static LongStep *steps = NULL;

static void
attach(void *memory, LWLock *lock, bool is_new)
{
	steps = memory;
}

const SharedPart long_step_part = {
	.name = "workflow_engine long steps",
	.size = sizeof(LongStep) * MAX_WORKER_SLOTS,
	.lock = SHARED_LOCK_SLOTS,
	.attach = attach
};

void
long_step_enter(int slot)
{
	Assert(LWLockHeldByMeInMode(worker_slots->lock, LW_EXCLUSIVE));
	memset(&steps[slot], 0, sizeof(LongStep));
}

/* A refusal that lies in the future is of before the clock was set back. */
static bool
waits(const LongStep *step, TimestampTz now)
{
	return step->refused_at != 0 && step->refused_at <= now &&
		now - step->refused_at < WAITS_US;
}

bool
long_step_begin(void)
{
	int			number = worker_slot_number();
	TimestampTz now = GetCurrentTimestamp();
	LongStep   *own;
	int			nlive = 0;
	int			nlong = 0;
	bool		others_wait = false;
	bool		may;

	if (number < 0)
		return true;
	own = &steps[number];
	LWLockAcquire(worker_slots->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		if (pg_atomic_read_u32(&worker_slots->live_database[i]) !=
			MyDatabaseId)
			continue;
		nlive++;
		if (i == number)
			continue;
		nlong += steps[i].is_under_way;
		others_wait |= waits(&steps[i], now);
	}
	may = nlong < Max(nlive - 1, 1) && !(own->had_permission && others_wait);
	own->is_under_way = own->had_permission = may;
	own->refused_at = may ? 0 : now;
	LWLockRelease(worker_slots->lock);
	return may;
}

void
long_step_end(void)
{
	int			number = worker_slot_number();

	if (number >= 0)
		steps[number].is_under_way = false;
}
