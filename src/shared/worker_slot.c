/*
 * worker_slot.c
 *	  Shared memory: the slots of the workers.
 *
 * The launcher reserves a slot, starts a process with the slot's number, the
 * process enters the slot as a worker, works, and leaves it on its way out;
 * the launcher reads how it ended and frees the slot.  A launcher that comes
 * anew finds the workers of the one before in their slots.
 *
 *		FREE --reserve--> STARTING --enter--> LIVE --leave--> LEFT
 *		  ^------------------release (the process is gone)-----'
 *
 * One lightweight lock guards the slots' states, the probes and the bars:
 * all rare.  What a worker says of itself stands behind a spinlock in its
 * slot.  What happens at each commit or for each row takes no lock at all
 * (wake-ups, see commit_wakeup.c, and worker_slot_epoch_alive).
 *
 * Nothing here survives the server, nor a crash of one of its processes:
 * the postmaster then makes the memory anew, and no old epoch is in it.
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
 *	 free for the taking, and rightly so; where the dying transaction had
 *	 locked it too, SKIP LOCKED passes it by until the abort.
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
#include "postmaster/bgworker.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "shared/launcher_slot.h"
#include "shared/shared.h"
#include "shared/wakeup.h"
#include "shared/worker_leave.h"
#include "shared/worker_slot.h"
#include "storage/ipc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

SharedState *shared_state = NULL;

static WorkerSlot *my_slot = NULL;	/* of this process, if it is a worker */
static int	my_number = -1;
static volatile sig_atomic_t terminated = false;	/* see
													 * worker_leave_note_terminate */

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

/*--- the memory ---*/

static void
request_memory(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(SharedState)) +
						   due_queue_size() + gate_memory_size());
	RequestNamedLWLockTranche("workflow_engine", 3);
}

static void
init_memory(SharedState *shared)
{
	int			i;

	memset(shared, 0, sizeof(SharedState));
	shared->lock = &(GetNamedLWLockTranche("workflow_engine"))->lock;
	pg_atomic_init_u32(&shared->news_prepared, 0);
	pg_atomic_init_u32(&shared->new_settings, 0);
	pg_atomic_init_u32(&shared->worker_ends, 0);
	for (i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		WorkerSlot *slot = &shared->slots[i];

		SpinLockInit(&slot->mutex);
		pg_atomic_init_u32(&slot->leave, 0);
		pg_atomic_init_u32(&slot->woken, 0);
		pg_atomic_init_u64(&shared->epoch[i], 0);
		pg_atomic_init_u32(&shared->live_database[i], InvalidOid);
	}
	aside_init(shared);
	crashed_step_init(shared);
}

static void
attach_memory(void)
{
	bool		found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared_state = ShmemInitStruct("workflow_engine", sizeof(SharedState),
								   &found);
	if (!found)
		init_memory(shared_state);
	due_queue_attach(&(GetNamedLWLockTranche("workflow_engine"))[1].lock);
	gate_memory_attach(&(GetNamedLWLockTranche("workflow_engine"))[2].lock);
	LWLockRelease(AddinShmemInitLock);
}

void
shared_install(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = attach_memory;
	wakeup_install();
	database_block_install();
}

bool
shared_attached(void)
{
	return shared_state != NULL;
}

/*--- of a worker ---*/

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

/* The exit code does not tell: that of an error is 1 as well. */
void
worker_leave_note_terminate(void)
{
	terminated = true;
}

static WorkerEnd
how_it_ends(WorkerSlot *slot, int code)
{
	if (slot->end == WORKER_END_LACKS)
		return WORKER_END_LACKS;
	if (pg_atomic_read_u32(&slot->leave) && (code == 0 || terminated))
		return WORKER_END_ASKED;
	if (terminated)
		return WORKER_END_TERMINATED;
	return slot->is_executing ? WORKER_END_STEP : WORKER_END_ERROR;
}

/* Takes this worker out of its slot; a before_shmem_exit callback. */
static void
leave_slot(int code, Datum arg)
{
	WorkerSlot *slot = my_slot;

	if (how_it_ends(slot, code) == WORKER_END_STEP)
		crashed_step_report(&slot->executing);
	my_slot = NULL;
	slot->in_long_step = false;
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	pg_atomic_write_u32(&shared_state->live_database[my_number], InvalidOid);
	pg_atomic_write_u64(&shared_state->epoch[my_number], 0);
	slot->end = how_it_ends(slot, code);
	slot->state = SLOT_LEFT;
	LWLockRelease(shared_state->lock);
	due_want_rescan();			/* ids that it had taken go with it */
	pg_atomic_fetch_add_u32(&shared_state->worker_ends, 1);
	wakeup_workers(MyDatabaseId);	/* its runs are theirs now */
	wakeup_launcher();
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

WorkerSlot *
worker_slot_mine(void)
{
	return my_slot;
}

/* Moves the slot from STARTING to LIVE; false where it is not ours to move. */
static bool
take_slot(int number, uint32 generation, int64 epoch)
{
	WorkerSlot *slot = &shared_state->slots[number];
	bool		ours;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	ours = slot->state == SLOT_STARTING && slot->generation == generation &&
		slot->database == MyDatabaseId;
	if (ours)
	{
		slot->state = SLOT_LIVE;
		slot->since = GetCurrentTimestamp();
		slot->latch = MyLatch;
		slot->is_executing = slot->in_long_step = slot->had_leave = false;
		slot->wanted_leave = 0;
		slot->quit = false;
		fill_status(slot, epoch);
		pg_write_barrier();
		pg_atomic_write_u32(&shared_state->live_database[number],
							MyDatabaseId);
		pg_atomic_write_u64(&shared_state->epoch[number], (uint64) epoch);
	}
	LWLockRelease(shared_state->lock);
	return ours;
}

int64
worker_slot_enter(int slot)
{
	uint32		generation;
	int64		epoch = new_epoch();

	memcpy(&generation, MyBgworkerEntry->bgw_extra + sizeof(Oid),
		   sizeof(generation));
	if (slot < 0 || slot >= MAX_WORKER_SLOTS ||
		!take_slot(slot, generation, epoch))
		ereport(FATAL,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("worker slot %d is not reserved for this process",
						slot)));
	my_number = slot;
	my_slot = &shared_state->slots[slot];
	before_shmem_exit(leave_slot, (Datum) 0);
	due_enter_worker();
	return epoch;
}

/* In these states a worker may be asked to give way. */
static bool
is_idle_state(const char *state)
{
	return strcmp(state, "idle") == 0 || strcmp(state, "paused") == 0 ||
		strcmp(state, "pausing") == 0;
}

/* A change from "starting" is news for the launcher. */
void
worker_slot_set_state(const char *state)
{
	bool		idle = is_idle_state(state);
	bool		found_extension = strcmp(state, "starting") != 0;
	bool		news;

	if (my_slot == NULL)
		return;
	SpinLockAcquire(&my_slot->mutex);
	strlcpy(my_slot->status.state, state, sizeof(my_slot->status.state));
	my_slot->idle = idle;
	news = found_extension && !my_slot->found_extension;
	my_slot->found_extension = found_extension;
	SpinLockRelease(&my_slot->mutex);
	if (news)
		wakeup_launcher();
}

/* A look around that finds nothing to do does not end idleness. */
void
worker_slot_count_work(int in_flight, int64 more_runs, int64 more_steps)
{
	bool		worked = in_flight > 0 || more_runs > 0 || more_steps > 0;
	TimestampTz now = worked ? GetCurrentTimestamp() : 0;

	if (my_slot == NULL)
		return;
	SpinLockAcquire(&my_slot->mutex);
	my_slot->status.in_flight = in_flight;
	my_slot->status.runs_done += more_runs;
	my_slot->status.steps_done += more_steps;
	if (worked)
		my_slot->last_work = now;
	SpinLockRelease(&my_slot->mutex);
}

/* What does not fit is cut, between characters. */
void
worker_slot_set_error(const char *message)
{
	char		cut[sizeof(my_slot->status.last_error)];
	int			len;

	if (my_slot == NULL)
		return;
	len = pg_mbcliplen(message, strlen(message), sizeof(cut) - 1);
	memcpy(cut, message, len);
	memset(cut + len, 0, sizeof(cut) - len);

	SpinLockAcquire(&my_slot->mutex);
	memcpy(my_slot->status.last_error, cut, sizeof(cut));
	SpinLockRelease(&my_slot->mutex);
}

/* What changes meanwhile does no harm: it is a matter of who does what. */
bool
worker_slot_others_idle(void)
{
	for (int i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		const WorkerSlot *slot = &shared_state->slots[i];

		if (slot != my_slot && slot->idle &&
			pg_atomic_read_u32(&shared_state->live_database[i]) ==
			MyDatabaseId)
			return true;
	}
	return false;
}

uint32
worker_slot_ended_count(void)
{
	return pg_atomic_read_u32(&shared_state->worker_ends);
}

bool
worker_slot_take_wakeup(void)
{
	return my_slot != NULL &&
		pg_atomic_exchange_u32(&my_slot->woken, 0) != 0;
}

void
worker_slot_lacks_extension(Oid database)
{
	if (my_slot == NULL || database != MyDatabaseId)
		return;
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	my_slot->end = WORKER_END_LACKS;
	LWLockRelease(shared_state->lock);
}

/*--- of anybody ---*/

bool
worker_slot_epoch_alive(int64 epoch)
{
	int			i;

	if (shared_state == NULL || epoch == 0)
		return false;
	for (i = 0; i < MAX_WORKER_SLOTS; i++)
		if (pg_atomic_read_u64(&shared_state->epoch[i]) == (uint64) epoch)
			return true;
	return false;
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
	int			i;

	*workers = palloc(sizeof(WorkerStatus) * MAX_WORKER_SLOTS);
	if (shared_state == NULL)
		return 0;
	for (i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		/* The epoch tells a slot that was left, or entered anew, meanwhile. */
		uint64		epoch = pg_atomic_read_u64(&shared_state->epoch[i]);

		if (epoch == 0)
			continue;
		copy_status(&shared_state->slots[i], &(*workers)[n]);
		if ((*workers)[n].epoch == (int64) epoch)
			n++;
	}
	return n;
}
