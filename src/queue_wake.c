/*
 * queue_wake.c
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
#include "clock.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "queue.h"
#include "queue_internal.h"
#include "utils/wait_event.h"

#define CANCEL_MS 1000			/* before a step that takes long is cancelled */
#define LEAVE_MS (MAX_LEAVE_GRACE_MS + 500) /* before what is left is ended */
#define LEAVE_POLL_MS 10

/* What the end of this transaction will bring. */
static bool wake_at_commit = false;
static bool look_at_commit = false;
static bool probe_at_commit = false;
static bool settings_at_commit = false;
static bool has_bar = false;

/* Runs to hand over then; where a tenant has too many, one stands for all. */
#define MAX_PENDING 64
#define MAX_CROWDS 16
static int	npending = 0;
static DueRun pending[MAX_PENDING];
static int	ncrowds = 0;
static DueRun crowds[MAX_CROWDS];
static TimestampTz crowds_later = 0;	/* the first of their runs; 0: none */
static TimestampTz unnamed_from = 0;	/* the same, of further tenants */

/*--- at the end of a transaction ---*/

/* Wakes the workers of a database, except the one in that slot. */
static void
wake_workers(Oid database, const Slot *but)
{
	int			i;

	pg_memory_barrier();
	for (i = 0; i < QUEUE_MAX_WORKERS; i++)
	{
		Slot	   *slot = &queue_shared->slots[i];

		if (slot == but)
			continue;
		if (pg_atomic_read_u32(&queue_shared->live_database[i]) != database ||
			pg_atomic_read_u32(&slot->woken))
			continue;
		pg_atomic_write_u32(&slot->woken, 1);
		pg_memory_barrier();
		SetLatch(slot->latch);
	}
}

void
queue_wake_workers(Oid database)
{
	wake_workers(database, NULL);
}

void
queue_wake_others(void)
{
	wake_workers(MyDatabaseId, queue_my_slot());
}

void
queue_kick_launcher(void)
{
	Latch	   *latch = *((Latch *volatile *) &queue_shared->launcher);

	if (latch != NULL)
		SetLatch(latch);
}

static void
ask_for_probe(Oid database)
{
	int			i;

	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	for (i = 0; i < queue_shared->nprobes; i++)
		if (queue_shared->probes[i] == database)
			break;
	if (i == QUEUE_MAX_PROBES)
		queue_shared->probe_all = true;
	else if (i == queue_shared->nprobes)
		queue_shared->probes[queue_shared->nprobes++] = database;
	LWLockRelease(queue_shared->lock);
	queue_kick_launcher();
}

static void
lift_bars(void)
{
	int			i;

	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	for (i = 0; i < QUEUE_MAX_BARS; i++)
		if (queue_shared->bars[i].pid == MyProcPid)
			memset(&queue_shared->bars[i], 0, sizeof(Bar));
	LWLockRelease(queue_shared->lock);
	queue_kick_launcher();
}

/* True: workers must be woken for them. */
static bool
hand_over_runs(void)
{
	TimestampTz now = clock_now();
	bool		wake = npending > 0 && queue_put_runs(pending, npending, now);

	for (int i = 0; i < ncrowds; i++)
		wake |= queue_put_crowd(&crowds[i], now);
	if (crowds_later != 0)
		wake |= queue_put_timer(crowds_later);
	if (look_at_commit || (unnamed_from != 0 && unnamed_from <= now))
	{
		queue_want_look();
		wake = true;
	}
	return wake;
}

static void
at_commit(void)
{
	if (wake_at_commit && hand_over_runs())
		queue_wake_workers(MyDatabaseId);
	if (probe_at_commit)
		ask_for_probe(MyDatabaseId);
	if (settings_at_commit)
		pg_atomic_fetch_add_u32(&queue_shared->new_settings, 1);
}

/* An end either way: forget what was to come, and lift the bars. */
static void
at_end(void)
{
	wake_at_commit = false;
	look_at_commit = false;
	npending = ncrowds = 0;
	crowds_later = unnamed_from = 0;
	probe_at_commit = false;
	settings_at_commit = false;
	if (has_bar)
		lift_bars();
	has_bar = false;
}

static void
at_transaction_event(XactEvent event, void *arg)
{
	if (queue_shared == NULL)
		return;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			at_commit();
			at_end();
			break;
		case XACT_EVENT_PREPARE:
			if (probe_at_commit || settings_at_commit)
				pg_atomic_write_u32(&queue_shared->news_prepared, 1);
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
queue_wake_install(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
}

/*--- what it is told ---*/

void
queue_wake_at_commit(void)
{
	wake_at_commit = true;
	look_at_commit = true;
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
note_crowd(const DueRun *run)
{
	int			i;

	not_after(&crowds_later, run->run_at);
	for (i = 0; i < ncrowds; i++)
		if (memcmp(&crowds[i].tenant_id, &run->tenant_id, UUID_LEN) == 0)
			break;
	if (i == MAX_CROWDS)
		not_after(&unnamed_from, run->run_at);
	else if (i == ncrowds)
		crowds[ncrowds++] = *run;
	else
	{
		crowds[i].priority = Max(crowds[i].priority, run->priority);
		crowds[i].run_at = Min(crowds[i].run_at, run->run_at);
	}
}

void
queue_run_at_commit(const DueRun *run)
{
	wake_at_commit = true;
	if (npending < MAX_PENDING)
		pending[npending++] = *run;
	else
		note_crowd(run);
}

void
queue_probe_at_commit(void)
{
	probe_at_commit = true;
}

void
queue_new_settings_at_commit(void)
{
	settings_at_commit = true;
}

uint32
queue_new_settings(void)
{
	return pg_atomic_read_u32(&queue_shared->new_settings);
}

bool
queue_news_were_prepared(void)
{
	return queue_shared != NULL &&
		pg_atomic_read_u32(&queue_shared->news_prepared) != 0;
}

int
queue_take_probes(Oid databases[QUEUE_MAX_PROBES], bool *all)
{
	int			n;

	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	n = queue_shared->nprobes;
	memcpy(databases, queue_shared->probes, sizeof(Oid) * n);
	*all = queue_shared->probe_all;
	queue_shared->nprobes = 0;
	queue_shared->probe_all = false;
	LWLockRelease(queue_shared->lock);
	return n;
}

/*--- bars ---*/

bool
queue_find_bar(Oid database)
{
	int			i;

	for (i = 0; i < QUEUE_MAX_BARS; i++)
		if (queue_shared->bars[i].database == database)
			return true;
	return false;
}

bool
queue_barred(Oid database)
{
	bool		barred;

	LWLockAcquire(queue_shared->lock, LW_SHARED);
	barred = queue_find_bar(database);
	LWLockRelease(queue_shared->lock);
	return barred;
}

/* False where there is no room for another bar. */
static bool
place_bar(Oid database)
{
	Bar		   *free_bar = NULL;
	int			i;

	for (i = 0; i < QUEUE_MAX_BARS; i++)
	{
		Bar		   *bar = &queue_shared->bars[i];

		if (bar->database == database && bar->pid == MyProcPid)
			return true;
		if (bar->database == InvalidOid)
			free_bar = bar;
	}
	if (free_bar == NULL)
		return false;
	free_bar->database = database;
	free_bar->pid = MyProcPid;
	return true;
}

/*
 * Does something to each live worker of a database, while it cannot go.
 * Returns how many there are.
 */
static int
each_worker(Oid database, void (*work) (Slot *slot))
{
	int			n = 0;
	int			i;

	LWLockAcquire(queue_shared->lock, LW_SHARED);
	for (i = 0; i < QUEUE_MAX_WORKERS; i++)
	{
		Slot	   *slot = &queue_shared->slots[i];

		if (slot->state != SLOT_LIVE || slot->database != database)
			continue;
		if (work)
			work(slot);
		n++;
	}
	LWLockRelease(queue_shared->lock);
	return n;
}

/* Its process exists: it cannot end before it gets the lock that we hold. */
static void
terminate_worker(Slot *slot)
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
queue_bar_database(Oid database, LeaveWish wish)
{
	bool		placed;
	int			i;

	if (queue_shared == NULL || !OidIsValid(database))
		return;

	has_bar = true;
	LWLockAcquire(queue_shared->lock, LW_EXCLUSIVE);
	placed = place_bar(database);
	for (i = 0; placed && i < QUEUE_MAX_WORKERS; i++)
		if (queue_shared->slots[i].database == database)
			queue_ask_to_leave(i, wish);
	LWLockRelease(queue_shared->lock);

	if (!placed)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many databases are being dropped, renamed or copied at once"),
				 errhint("Try again when another such command has ended.")));
	wait_for_workers(database, wish);
}
