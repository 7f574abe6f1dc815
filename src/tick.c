/*
 * tick.c
 *	  The transaction in which a worker moves runs on.
 *
 *	  answers ─┐
 *	  in hand ─┼─► advance each (run.c) ─► save ─► commit ─► send, forget
 *	  claims  ─┘
 *
 * Runs in a worker, outside of any other transaction.  Owns tick_context,
 * reset after each tick, and the worker's course: whose turn is next, what
 * is due, how errors are dealt with.  What the worker has in hand from tick
 * to tick is hand.c's.
 *
 * A tick commits as a whole or leaves nothing.  Requests are sent after the
 * commit that recorded their intent; an answer is forgotten after the commit
 * that recorded its result.  Errors inside a step are the step's (fence.c);
 * any other ends the tick (tick_trouble.c).
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "clock.h"
#include "commands/async.h"
#include "hand.h"
#include "ids.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "queue.h"
#include "run.h"
#include "run_plan.h"
#include "settings.h"
#include "step_result.h"
#include "storage/lock.h"
#include "tick_internal.h"
#include "tick_report.h"
#include "transaction.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "worker.h"
#include "worker_settings.h"

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

MemoryContext tick_context;
Course		course;

void
tick_begin(int64 epoch)
{
	bool		last_end_unknown;

	hand_begin(epoch);
	if (queue_on_probation(&last_end_unknown))
		course.probation = PROBATION_RUNS;
	course.killed_before = last_end_unknown ? PgStartTime : 0;
	tick_context = AllocSetContextCreate(TopMemoryContext,
										 "workflow_engine tick",
										 ALLOCSET_DEFAULT_SIZES);
	course.more = true;
	course.ordinary_next = true;
	course.ordinary_until = clock_now() + LONG_STEP_MS * INT64CONST(1000);
}

void
tick_collect(void)
{
	hand_collect();
}

/*--- in the transaction ---*/

void
tick_settle(Tick *tick, RunRow *run, RunVerdict verdict)
{
	if (tick->run.alone)
		verdict = alone_relock(tick, run, verdict);
	run->step_results = step_results_join(run->step_results,
										  run->new_results);
	run->new_results = NIL;
	tick_save(tick, run);
	switch (verdict)
	{
		case RUN_ENDED:
			tick->nended++;
			if (strcmp(run->status, "failed") == 0)
				tick->failed = lappend(tick->failed, run);
			/* wf_cancel has told of a run that it cancelled */
			if (strcmp(run->status, "cancelled") != 0)
				report_event(&run->id, run->status);
			break;
		case RUN_CONTINUES:
			tick->continuing = lappend(tick->continuing, &run->id);
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
	course.nruns++;
	course.last_run.id = run->id;
	course.last_run.tenant_id = run->tenant_id;
	course.last_run.run_at = run->run_at;
	course.last_run.priority = run->priority;
	course.last_is_queued = strcmp(run->status, "running") != 0;
	trouble_saw(&run->tenant_id);
	queue_worker_is_about(&run->id, &run->definition_id);
}

/*
 * The row of the only run of a tick is saved when it commits; if there are
 * several, nobody knows which of them would be to blame for an end there.
 */
static void
is_about_commit(void)
{
	if (course.nruns != 1)
		queue_worker_is_about(NULL, NULL);
}

/*
 * Records an answer.  A run that is not ours any more (it was cancelled)
 * loses its answer; one whose row is locked keeps it for later.
 */
static void
record_answer(Tick *tick, Flight *flight, RunRow *run, bool busy)
{
	if (run != NULL && run->current_step == flight->answer.step &&
		run->attempt == flight->answer.attempt)
	{
		tick_is_about(run);
		tick_settle(tick, run, run_receive(run, &flight->answer, &tick->run));
	}
	else if (busy)
	{
		flight->next_try = clock_now() + BUSY_RETRY_US;
		return;
	}
	tick->recorded = lappend(tick->recorded, flight);
	tick->room--;
}

/* Records the answers that came. */
static void
reap(Tick *tick)
{
	List	   *flights = hand_ready_flights(tick->room);
	int			n = list_length(flights);
	RunRow	  **runs = palloc(sizeof(RunRow *) * (n + 1));
	bool	   *busy = palloc(sizeof(bool) * (n + 1));

	if (n == 0)
		return;
	store_loading_begin(tick->runs);
	for (int i = 0; i < n; i++)
	{
		const pg_uuid_t *id = &((Flight *) list_nth(flights, i))->run_id;

		queue_worker_is_about(id, NULL);
		runs[i] = store_load_owned(tick->runs, id, hand.epoch, true,
								   &busy[i]);
	}
	store_loading_end(tick->runs);
	for (int i = 0; i < n; i++)
		record_answer(tick, list_nth(flights, i), runs[i], busy[i]);
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
		queue_worker_is_about(lfirst(lc), NULL);
		run = store_load_owned(tick->runs, lfirst(lc), hand.epoch, true,
							   &is_busy);
		if (run != NULL)
			runs = lappend(runs, run);
		if (is_busy)
			busy = lappend(busy, id_copy(lfirst(lc)));
		else
			tick->taken = lappend(tick->taken, id_copy(lfirst(lc)));
	}
	store_loading_end(tick->runs);
	queue_worker_is_about(NULL, NULL);
	tick_locking_end(&locking, tick);
	tick_advance(tick, runs);
	tick->room -= list_length(runs);
	return busy;
}

/* Runs to go on with, at most n, but for those that are set aside. */
static List *
next_continuing(int n)
{
	List	   *ids = NIL;
	ListCell   *lc;

	foreach(lc, hand.continuing)
	{
		if (list_length(ids) >= n)
			break;
		if (!queue_is_aside(lfirst(lc)))
			ids = lappend(ids, lfirst(lc));
	}
	return ids;
}

/* Those that are locked come after the others, whose turn it is then. */
static void
resume_continuing(Tick *tick)
{
	List	   *busy = resume(tick, next_continuing(Max(tick->room, 0)));

	tick->busy = busy != NIL;
	tick->taken = list_concat(tick->taken, busy);
	tick->continuing = list_concat(tick->continuing, busy);
}

/* Runs of ours in the table that no list here knows: an error lost them. */
static void
find_lost(Tick *tick)
{
	List	   *lost = store_owned_but(hand_all_ids(), hand.epoch);

	tick->continuing = list_concat(tick->continuing, lost);
}

/* The transaction's work. */
static void
work(Tick *tick, bool look_round)
{
	Blocked    *blocked = hand_next_blocked(clock_now());

	if (course.stopping)
	{
		reap(tick);
		return;
	}
	if (course.lost)
		find_lost(tick);
	if (blocked != NULL && !course.ordinary_next && alone_try(tick, blocked))
		return;
	reap(tick);
	resume_continuing(tick);
	if (!tick->no_claims)
		tick_claim(tick, look_round);
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

		queue_return_runs(&due, 1);
	}
}

/* What was promised is done, what was used is forgotten. */
static void
conclude(Tick *tick)
{
	TimestampTz now = clock_now();
	bool		same_step = tick->blocked_since != 0 &&
		tick->run.steps_done == 0;

	queue_end_long();
	if (course.has_turn)
		queue_end_turn(&course.turn_of, true);
	course.has_turn = false;
	hand_release(tick->taken, tick->recorded);
	hand_keep_continuing(tick->continuing);
	hand_keep_blocked(tick->blocked, same_step ? tick->blocked_since : now);
	hand_keep_alone(tick->alone);
	hand_send(tick->run.intents);
	queue_waiting(tick->waiting);
	if (tick->waiting != NIL && (tick->run.ending || tick->crowded != NIL))
		queue_wake_others();	/* this worker will be away */
	course.lost = false;
	course.more = tick->more;
	course.look_round = tick->look_round;
	course.next_due = tick->next_due;
	if (tick->busy)
		course.busy_until = now + BUSY_RETRY_US;
	else if (course.busy_until <= now)
		course.busy_until = 0;
	alone_over(tick->more);
	course.solo = Max(course.solo - 1, 0);
	report_failed(tick->failed);
	queue_worker_count(transfer_in_flight(), tick->nended,
					   tick->run.steps_done);
}

/* A moving mean: the next four ticks forget most of one that took long. */
static void
commit(void)
{
	TimestampTz began = clock_now();

	CommitTransactionCommand();
	course.commit_us += (Max(clock_now() - began, 0) - course.commit_us) / 4;
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
		MemoryContextSwitchTo(tick_context);
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		not_before = clock_now() + CLEAN_AGAIN_US;
	}
	PG_END_TRY();
}

bool
tick_run(bool look_round)
{
	Tick		tick = {0};

	tick.run.epoch = hand.epoch;
	tick.run.fences_left = FENCES_A_TICK;
	tick.run.lock_timeout_ms = Min(wf_lock_timeout, BATCH_LOCK_TIMEOUT_MS);
	tick.run.soft_ms = BATCH_STEP_MS;
	tick.run.stopping = course.stopping;
	tick.no_claims = course.stopping || trouble_settle();
	tick.room = course.solo > 0 || course.probation > 0 ? 1 : wf_batch_size;
	tick.run.probation = course.probation > 0;
	tick.run.killed_before = course.killed_before;
	course.nruns = 0;

	worker_follow_settings();
	begin_transaction();
	if (!store_hold_extension())
	{
		CommitTransactionCommand();
		return false;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(tick_context);
	tick.runs = store_open_runs();
	work(&tick, look_round);
	tick.pending = store_find_pending(tick.runs);
	store_close_runs(tick.runs);
	if (tick.run.fences_left < FENCES_A_TICK)
		Async_Listen(CHANNEL_IN);	/* a step may have said UNLISTEN */
	PopActiveSnapshot();
	is_about_commit();
	commit();
	HOLD_INTERRUPTS();			/* what was promised must be done */
	queue_worker_is_about(NULL, NULL);
	trouble_over();
	conclude(&tick);
	RESUME_INTERRUPTS();
	if (OidIsValid(tick.pending) && !queue_worker_is_stopping())
		clean_pending(tick.pending);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextReset(tick_context);
	return true;
}

/*--- between ticks ---*/

void
tick_wind_up(void)
{
	course.stopping = true;
	hand_wind_up();
}

bool
tick_under_way(TimestampTz *when)
{
	*when = hand_next_answer(clock_now());
	return hand.nflights > 0;
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
	course.more = true;
	course.next_due = 0;
	course.busy_until = 0;
	claim_clock_set_back();
	hand_clock_set_back(now);
}

bool
tick_has_more(TimestampTz now, TimestampTz *when)
{
	ListCell   *lc;

	*when = course.next_due;
	not_after(when, queue_next_due());
	not_after(when, queue_aside_until());
	not_after(when, trouble_put_off_until(now));
	not_after(when, hand_next_answer(now));
	if (next_continuing(1) != NIL)
		not_after(when, course.busy_until != 0 ? course.busy_until : now);
	foreach(lc, hand.blocked)
	{
		const Blocked *blocked = lfirst(lc);

		if (!queue_is_aside(&blocked->run_id))
			not_after(when, Max(blocked->next_try, 1));	/* 0 is never */
	}
	return course.more || (*when != 0 && *when <= now);
}
