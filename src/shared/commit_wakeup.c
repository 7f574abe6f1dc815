/*
 * commit_wakeup.c
 *	  Shared memory: what commits announce, and databases that are barred.
 *
 * Runs in any backend of a server that has the library preloaded.  A
 * function notes what is to happen at the end of the current transaction in
 * static variables; one transaction callback, registered for good, does it.
 * It runs after the transaction's rows became visible to others, where
 * raising an error or allocating memory is out of the question: it hands ids
 * of runs over, sets flags and latches.  A transaction that is prepared loses
 * its wake-up (the sweep finds the runs); subtransactions are not told apart:
 * waking for nothing, or the id of a run that was rolled back, does no harm,
 * and a bar ends no later than its transaction.
 *
 * No wake-up is lost.  The waker makes its row visible and queues its id, then
 * reads the flag; the worker clears the flag, then looks into the queue and
 * takes a snapshot; a full barrier stands
 * between the two on either side.  So a waker that finds the flag set, and
 * leaves the latch alone, did so before the worker cleared it, and the
 * worker's snapshot has the row.  Latches lie in PGPROCs, which are never
 * freed: setting the latch of a worker that has just gone wakes whoever has
 * its PGPROC now, for nothing.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>

#include "access/xact.h"
#include "config/clock.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "shared/shared.h"
#include "shared/worker_slot.h"
#include "utils/wait_event.h"

#define CANCEL_MS 1000			/* before a step that takes long is cancelled */
#define LEAVE_MS (MAX_LEAVE_GRACE_MS + 500) /* before what is left is ended */
#define LEAVE_POLL_MS 10

/* What the end of this transaction will bring. */
static bool wake_at_commit = false;
static bool wants_rescan = false;
static bool wants_extension_check = false;
static bool settings_at_commit = false;
static bool has_block = false;

/* Runs to hand over then; where a tenant has too many, one stands for all. */
#define MAX_PENDING 64
#define MAX_CROWDS 16
static int	npending = 0;
static DueRun pending[MAX_PENDING];
static int	noverflow_tenants = 0;
static DueRun overflow_tenants[MAX_CROWDS];
static TimestampTz overflow_later = 0;	/* the first of their runs; 0: none */
static TimestampTz unnamed_from = 0;	/* the same, of further tenants */

/*--- at the end of a transaction ---*/

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
wake_launcher(void)
{
	Latch	   *latch = *((Latch *volatile *) &shared_state->launcher);

	if (latch != NULL)
		SetLatch(latch);
}

static void
ask_for_check(Oid database)
{
	int			i;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	for (i = 0; i < shared_state->nchecks; i++)
		if (shared_state->checks[i] == database)
			break;
	if (i == MAX_EXTENSION_CHECKS)
		shared_state->check_all = true;
	else if (i == shared_state->nchecks)
		shared_state->checks[shared_state->nchecks++] = database;
	LWLockRelease(shared_state->lock);
	wake_launcher();
}

static void
lift_blocks(void)
{
	int			i;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	for (i = 0; i < MAX_BLOCKS; i++)
		if (shared_state->blocks[i].pid == MyProcPid)
			memset(&shared_state->blocks[i], 0, sizeof(DatabaseBlock));
	LWLockRelease(shared_state->lock);
	wake_launcher();
}

/* True: workers must be woken for them. */
static bool
hand_over_runs(void)
{
	TimestampTz now = clock_now();
	bool		wake = npending > 0 && due_put_runs(pending, npending, now);

	for (int i = 0; i < noverflow_tenants; i++)
		wake |= due_put_overflow(&overflow_tenants[i], now);
	if (overflow_later != 0)
		wake |= due_put_timer(overflow_later);
	if (wants_rescan || (unnamed_from != 0 && unnamed_from <= now))
	{
		due_want_rescan();
		wake = true;
	}
	return wake;
}

static void
at_commit(void)
{
	if (wake_at_commit && hand_over_runs())
		wakeup_workers(MyDatabaseId);
	if (wants_extension_check)
		ask_for_check(MyDatabaseId);
	if (settings_at_commit)
		pg_atomic_fetch_add_u32(&shared_state->new_settings, 1);
}

/* An end either way: forget what was to come, and lift the bars. */
static void
at_end(void)
{
	wake_at_commit = false;
	wants_rescan = false;
	npending = noverflow_tenants = 0;
	overflow_later = unnamed_from = 0;
	wants_extension_check = false;
	settings_at_commit = false;
	if (has_block)
		lift_blocks();
	has_block = false;
}

static void
at_transaction_event(XactEvent event, void *arg)
{
	if (shared_state == NULL)
		return;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			at_commit();
			at_end();
			break;
		case XACT_EVENT_PREPARE:
			if (wants_extension_check || settings_at_commit)
				pg_atomic_write_u32(&shared_state->news_prepared, 1);
			at_end();
			break;
		case XACT_EVENT_ABORT:
			at_end();
			break;
		default:
			break;
	}
}

void
wakeup_install(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
}

/*--- what it is told ---*/

void
wakeup_at_commit(void)
{
	wake_at_commit = true;
	wants_rescan = true;
}

/*
 * Sets when to the earlier of both.  There, 0 is never, so the run_at that is
 * 0 becomes the next microsecond.
 */
static void
not_after(TimestampTz *when, TimestampTz run_at)
{
	if (run_at == 0)
		run_at = 1;
	if (*when == 0 || run_at < *when)
		*when = run_at;
}

/* The runs of a tenant that are too many to be told one by one. */
static void
note_overflow(const DueRun *run)
{
	int			i;

	not_after(&overflow_later, run->run_at);
	for (i = 0; i < noverflow_tenants; i++)
		if (memcmp(&overflow_tenants[i].tenant_id, &run->tenant_id, UUID_LEN) == 0)
			break;
	if (i == MAX_CROWDS)
		not_after(&unnamed_from, run->run_at);
	else if (i == noverflow_tenants)
		overflow_tenants[noverflow_tenants++] = *run;
	else
	{
		overflow_tenants[i].priority = Max(overflow_tenants[i].priority, run->priority);
		overflow_tenants[i].run_at = Min(overflow_tenants[i].run_at, run->run_at);
	}
}

void
wakeup_run_at_commit(const DueRun *run)
{
	wake_at_commit = true;
	if (npending < MAX_PENDING)
		pending[npending++] = *run;
	else
		note_overflow(run);
}

void
extension_check_at_commit(void)
{
	wants_extension_check = true;
}

void
new_settings_at_commit(void)
{
	settings_at_commit = true;
}

uint32
new_settings_count(void)
{
	return pg_atomic_read_u32(&shared_state->new_settings);
}

bool
news_were_prepared(void)
{
	return shared_state != NULL &&
		pg_atomic_read_u32(&shared_state->news_prepared) != 0;
}

int
extension_checks_take(Oid databases[MAX_EXTENSION_CHECKS], bool *all)
{
	int			n;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	n = shared_state->nchecks;
	memcpy(databases, shared_state->checks, sizeof(Oid) * n);
	*all = shared_state->check_all;
	shared_state->nchecks = 0;
	shared_state->check_all = false;
	LWLockRelease(shared_state->lock);
	return n;
}

/*--- bars ---*/

bool
database_find_block(Oid database)
{
	int			i;

	for (i = 0; i < MAX_BLOCKS; i++)
		if (shared_state->blocks[i].database == database)
			return true;
	return false;
}

bool
database_is_blocked(Oid database)
{
	bool		barred;

	LWLockAcquire(shared_state->lock, LW_SHARED);
	barred = database_find_block(database);
	LWLockRelease(shared_state->lock);
	return barred;
}

/* False where there is no room for another bar. */
static bool
place_block(Oid database)
{
	DatabaseBlock *free_block = NULL;
	int			i;

	for (i = 0; i < MAX_BLOCKS; i++)
	{
		DatabaseBlock *block = &shared_state->blocks[i];

		if (block->database == database && block->pid == MyProcPid)
			return true;
		if (block->database == InvalidOid)
			free_block = block;
	}
	if (free_block == NULL)
		return false;
	free_block->database = database;
	free_block->pid = MyProcPid;
	return true;
}

/*
 * Does something to each live worker of a database, while it cannot go.
 * Returns how many there are.
 */
static int
each_worker(Oid database, void (*work) (WorkerSlot *slot))
{
	int			n = 0;
	int			i;

	LWLockAcquire(shared_state->lock, LW_SHARED);
	for (i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		WorkerSlot *slot = &shared_state->slots[i];

		if (slot->state != SLOT_LIVE || slot->database != database)
			continue;
		if (work)
			work(slot);
		n++;
	}
	LWLockRelease(shared_state->lock);
	return n;
}

/* Its process exists: it cannot end before it gets the lock that we hold. */
static void
terminate_worker(WorkerSlot *slot)
{
	kill(slot->status.pid, SIGTERM);
}

/*
 * Waits until the workers of a database have left.  One that is idle does so
 * at once, one in a tick after it, one with requests under way when it has
 * the answers.  The first SIGTERM cancels a step under way, the second ends
 * the process: a longer wait would be too late for the command's own patience
 * (5 s), and a native step loses nothing.
 */
static void
wait_for_workers(Oid database, LeaveWish wish)
{
	int			limit = wish == LEAVE_SOON ? LEAVE_MS : CANCEL_MS;
	int			waited;

	for (waited = 0; waited < limit; waited += LEAVE_POLL_MS)
	{
		if (each_worker(database, NULL) == 0)
			return;
		if (waited == CANCEL_MS)
			(void) each_worker(database, terminate_worker);
		(void) WaitLatch(MyLatch,
						 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LEAVE_POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	(void) each_worker(database, terminate_worker);
}

void
database_block(Oid database, LeaveWish wish)
{
	bool		placed;
	int			i;

	if (shared_state == NULL || !OidIsValid(database))
		return;

	has_block = true;
	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	placed = place_block(database);
	for (i = 0; placed && i < MAX_WORKER_SLOTS; i++)
		if (shared_state->slots[i].database == database)
			worker_ask_to_leave(i, wish);
	LWLockRelease(shared_state->lock);

	if (!placed)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many databases are being dropped, renamed or copied at once"),
				 errhint("Try again when another such command has ended.")));
	wait_for_workers(database, wish);
}
