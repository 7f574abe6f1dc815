/*
 * tick_state.c
 *	  The state of a worker, and what every kind of tick does with a run.
 *
 * Runs in a worker, inside a tick's transaction unless a function says
 * otherwise.  The files that advance runs (tick_batch.c, tick_alone.c,
 * tick_resume.c, tick_recovery.c) save them here, and here they say which run
 * the worker is about.
 *
 * Owns this_worker, which lives as long as the process, and tick_memory,
 * which is reset after each tick.  Nothing of it survives a crash: the next
 * worker begins with an empty state, and finds in the table what is to be
 * done.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "connection/connection.h"
#include "miscadmin.h"
#include "run/plan_cache.h"
#include "shared/crashed_step.h"
#include "shared/set_aside.h"
#include "storage/proc.h"
#include "store/run_ended.h"
#include "store/step_result.h"
#include "store/store_write.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "worker/tick_put_off.h"
#include "worker/tick_report.h"
#include "worker/tick_state.h"

/* After a crash, so many runs are advanced on probation. */
#define PROBATION_RUNS 500

/* For so long a tick waits for the row of its only run. */
#define ROW_LOCK_TIMEOUT_MS 1000

MemoryContext tick_memory;		/* lists of the tick, and its runs */
WorkerState this_worker;		/* the files of the tick share it */

void
tick_state_begin(void)
{
	bool		last_end_unknown;

	if (crashed_step_on_probation(&last_end_unknown))
		this_worker.probation_runs = PROBATION_RUNS;
	this_worker.killed_before = last_end_unknown ? PgStartTime : 0;
	tick_memory = AllocSetContextCreate(TopMemoryContext,
										"workflow_engine tick",
										ALLOCSET_DEFAULT_SIZES);

	/* what is due has waited for this worker: it comes before any slow step */
	this_worker.more = true;
	this_worker.ordinary_next = true;
	this_worker.ordinary_until = clock_now() + LONG_STEP_MS * INT64CONST(1000);
}

void
tick_is_about(const RunRow *run)
{
	this_worker.nruns++;
	this_worker.last_run.unit = run->unit;
	this_worker.last_run.tenant_id = run->tenant_id;
	this_worker.last_run.run_at = run->run_at;
	this_worker.last_run.priority = run->priority;
	this_worker.last_is_queued = run->status != RUN_STATUS_RUNNING;
	put_off_saw(&run->tenant_id);
	crashed_step_note_run(&run->unit, &run->definition_id);
}

/*--- row locks ---*/

/*
 * Rows are locked in a subtransaction of their own, which is then released
 * with its locks kept.  The transaction itself must not be the locker.  If it
 * were, and an update of the row were undone with a later subtransaction, the
 * row's multixact would still name the aborted updater when the row is updated
 * again: MultiXactIdExpand makes no new multixact for a transaction that is a
 * member already, and heap_update asserts that there is no updater in it.
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
	tick->run.subtransactions_left--;
}

/*--- saving ---*/

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

/*
 * The row of the only run of a tick was not locked while its step executed
 * (tick_alone.c).  Locks it, and returns what the verdict is now.  Raises
 * 40001 if the run is not this worker's any more, and 55P03 if its row stays
 * locked by somebody.
 */
static RunVerdict
relock(Tick *tick, RunRow *run, RunVerdict verdict)
{
	int			save_lock_timeout = LockTimeout;
	RelockResult result;

	Assert(tick->run.alone);
	LockTimeout = ROW_LOCK_TIMEOUT_MS;
	result = store_relock_owned(tick->runs, run, in_flight.epoch);
	LockTimeout = save_lock_timeout;
	switch (result)
	{
		case RELOCK_OURS:
			return verdict;
		case RELOCK_CANCELLED:
			tick_drop_intents(tick->run.intents, 0);
			tick->run.intents = NIL;
			return RUN_ENDED;
		case RELOCK_GONE:
			break;
	}
	this_worker.withdrawn = true;	/* it is nobody's fault */
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("run %s was changed while its step was executing",
					id_text(&run->unit.id))));
}

/*
 * Saves the row.  A trigger that somebody has put on the table may make that
 * slow.  Then the tick ends soon, and runs of other tenants come first for as
 * long as it took.
 */
static void
save_row(Tick *tick, const RunRow *run)
{
	TimestampTz began = clock_now();
	int64		took_us;

	store_save_run(tick->runs, run);
	took_us = clock_now() - began;
	if (took_us <= SLOW_STEP_US)
		return;
	tick->run.ending = true;
	put_off_for(&run->tenant_id, took_us);
}

void
tick_save_run(Tick *tick, RunRow *run, RunVerdict verdict)
{
	if (tick->run.alone)
		verdict = relock(tick, run, verdict);
	run->step_results = step_results_join(run->step_results,
										  run->new_results);
	run->new_results = NIL;
	save_row(tick, run);
	switch (verdict)
	{
		case RUN_PASSED:
			Assert(false);		/* run.c goes on by itself */
			break;
		case RUN_ENDED:
			tick->nended++;
			if (run->status == RUN_STATUS_FAILED)
				tick->failed = lappend(tick->failed, run);
			/* of a run that it cancelled, wf_cancel has called it */
			if (run->status != RUN_STATUS_CANCELLED)
				run_ended(&run->unit, run->status);
			break;
		case RUN_RUNNABLE:
			tick->runnable = lappend(tick->runnable, &run->unit);
			break;
		case RUN_ALONE:
			tick->alone = lappend(tick->alone, run);
			break;
		case RUN_BLOCKED:
			tick->blocked = lappend(tick->blocked, &run->unit);
			break;
		case RUN_WAITING:
			tick->waiting = lappend(tick->waiting, run);
			break;
		case RUN_SENDING:
			break;
	}
}

/*--- between ticks ---*/

void
tick_end_turn(bool went_well)
{
	if (this_worker.has_turn)
		isolated_end_turn(&this_worker.turn_of, went_well);
	this_worker.has_turn = false;
}

/*
 * After a tick of one run an ordinary tick follows in any case.  More ordinary
 * ticks follow for as long as that tick lasted, if there is work for them: so
 * slow steps have half of a busy worker's time.
 */
void
tick_choose_next(bool more)
{
	TimestampTz now = clock_now();

	if (this_worker.alone_since != 0)
	{
		this_worker.ordinary_next = true;
		this_worker.ordinary_until = now +
			Max(now - this_worker.alone_since, 0);
	}
	else
		this_worker.ordinary_next = more && now < this_worker.ordinary_until;
	this_worker.alone_since = 0;
}
