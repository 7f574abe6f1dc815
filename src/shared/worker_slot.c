/*
 * worker_slot.c
 *	  Shared memory: which workers live, and what they say of themselves.
 *
 * A slot is reserved and freed by the launcher (launcher_slot.c); its worker
 * enters and leaves it (worker_life.c).  README.md draws the states.
 *
 * Runs in any backend.  One lightweight lock guards the slots' states, which
 * change rarely.  What a worker says of itself is guarded by a spinlock in its
 * slot.  What happens at each commit or for each row takes no lock at all
 * (wakeup.c, worker_slot_epoch_alive).
 *
 * Nothing here survives the server, nor a crash of one of its processes: the
 * postmaster then makes the memory anew, and no old epoch is in it.
 *
 * An epoch owns runs.  Order of events, and why each moment is right:
 * - A worker's epoch is in its slot before it claims anything, so a run
 *	 whose committed owner is E was claimed while E was there.
 * - Callbacks before shared memory's end run last registered first, so the
 *	 epoch goes before the server's own callback aborts the transaction under
 *	 way, and others see E as gone while rows are still locked by it.  A
 *	 process in proc_exit commits no more.  A run that the dying transaction
 *	 had claimed is still queued for everybody else, and locked: skipped, and
 *	 found by the next sweep.  A run that E owned by an earlier commit is
 *	 free for the taking, and rightly so; if the dying transaction had locked
 *	 it too, SKIP LOCKED passes it by until the abort.
 * - A snapshot taken before E's last commit may show an owner that is gone
 *	 by the time it is asked for.  The row lock then meets the newer version
 *	 and the statement's conditions are checked again on that one; so a
 *	 take-over must state the owner and the status in the same statement that
 *	 locks the row.
 */
#include "postgres.h"
#include "compat.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "shared/shared.h"
#include "shared/worker_slot.h"
#include "shared/worker_slot_internal.h"
#include "utils/timestamp.h"

/* The memory; the same address in every process. */
WorkerSlots *worker_slots = NULL;

/* Of the slot of this process; -1 if it is no worker. */
static int	my_number = -1;

static void
attach(void *memory, LWLock *lock, bool is_new)
{
	worker_slots = memory;
	if (!is_new)
		return;
	worker_slots->lock = lock;
	pg_atomic_init_u32(&worker_slots->nended, 0);
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		WorkerSlot *slot = &worker_slots->slots[i];

		SpinLockInit(&slot->mutex);
		pg_atomic_init_u32(&slot->leave, 0);
		pg_atomic_init_u32(&slot->woken, 0);
		pg_atomic_init_u64(&worker_slots->epoch[i], 0);
		pg_atomic_init_u32(&worker_slots->live_database[i], InvalidOid);
	}
}

const SharedPart worker_slot_part = {
	.name = "workflow_engine",
	.size = sizeof(WorkerSlots),
	.lock = SHARED_LOCK_SLOTS,
	.attach = attach
};

/*--- of the worker that this process is ---*/

WorkerSlot *
worker_slot_mine(void)
{
	return my_number < 0 ? NULL : &worker_slots->slots[my_number];
}

int
worker_slot_number(void)
{
	return my_number;
}

void
worker_slot_set_number(int number)
{
	Assert(number >= -1 && number < MAX_WORKER_SLOTS);
	my_number = number;
}

/* A tick that finds nothing to do does not end idleness. */
void
worker_slot_count_work(int in_flight, int64 more_runs, int64 more_steps)
{
	WorkerSlot *slot = worker_slot_mine();
	bool		worked = in_flight > 0 || more_runs > 0 || more_steps > 0;
	TimestampTz now = worked ? GetCurrentTimestamp() : 0;

	if (slot == NULL)
		return;
	SpinLockAcquire(&slot->mutex);
	slot->status.in_flight = in_flight;
	slot->status.runs_done += more_runs;
	slot->status.steps_done += more_steps;
	if (worked)
		slot->last_work = now;
	SpinLockRelease(&slot->mutex);
}

/* The beginning of a message, as a slot holds it. */
static void
cut_message(const char *message, char cut[WORKER_ERROR_SIZE])
{
	int			len = pg_mbcliplen(message, strlen(message),
								   WORKER_ERROR_SIZE - 1);

	memset(cut, 0, WORKER_ERROR_SIZE);
	strlcpy(cut, message, len + 1);
}

static void
put_error(WorkerSlot *slot, const char cut[WORKER_ERROR_SIZE])
{
	SpinLockAcquire(&slot->mutex);
	memcpy(slot->status.last_error, cut, WORKER_ERROR_SIZE);
	SpinLockRelease(&slot->mutex);
}

/* The text is cut before the spinlock is taken: that calls functions. */
void
worker_slot_set_error(const char *message)
{
	WorkerSlot *slot = worker_slot_mine();
	char		cut[WORKER_ERROR_SIZE];

	if (slot == NULL)
		return;
	cut_message(message, cut);
	put_error(slot, cut);
}

/* The lock is exclusive, so that of several workers one is the first. */
bool
worker_slot_first_to_say(const char *message)
{
	WorkerSlot *mine = worker_slot_mine();
	char		cut[WORKER_ERROR_SIZE];
	bool		first = true;

	if (mine == NULL)
		return true;
	cut_message(message, cut);
	LWLockAcquire(worker_slots->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		WorkerSlot *slot = &worker_slots->slots[i];

		if (i == my_number || slot->state != SLOT_LIVE ||
			slot->database != MyDatabaseId)
			continue;
		SpinLockAcquire(&slot->mutex);
		first &= memcmp(slot->status.last_error, cut, sizeof(cut)) != 0;
		SpinLockRelease(&slot->mutex);
	}
	put_error(mine, cut);
	LWLockRelease(worker_slots->lock);
	return first;
}

bool
worker_slot_take_wakeup(void)
{
	WorkerSlot *slot = worker_slot_mine();

	return slot != NULL && pg_atomic_exchange_u32(&slot->woken, 0) != 0;
}

/*--- of all workers ---*/

bool
worker_slot_epoch_alive(int64 epoch)
{
	if (worker_slots == NULL || epoch == 0)
		return false;
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
		if (pg_atomic_read_u64(&worker_slots->epoch[i]) == (uint64) epoch)
			return true;
	return false;
}

bool
worker_slot_database_has_any(Oid database)
{
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
		if (pg_atomic_read_u32(&worker_slots->live_database[i]) == database)
			return true;
	return false;
}

/* Called in the postmaster after a crash, which takes no locks. */
bool
worker_slot_any_was_reserved(void)
{
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
		if (worker_slots->slots[i].generation != 0)
			return true;
	return false;
}

/*
 * Read without the spinlock: the caller only decides by it which worker does
 * something, so a change meanwhile does no harm.
 */
bool
worker_slot_others_idle(void)
{
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
		if (i != my_number && worker_slots->slots[i].idle &&
			pg_atomic_read_u32(&worker_slots->live_database[i]) ==
			MyDatabaseId)
			return true;
	return false;
}

uint32
worker_slot_ended_count(void)
{
	return pg_atomic_read_u32(&worker_slots->nended);
}

static void
copy_status(WorkerSlot *slot, WorkerStatus *status)
{
	SpinLockAcquire(&slot->mutex);
	*status = slot->status;
	SpinLockRelease(&slot->mutex);
}

int
worker_slot_list(WorkerStatus **workers)
{
	int			n = 0;

	*workers = palloc(sizeof(WorkerStatus) * MAX_WORKER_SLOTS);
	if (worker_slots == NULL)
		return 0;
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		/* The epoch tells a slot that was left, or entered anew, meanwhile. */
		uint64		epoch = pg_atomic_read_u64(&worker_slots->epoch[i]);

		if (epoch == 0)
			continue;
		copy_status(&worker_slots->slots[i], &(*workers)[n]);
		if ((*workers)[n].epoch == (int64) epoch)
			n++;
	}
	return n;
}
