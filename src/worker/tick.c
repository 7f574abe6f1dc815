/*
 * tick.c
 *	  The transaction in which a worker moves runs on, and what is next.
 *
 *	  answers ──┐
 *	  runnable ─┼─► advance each (run.c) ─► save ─► commit ─► send, forget
 *	  due ──────┘
 *
 * Runs in a worker, outside of any other transaction.  The other files of the
 * tick do its parts: tick_resume.c the runs that the worker has already,
 * tick_claim.c those that are due, tick_alone.c the one that has a tick of its
 * own, tick_batch.c the advancing, tick_recovery.c what follows an error or a
 * crash.  They share tick_state.c.
 *
 * Owns a Tick, from its begin to after its commit.  A tick commits as a whole
 * or leaves nothing.  Requests are sent after the commit that recorded their
 * intent, and an answer is forgotten after the commit that recorded its
 * result.  So whatever a crash takes away, another worker finds in the table.
 * An error in a step is that step's (step_sandbox.c); any other error ends the
 * tick.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "base/transaction.h"
#include "commands/async.h"
#include "config/clock.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "shared/long_step.h"
#include "shared/set_aside.h"
#include "shared/wakeup.h"
#include "shared/worker_leave.h"
#include "shared/worker_slot.h"
#include "store/store_pending.h"
#include "store/store_schema.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "worker/in_flight.h"
#include "worker/tick.h"
#include "worker/tick_alone.h"
#include "worker/tick_claim.h"
#include "worker/tick_put_off.h"
#include "worker/tick_recovery.h"
#include "worker/tick_report.h"
#include "worker/tick_resume.h"
#include "worker/tick_state.h"
#include "worker/version_wait.h"
#include "worker/worker.h"
#include "worker/worker_settings.h"

/* Subtransactions of a tick that may write; why 60, see tick_batch.c. */
#define SUBTRANSACTIONS_A_TICK 60

/* After an error in clean_pending it is not tried again for so long. */
#define CLEAN_AGAIN_US INT64CONST(60000000)

/*
 * How long a native step may wait for a lock, and how long it may take at all,
 * in a tick of many runs, which all wait for it.  A step that exceeds that is
 * undone, and its run gets a tick of its own (tick_alone.c).
 */
#define SHARED_LOCK_TIMEOUT_MS 20
#define SHARED_STEP_MS 100

void
tick_begin(int64 epoch)
{
	in_flight_begin(epoch);
	tick_state_begin();
}

/*
 * Before the commit.  If the tick has one run, the worker stays "about" it: if
 * the process ends while it commits, that is due to this run.  If there are
 * several, it would not be known to which.
 */
static void
end_being_about(void)
{
	if (this_worker.nruns != 1)
		crashed_step_note_run(NULL, NULL);
}

/*
 * What the transaction does.  A blocked or slow run comes first, if it is such
 * a run's turn (tick_choose_next); then the tick is of that run alone.
 */
static void
work(Tick *tick, bool sweep)
{
	Blocked    *blocked = in_flight_next_blocked(clock_now());

	if (tick->run.stopping)
	{
		resume_record_answers(tick);
		return;
	}
	if (this_worker.lost)
		resume_find_lost(tick);
	sweep |= this_worker.sweep;
	tick->sweep = sweep;		/* still owed, unless tick_claim does it */
	if (blocked != NULL && !this_worker.ordinary_next &&
		alone_try(tick, blocked))
		return;
	resume_record_answers(tick);
	resume_runnable(tick);
	if (!tick->no_claims)
		tick_claim(tick, sweep);
	else
		tick->next_due = clock_now() + BUSY_RETRY_US;
}

/*--- after the commit ---*/

/*
 * Tells the queue of runs (RunRow *) that are due again, now or later.  True:
 * some are due now, and this worker may be unable to take them.
 */
static bool
queue_waiting(List *runs, TimestampTz now)
{
	bool		any_due = false;
	ListCell   *lc;

	foreach(lc, runs)
	{
		RunRow	   *run = lfirst(lc);
		DueRun		due = {.unit = run->unit,.tenant_id = run->tenant_id,
		.run_at = run->run_at,.priority = run->priority};

		due_return_runs(&due, 1);
		any_due |= run->run_at <= now;
	}
	return any_due;
}

/*
 * Does what the committed tick has promised, and forgets what it has dealt
 * with.  Must not be interrupted.
 */
static void
after_commit(Tick *tick)
{
	TimestampTz now = clock_now();

	/* if it ended a step, it is the next one that met a lock */
	bool		same_step = tick->blocked_since != 0 &&
		tick->run.steps_done == 0;

	Assert(InterruptHoldoffCount > 0);
	long_step_end();
	tick_end_turn(true);
	in_flight_release(tick->taken, tick->recorded);
	in_flight_keep_runnable(tick->runnable);
	in_flight_keep_blocked(tick->blocked,
						   same_step ? tick->blocked_since : now);
	in_flight_keep_alone(tick->alone);
	in_flight_send(tick->run.intents);
	if (queue_waiting(tick->waiting, now))
		wakeup_others();
	if (!tick->run.stopping)
		this_worker.lost = false;
	this_worker.more = tick->more;
	this_worker.sweep = tick->sweep;
	this_worker.next_due = tick->next_due;
	if (tick->busy)
		this_worker.busy_until = now + BUSY_RETRY_US;
	else if (this_worker.busy_until <= now)
		this_worker.busy_until = 0;
	tick_choose_next(tick->more);
	this_worker.solo_ticks = Max(this_worker.solo_ticks - 1, 0);
	report_failed(tick->failed);
	worker_slot_count_work(transfer_in_flight(), tick->nended,
						   tick->run.steps_done);
}

/*
 * Commits, and keeps a moving mean of what that takes.  One commit that takes
 * long counts for a quarter, and less from commit to commit.
 */
static void
commit(void)
{
	TimestampTz began = clock_now();
	int64		took_us;

	CommitTransactionCommand();
	took_us = Max(clock_now() - began, 0);
	this_worker.commit_us += (took_us - this_worker.commit_us) / 4;
}

/*
 * Cleans that index of what PostgreSQL has left to be sorted in, in a
 * transaction of its own.  An error is logged, and the cleaning is then left
 * for a minute, so that runs go on.
 */
static void
clean_pending(Oid index)
{
	if (clock_now() < this_worker.clean_not_before)
		return;
	pgstat_report_activity(STATE_RUNNING, "cleaning the index of payloads");
	PG_TRY();
	{
		begin_transaction();
		PushActiveSnapshot(GetTransactionSnapshot());
		store_clean_pending(index);
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(tick_memory);
		EmitErrorReport();
		FlushErrorState();
		AbortOutOfAnyTransaction();
		this_worker.clean_not_before = clock_now() + CLEAN_AGAIN_US;
	}
	PG_END_TRY();
}

/* What holds for the runs of this tick; room for one if it is to be known. */
static void
begin_tick(Tick *tick)
{
	bool		probation = this_worker.probation_runs > 0;

	tick->run.epoch = in_flight.epoch;
	tick->run.subtransactions_left = SUBTRANSACTIONS_A_TICK;
	tick->run.lock_timeout_ms = Min(wf_lock_timeout, SHARED_LOCK_TIMEOUT_MS);
	tick->run.soft_limit_ms = SHARED_STEP_MS;
	tick->run.stopping = this_worker.stopping;

	tick->run.probation = probation;
	tick->run.killed_before = this_worker.killed_before;
	tick->room = this_worker.solo_ticks > 0 || probation ? 1 : wf_batch_size;
	this_worker.nruns = 0;
}

/* All of the transaction but its begin and its commit. */
static void
do_work(Tick *tick, bool sweep)
{
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(tick_memory);
	tick->runs = store_open_runs();
	work(tick, sweep);
	tick->pending = store_find_pending(tick->runs);
	store_close_runs(tick->runs);
	if (tick->run.subtransactions_left < SUBTRANSACTIONS_A_TICK)
		Async_Listen(CHANNEL_IN);	/* a step may have said UNLISTEN */
	PopActiveSnapshot();
}

bool
tick_run(bool sweep)
{
	Tick		tick = {0};

	Assert(!IsTransactionState());
	tick.no_claims = this_worker.stopping || recovery_begin();

	begin_tick(&tick);
	worker_follow_settings();
	begin_transaction();
	if (!store_hold_extension())
	{
		CommitTransactionCommand();
		return false;
	}
	if (!version_look())
		tick.run.stopping = true;
	do_work(&tick, sweep);
	end_being_about();
	commit();
	HOLD_INTERRUPTS();			/* what it promised must be done */
	crashed_step_note_run(NULL, NULL);
	recovery_over();
	after_commit(&tick);
	RESUME_INTERRUPTS();
	if (OidIsValid(tick.pending) && !worker_leave_is_stopping())
		clean_pending(tick.pending);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextReset(tick_memory);
	return true;
}

/*--- between ticks ---*/

void
tick_wind_up(void)
{
	this_worker.stopping = true;
	claim_hand_over();
	in_flight_wind_up();
}

bool
tick_under_way(TimestampTz *when)
{
	*when = in_flight_next_answer(clock_now());
	return in_flight.nrequests > 0;
}

/* Makes *when the earlier of itself and time; 0 is never. */
static void
not_after(TimestampTz *when, TimestampTz time)
{
	if (time != 0 && (*when == 0 || time < *when))
		*when = time;
}

void
tick_clock_set_back(TimestampTz now)
{
	this_worker.more = true;
	this_worker.next_due = 0;
	this_worker.busy_until = 0;
	claim_clock_set_back();
	in_flight_clock_set_back(now);
}

bool
tick_has_more(TimestampTz now, TimestampTz *when)
{
	ListCell   *lc;

	*when = this_worker.next_due;

	not_after(when, due_next_timer());
	not_after(when, aside_next_try());
	not_after(when, put_off_until(now));
	not_after(when, in_flight_next_answer(now));
	if (resume_has_runnable())
		not_after(when, this_worker.busy_until != 0
				  ? this_worker.busy_until : now);
	foreach(lc, in_flight.blocked)
	{
		const Blocked *blocked = lfirst(lc);

		if (!aside_contains(&blocked->unit))
			not_after(when, Max(blocked->next_try, 1)); /* 0 is never */
	}
	return this_worker.more || (*when != 0 && *when <= now);
}
