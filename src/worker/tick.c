/*
 * tick.c
 *	  The transaction in which a worker moves runs on.
 *
 *	  answers ─┐
 *	  in hand ─┼─► advance each (run.c) ─► save ─► commit ─► send, forget
 *	  claims  ─┘
 *
 * Runs in a worker, outside of any other transaction.  Owns tick_memory,
 * reset after each tick, and the worker's course: whose turn is next, what
 * is due, how errors are dealt with.  What the worker has in hand from tick
 * to tick is in_flight.c's.
 *
 * A tick commits as a whole or leaves nothing.  Requests are sent after the
 * commit that recorded their intent; an answer is forgotten after the commit
 * that recorded its result.  Errors inside a step are the step's (step_sandbox.c);
 * any other ends the tick (tick_recovery.c).
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
#include "worker/worker.h"
#include "worker/worker_settings.h"

/* Writing subtransactions a tick may have; 64 would overflow the cache. */
#define FENCES_A_TICK 60

#define CLEAN_AGAIN_US INT64CONST(60000000) /* after an error */

/*
 * How long a native step waits for a lock, and how long it may take at all,
 * in a batch, whose others wait with it.  Then its run has a tick of its own
 * (tick_alone.c).
 */
#define BATCH_LOCK_TIMEOUT_MS 20
#define BATCH_STEP_MS 100

void
tick_begin(int64 epoch)
{
	in_flight_begin(epoch);
	tick_state_begin();
}

void
tick_collect(void)
{
	in_flight_collect();
}

/*
 * The row of the only run of a tick is saved when it commits; if there are
 * several, nobody knows which of them would be to blame for an end there.
 */
static void
is_about_commit(void)
{
	if (worker_state.nruns != 1)
		crashed_step_note_run(NULL, NULL);
}

/* The transaction's work. */
static void
work(Tick *tick, bool sweep)
{
	Blocked    *blocked = in_flight_next_blocked(clock_now());

	if (worker_state.stopping)
	{
		resume_record_answers(tick);
		return;
	}
	if (worker_state.lost)
		resume_find_lost(tick);
	if (blocked != NULL && !worker_state.ordinary_next && alone_try(tick, blocked))
		return;
	resume_record_answers(tick);
	resume_runnable(tick);
	if (!tick->no_claims)
		tick_claim(tick, sweep);
	else
		tick->next_due = clock_now() + BUSY_RETRY_US;
}

/*--- after the commit ---*/

/* Runs that were queued or put off by what this tick did. */
static void
queue_waiting(List *runs)
{
	ListCell   *lc;

	foreach(lc, runs)
	{
		RunRow	   *run = lfirst(lc);
		DueRun		due = {.id = run->id,.tenant_id = run->tenant_id,
		.run_at = run->run_at,.priority = run->priority};

		due_return_runs(&due, 1);
	}
}

/* What was promised is done, what was used is forgotten. */
static void
after_commit(Tick *tick)
{
	TimestampTz now = clock_now();
	bool		same_step = tick->blocked_since != 0 &&
		tick->run.steps_done == 0;

	long_step_end();
	tick_end_turn(true);
	in_flight_release(tick->taken, tick->recorded);
	in_flight_keep_runnable(tick->runnable);
	in_flight_keep_blocked(tick->blocked, same_step ? tick->blocked_since : now);
	in_flight_keep_alone(tick->alone);
	in_flight_send(tick->run.intents);
	queue_waiting(tick->waiting);
	if (tick->waiting != NIL && (tick->run.ending || tick->overflow != NIL))
		wakeup_others();		/* this worker will be away */
	worker_state.lost = false;
	worker_state.more = tick->more;
	worker_state.sweep = tick->sweep;
	worker_state.next_due = tick->next_due;

	if (tick->busy)
		worker_state.busy_until = now + BUSY_RETRY_US;

	else if (worker_state.busy_until <= now)
		worker_state.busy_until = 0;

	tick_choose_next(tick->more);
	worker_state.solo = Max(worker_state.solo - 1, 0);

	report_failed(tick->failed);
	worker_slot_count_work(transfer_in_flight(), tick->nended,
						   tick->run.steps_done);
}

/* A moving mean: the next four ticks forget most of one that took long. */
static void
commit(void)
{
	TimestampTz began = clock_now();

	CommitTransactionCommand();
	worker_state.commit_us += (Max(clock_now() - began, 0) - worker_state.commit_us) /4;
}

/* An error is reported, and not met again at each tick: runs come first. */
static void
clean_pending(Oid index)
{
	static TimestampTz not_before = 0;

	if (clock_now() < not_before)
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
		AbortCurrentTransaction();
		not_before = clock_now() + CLEAN_AGAIN_US;
	}
	PG_END_TRY();
}

bool
tick_run(bool sweep)
{
	Tick		tick = {0};

	tick.run.epoch = in_flight.epoch;
	tick.run.subtransactions_left = FENCES_A_TICK;
	tick.run.lock_timeout_ms = Min(wf_lock_timeout, BATCH_LOCK_TIMEOUT_MS);
	tick.run.soft_ms = BATCH_STEP_MS;
	tick.run.stopping = worker_state.stopping;
	tick.no_claims = worker_state.stopping || recovery_begin();
	tick.room = worker_state.solo > 0 || worker_state.probation > 0 ? 1 : wf_batch_size;
	tick.run.probation = worker_state.probation > 0;
	tick.run.killed_before = worker_state.killed_before;
	worker_state.nruns = 0;

	worker_follow_settings();
	begin_transaction();
	if (!store_hold_extension())
	{
		CommitTransactionCommand();
		return false;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(tick_memory);
	tick.runs = store_open_runs();
	work(&tick, sweep);
	tick.pending = store_find_pending(tick.runs);
	store_close_runs(tick.runs);
	if (tick.run.subtransactions_left < FENCES_A_TICK)
		Async_Listen(CHANNEL_IN);	/* a step may have said UNLISTEN */
	PopActiveSnapshot();
	is_about_commit();
	commit();
	HOLD_INTERRUPTS();			/* what was promised must be done */
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
	worker_state.stopping = true;

	in_flight_wind_up();
}

bool
tick_under_way(TimestampTz *when)
{
	*when = in_flight_next_answer(clock_now());
	return in_flight.nrequests > 0;
}

/* when, or the earlier of both; 0 is never. */
static void
not_after(TimestampTz *when, TimestampTz time)
{
	if (time != 0 && (*when == 0 || time < *when))
		*when = time;
}

void
tick_clock_set_back(TimestampTz now)
{
	worker_state.more = true;
	worker_state.next_due = 0;
	worker_state.busy_until = 0;

	claim_clock_set_back();
	in_flight_clock_set_back(now);
}

bool
tick_has_more(TimestampTz now, TimestampTz *when)
{
	ListCell   *lc;

	*when = worker_state.next_due;

	not_after(when, due_next_timer());
	not_after(when, aside_next_try());
	not_after(when, put_off_until(now));
	not_after(when, in_flight_next_answer(now));
	if (resume_has_runnable())
		not_after(when, worker_state.busy_until != 0 ? worker_state.busy_until : now);
	foreach(lc, in_flight.blocked)
	{
		const Blocked *blocked = lfirst(lc);

		if (!aside_contains(&blocked->run_id))
			not_after(when, Max(blocked->next_try, 1)); /* 0 is never */
	}
	return worker_state.more || (*when != 0 && *when <= now);
}
