/*
 * chores.c
 *	  What a worker does beside runs: it fires schedules, reports runs that
 *	  stand still since the database is a copy, and deletes runs that are older
 *	  than workflow_engine.retention.
 *
 * Runs in workers, between two ticks.  Every worker of a database fires
 * schedules: the rows of workflow_schedules are locked while one of them is
 * fired, so a second worker passes it by.  One worker of a database deletes:
 * the one with the lowest epoch.
 *
 * Owns the moments of the next chores, whether this worker has reported that
 * runs stand still, and how far it has come with deleting; all of it is found
 * anew by a new worker.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "base/transaction.h"
#include "commands/dbcommands.h"
#include "config/clock.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "shared/commit_wakeup.h"
#include "shared/worker_slot.h"
#include "store/store_place.h"
#include "store/store_purge.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "worker/chores.h"
#include "worker/version_wait.h"

#define PAUSE_US (10 * USECS_PER_SEC)	/* after an error */

/*
 * A chore may wait for locks, or for what somebody has added to the tables,
 * no longer than this: meanwhile this worker does nothing else.
 */
#define MAX_LOCK_WAIT "200ms"
#define MAX_CHORE_MS 2000

/*
 * Deleting is to delay no run: it takes a worker some milliseconds, and a
 * pause follows that is so many times as long as what it took.
 */
#define PURGE_MS 8
#define PURGE_PAUSE 9
#define PURGE_LOOK_US USECS_PER_SEC /* if nothing is to be deleted */

/*
 * After that time deleting goes back to the oldest run that it has left: what
 * lived then, or was locked, may have ended.
 */
#define PURGE_ANEW_US USECS_PER_HOUR

/* So many runs that stand still are counted. */
#define MAX_FOREIGN 10000

static TimestampTz next_schedule;	/* 0: now */
static uint32 schedules_seen;	/* wakeup_schedules_count at the last one */

static bool foreign_reported = false;	/* that runs stand still: once is
										 * enough */

static Purge purge;				/* how far deleting has come */
static TimestampTz next_purge;	/* 0: now */
static TimestampTz purge_anew;	/* when it begins anew; 0: now */

static bool
schedules_are_due(TimestampTz now)
{
	return now >= next_schedule || wakeup_schedules_count() != schedules_seen;
}

static bool
purge_is_due(TimestampTz now)
{
	return wf_retention > 0 && now >= next_purge;
}

bool
chores_are_due(TimestampTz now, TimestampTz *when)
{
	*when = wf_retention > 0 ? Min(next_schedule, next_purge) : next_schedule;
	return schedules_are_due(now) || purge_is_due(now);
}

void
chores_clock_set_back(void)
{
	next_schedule = next_purge = purge_anew = 0;
	purge_begin(&purge, 0);
}

/*--- schedules ---*/

/* Begins a transaction in which no wait is long. */
static void
begin_chore(void)
{
	begin_transaction();
	(void) set_config_option("lock_timeout", MAX_LOCK_WAIT, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	enable_timeout_after(STATEMENT_TIMEOUT, MAX_CHORE_MS);
}

static void
commit_chore(void)
{
	disable_timeout(STATEMENT_TIMEOUT, false);
	CommitTransactionCommand();
}

/*
 * Is the extension there, in a version that this library works with?  Raises
 * an error about tables that are not as they should be; of an error that this
 * worker has said already, be it in a tick, the log is spared.
 */
static bool
can_work(void)
{
	if (!OidIsValid(store_find_schema()) || !version_look())
		return false;
	store_check_tables_of_worker();
	return true;
}

/* Fires what is due.  Returns when the next one is; 0: none is known. */
static TimestampTz
fire_due_schedules(void)
{
	TimestampTz next = 0;

	begin_chore();
	if (can_work())
	{
		bool		isnull;
		Datum		datum;

		PushActiveSnapshot(GetTransactionSnapshot());
		SPI_connect();
		SPI_execute(store_sql("SELECT %t.wf_fire_schedules()"), false, 1);
		datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							  &isnull);
		if (!isnull)
			next = DatumGetTimestampTz(datum);
		SPI_finish();
		PopActiveSnapshot();
	}
	commit_chore();
	return next;
}

static void
fire_schedules(TimestampTz now)
{
	TimestampTz next;

	/* Before the table is read: what is saved meanwhile is seen next time. */
	schedules_seen = wakeup_schedules_count();
	next_schedule = now + wf_poll_interval * INT64CONST(1000);
	next = fire_due_schedules();
	if (next != 0)
		next_schedule = Min(next_schedule, next);
}

/*--- deleting ---*/

/*
 * Is this the worker of its database whose epoch is the lowest?  Epochs are
 * drawn at random; any rule would do that all workers agree upon.
 */
static bool
has_lowest_epoch(void)
{
	WorkerStatus *workers;
	int			n = worker_slot_list(&workers);
	int64		epoch = 0;
	int			pid = MyProcPid;

	for (int i = 0; i < n; i++)
	{
		if (workers[i].database != MyDatabaseId ||
			(epoch != 0 && workers[i].epoch >= epoch))
			continue;
		epoch = workers[i].epoch;
		pid = workers[i].pid;
	}
	pfree(workers);
	return pid == MyProcPid;
}

/* From now on runs are deleted that ended before that; ends a pass. */
static void
begin_pass(TimestampTz now, TimestampTz before)
{
	if (purge.deleted[PURGE_RUNS] > 0 || purge.refused > 0)
		ereport(LOG,
				(errmsg("deleted " UINT64_FORMAT " runs that were older than \"workflow_engine.retention\"",
						purge.deleted[PURGE_RUNS]),
				 purge.refused == 0 ? 0 :
				 errdetail(UINT64_FORMAT " rows could not be deleted. The first error: %s",
						   purge.refused, purge.refusal)));
	purge_begin_again(&purge, before);
	purge_anew = now + PURGE_ANEW_US;
}

/*
 * Deletes a batch.  It need not be on disk when it commits: what a crash
 * brings back is deleted again.  Returns false if there is no more.
 */
static bool
delete_batch(void)
{
	Purge		batch = purge;
	bool		more = false;

	begin_chore();
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	if (store_hold_extension() && can_work())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		more = purge_batch(&batch, PURGE_MS);
		PopActiveSnapshot();
	}
	commit_chore();
	purge = batch;
	return more;
}

static void
purge_runs(TimestampTz now)
{
	TimestampTz before = now - wf_retention * USECS_PER_SEC;
	int64		took;			/* us; a second, if the clock was moved */
	bool		more;

	next_purge = now + PURGE_LOOK_US;
	if (!has_lowest_epoch())
		return;
	if (now >= purge_anew)
		begin_pass(now, before);
	purge.before = before;
	pgstat_report_activity(STATE_RUNNING, "deleting old runs");
	more = delete_batch();
	took = Min(Max(clock_now() - now, 0), USECS_PER_SEC);
	if (more)
		next_purge = now + took * (1 + PURGE_PAUSE);
}

/*--- runs that stand still ---*/

/*
 * Logs that runs stand still because they were made for another database; each
 * worker once.
 */
static void
report_foreign(TimestampTz now)
{
	char	   *name = NULL;
	int64		n = 0;

	if (foreign_reported)
		return;
	begin_transaction();
	if (store_hold_extension())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		n = store_foreign_runs(NULL, MAX_FOREIGN);
		name = get_database_name(MyDatabaseId);
		PopActiveSnapshot();
	}
	if (n > 0)
		ereport(LOG,
				(errmsg_plural("%lld run stands still in database \"%s\", since it was made for another one",
							   "%lld runs stand still in database \"%s\", since they were made for another one",
							   (unsigned long) n, (long long) n,
							   name != NULL ? name : "?"),
				 n < MAX_FOREIGN ? 0
				 : errdetail("There may be more: no more than that are counted."),
				 errhint("wf_places() lists where they come from; wf_accept_place() has them executed here, wf_discard_place() cancels them.")));
	CommitTransactionCommand();
	foreign_reported = n > 0;
}

/*--- all of them ---*/

/*
 * Calls the chore, whose errors are logged; returns false after one.
 */
static bool
try_chore(void (*chore) (TimestampTz now), TimestampTz now)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool ok = true;

	PG_TRY();
	{
		chore(now);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		disable_timeout(STATEMENT_TIMEOUT, false);
		MemoryContextSwitchTo(context);
		EmitErrorReport();
		/* also out of the subtransaction of a schedule or of a purge */
		AbortOutOfAnyTransaction();
		FlushErrorState();
		ok = false;
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return ok;
}

void
chores_run(void)
{
	TimestampTz now = clock_now();

	if (schedules_are_due(now) &&
		(!try_chore(fire_schedules, now) || !try_chore(report_foreign, now)))
		next_schedule = now + PAUSE_US;
	if (purge_is_due(now) && !try_chore(purge_runs, now))
	{
		purge.slice = 1;		/* if it took too long, it takes less now */
		next_purge = now + PAUSE_US;
	}
}
