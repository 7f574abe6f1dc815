/*
 * tick_batch.c
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
#include "base/uuid_list.h"
#include "miscadmin.h"
#include "run/plan_cache.h"
#include "run/run_context.h"
#include "run/step_sandbox.h"
#include "shared/worker_slot.h"
#include "worker/in_flight.h"
#include "worker/tick_batch.h"

#define MAX_ALONE 4				/* slow runs of a tenant in hand */

typedef struct Batch
{
	Tick		tick;			/* what the runs come to, if all goes well */
	List	   *runs;			/* of RunRow * */
	RunRow	   *at;				/* the one that is advanced */
} Batch;

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
		in_flight_is_full_with(&run->tenant_id, tick->run.intents);
}

/* How many slow runs of its tenant does this worker have? */
static int
count_alone(const Tick *tick, const pg_uuid_t *tenant)
{
	int			n = in_flight_count_alone(tenant);
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
is_overflow(Tick *tick, const RunRow *run)
{
	char	   *error;
	const CachedPlan *plan;
	int			n;

	if (!is_claimed(run) || (tick->alone == NIL && in_flight.blocked == NIL))
		return false;
	n = count_alone(tick, &run->tenant_id);
	if (n == 0 || (n < MAX_ALONE && !worker_slot_others_idle()))
		return false;
	plan = plan_cache_find(run, &error);
	if (plan == NULL || !plan_cache_is_slow(plan, run->current_step))
		return false;
	tick->overflow = lappend(tick->overflow, id_copy(&run->tenant_id));
	return true;
}

/* Leaves a run as it was loaded, for a later tick. */
static void
leave(Tick *tick, RunRow *run)
{
	if (run->taken_over)
		tick->sweep = true;
	else if (is_claimed(run))
		tick->waiting = lappend(tick->waiting, run);
	else
		tick->runnable = lappend(tick->runnable, &run->id);
}

static void
advance_one(Tick *tick, RunRow *run)
{
	if (tick->run.ending || is_full(tick, run) || is_overflow(tick, run))
	{
		leave(tick, run);
		return;
	}
	tick_is_about(run);
	tick_save_run(tick, run, run_advance(run, &tick->run));
}

static void
advance_batch(void *arg)
{
	Batch	   *batch = arg;
	ListCell   *lc;

	foreach(lc, batch->runs)
	{
		batch->at = lfirst(lc);
		advance_one(&batch->tick, batch->at);
	}
}

/* Is nothing known against the run, that might have to be recorded? */
static bool
may_share(const RunRow *run)
{
	return !run->taken_over && run->attempt_at == 0 &&
		run->abnormal_ends == 0 && plan_cache_may_share(run);
}

static void
begin_batch(Batch *batch, const Tick *tick)
{
	batch->tick = *tick;
	batch->tick.run.together = true;
	batch->tick.run.intents = list_copy(tick->run.intents);
	batch->tick.runnable = NIL;
	batch->tick.blocked = NIL;
	batch->tick.alone = NIL;
	batch->tick.failed = NIL;
	batch->tick.waiting = NIL;
}

static void
accept_batch(const Batch *batch, Tick *tick)
{
	Tick		before = *tick;

	*tick = batch->tick;
	tick->run.together = false;
	tick->run.subtransactions_left--;
	tick->runnable = list_concat(before.runnable, batch->tick.runnable);
	tick->blocked = list_concat(before.blocked, batch->tick.blocked);
	tick->alone = list_concat(before.alone, batch->tick.alone);
	tick->failed = list_concat(before.failed, batch->tick.failed);
	tick->waiting = list_concat(before.waiting, batch->tick.waiting);
}

/* A step among others was cut off: its run is to go alone. */
static void
note_too_long(const RunRow *run)
{
	char	   *error;
	const CachedPlan *plan = plan_cache_find(run, &error);

	if (plan != NULL)
		plan_cache_note_time(plan, SLOW_STEP_US + 1, true);
}

/* False: nothing has happened. */
static bool
try_batch(Tick *tick, List *runs)
{
	Batch		batch = {.runs = runs};
	bool		too_long;
	RunRow	   *before = palloc(sizeof(RunRow) * list_length(runs));

	for (int i = 0; i < list_length(runs); i++)
		before[i] = *(RunRow *) list_nth(runs, i);
	begin_batch(&batch, tick);
	if (sandbox_run_batch(&((RunRow *) linitial(runs))->tenant_id,
						  advance_batch, &batch, &too_long))
	{
		accept_batch(&batch, tick);
		return true;
	}
	current_run.active = false;
	for (int i = 0; i < list_length(runs); i++)
		*(RunRow *) list_nth(runs, i) = before[i];
	store_renew_runs(tick->runs);
	tick_drop_intents(batch.tick.run.intents,
					  list_length(tick->run.intents));
	if (too_long)
		note_too_long(batch.at);
	else
		plan_cache_had_failed(batch.at);
	tick->run.subtransactions_left--;
	if (sandbox_session_unclean())
		tick->run.subtransactions_left = 0;
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
		if (worker_state.solo == 0 && !tick->run.probation && may_share(lfirst(lc)))
			sharing = lappend(sharing, lfirst(lc));
		else
			others = lappend(others, lfirst(lc));
	}
	if (list_length(sharing) < 2 || !try_batch(tick, sharing))
		others = runs;
	foreach(lc, others)
	{
		CHECK_FOR_INTERRUPTS();
		advance_one(tick, lfirst(lc));
	}
}
