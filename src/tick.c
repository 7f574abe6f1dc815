/*
 * tick.c
 *	  The transaction in which a worker moves runs on.
 *
 *	  answers ─┐
 *	  in hand ─┼─► advance each (run.c) ─► save ─► commit ─► send, forget
 *	  claims  ─┘
 *
 * Runs in a worker, outside of any other transaction.  Owns what the worker
 * has in hand: flights (exchanges under way, each in a memory context of its
 * own below hand_context) and the ids of runs that go on in a later tick.
 * All of it goes with the process; the rows stay, owned by an epoch that is
 * then dead, and are taken over.
 *
 * A tick commits as a whole or leaves nothing.  Requests are sent after the
 * commit that recorded their intent; an answer is forgotten after the commit
 * that recorded its result.  Errors inside a step are the step's (fence.c).
 * Any other ends the tick: then runs are processed one by one for a while,
 * so that the run to blame is known, and failed where the fault is its own.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "clock.h"
#include "commands/async.h"
#include "ids.h"
#include "miscadmin.h"
#include "queue.h"
#include "run.h"
#include "settings.h"
#include "storage/lock.h"
#include "tick.h"
#include "tick_report.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "worker.h"

/* Writing subtransactions a tick may have; 64 would overflow the cache. */
#define FENCES_A_TICK 60

#define BUSY_RETRY_US INT64CONST(100000)	/* somebody locks a run's row */

/*
 * How long a native step waits for a lock: in a batch, whose others wait
 * with it; and in a tick of its own, where only the transfers wait.  It is
 * tried again and again until lock_timeout has passed in all.
 */
#define BATCH_LOCK_TIMEOUT_MS 20
#define BLOCKED_LOCK_TIMEOUT_MS 200
#define BLOCKED_RETRY_US INT64CONST(50000)

/* An exchange under way, or ended and not yet recorded. */
typedef struct Flight
{
	MemoryContext context;		/* holds this struct and what it points to */
	pg_uuid_t	run_id;
	Answer		answer;
	Transfer   *transfer;
} Flight;

/* A run whose native step met a lock. */
typedef struct Blocked
{
	pg_uuid_t	run_id;			/* first: a list of these is one of ids */
	TimestampTz since;
	TimestampTz next_try;
} Blocked;

/* What this worker has in hand, and where it stands. */
typedef struct Hand
{
	int64		epoch;
	List	   *flights;		/* of Flight *: all */
	List	   *ended;			/* of Flight *: answers to record */
	List	   *continuing;		/* of pg_uuid_t *: native steps left */
	List	   *blocked;		/* of Blocked *: each in a tick of its own */
	bool		ordinary_next;	/* the last tick was such a one */
	pg_uuid_t	cursor;			/* the tenant served last */
	bool		has_cursor;
	bool		more;			/* the last claim was full */
	bool		lost;			/* runs of ours may have slipped from hand */
	bool		look_round;		/* there are more runs to take over */
	bool		committing;
	char	   *blame;			/* what the suspect is to be failed for */
	TimestampTz next_due;		/* 0: none */
	TimestampTz busy_until;		/* rows of ours were locked; 0: none */
	int			solo;			/* so many ticks with one run each */
	bool		has_suspect;	/* this tick has one run only: */
	pg_uuid_t	suspect;
} Hand;

/* One tick, from its begin to after its commit; in tick_context. */
typedef struct Tick
{
	RunTick		run;
	int			room;			/* runs that it may still take */
	List	   *taken;			/* of pg_uuid_t *: out of continuing, blocked */
	List	   *recorded;		/* of Flight *: done with */
	List	   *continuing;		/* of pg_uuid_t * */
	List	   *blocked;		/* of pg_uuid_t * */
	TimestampTz blocked_since;	/* of the one that is tried; 0: none is */
	List	   *failed;			/* of RunRow *, for the log */
	int			nended;
	bool		busy;
	bool		more;
	bool		look_round;
	TimestampTz next_due;
} Tick;

static MemoryContext hand_context;
static MemoryContext tick_context;
static Hand hand;

void
tick_begin(int64 epoch)
{
	hand_context = AllocSetContextCreate(TopMemoryContext,
										 "workflow_engine hand",
										 ALLOCSET_DEFAULT_SIZES);
	tick_context = AllocSetContextCreate(TopMemoryContext,
										 "workflow_engine tick",
										 ALLOCSET_DEFAULT_SIZES);
	hand.epoch = epoch;
	hand.more = true;
}

/*--- in the transaction ---*/

/* Saves a run where its advance left it, and notes what follows. */
static void
settle(Tick *tick, RunRow *run, RunVerdict verdict)
{
	store_save_run(run);
	switch (verdict)
	{
		case RUN_ENDED:
			tick->nended++;
			if (strcmp(run->status, "failed") == 0)
				tick->failed = lappend(tick->failed, run);
			report_event(run);
			break;
		case RUN_CONTINUES:
			tick->continuing = lappend(tick->continuing, &run->id);
			break;
		case RUN_BLOCKED:
			tick->blocked = lappend(tick->blocked, &run->id);
			break;
		case RUN_SENDING:
			break;
	}
}

static void
advance_all(Tick *tick, List *runs)
{
	ListCell   *lc;

	foreach(lc, runs)
	{
		RunRow	   *run = lfirst(lc);

		settle(tick, run, run_advance(run, &tick->run));
	}
}

/* If the tick errs now, this run alone can be to blame. */
static void
suspect_only(const pg_uuid_t *id)
{
	hand.suspect = *id;
	hand.has_suspect = true;
}

static RunRow *
find_run(List *runs, const pg_uuid_t *id)
{
	ListCell   *lc;

	foreach(lc, runs)
		if (ids_equal(&((RunRow *) lfirst(lc))->id, id))
			return lfirst(lc);
	return NULL;
}

static List *
ids_of_flights(List *flights)
{
	List	   *ids = NIL;
	ListCell   *lc;

	foreach(lc, flights)
		ids = lappend(ids, &((Flight *) lfirst(lc))->run_id);
	return ids;
}

/*
 * Records the answers that came.  A run that is not ours any more (it was
 * cancelled) loses its answer; one whose row is locked keeps it for later.
 */
static void
reap(Tick *tick)
{
	List	   *flights = list_copy_head(hand.ended, tick->room);
	List	   *busy;
	List	   *runs;
	ListCell   *lc;

	if (flights == NIL)
		return;
	if (hand.solo > 0)
		suspect_only(&((Flight *) linitial(flights))->run_id);
	runs = store_load_owned(ids_of_flights(flights), hand.epoch, &busy);
	foreach(lc, flights)
	{
		Flight	   *flight = lfirst(lc);
		RunRow	   *run = find_run(runs, &flight->run_id);

		if (run != NULL && run->current_step == flight->answer.step &&
			run->attempt == flight->answer.attempt)
			settle(tick, run, run_receive(run, &flight->answer, &tick->run));
		else if (ids_contain(busy, &flight->run_id))
		{
			tick->busy = true;
			continue;
		}
		tick->recorded = lappend(tick->recorded, flight);
	}
	tick->room -= list_length(flights);
}

/* Goes on with runs of ours that were left between two steps. */
static void
resume(Tick *tick, List *ids)
{
	List	   *busy;
	List	   *runs;
	ListCell   *lc;

	if (ids == NIL)
		return;
	if (list_length(ids) == 1)
		suspect_only(linitial(ids));
	runs = store_load_owned(ids, hand.epoch, &busy);
	advance_all(tick, runs);
	foreach(lc, ids)
		if (!ids_contain(busy, lfirst(lc)))
			tick->taken = lappend(tick->taken, lfirst(lc));
	tick->busy |= busy != NIL;
	tick->room -= list_length(ids);
}

/* Runs of ours in the table that no list here knows: an error lost them. */
static void
find_lost(Tick *tick)
{
	List	   *known = list_concat(ids_of_flights(hand.flights),
									list_concat_copy(hand.continuing,
													 hand.blocked));
	List	   *lost = store_owned_but(known, hand.epoch);

	tick->continuing = list_concat(tick->continuing, lost);
}

static void
claim(Tick *tick, bool look_round)
{
	int			in_flight = list_length(hand.flights) -
		list_length(tick->recorded) + list_length(tick->run.intents);
	int			room = Min(tick->room, wf_max_in_flight - in_flight);
	List	   *runs = NIL;

	if (room <= 0 || tick->run.fences_left <= 0)
	{
		tick->more = in_flight < wf_max_in_flight;
		return;
	}
	if (look_round || hand.look_round)
		runs = store_take_over(room);
	tick->look_round = list_length(runs) == room;
	runs = list_concat(runs,
					   store_claim_due(&hand.cursor, &hand.has_cursor,
									   room - list_length(runs)));
	tick->more = runs != NIL;
	if (list_length(runs) == 1)
		suspect_only(&((RunRow *) linitial(runs))->id);
	advance_all(tick, runs);
	if (!tick->more)
		tick->next_due = store_next_due();
}

/* The run whose turn it is to be tried again, or NULL. */
static Blocked *
next_blocked(void)
{
	TimestampTz now = clock_now();
	ListCell   *lc;

	foreach(lc, hand.blocked)
	{
		Blocked    *blocked = lfirst(lc);

		if (blocked->next_try <= now)
			return blocked;
	}
	return NULL;
}

static void
try_blocked(Tick *tick, Blocked *blocked)
{
	TimestampTz now = clock_now();
	int			wait = Min(wf_lock_timeout, BLOCKED_LOCK_TIMEOUT_MS);

	tick->run.lock_timeout_ms = wait;
	tick->run.give_up = now + (int64) wait * 1000 >=
		blocked->since + (int64) wf_lock_timeout * 1000;
	tick->blocked_since = blocked->since;
	tick->more = true;
	blocked->next_try = now + BUSY_RETRY_US;	/* where its row is locked */
	resume(tick, list_make1(&blocked->run_id));
	tick->busy = false;
}

/* The transaction's work. */
static void
work(Tick *tick, bool look_round)
{
	Blocked    *blocked = next_blocked();

	if (hand.lost)
		find_lost(tick);
	if (blocked != NULL && !hand.ordinary_next)
	{
		try_blocked(tick, blocked);
		return;
	}
	reap(tick);
	resume(tick, list_copy_head(hand.continuing, Max(tick->room, 0)));
	claim(tick, look_round);
	if (tick->run.fences_left < FENCES_A_TICK)
		Async_Listen(CHANNEL_IN);	/* a step may have said UNLISTEN */
}

/*--- after the commit ---*/

static Jsonb *
copy_json(Jsonb *json)
{
	Jsonb	   *copy;

	if (json == NULL)
		return NULL;
	copy = palloc(VARSIZE(json));
	memcpy(copy, json, VARSIZE(json));
	return copy;
}

static void
send_one(Intent *intent)
{
	MemoryContext context = AllocSetContextCreate(hand_context,
												  "workflow_engine flight",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Flight	   *flight = palloc0(sizeof(Flight));

	flight->context = context;
	flight->run_id = intent->run_id;
	flight->answer.step = intent->step;
	flight->answer.attempt = intent->attempt;
	flight->answer.action = intent->action;
	flight->answer.started_at = intent->started_at;
	flight->answer.input = copy_json(intent->input);
	flight->answer.carry = copy_json(intent->carry);
	MemoryContextSwitchTo(hand_context);
	hand.flights = lappend(hand.flights, flight);
	flight->transfer = transfer_submit(&intent->request, flight);
	MemoryContextSwitchTo(old);
	request_wipe(&intent->request);
	if (intent->connection != NULL)
		connection_forget(intent->connection);
}

static void
forget_flight(Flight *flight)
{
	hand.flights = list_delete_ptr(hand.flights, flight);
	hand.ended = list_delete_ptr(hand.ended, flight);
	transfer_free(flight->transfer);
	MemoryContextDelete(flight->context);
}

static void
remember_blocked(Tick *tick)
{
	TimestampTz now = clock_now();
	ListCell   *lc;

	foreach(lc, tick->blocked)
	{
		Blocked    *blocked = palloc(sizeof(Blocked));

		blocked->run_id = *(pg_uuid_t *) lfirst(lc);
		blocked->since = tick->blocked_since ? tick->blocked_since : now;
		blocked->next_try = now + BLOCKED_RETRY_US;
		hand.blocked = lappend(hand.blocked, blocked);
	}
}

/* What was promised is done, what was used is forgotten. */
static void
conclude(Tick *tick)
{
	TimestampTz now = clock_now();
	ListCell   *lc;

	MemoryContextSwitchTo(hand_context);
	hand.blocked = ids_remove(hand.blocked, tick->taken);
	remember_blocked(tick);
	hand.continuing = ids_append_copies(ids_remove(hand.continuing, tick->taken),
							   tick->continuing);
	foreach(lc, tick->recorded)
		forget_flight(lfirst(lc));
	foreach(lc, tick->run.intents)
		send_one(lfirst(lc));
	MemoryContextSwitchTo(tick_context);
	hand.lost = false;
	hand.more = tick->more;
	hand.look_round = tick->look_round;
	hand.next_due = tick->next_due;
	if (tick->busy)
		hand.busy_until = now + BUSY_RETRY_US;
	else if (hand.busy_until <= now)
		hand.busy_until = 0;
	hand.ordinary_next = tick->blocked_since != 0;
	hand.solo = Max(hand.solo - 1, 0);
	report_failed(tick->failed);
	queue_worker_count(transfer_in_flight(), tick->nended,
					   tick->run.steps_done);
}

/* Fails a run, in a transaction of its own. */
static void
fail_for_good(const pg_uuid_t *id, const char *message)
{
	StartTransactionCommand();
	if (store_hold_extension())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		store_fail_run(id, message);
		PopActiveSnapshot();
	}
	CommitTransactionCommand();
}

/*
 * The run that failed its tick, and those that ended their worker; committed
 * before anything is claimed.
 */
static void
fail_condemned(void)
{
	pg_uuid_t	id;

	if (hand.blame != NULL)
	{
		char	   *blame = hand.blame;

		hand.blame = NULL;
		fail_for_good(&hand.suspect, blame);
		pfree(blame);
	}
	while (queue_take_condemned(&id))
		fail_for_good(&id, "a step went on after its time-out had cancelled it, so its worker was ended");
}

bool
tick_run(bool look_round)
{
	Tick		tick = {0};

	tick.run.epoch = hand.epoch;
	tick.run.fences_left = FENCES_A_TICK;
	tick.run.lock_timeout_ms = Min(wf_lock_timeout, BATCH_LOCK_TIMEOUT_MS);
	tick.room = hand.solo > 0 ? 1 : wf_batch_size;
	fail_condemned();
	hand.has_suspect = false;

	StartTransactionCommand();
	if (!store_hold_extension())
	{
		CommitTransactionCommand();
		return false;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(tick_context);
	work(&tick, look_round);
	PopActiveSnapshot();
	hand.committing = true;
	CommitTransactionCommand();
	hand.committing = false;
	conclude(&tick);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextReset(tick_context);
	return true;
}

/*--- errors ---*/

/* Is the run at fault, or is it the server's trouble of the moment? */
static bool
is_runs_fault(int sqlstate)
{
	switch (ERRCODE_TO_CATEGORY(sqlstate))
	{
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_CONNECTION_EXCEPTION:
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
			return false;
		default:
			return sqlstate != ERRCODE_UNDEFINED_TABLE;
	}
}

void
tick_failed(void)
{
	ErrorData  *error;

	MemoryContextSwitchTo(hand_context);
	HOLD_INTERRUPTS();
	disable_all_timeouts(false);
	QueryCancelPending = false;
	EmitErrorReport();
	error = CopyErrorData();
	FlushErrorState();
	AbortCurrentTransaction();
	LockReleaseSession(USER_LOCKMETHOD);
	RESUME_INTERRUPTS();

	MemoryContextReset(tick_context);
	queue_worker_error(error->message);
	hand.lost = true;
	hand.more = true;
	if (hand.solo > 0 && hand.has_suspect && !hand.committing &&
		is_runs_fault(error->sqlerrcode))
		hand.blame = psprintf("the engine could not process this run: %s",
							  error->message);
	hand.committing = false;
	hand.solo = wf_batch_size * 2;
	FreeErrorData(error);
	MemoryContextSwitchTo(TopMemoryContext);
}

/*--- between ticks ---*/

void
tick_collect(void)
{
	MemoryContext old = MemoryContextSwitchTo(hand_context);
	Transfer   *transfer;

	while ((transfer = transfer_collect()) != NULL)
	{
		Flight	   *flight = transfer_cookie(transfer);

		flight->answer.response = transfer_response(transfer);
		hand.ended = lappend(hand.ended, flight);
	}
	MemoryContextSwitchTo(old);
}

/* when, or the earlier of both; 0 is never. */
static void
not_after(TimestampTz *when, TimestampTz time)
{
	if (time != 0 && (*when == 0 || time < *when))
		*when = time;
}

bool
tick_has_more(TimestampTz now, TimestampTz *when)
{
	ListCell   *lc;

	*when = hand.next_due;
	if (hand.ended != NIL || hand.continuing != NIL)
		not_after(when, hand.busy_until != 0 ? hand.busy_until : now);
	foreach(lc, hand.blocked)
		not_after(when, ((Blocked *) lfirst(lc))->next_try);
	return hand.more || (*when != 0 && *when <= now);
}
