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
#include "base/uuid_list.h"
#include "commands/async.h"
#include "config/clock.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "run/plan_cache.h"
#include "run/run.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "shared/long_step.h"
#include "shared/set_aside.h"
#include "shared/wakeup.h"
#include "shared/worker_leave.h"
#include "shared/worker_slot.h"
#include "storage/lock.h"
#include "store/step_result.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "worker/in_flight.h"
#include "worker/tick_report.h"
#include "worker/tick_state.h"
#include "worker/worker.h"
#include "worker/worker_settings.h"

/* Writing subtransactions a tick may have; 64 would overflow the cache. */
#define FENCES_A_TICK 60

#define PROBATION_RUNS 500		/* after a start that was not clean */
#define BUSY_RETRY_US INT64CONST(100000)	/* somebody locks a run's row */
#define CLEAN_AGAIN_US INT64CONST(60000000) /* after an error */

/*
 * How long a native step waits for a lock, and how long it may take at all,
 * in a batch, whose others wait with it.  Then its run has a tick of its own
 * (tick_alone.c).
 */
#define BATCH_LOCK_TIMEOUT_MS 20
#define BATCH_STEP_MS 100

MemoryContext tick_memory;
WorkerState worker_state;

void
tick_begin(int64 epoch)
{
	bool		last_end_unknown;

	in_flight_begin(epoch);
	if (crashed_step_on_probation(&last_end_unknown))
		worker_state.probation = PROBATION_RUNS;
	worker_state.killed_before = last_end_unknown ? PgStartTime : 0;

	tick_memory = AllocSetContextCreate(TopMemoryContext,
										"workflow_engine tick",
										ALLOCSET_DEFAULT_SIZES);
	worker_state.more = true;
	worker_state.ordinary_next = true;
	worker_state.ordinary_until = clock_now() + LONG_STEP_MS * INT64CONST(1000);
}

void
tick_collect(void)
{
	in_flight_collect();
}

/*--- in the transaction ---*/

void
tick_save_run(Tick *tick, RunRow *run, RunVerdict verdict)
{
	if (tick->run.alone)
		verdict = alone_relock(tick, run, verdict);
	run->step_results = step_results_join(run->step_results,
										  run->new_results);
	run->new_results = NIL;
	tick_save_row(tick, run);
	switch (verdict)
	{
		case RUN_PASSED:
			Assert(false);		/* run.c goes on by itself */
			break;
		case RUN_ENDED:
			tick->nended++;
			if (strcmp(run->status, "failed") == 0)
				tick->failed = lappend(tick->failed, run);
			/* wf_cancel has told of a run that it cancelled */
			if (strcmp(run->status, "cancelled") != 0)
				report_event(&run->id, run->status);
			break;
		case RUN_RUNNABLE:
			tick->runnable = lappend(tick->runnable, &run->id);
			break;
		case RUN_ALONE:
			tick->alone = lappend(tick->alone, run);
			break;
		case RUN_BLOCKED:
			tick->blocked = lappend(tick->blocked, &run->id);
			break;
		case RUN_WAITING:
			tick->waiting = lappend(tick->waiting, run);
			break;
		case RUN_SENDING:
			break;
	}
}

void
tick_is_about(const RunRow *run)
{
	worker_state.nruns++;
	worker_state.last_run.id = run->id;
	worker_state.last_run.tenant_id = run->tenant_id;
	worker_state.last_run.run_at = run->run_at;
	worker_state.last_run.priority = run->priority;
	worker_state.last_is_queued = strcmp(run->status, "running") != 0;

	recovery_saw(&run->tenant_id);
	crashed_step_note_run(&run->id, &run->definition_id);
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

/*
 * Records an answer.  A run that is not ours any more (it was cancelled)
 * loses its answer; one whose row is locked keeps it for later.
 */
static void
record_answer(Tick *tick, PendingRequest *pending, RunRow *run, bool busy)
{
	if (run != NULL && step_position_equal(run->current_step, pending->answer.step) &&
		run->attempt == pending->answer.attempt)
	{
		tick_is_about(run);
		tick_save_run(tick, run, run_receive(run, &pending->answer, &tick->run));
	}
	else if (busy)
	{
		pending->next_try = clock_now() + BUSY_RETRY_US;
		return;
	}
	tick->recorded = lappend(tick->recorded, pending);
	tick->room--;
}

/* Records the answers that came. */
static void
record_answers(Tick *tick)
{
	List	   *requests = in_flight_ready_answers(tick->room);
	int			n = list_length(requests);
	RunRow	  **runs = palloc(sizeof(RunRow *) * (n + 1));
	bool	   *busy = palloc(sizeof(bool) * (n + 1));

	if (n == 0)
		return;
	store_loading_begin(tick->runs);
	for (int i = 0; i < n; i++)
	{
		const pg_uuid_t *id = &((PendingRequest *) list_nth(requests, i))->run_id;

		crashed_step_note_run(id, NULL);
		runs[i] = store_load_owned(tick->runs, id, in_flight.epoch, true,
								   &busy[i]);
	}
	store_loading_end(tick->runs);
	for (int i = 0; i < n; i++)
		record_answer(tick, list_nth(requests, i), runs[i], busy[i]);
}

/*
 * Goes on with runs of ours that were left between two steps.  Returns those
 * whose row somebody has locked.
 */
static List *
resume(Tick *tick, List *ids)
{
	RowLocking	locking;
	List	   *busy = NIL;
	List	   *runs = NIL;
	ListCell   *lc;

	if (ids == NIL)
		return NIL;
	tick_locking_begin(&locking);
	store_loading_begin(tick->runs);
	foreach(lc, ids)
	{
		bool		is_busy;
		RunRow	   *run;

		/* an id may be there twice, and our own lock would not stop us */
		if (ids_contain(tick->taken, lfirst(lc)) ||
			ids_contain(busy, lfirst(lc)))
			continue;
		crashed_step_note_run(lfirst(lc), NULL);
		run = store_load_owned(tick->runs, lfirst(lc), in_flight.epoch, true,
							   &is_busy);
		if (run != NULL)
			runs = lappend(runs, run);
		if (is_busy)
			busy = lappend(busy, id_copy(lfirst(lc)));
		else
			tick->taken = lappend(tick->taken, id_copy(lfirst(lc)));
	}
	store_loading_end(tick->runs);
	crashed_step_note_run(NULL, NULL);
	tick_locking_end(&locking, tick);
	tick_advance(tick, runs);
	tick->room -= list_length(runs);
	return busy;
}

/* Runs to go on with, at most n, but for those that are set aside. */
static List *
next_runnable(int n)
{
	List	   *ids = NIL;
	ListCell   *lc;

	foreach(lc, in_flight.runnable)
	{
		if (list_length(ids) >= n)
			break;
		if (!aside_contains(lfirst(lc)))
			ids = lappend(ids, lfirst(lc));
	}
	return ids;
}

/* Those that are locked come after the others, whose turn it is then. */
static void
resume_runnable(Tick *tick)
{
	List	   *busy = resume(tick, next_runnable(Max(tick->room, 0)));

	tick->busy = busy != NIL;
	tick->taken = list_concat(tick->taken, busy);
	tick->runnable = list_concat(tick->runnable, busy);
}

/* Runs of ours in the table that no list here knows: an error lost them. */
static void
find_lost(Tick *tick)
{
	List	   *lost = store_owned_but(in_flight_all_ids(), in_flight.epoch);

	tick->runnable = list_concat(tick->runnable, lost);
}

/* The transaction's work. */
static void
work(Tick *tick, bool sweep)
{
	Blocked    *blocked = in_flight_next_blocked(clock_now());

	if (worker_state.stopping)
	{
		record_answers(tick);
		return;
	}
	if (worker_state.lost)
		find_lost(tick);
	if (blocked != NULL && !worker_state.ordinary_next && alone_try(tick, blocked))
		return;
	record_answers(tick);
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
	if (worker_state.has_turn)
		isolated_end_turn(&worker_state.turn_of, true);
	worker_state.has_turn = false;

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

	alone_over(tick->more);
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
	not_after(when, recovery_put_off_until(now));
	not_after(when, in_flight_next_answer(now));
	if (next_runnable(1) != NIL)
		not_after(when, worker_state.busy_until != 0 ? worker_state.busy_until : now);
	foreach(lc, in_flight.blocked)
	{
		const Blocked *blocked = lfirst(lc);

		if (!aside_contains(&blocked->run_id))
			not_after(when, Max(blocked->next_try, 1)); /* 0 is never */
	}
	return worker_state.more || (*when != 0 && *when <= now);
}
