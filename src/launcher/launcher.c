/*
 * launcher.c
 *	  The process that starts workers where they are needed.
 *
 * A background worker of its own, from the end of recovery (on a standby:
 * from its promotion) to the server's stop, never under pg_upgrade.  It is
 * connected to no database: it reads pg_database, and learns whether a
 * database has the extension from a worker that it starts there.  One that
 * finds no extension says so and ends, and the launcher leaves that database
 * alone until CREATE EXTENSION commits in it.
 *
 * It lives in rounds: read the databases, see which workers have ended, tell
 * those to leave that are too many, start those that are missing.  A round
 * comes when something has happened (its latch is set by the postmaster when
 * a worker ends, by commits that concern it, by workers) and at least every
 * poll interval.
 *
 * This file has the process, its rounds, and what it makes of workers that
 * have ended; launcher_workers.c decides which to dismiss and to start.
 *
 * Owns the handles of the workers it has started and the table of databases
 * (launcher_databases.c), in static memory.  An error ends the process; the
 * postmaster starts it again after RESTART_S, and it finds the workers in
 * their slots (worker_slot.c).  It then has no handle on them, so they report in
 * the slot; and a slot that such a process never entered is given up after
 * ADOPTED_START_S.
 */
#include "postgres.h"
#include "compat.h"

#include "config/settings.h"
#include "launcher/launcher.h"
#include "launcher/launcher_internal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "shared/launcher_slot.h"
#include "shared/worker_leave.h"
#include "shared/worker_slot.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define RESTART_S 5				/* of the launcher, after an error */
#define ADOPTED_START_S 60
#define MAX_ROUND_MS 5000		/* between rounds, at most */
#define PAUSE_TERMINATED_MS 500
#define PAUSE_STEP_MS 100		/* after a worker that a step has ended */
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 60000
#define LIVED_LONG_MS 60000		/* then earlier failures are forgotten */

/* Of the worker in slot i; its handle is NULL where we did not start it. */
static LaunchedWorker launched[MAX_WORKER_SLOTS];

void
launcher_register(void)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = RESTART_S;
	strlcpy(worker.bgw_library_name, "workflow_engine", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "workflow_engine_launcher_main",
			BGW_MAXLEN);
	strlcpy(worker.bgw_name, "workflow_engine launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "workflow_engine launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

/*--- workers that have ended ---*/

/*
 * The process of a slot in use: is it gone?  A worker that has left its slot
 * still holds its place in max_worker_processes for a moment, so the
 * postmaster's word is waited for where it will come.
 */
static bool
has_ended(int slot, const LauncherSlot *seen, TimestampTz now)
{
	pid_t		pid;

	if (launched[slot].handle != NULL)
		return GetBackgroundWorkerPid(launched[slot].handle, &pid) ==
			BGWH_STOPPED;
	return seen->state == SLOT_LEFT ||
		(seen->state == SLOT_STARTING &&
		 TimestampDifferenceExceeds(seen->since, now,
									ADOPTED_START_S * 1000));
}

/*
 * A verdict of a worker that was started before the last CREATE EXTENSION
 * told of itself is worth nothing.
 */
static void
note_lack(Database *database, int requests)
{
	database->failures = 0;
	if (requests != database->check_requests)
		return;
	if (database->state == DATABASE_HAS)
		ereport(LOG,
				(errmsg("workflow_engine stops in database \"%s\": the extension was dropped",
						database->name)));
	database->state = DATABASE_LACKS;
}

static void
note_failure(Database *database, TimestampTz since, TimestampTz now)
{
	int			pause;

	if (now < database->not_before)
		return;					/* a sibling's end has seen to it */
	if (TimestampDifferenceExceeds(since, now, LIVED_LONG_MS))
		database->failures = 0;
	pause = Min(PAUSE_MIN_MS << Min(database->failures, 6), PAUSE_MAX_MS);
	database->failures++;
	database->not_before = TimestampTzPlusMilliseconds(now, pause);
	if (database->wanted)
		ereport(LOG,
				(errmsg("workflow_engine worker in database \"%s\" ended unexpectedly",
						database->name),
				 errdetail("The next one starts in %d s.", pause / 1000)));
}

/*
 * The culprit is known and kept apart (crashed_step.c), so others need not
 * wait.
 */
static void
note_end_by_step(Database *database, TimestampTz now)
{
	database->not_before = TimestampTzPlusMilliseconds(now, PAUSE_STEP_MS);
	if (database->wanted)
		ereport(LOG,
				(errmsg("a run has ended its workflow_engine worker in database \"%s\"",
						database->name)));
}

/* Remembers, once, how the slot's worker ended. */
static void
claimed_by(int slot, Oid oid, WorkerEnd end, TimestampTz since, TimestampTz now)
{
	LaunchedWorker *worker = &launched[slot];
	Database   *database = database_find(oid);

	if (worker->claimed || database == NULL)
		return;
	worker->claimed = true;
	switch (end)
	{
		case WORKER_END_LACKS:
			note_lack(database, worker->check_requests);
			break;
		case WORKER_END_ASKED:
			break;
		case WORKER_END_TERMINATED:
			database->not_before =
				TimestampTzPlusMilliseconds(now, PAUSE_TERMINATED_MS);
			break;
		case WORKER_END_STEP:
			note_end_by_step(database, now);
			break;
		case WORKER_END_ERROR:
			note_failure(database, since, now);
			break;
	}
}

/* Frees the slot of a worker whose process is gone. */
static void
record_answers(int slot, Oid oid, TimestampTz now)
{
	TimestampTz since;
	WorkerEnd	end = launcher_slot_release(slot, &since);

	claimed_by(slot, oid, end, since, now);
	if (launched[slot].handle != NULL)
		pfree(launched[slot].handle);
	memset(&launched[slot], 0, sizeof(LaunchedWorker));
}

/*--- what there is ---*/

static void
count_slot(const LauncherSlot *slot, Database *database, TimestampTz now)
{
	database->last_served = now;
	if (!worker_is_active(slot))
	{
		database->nleaving++;
		return;
	}
	database->nworkers++;
	if (slot->found_extension &&
		TimestampDifferenceExceeds(slot->since, now, LIVED_LONG_MS))
		database->failures = 0;
	if (slot->found_extension && database->state == DATABASE_UNKNOWN)
	{
		database->state = DATABASE_HAS;
		ereport(LOG,
				(errmsg("workflow_engine works in database \"%s\"",
						database->name)));
	}
}

/*
 * Looks at all slots, reaps the ended and counts the others.  How a worker
 * ended counts from the moment it says so, its slot only when the process is
 * gone: else a database that just lost the extension would get new workers
 * in between.
 */
static void
take_stock(LauncherSlot *slots, List *all, TimestampTz now)
{
	ListCell   *cell;
	int			i;

	foreach(cell, all)
	{
		Database   *database = lfirst(cell);

		database->nworkers = database->nleaving = 0;
	}
	launcher_slot_copy_all(slots);
	for (i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		Database   *database;

		if (slots[i].state == SLOT_FREE)
			continue;
		if (slots[i].state == SLOT_LEFT)
			claimed_by(i, slots[i].database, slots[i].end, slots[i].since, now);
		database = database_find(slots[i].database);
		if (has_ended(i, &slots[i], now))
		{
			record_answers(i, slots[i].database, now);
			slots[i].state = SLOT_FREE;
		}
		else if (database != NULL)
			count_slot(&slots[i], database, now);
		else
			worker_leave_ask(i, LEAVE_SOON);
	}
}

/*--- the loop ---*/

/* Milliseconds until a database whose workers failed may have one again. */
static long
until_next_round(List *all, TimestampTz now)
{
	long		wait = Min(wf_poll_interval, MAX_ROUND_MS);
	ListCell   *cell;

	foreach(cell, all)
	{
		Database   *database = lfirst(cell);

		if (database->not_before > now)
			wait = Min(wait, (database->not_before - now) / 1000 + 1);
	}
	return wait;
}

/* Returns how long to wait for the next one, in ms. */
static long
round_of_duty(void)
{
	LauncherSlot slots[MAX_WORKER_SLOTS];
	TimestampTz now = GetCurrentTimestamp();
	List	   *all;

	databases_read();
	databases_take_checks();
	all = databases_by_need();
	take_stock(slots, all, now);
	launch_workers(slots, launched, all, now);
	return until_next_round(all, now);
}

static void
wait_for_news(long timeout)
{
	(void) WaitLatch(MyLatch,
					 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 timeout, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/*
 * The launcher's life.  SIGTERM ends it with 1, as any error does: the
 * postmaster starts it anew unless it is stopping itself.
 */
void
workflow_engine_launcher_main(Datum arg)
{
	MemoryContext scratch;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	launcher_slot_enter();
	databases_init();
	scratch = AllocSetContextCreate(TopMemoryContext,
									"workflow_engine launcher round",
									ALLOCSET_DEFAULT_SIZES);
	ereport(LOG, (errmsg("workflow_engine launcher started")));

	while (!ShutdownRequestPending)
	{
		long		timeout;

		MemoryContextSwitchTo(scratch);
		timeout = round_of_duty();
		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextReset(scratch);
		wait_for_news(timeout);
	}
	proc_exit(1);
}
