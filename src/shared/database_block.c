/*
 * database_block.c
 *	  Shared memory: databases in which no worker may be for a moment.
 *
 * DROP DATABASE, ALTER DATABASE ... RENAME and the like fail while a session
 * is connected to the database, and workers are sessions.  So the backend that
 * executes such a command blocks the database first: it enters a block, asks
 * the workers to leave and waits for them.  A slot that the launcher reserves
 * meanwhile begins with the wish to leave, so a new worker ends before it
 * does anything.
 *
 *		database_block --> blocked --transaction ends, either way--> free
 *
 * Runs in any backend; owns whether this backend's transaction has a block.
 * A backend that ends aborts its transaction, so no block outlives it; a crash
 * of a process takes the memory with it.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "shared/database_block.h"
#include "shared/shared.h"
#include "shared/wakeup.h"
#include "shared/worker_leave.h"
#include "shared/worker_slot.h"
#include "shared/worker_slot_internal.h"
#include "storage/latch.h"
#include "utils/wait_event.h"

#define CANCEL_MS 1000			/* until a step under way is cancelled */
#define LEAVE_MS (MAX_LEAVE_GRACE_MS + 500) /* until the rest is ended */
#define LEAVE_POLL_MS 10

#define MAX_BLOCKS 64			/* commands under way that block a database */

typedef struct DatabaseBlock
{
	Oid			database;		/* InvalidOid: unused */
	int			pid;			/* whose transaction holds it */
} DatabaseBlock;

/* The memory: MAX_BLOCKS entries, guarded by the lock of the slots. */
static DatabaseBlock *blocks = NULL;

/* Has this transaction a block?  Spares other transactions the lock. */
static bool has_block = false;

/*--- at the end of a transaction ---*/

static void
lift_blocks(void)
{
	int			i;

	LWLockAcquire(worker_slots->lock, LW_EXCLUSIVE);
	for (i = 0; i < MAX_BLOCKS; i++)
		if (blocks[i].pid == MyProcPid)
			memset(&blocks[i], 0, sizeof(DatabaseBlock));
	LWLockRelease(worker_slots->lock);
	wakeup_launcher();
}

/* PREPARE TRANSACTION ends it too: no process would hold the block then. */
static void
at_transaction_event(XactEvent event, void *arg)
{
	if (!has_block)
		return;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			has_block = false;
			lift_blocks();
			break;
		default:
			break;
	}
}

static void
install(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
}

static void
attach(void *memory, LWLock *lock, bool is_new)
{
	blocks = memory;
}

const SharedPart database_block_part = {
	.name = "workflow_engine blocks",
	.size = sizeof(DatabaseBlock) * MAX_BLOCKS,
	.lock = SHARED_LOCK_SLOTS,
	.attach = attach,
	.install = install
};

/*--- blocks ---*/

bool
database_is_blocked_locked(Oid database)
{
	Assert(LWLockHeldByMe(worker_slots->lock));
	for (int i = 0; i < MAX_BLOCKS; i++)
		if (blocks[i].database == database)
			return true;
	return false;
}

bool
database_is_blocked(Oid database)
{
	bool		blocked;

	LWLockAcquire(worker_slots->lock, LW_SHARED);
	blocked = database_is_blocked_locked(database);
	LWLockRelease(worker_slots->lock);
	return blocked;
}

/* False if there is no room for another block. */
static bool
place_block(Oid database)
{
	DatabaseBlock *free_block = NULL;

	Assert(LWLockHeldByMeInMode(worker_slots->lock, LW_EXCLUSIVE));
	for (int i = 0; i < MAX_BLOCKS; i++)
	{
		DatabaseBlock *block = &blocks[i];

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

	LWLockAcquire(worker_slots->lock, LW_SHARED);
	for (i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		WorkerSlot *slot = &worker_slots->slots[i];

		if (slot->state != SLOT_LIVE || slot->database != database)
			continue;
		if (work)
			work(slot);
		n++;
	}
	LWLockRelease(worker_slots->lock);
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

	if (blocks == NULL || !OidIsValid(database))
		return;

	has_block = true;
	LWLockAcquire(worker_slots->lock, LW_EXCLUSIVE);
	placed = place_block(database);
	for (i = 0; placed && i < MAX_WORKER_SLOTS; i++)
		if (worker_slots->slots[i].database == database)
			worker_leave_ask(i, wish);
	LWLockRelease(worker_slots->lock);

	if (!placed)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many databases are being dropped, renamed or copied at once"),
				 errhint("Try again when another such command has ended.")));
	wait_for_workers(database, wish);
}
