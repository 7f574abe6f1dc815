/*
 * worker_life.c
 *	  Shared memory: how a process becomes a worker, and ceases to be one.
 *
 * Runs in workers.  The launcher has reserved a slot and started a process
 * with the slot's number and generation.  The process enters the slot,
 * works, and leaves it on its way out, whatever ends it; it writes into the
 * slot how it ended, which the launcher reads before it frees the slot.
 * README.md draws the states.
 *
 * Owns nothing.  A process that crashes does not leave its slot: the
 * postmaster then makes the memory anew.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "shared/long_step.h"
#include "shared/wakeup.h"
#include "shared/worker_leave.h"
#include "shared/worker_life.h"
#include "shared/worker_slot.h"
#include "shared/worker_slot_internal.h"
#include "storage/ipc.h"
#include "utils/timestamp.h"

/*--- leaving ---*/

/* The exit code does not tell of SIGTERM: that of an error is 1 as well. */
static WorkerEnd
how_it_ends(const WorkerSlot *slot, int code)
{
	bool		terminated = worker_leave_was_terminated();

	if (slot->end == WORKER_END_LACKS)
		return WORKER_END_LACKS;
	if (worker_leave_wish() != LEAVE_NOT && (code == 0 || terminated))
		return WORKER_END_ASKED;
	if (terminated)
		return WORKER_END_TERMINATED;
	return crashed_step_has_run() ? WORKER_END_STEP : WORKER_END_ERROR;
}

/*
 * Takes this worker out of its slot; a before_shmem_exit callback.  The queue
 * and the other workers come after the epoch is gone: they are to see that
 * the runs of this worker are free.
 */
static void
leave_slot(int code, Datum arg)
{
	WorkerSlot *slot = worker_slot_mine();
	int			number = worker_slot_number();
	WorkerEnd	end = how_it_ends(slot, code);

	crashed_step_leave(end == WORKER_END_STEP);
	long_step_end();
	worker_slot_set_number(-1);
	LWLockAcquire(worker_slots->lock, LW_EXCLUSIVE);
	pg_atomic_write_u32(&worker_slots->live_database[number], InvalidOid);
	pg_atomic_write_u64(&worker_slots->epoch[number], 0);
	slot->end = end;
	slot->state = SLOT_LEFT;
	LWLockRelease(worker_slots->lock);
	due_leave_worker();
	pg_atomic_fetch_add_u32(&worker_slots->nended, 1);
	wakeup_workers(MyDatabaseId);
	wakeup_launcher();
}

/*--- entering ---*/

/* A positive random number of 63 bits: none will ever come twice. */
static int64
new_epoch(void)
{
	uint64		epoch = 0;

	while (epoch == 0)
	{
		if (!pg_strong_random(&epoch, sizeof(epoch)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate a random worker epoch")));
		epoch &= PG_INT64_MAX;
	}
	return (int64) epoch;
}

static void
fill_status(WorkerSlot *slot, int64 epoch)
{
	WorkerStatus status = {0};

	status.pid = MyProcPid;
	status.database = MyDatabaseId;
	status.epoch = epoch;
	status.started_at = GetCurrentTimestamp();
	strlcpy(status.state, "starting", sizeof(status.state));

	SpinLockAcquire(&slot->mutex);
	slot->status = status;
	slot->found_extension = false;
	slot->idle = false;
	slot->last_work = status.started_at;
	SpinLockRelease(&slot->mutex);
}

/*
 * Moves the slot from STARTING to LIVE; false if it is not reserved for this
 * process.  Whoever reads live_database may use the latch, so the latch is
 * written before.
 */
static bool
enter_slot(int number, uint32 generation, int64 epoch)
{
	WorkerSlot *slot = &worker_slots->slots[number];
	bool		ours;

	LWLockAcquire(worker_slots->lock, LW_EXCLUSIVE);
	ours = slot->state == SLOT_STARTING && slot->generation == generation &&
		slot->database == MyDatabaseId;
	if (ours)
	{
		slot->state = SLOT_LIVE;
		slot->since = GetCurrentTimestamp();
		slot->latch = MyLatch;
		crashed_step_enter(number);
		long_step_enter(number);
		fill_status(slot, epoch);
		pg_write_barrier();
		pg_atomic_write_u32(&worker_slots->live_database[number],
							MyDatabaseId);
		pg_atomic_write_u64(&worker_slots->epoch[number], (uint64) epoch);
	}
	LWLockRelease(worker_slots->lock);
	return ours;
}

int64
worker_life_begin(int slot)
{
	uint32		generation;
	int64		epoch = new_epoch();

	memcpy(&generation, MyBgworkerEntry->bgw_extra + sizeof(Oid),
		   sizeof(generation));
	if (slot < 0 || slot >= MAX_WORKER_SLOTS ||
		!enter_slot(slot, generation, epoch))
		ereport(FATAL,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("worker slot %d is not reserved for this process",
						slot)));
	worker_slot_set_number(slot);
	before_shmem_exit(leave_slot, (Datum) 0);
	due_enter_worker();
	return epoch;
}

/*--- between ---*/

/* In these states a worker may be asked to make room. */
static bool
is_idle_state(const char *state)
{
	return strcmp(state, "idle") == 0 || strcmp(state, "paused") == 0 ||
		strcmp(state, "pausing") == 0;
}

void
worker_life_set_state(const char *state)
{
	WorkerSlot *slot = worker_slot_mine();
	bool		idle = is_idle_state(state);
	bool		found_extension = strcmp(state, "starting") != 0;
	bool		news;

	if (slot == NULL)
		return;
	SpinLockAcquire(&slot->mutex);
	strlcpy(slot->status.state, state, sizeof(slot->status.state));
	slot->idle = idle;
	news = found_extension && !slot->found_extension;
	slot->found_extension = found_extension;
	SpinLockRelease(&slot->mutex);
	if (news)
		wakeup_launcher();
}

void
worker_life_lacks_extension(Oid database)
{
	WorkerSlot *slot = worker_slot_mine();

	if (slot == NULL || database != MyDatabaseId)
		return;
	LWLockAcquire(worker_slots->lock, LW_EXCLUSIVE);
	slot->end = WORKER_END_LACKS;
	LWLockRelease(worker_slots->lock);
}
