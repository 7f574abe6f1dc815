/*
 * tick_batch.c
 *	  Advances runs and saves them, many within one subtransaction if possible.
 *
 * Runs in a worker, inside a tick's transaction.  Owns nothing beyond a call;
 * after a crash nothing of an uncommitted tick is there.
 *
 * The batch
 * ---------
 *
 * A step may fail, and its failure must undo that step alone.  So each step
 * would need a subtransaction of its own.  But to begin and end one, with the
 * settings that a step gets, costs about as much as a small step; and most
 * steps go well.  So the runs that a tick takes at a time (25, if it claims
 * them) share one subtransaction, the batch: each run is advanced as far as it
 * goes and its row is saved, then the next.
 *
 *	 lock rows ─► subtransaction: advance, save, advance, save ... ─► release
 *					 │ anything fails
 *					 ▼
 *				  roll back ─► advance and save each, its steps in
 *							   subtransactions of their own
 *
 * If anything fails in the batch, be it a step, the saving of a row or a limit
 * of time, all of it is undone.  The runs in memory go back to what they were,
 * requests that were prepared are dropped unsent, and every run is advanced
 * once more by itself.  Then the failure is recorded on the run that it
 * belongs to, as if there had been no batch.  The rows were locked before the
 * batch began and stay locked, so no other worker takes a run in between.
 *
 * Since all may be done twice, a run is in a batch only if all this holds:
 *
 * - Its workflow has built-in actions only, whose effects a rollback undoes.
 *	 A function of a user's may act on what lies outside of the transaction,
 *	 such as a sequence, a file or another server, and may take session locks
 *	 or trap its cancellation.  So its step has a subtransaction of its own,
 *	 and is not repeated because another run's step failed.
 * - It was not taken over, has begun no attempt that was committed, and has
 *	 ended no worker.  What becomes of those depends on the one attempt.
 * - No step of its workflow has failed in a batch of late: for a number of
 *	 runs after that the workflow shares none, since it would probably fail
 *	 again and the others would be done twice (plan_cache_had_failed).
 * - Nobody wants to know which run makes the tick fail: while ticks have one
 *	 run each after an error, or runs are on probation after a crash, nothing
 *	 is shared.
 *
 * The others of a batch wait for each step in it.  So a step may take 100 ms
 * there, and wait for a lock for 20 ms (tick.c).  One that exceeds the time is
 * cancelled, which undoes the batch; its workflow counts as slow from then on,
 * and its runs have ticks of their own (tick_alone.c).  That is not an attempt
 * of the step: nobody has seen it.  After a step that took 10 ms, and after
 * 50 ms in all, no further step begins, and the rest of the batch is left for
 * a later tick.
 *
 * A transaction with more than 64 subtransactions that wrote overflows the
 * cache that the snapshots of all backends read (PGPROC's subxids), and slows
 * them all until it ends.  So a tick counts its own, and ends before
 * (subtransactions_left).  A chunk of 25 runs costs two, one for the locks and
 * one for the batch; a step outside of a batch costs one.
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

/* Slow runs of a tenant that a worker has, while others have nothing to do. */
#define MAX_ALONE 4

typedef struct Batch
{
	Tick		tick;			/* becomes the tick's, if all goes well */
	List	   *runs;			/* of RunRow * */
	RunRow	   *current;		/* the one that is advanced */
} Batch;

/*--- one run ---*/

/*
 * Was the run claimed in this tick?  Then it is not ours after a rollback, or
 * if it is left as it is.
 */
static bool
is_claimed(const RunRow *run)
{
	return run->status != RUN_STATUS_RUNNING;
}

/* Would its tenant have too many bytes in flight after this tick? */
static bool
is_full(const Tick *tick, const RunRow *run)
{
	return is_claimed(run) &&
		in_flight_fills_up(&run->tenant_id, tick->run.intents);
}

/* How many slow runs of its tenant does this worker have? */
static int
count_alone(const Tick *tick, const pg_uuid_t *tenant)
{
	int			n = in_flight_count_alone(tenant);
	ListCell   *lc;

	foreach(lc, tick->alone)
	{
		if (ids_equal(&((RunRow *) lfirst(lc))->tenant_id, tenant))
			n++;
	}
	return n;
}

/*
 * Is the run slow, and does this worker have slow runs of its tenant already?
 * Then it is left to a worker that has nothing to do, or for later.  So is
 * what the tenant has queued after it, which is probably slow as well: the
 * tick notes the tenant.
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

/* Leaves a run as it was loaded, unsaved, for a later tick. */
static void
leave(Tick *tick, RunRow *run)
{
	if (run->taken_over)
		tick->sweep = true;
	else if (is_claimed(run))
		tick->waiting = lappend(tick->waiting, run);
	else
		tick->runnable = lappend(tick->runnable, &run->unit);
}

/* Takes the run as far as it goes and saves it, or leaves it. */
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

/*--- the batch ---*/

/* What is executed within the subtransaction. */
static void
advance_batch(void *arg)
{
	Batch	   *batch = arg;
	ListCell   *lc;

	foreach(lc, batch->runs)
	{
		batch->current = lfirst(lc);
		advance_one(&batch->tick, batch->current);
	}
}

/* May the run be in a batch?  See the list at the top. */
static bool
may_share(const RunRow *run)
{
	return !run->taken_over && run->attempt_at == 0 &&
		run->abnormal_ends == 0 && plan_cache_may_share(run);
}

/* The lists of the batch's tick are its own, so that they can be dropped. */
static void
begin_batch(Batch *batch, const Tick *tick)
{
	batch->tick = *tick;
	batch->tick.run.in_batch = true;
	batch->tick.run.intents = list_copy(tick->run.intents);
	batch->tick.runnable = NIL;
	batch->tick.blocked = NIL;
	batch->tick.alone = NIL;
	batch->tick.failed = NIL;
	batch->tick.waiting = NIL;
}

/* All went well: what the batch noted is added to what the tick had noted. */
static void
accept_batch(const Batch *batch, Tick *tick)
{
	Tick		before = *tick;

	*tick = batch->tick;
	tick->run.in_batch = false;
	tick->run.subtransactions_left--;
	tick->runnable = list_concat(before.runnable, batch->tick.runnable);
	tick->blocked = list_concat(before.blocked, batch->tick.blocked);
	tick->alone = list_concat(before.alone, batch->tick.alone);
	tick->failed = list_concat(before.failed, batch->tick.failed);
	tick->waiting = list_concat(before.waiting, batch->tick.waiting);
}

/* A step of that run was cut off: its workflow's runs are to go alone. */
static void
note_too_long(const RunRow *run)
{
	char	   *error;
	const CachedPlan *plan = plan_cache_find(run, &error);

	if (plan != NULL)
		plan_cache_note_time(plan, SLOW_STEP_US + 1, true);
}

/*
 * The batch was rolled back: the runs are again what they were before, and it
 * is noted which workflow was the reason.
 */
static void
undo_batch(Tick *tick, Batch *batch, const RunRow *before, bool too_long)
{
	current_run.active = false;
	for (int i = 0; i < list_length(batch->runs); i++)
		*(RunRow *) list_nth(batch->runs, i) = before[i];
	store_renew_runs(tick->runs);
	tick_drop_intents(batch->tick.run.intents,
					  list_length(tick->run.intents));
	if (too_long)
		note_too_long(batch->current);
	else
		plan_cache_had_failed(batch->current);
	tick->run.subtransactions_left--;
	if (sandbox_session_unclean())
		tick->run.subtransactions_left = 0;
}

/* Advances and saves these (RunRow *).  False: all of it was undone. */
static bool
try_batch(Tick *tick, List *runs)
{
	Batch		batch = {.runs = runs};
	RunRow	   *before = palloc(sizeof(RunRow) * list_length(runs));
	bool		too_long;

	Assert(this_worker.solo_ticks == 0 && !tick->run.probation);
	for (int i = 0; i < list_length(runs); i++)
		before[i] = *(RunRow *) list_nth(runs, i);
	begin_batch(&batch, tick);
	if (sandbox_run_batch(&((RunRow *) linitial(runs))->tenant_id,
						  advance_batch, &batch, &too_long))
	{
		accept_batch(&batch, tick);
		return true;
	}
	undo_batch(tick, &batch, before, too_long);
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
		if (this_worker.solo_ticks == 0 && !tick->run.probation &&
			may_share(lfirst(lc)))
			sharing = lappend(sharing, lfirst(lc));
		else
			others = lappend(others, lfirst(lc));
	}

	/* a batch of one would save nothing, and might be done twice */
	if (list_length(sharing) < 2 || !try_batch(tick, sharing))
		others = runs;
	foreach(lc, others)
	{
		CHECK_FOR_INTERRUPTS();
		advance_one(tick, lfirst(lc));
	}
}
