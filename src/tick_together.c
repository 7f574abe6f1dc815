/*
 * tick_together.c
 *	  Runs are advanced, a few within one fence.
 *
 * Runs in a worker, inside a tick's transaction.  A fence around each step
 * would cost as much as a small step.  Most steps go well, so the runs that a
 * tick takes are first advanced and saved within one subtransaction; where
 * anything fails, all of it is undone, the runs are what they were before,
 * and each is advanced by itself, its steps fenced one by one.  Their rows
 * were locked before the subtransaction and stay so.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "clock.h"
#include "connection.h"
#include "current_run.h"
#include "fence.h"
#include "hand.h"
#include "ids.h"
#include "miscadmin.h"
#include "queue.h"
#include "run_plan.h"
#include "tick_internal.h"
#include "utils/resowner.h"

#define MAX_ALONE 4				/* slow runs of a tenant in hand */

typedef struct Trial
{
	Tick		tick;			/* what the runs come to, if all goes well */
	List	   *runs;			/* of RunRow * */
	RunRow	   *at;				/* the one that is advanced */
} Trial;

/*--- row locks ---*/

/*
 * Rows are locked in a subtransaction of their own, which is released.  Were
 * the transaction itself the locker, a row whose update was undone with a
 * subtransaction would keep the aborted updater in its multixact when it is
 * updated anew: MultiXactIdExpand makes no new one for who is a member
 * already, and heap_update asserts that there is no updater.
 */
void
tick_locking_begin(RowLocking *locking)
{
	locking->context = CurrentMemoryContext;
	locking->owner = CurrentResourceOwner;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(locking->context);
}

void
tick_locking_end(RowLocking *locking, Tick *tick)
{
	ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(locking->context);
	CurrentResourceOwner = locking->owner;
	tick->run.fences_left--;
}

/*--- saving ---*/

/*
 * What somebody has put on the table may be slow.  Then others come first for
 * as long as it took.
 */
void
tick_save(Tick *tick, const RunRow *run)
{
	TimestampTz began = clock_now();
	int64		took_us;

	store_save_run(tick->runs, run);
	took_us = clock_now() - began;
	if (took_us <= SLOW_STEP_US)
		return;
	tick->run.ending = true;
	trouble_put_off(&run->tenant_id, took_us);
}

/*--- advancing ---*/

/* Was it claimed just now, so that it is still queued for everybody else? */
static bool
is_claimed(const RunRow *run)
{
	return strcmp(run->status, "running") != 0;
}

/* Its tenant has sent as much as it may hold. */
static bool
is_full(const Tick *tick, const RunRow *run)
{
	return is_claimed(run) &&
		hand_is_full_with(&run->tenant_id, tick->run.intents);
}

/* How many slow runs of its tenant does this worker have? */
static int
count_alone(const Tick *tick, const pg_uuid_t *tenant)
{
	int			n = hand_count_alone(tenant);
	ListCell   *lc;

	foreach(lc, tick->alone)
		if (ids_equal(&((RunRow *) lfirst(lc))->tenant_id, tenant))
			n++;
	return n;
}

/*
 * Its steps are slow, and this worker has slow runs of its tenant already: it
 * is left to a worker that has nothing to do, or for later.  The tenant's next
 * runs are probably alike.
 */
static bool
is_crowded(Tick *tick, const RunRow *run)
{
	char	   *error;
	const RunPlan *plan;
	int			n;

	if (!is_claimed(run) || (tick->alone == NIL && hand.blocked == NIL))
		return false;
	n = count_alone(tick, &run->tenant_id);
	if (n == 0 || (n < MAX_ALONE && !queue_others_idle()))
		return false;
	plan = run_plan_find(run, &error);
	if (plan == NULL || !run_plan_is_slow(plan, run->current_step))
		return false;
	tick->crowded = lappend(tick->crowded, id_copy(&run->tenant_id));
	return true;
}

/* Leaves a run as it was loaded, for a later tick. */
static void
leave(Tick *tick, RunRow *run)
{
	if (run->taken_over)
		tick->look_round = true;
	else if (is_claimed(run))
		tick->waiting = lappend(tick->waiting, run);
	else
		tick->continuing = lappend(tick->continuing, &run->id);
}

static void
advance_one(Tick *tick, RunRow *run)
{
	if (tick->run.ending || is_full(tick, run) || is_crowded(tick, run))
	{
		leave(tick, run);
		return;
	}
	tick_is_about(run);
	tick_settle(tick, run, run_advance(run, &tick->run));
}

static void
advance_trial(void *arg)
{
	Trial	   *trial = arg;
	ListCell   *lc;

	foreach(lc, trial->runs)
	{
		trial->at = lfirst(lc);
		advance_one(&trial->tick, trial->at);
	}
}

/* Is nothing known against the run, that might have to be recorded? */
static bool
may_share(const RunRow *run)
{
	return !run->taken_over && run->attempt_at == 0 &&
		run->abnormal_ends == 0 && run_plan_may_share(run);
}

static void
begin_trial(Trial *trial, const Tick *tick)
{
	trial->tick = *tick;
	trial->tick.run.together = true;
	trial->tick.run.intents = list_copy(tick->run.intents);
	trial->tick.continuing = NIL;
	trial->tick.blocked = NIL;
	trial->tick.alone = NIL;
	trial->tick.failed = NIL;
	trial->tick.waiting = NIL;
}

static void
accept_trial(const Trial *trial, Tick *tick)
{
	Tick		before = *tick;

	*tick = trial->tick;
	tick->run.together = false;
	tick->run.fences_left--;
	tick->continuing = list_concat(before.continuing, trial->tick.continuing);
	tick->blocked = list_concat(before.blocked, trial->tick.blocked);
	tick->alone = list_concat(before.alone, trial->tick.alone);
	tick->failed = list_concat(before.failed, trial->tick.failed);
	tick->waiting = list_concat(before.waiting, trial->tick.waiting);
}

void
tick_drop_intents(List *intents, int kept)
{
	for (int i = kept; i < list_length(intents); i++)
	{
		Intent	   *intent = list_nth(intents, i);

		request_wipe(&intent->request);
		if (intent->connection != NULL)
			connection_forget(intent->connection);
	}
}

/* A step among others was cut off: its run is to go alone. */
static void
note_too_long(const RunRow *run)
{
	char	   *error;
	const RunPlan *plan = run_plan_find(run, &error);

	if (plan != NULL)
		run_plan_note_time(plan, SLOW_STEP_US + 1, true);
}

/* False: nothing has happened. */
static bool
try_together(Tick *tick, List *runs)
{
	Trial		trial = {.runs = runs};
	bool		too_long;
	RunRow	   *before = palloc(sizeof(RunRow) * list_length(runs));

	for (int i = 0; i < list_length(runs); i++)
		before[i] = *(RunRow *) list_nth(runs, i);
	begin_trial(&trial, tick);
	if (fence_run_together(&((RunRow *) linitial(runs))->tenant_id,
						   advance_trial, &trial, &too_long))
	{
		accept_trial(&trial, tick);
		return true;
	}
	current_run.active = false;
	for (int i = 0; i < list_length(runs); i++)
		*(RunRow *) list_nth(runs, i) = before[i];
	store_renew_runs(tick->runs);
	tick_drop_intents(trial.tick.run.intents,
					  list_length(tick->run.intents));
	if (too_long)
		note_too_long(trial.at);
	else
		run_plan_had_failed(trial.at);
	tick->run.fences_left--;
	if (fence_session_unclean())
		tick->run.fences_left = 0;
	return false;
}

void
tick_advance(Tick *tick, List *runs)
{
	List	   *sharing = NIL;
	List	   *others = NIL;
	ListCell   *lc;

	foreach(lc, runs)
	{
		if (course.solo == 0 && !tick->run.probation && may_share(lfirst(lc)))
			sharing = lappend(sharing, lfirst(lc));
		else
			others = lappend(others, lfirst(lc));
	}
	if (list_length(sharing) < 2 || !try_together(tick, sharing))
		others = runs;
	foreach(lc, others)
	{
		CHECK_FOR_INTERRUPTS();
		advance_one(tick, lfirst(lc));
	}
}
