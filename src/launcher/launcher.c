/*
 * launcher.c
 *	  The process that starts workers where they are needed.
 *
 * A background worker of its own, from the end of recovery (on a standby:
 * from its promotion) to the server's stop, never under pg_upgrade.  It is
 * connected to no database: it reads pg_database, and learns whether a
 * database has the extension from a worker that it starts there.  A worker
 * that finds no extension says so and ends, and the launcher leaves that
 * database alone until CREATE EXTENSION commits in it.
 *
 * It lives in rounds: read the databases, see which workers have ended, ask
 * those to leave that are too many, start those that are missing.  A round
 * comes when something has happened (its latch is set by the postmaster when
 * a worker ends, by commits that concern it, by workers) and at least every
 * poll interval.  README.md draws it.
 *
 * This file has the process, its rounds, and what follows from how workers
 * have ended; launcher_workers.c decides which to dismiss and to start.
 *
 * Owns the handles of the workers that it has started, in static memory.  An
 * error ends the process; the postmaster starts it again after RESTART_S, and
 * it finds the workers in their slots (worker_slot.c).  It then has no handle
 * of them: that they have ended it learns from their slots alone, and a slot
 * that such a process never entered is given up after ADOPTED_START_S.
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

/*
 * Of the worker in slot i, from one round to the next; its handle is NULL if
 * this process did not start it.
 */
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
 * Is the process of a slot in use gone?  A worker that has left its slot still
 * holds its place in max_worker_processes for a moment, so if there is a
 * handle, the postmaster is asked.
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
 * A worker has found no extension.  requests: how many CREATE EXTENSIONs were
 * known when it was started.  If there was another one since, the worker may
 * have come too early, and another will check.
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

/* A worker has failed: the next one of its database starts after a pause. */
static void
note_failure(Database *database, TimestampTz since, TimestampTz now)
{
	int			pause;

	if (now < database->not_before)
		return;					/* another worker's end has set the pause */
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
 * The step is known and its run is kept apart (crashed_step.c), so the other
 * runs need not wait.
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

/* Draws the conclusions, once, from how the slot's worker ended. */
static void
note_end(int slot, Oid oid, WorkerEnd end, TimestampTz since,
		 TimestampTz now)
{
	LaunchedWorker *worker = &launched[slot];
	Database   *database = launcher_database_find(oid);

	if (worker->end_noted || database == NULL)
		return;
	worker->end_noted = true;
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
free_slot(int slot, Oid oid, TimestampTz now)
{
	TimestampTz since;
	WorkerEnd	end = launcher_slot_release(slot, &since);

	note_end(slot, oid, end, since, now);
	if (launched[slot].handle != NULL)
		pfree(launched[slot].handle);
	memset(&launched[slot], 0, sizeof(LaunchedWorker));
}

/*--- what there is ---*/

/* Counts a worker for its database, and learns from it. */
static void
count_slot(const LauncherSlot *slot, Database *database, TimestampTz now)
{
	database->last_served = now;
	if (!launcher_worker_is_active(slot))
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
 * Copies all slots, frees those whose workers have ended and counts the other
 * workers.  How a worker ended is noted as soon as it says so, its slot is
 * freed only when the process is gone: else a database that just lost the
 * extension would get new workers in between.
 */
static void
count_workers(LauncherSlot *slots, List *all, TimestampTz now)
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
			note_end(i, slots[i].database, slots[i].end, slots[i].since,
					 now);
		database = launcher_database_find(slots[i].database);
		if (has_ended(i, &slots[i], now))
		{
			free_slot(i, slots[i].database, now);
			slots[i].state = SLOT_FREE;
		}
		else if (database != NULL)
			count_slot(&slots[i], database, now);
		else
			worker_leave_ask(i, LEAVE_SOON);
	}
}

/*--- the loop ---*/

/*
 * Milliseconds until the next round: earlier if a database whose workers
 * failed may have one again before.
 */
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

/* A round.  Returns how long to wait for the next one, in ms. */
static long
do_round(void)
{
	LauncherSlot slots[MAX_WORKER_SLOTS];
	TimestampTz now = GetCurrentTimestamp();
	List	   *all;

	launcher_databases_read();
	launcher_databases_take_checks();
	all = launcher_databases_by_need();
	count_workers(slots, all, now);
	launcher_adjust(slots, launched, all, now);
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
	launcher_databases_init();
	scratch = AllocSetContextCreate(TopMemoryContext,
									"workflow_engine launcher round",
									ALLOCSET_DEFAULT_SIZES);
	ereport(LOG, (errmsg("workflow_engine launcher started")));

	while (!ShutdownRequestPending)
	{
		long		timeout;

		MemoryContextSwitchTo(scratch);
		timeout = do_round();
		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextReset(scratch);
		wait_for_news(timeout);
	}
	proc_exit(1);
}
