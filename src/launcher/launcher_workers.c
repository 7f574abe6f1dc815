/*
 * launcher_workers.c
 *	  Which workers the launcher dismisses and which it starts.
 *
 * Runs in the launcher, once a round, after all workers were counted.
 *
 * If the server has too few slots for background workers, every database gets
 * one worker before any gets two; and if there are more databases than slots,
 * the worker that has been idle longest makes room for the database that has
 * waited longest, one each poll interval.
 *
 * Owns what it remembers of a shortage.  Nothing survives the process.
 */
#include "postgres.h"
#include "compat.h"

#include "config/settings.h"
#include "launcher/launcher_internal.h"
#include "miscadmin.h"
#include "shared/database_block.h"
#include "shared/launcher_slot.h"
#include "shared/worker_leave.h"
#include "shared/worker_slot.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define MAX_CHECKS_AT_ONCE 2
#define BUSY_TURN_MS 30000		/* a busy worker's turn in a shortage */

/*
 * Slots come and go with parallel queries, checks of databases and pauses
 * after failures: only after so long is a shortage over, and the next one
 * logged.
 */
#define SHORTAGE_OVER_MS 300000

/* From round to round: so that the log tells of a shortage once, */
static bool in_shortage = false;
static TimestampTz last_short = 0;

/* and so that one worker a poll interval makes room. */
static TimestampTz last_rotation = 0;

bool
launcher_worker_is_active(const LauncherSlot *slot)
{
	return (slot->state == SLOT_STARTING || slot->state == SLOT_LIVE) &&
		!slot->leaving;
}

/*--- workers to dismiss ---*/

/*
 * Of the workers in two slots, the one that would be missed less: the one that
 * is idle, or has been for longer; of two busy ones the older.
 */
static int
less_missed(const LauncherSlot *slots, int a, int b)
{
	TimestampTz x = slots[a].idle_since;
	TimestampTz y = slots[b].idle_since;

	if (x != 0 && y != 0)
		return x <= y ? a : b;
	if (x != 0 || y != 0)
		return x != 0 ? a : b;
	return slots[a].since <= slots[b].since ? a : b;
}

/*
 * The slot of the active worker that would be missed least; -1: there is none.
 * keep: only of databases that have more active workers than that.  oid: if
 * valid, of that database alone.
 */
static int
find_least_missed(const LauncherSlot *slots, Oid oid, int keep)
{
	int			best = -1;
	int			i;

	for (i = 0; i < MAX_WORKER_SLOTS; i++)
	{
		Database   *database;

		if (!launcher_worker_is_active(&slots[i]) ||
			(OidIsValid(oid) && slots[i].database != oid))
			continue;
		database = launcher_database_find(slots[i].database);
		if (database == NULL || database->nworkers <= keep)
			continue;
		best = best < 0 ? i : less_missed(slots, best, i);
	}
	return best;
}

/* Asks the worker to leave, and counts it so. */
static void
dismiss(LauncherSlot *slots, int slot)
{
	Database   *database = launcher_database_find(slots[slot].database);

	worker_leave_ask(slot, LEAVE_SOON);
	slots[slot].leaving = true;
	database->nworkers--;
	database->nleaving++;
}

static void
dismiss_surplus(LauncherSlot *slots, List *all)
{
	ListCell   *cell;

	foreach(cell, all)
	{
		Database   *database = lfirst(cell);

		while (database->nworkers > launcher_database_target(database))
			dismiss(slots, find_least_missed(slots, database->oid, 0));
	}
}

/*--- workers to start ---*/

static void
describe_worker(BackgroundWorker *worker, const Database *database, int slot,
				uint32 generation)
{
	memset(worker, 0, sizeof(BackgroundWorker));
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS |
		BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker->bgw_library_name, "workflow_engine", BGW_MAXLEN);
	strlcpy(worker->bgw_function_name, "workflow_engine_worker_main",
			BGW_MAXLEN);
	snprintf(worker->bgw_name, BGW_MAXLEN, "workflow_engine worker for %s",
			 database->name);
	strlcpy(worker->bgw_type, "workflow_engine worker", BGW_MAXLEN);
	worker->bgw_main_arg = Int32GetDatum(slot);
	worker->bgw_notify_pid = MyProcPid;
	memcpy(worker->bgw_extra, &database->oid, sizeof(Oid));
	memcpy(worker->bgw_extra + sizeof(Oid), &generation, sizeof(generation));
}

/* False if there is no slot for it, one of the server's or one of ours. */
static bool
start_worker(LaunchedWorker *launched, Database *database)
{
	BackgroundWorker worker;
	MemoryContext old;
	TimestampTz since;
	uint32		generation;
	int			slot = launcher_slot_reserve(database->oid, &generation);
	bool		ok;

	if (slot < 0)
		return false;
	describe_worker(&worker, database, slot, generation);
	old = MemoryContextSwitchTo(TopMemoryContext);
	ok = RegisterDynamicBackgroundWorker(&worker, &launched[slot].handle);
	MemoryContextSwitchTo(old);
	if (!ok)
	{
		launched[slot].handle = NULL;
		(void) launcher_slot_release(slot, &since);
		return false;
	}
	launched[slot].end_noted = false;
	launched[slot].check_requests = database->check_requests;
	database->nworkers++;
	return true;
}

/* Has it fewer workers than it should have, and may one start now? */
static bool
is_short(const Database *database, TimestampTz now)
{
	return database->nworkers < launcher_database_target(database) &&
		now >= database->not_before && !database_is_blocked(database->oid);
}

/* How many workers are checking whether their database has the extension. */
static int
count_checks(List *all)
{
	ListCell   *cell;
	int			n = 0;

	foreach(cell, all)
	{
		Database   *database = lfirst(cell);

		if (database->state == DATABASE_UNKNOWN)
			n += database->nworkers;
	}
	return n;
}

/*
 * Gives one worker to each database that has exactly have of them and is
 * short.  False if the slots ran out.
 */
static bool
start_round(LaunchedWorker *launched, List *all, int have,
			TimestampTz now)
{
	int			checks = count_checks(all);
	ListCell   *cell;

	foreach(cell, all)
	{
		Database   *database = lfirst(cell);

		if (database->nworkers != have || !is_short(database, now))
			continue;
		if (database->state == DATABASE_UNKNOWN &&
			checks++ >= MAX_CHECKS_AT_ONCE)
			continue;
		if (!start_worker(launched, database))
			return false;
	}
	return true;
}

/* Starts what is missing; false if the slots ran out. */
static bool
start_missing(LaunchedWorker *launched, List *all, TimestampTz now)
{
	int			have;

	for (have = 0; have < wf_workers; have++)
		if (!start_round(launched, all, have, now))
			return false;
	return true;
}

/*--- a shortage of slots ---*/

static int
count_without_worker(List *all, TimestampTz now)
{
	ListCell   *cell;
	int			n = 0;

	foreach(cell, all)
	{
		Database   *database = lfirst(cell);

		if (database->nworkers == 0 && is_short(database, now))
			n++;
	}
	return n;
}

static int
count_leaving(List *all)
{
	ListCell   *cell;
	int			n = 0;

	foreach(cell, all)
		n += ((Database *) lfirst(cell))->nleaving;
	return n;
}

static void
log_shortage(int without)
{
	ereport(WARNING,
			(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
			 errmsg("out of background worker slots for workflow_engine"),
			 errdetail("Databases that wait for their first worker: %d.",
					   without),
			 errhint("Consider increasing max_worker_processes or lowering workflow_engine.workers (at most %d workers run at once).",
					 MAX_WORKER_SLOTS)));
}

/*
 * Some database has no worker and there is no slot for one.  A second worker
 * of another database makes room at once; if there is none, once in a poll
 * interval, the only worker of a database does: the one that has been idle
 * longest, or one that has been busy for BUSY_TURN_MS.  One at a time: its
 * slot must become free first.
 */
static void
make_room(LauncherSlot *slots, List *all, TimestampTz now)
{
	int			slot;

	last_rotation = Min(last_rotation, now);	/* if the clock was set back */
	if (count_leaving(all) > 0)
		return;
	slot = find_least_missed(slots, InvalidOid, 1);
	if (slot < 0)
	{
		if (!TimestampDifferenceExceeds(last_rotation, now, wf_poll_interval))
			return;
		slot = find_least_missed(slots, InvalidOid, 0);
		if (slot < 0 ||
			(slots[slot].idle_since == 0 &&
			 !TimestampDifferenceExceeds(slots[slot].since, now,
										 BUSY_TURN_MS)))
			return;
		last_rotation = now;
	}
	dismiss(slots, slot);
}

static void
handle_shortage(LauncherSlot *slots, List *all, TimestampTz now)
{
	int			without = count_without_worker(all, now);

	if (!in_shortage)
		log_shortage(without);
	in_shortage = true;
	last_short = now;
	if (without > 0)
		make_room(slots, all, now);
}

/*
 * Has every database its workers?  Those that have none because they failed
 * do not count: they lack no slot.
 */
static bool
has_enough_workers(List *all)
{
	ListCell   *cell;

	foreach(cell, all)
	{
		Database   *database = lfirst(cell);

		if (database->nworkers < launcher_database_target(database) &&
			database->failures == 0)
			return false;
	}
	return true;
}

void
launcher_adjust(LauncherSlot *slots, LaunchedWorker *launched, List *all,
				TimestampTz now)
{
	dismiss_surplus(slots, all);
	if (!start_missing(launched, all, now))
		handle_shortage(slots, all, now);
	else if (has_enough_workers(all) &&
			 TimestampDifferenceExceeds(last_short, now, SHORTAGE_OVER_MS))
		in_shortage = false;
}
