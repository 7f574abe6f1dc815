/*
 * commit_wakeup.c
 *	  What the commit of a transaction announces to the workers and to the
 *	  launcher.
 *
 * Runs in any backend of a server that has the library preloaded.  Functions
 * that are called in the middle of a transaction note in static variables what
 * its commit is to announce; one transaction callback, registered for good in
 * _PG_init, does it.  README.md draws the way of a run.
 *
 * Why not NOTIFY.  A transaction that notifies takes a lock before it commits
 * which the whole cluster shares, and holds it while its WAL is flushed and
 * while synchronous standbys are waited for.  So notifying transactions commit
 * one at a time: with flushes of 1 ms a thousand a second, whatever the number
 * of clients.  Here nothing is held during the commit.  Only if the library is
 * not preloaded, so that there is no shared memory, is NOTIFY what remains;
 * workers listen for it all the same.
 *
 * What is remembered.  The first MAX_RUNS runs of the transaction, one by one.
 * Of further ones, one entry stands for all runs of a tenant (MAX_OVERFLOW
 * tenants), with the highest priority and the earliest run_at of them; the
 * workers read those runs from the table.  Of runs of further tenants only
 * the earliest run_at is known; if it has come at the commit, the workers
 * rescan the table.
 *
 * Subtransactions are not told apart.  If one is rolled back, its runs are
 * announced all the same.  An id whose row does not exist is dropped by the
 * worker that tries to lock the row; being woken for nothing does no harm.
 *
 * PREPARE TRANSACTION forgets everything, since the commit may happen in
 * another session, or after a restart.  The sweep finds the runs.  No sweep
 * finds an extension or settings, so it is noted for all sessions that such
 * news were lost: from then on each COMMIT PREPARED announces them again
 * (server_hooks.c).
 *
 * No wake-up is lost.  The order is
 *
 *		waker							worker
 *		1. its rows become visible		1. clears its flag
 *		2. puts the ids into the queue	2. looks into the queue
 *		   ---- full barrier ----		   ---- full barrier ----
 *		3. reads the flag; if it is		3. takes a snapshot, reads rows
 *		   down, raises it and sets
 *		   the latch
 *
 * The exchange that clears the flag is a full barrier too.  If the waker finds
 * the flag up and leaves the latch alone, it did so before the worker cleared
 * the flag.  So what the waker did in 1 and 2 comes before what the worker
 * does in 2 and 3: the worker sees the ids and the rows.
 *
 * Nothing here may allocate or raise.  XACT_EVENT_COMMIT comes after the
 * commit is in the WAL and its rows are visible to others.  An error there
 * would make the server abort a transaction that has committed, which it
 * answers with a PANIC.  So all memory is static or shared, and what is called
 * takes lightweight locks and sets latches, no more.  Interrupts are held off
 * by the server meanwhile, so the process cannot end between its commit and
 * the announcement; if it crashes, shared memory is made anew, and new workers
 * rescan the table.
 *
 * If the queue is full.  A tenant whose runs do not fit is marked, and the
 * workers read its runs from the table; if there is no room for the tenant,
 * they rescan the table (due_queue.c).  The table is the truth: shared memory
 * can only make a run come sooner.
 *
 * The sweep, each poll_interval, catches what is left: runs of prepared
 * transactions, and runs whose worker ended when it had taken their ids or
 * owned them.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "config/clock.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "shared/commit_wakeup.h"
#include "shared/due_queue.h"
#include "shared/extension_check.h"
#include "shared/shared.h"
#include "shared/wakeup.h"

#define MAX_RUNS 64
#define MAX_OVERFLOW 16

/* What the commit of the current transaction is to announce. */
typedef struct Announcement
{
	bool		wake_workers;	/* there are runs, or a rescan is wanted */
	bool		rescan;
	bool		check_extension;
	bool		settings;
	bool		schedules;
	int			nruns;			/* of runs below */
	int			noverflow;		/* of overflow below */
	TimestampTz overflow_due;	/* the first of the runs that were too many;
								 * 0: there are none */
	TimestampTz unnamed_due;	/* the first of those whose tenant is in no
								 * entry; 0: there are none */
} Announcement;

/* What outlasts transactions. */
typedef struct CommitNews
{
	pg_atomic_uint32 lost_by_prepare;	/* a flag */
	pg_atomic_uint32 nsettings; /* commits that changed settings */
	pg_atomic_uint32 nschedules;	/* commits that saved schedules */
} CommitNews;

/* The memory; the same address in every process. */
static CommitNews *news = NULL;

/* Of this session's transaction; the callback of its end has no argument. */
static Announcement announced = {0};
static DueRun runs[MAX_RUNS];
static DueRun overflow[MAX_OVERFLOW];

/*--- at the end of a transaction ---*/

/* True: workers must be woken for them. */
static bool
hand_over_runs(void)
{
	TimestampTz now = clock_now();
	bool		wake = announced.nruns > 0 &&
		due_put_runs(runs, announced.nruns, now);

	for (int i = 0; i < announced.noverflow; i++)
		wake |= due_put_overflow(&overflow[i], now);
	if (announced.overflow_due != 0)
		wake |= due_put_timer(announced.overflow_due);
	if (announced.rescan ||
		(announced.unnamed_due != 0 && announced.unnamed_due <= now))
	{
		due_want_rescan();
		wake = true;
	}
	return wake;
}

/* Nothing in here may allocate or raise: the transaction has committed. */
static void
announce(void)
{
	if (announced.wake_workers && hand_over_runs())
		wakeup_workers(MyDatabaseId);
	if (announced.check_extension)
		extension_check_ask(MyDatabaseId);
	if (announced.settings)
		pg_atomic_fetch_add_u32(&news->nsettings, 1);
	if (announced.schedules)
	{
		/* before they wake, or a worker would find nothing new */
		pg_atomic_fetch_add_u32(&news->nschedules, 1);
		wakeup_workers(MyDatabaseId);
	}
}

static void
forget(void)
{
	memset(&announced, 0, sizeof(announced));
}

static void
at_transaction_event(XactEvent event, void *arg)
{
	if (news == NULL)
		return;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			announce();
			forget();
			break;
		case XACT_EVENT_PREPARE:
			if (announced.check_extension || announced.settings)
				pg_atomic_write_u32(&news->lost_by_prepare, 1);
			forget();
			break;
		case XACT_EVENT_ABORT:
			forget();
			break;
		default:
			break;
	}
}

/*--- the memory ---*/

static void
install(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
}

static void
attach(void *memory, LWLock *lock, bool is_new)
{
	news = memory;
	if (!is_new)
		return;
	pg_atomic_init_u32(&news->lost_by_prepare, 0);
	pg_atomic_init_u32(&news->nsettings, 0);
	pg_atomic_init_u32(&news->nschedules, 0);
}

const SharedPart commit_wakeup_part = {
	.name = "workflow_engine commits",
	.size = sizeof(CommitNews),
	.lock = SHARED_LOCK_SLOTS,
	.attach = attach,
	.install = install
};

/*--- in the middle of a transaction ---*/

void
wakeup_at_commit(void)
{
	announced.wake_workers = true;
	announced.rescan = true;
}

/*
 * Sets *when to the earlier of both.  There, 0 is never, so the run_at that is
 * 0 (the first moment of 2000) becomes the next microsecond.
 */
static void
not_after(TimestampTz *when, TimestampTz run_at)
{
	if (run_at == 0)
		run_at = 1;
	if (*when == 0 || run_at < *when)
		*when = run_at;
}

/* One more run of a tenant whose runs are too many to be told one by one. */
static void
note_overflow(const DueRun *run)
{
	int			i;

	not_after(&announced.overflow_due, run->run_at);
	for (i = 0; i < announced.noverflow; i++)
		if (memcmp(&overflow[i].tenant_id, &run->tenant_id, UUID_LEN) == 0)
			break;
	if (i == MAX_OVERFLOW)
		not_after(&announced.unnamed_due, run->run_at);
	else if (i == announced.noverflow)
		overflow[announced.noverflow++] = *run;
	else
	{
		overflow[i].priority = Max(overflow[i].priority, run->priority);
		overflow[i].run_at = Min(overflow[i].run_at, run->run_at);
	}
}

void
wakeup_run_at_commit(const DueRun *run)
{
	announced.wake_workers = true;
	if (announced.nruns < MAX_RUNS)
		runs[announced.nruns++] = *run;
	else
		note_overflow(run);
}

void
wakeup_check_extension_at_commit(void)
{
	announced.check_extension = true;
}

void
wakeup_settings_at_commit(void)
{
	announced.settings = true;
}

void
wakeup_schedules_at_commit(void)
{
	announced.schedules = true;
}

/*--- what commits have announced ---*/

uint32
wakeup_settings_count(void)
{
	return pg_atomic_read_u32(&news->nsettings);
}

uint32
wakeup_schedules_count(void)
{
	return pg_atomic_read_u32(&news->nschedules);
}

bool
wakeup_lost_by_prepare(void)
{
	return news != NULL && pg_atomic_read_u32(&news->lost_by_prepare) != 0;
}
