/*
 * tick_claim.c
 *	  Which runs a tick takes: orphans, and what is due.
 *
 * Runs in a worker, inside a tick's transaction.  Ids of what is due come
 * from the queue in shared memory (due_queue.c), tenant by tenant in turn; a
 * row is locked by its key and loaded where it is still due.  When the queue
 * says so, the table is asked: which tenants have something due, which runs
 * of a tenant come next, what has become due by the time.
 *
 * Runs are taken a few at a time, until the tick has as many as it may or has
 * lasted long enough: who comes now waits no longer than that.  Long enough is
 * a matter of what a commit takes, which is to be little of it.  A tick ends
 * earlier where it has the only run of a tenant, which need not wait for what
 * another tenant has queued.
 *
 * Owns: the ids whose rows were locked by somebody, to be tried again.
 */
#include "postgres.h"
#include "compat.h"

#include <sched.h>

#include "base/uuid_list.h"
#include "config/clock.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "shared/set_aside.h"
#include "store/store.h"
#include "utils/memutils.h"
#include "worker/in_flight.h"
#include "worker/tick_batch.h"
#include "worker/tick_claim.h"
#include "worker/tick_put_off.h"

#define CHUNK 25				/* runs taken at a time */
#define TICK_US INT64CONST(8000)	/* no more is taken then, */
#define MAX_TICK_US INT64CONST(40000)	/* or later where commits are slow: */
#define WORK_PER_COMMIT 16
#define SHORT_TICK_US INT64CONST(2000)	/* where somebody waits for its end */
#define MAX_INTENTS 60			/* of a tick */
#define LOCKED_RETRY_US INT64CONST(100000)
#define MAX_LOCKED 200
#define SOLO_FOR_ASIDE 10		/* ticks of one run each, if some come back */
#define CROWDED_RETRY_US INT64CONST(50000)

/* Of this tick, for left_out. */
static Pauses pauses;
static List *intents;
static List *overflow;

static int	nlocked = 0;
static DueRun locked_runs[MAX_LOCKED];
static TimestampTz locked_until;

/*--- asking the table ---*/

/* Has each tenant that has something due read from the beginning. */
static void
look(pg_uuid_t last, bool has_last)
{
	pg_uuid_t	tenants[STORE_TENANTS_A_LOOK];
	bool		room = true;
	int			n = STORE_TENANTS_A_LOOK;

	while (room && n > 0)
	{
		CHECK_FOR_INTERRUPTS();
		n = store_tenants_due(has_last ? &last : NULL, tenants);
		for (int i = 0; i < n && room; i++)
		{
			room = store_is_paused(&pauses, &tenants[i]) ||
				due_rescan_add_tenant(&tenants[i]);
			if (room)
			{
				last = tenants[i];
				has_last = true;
			}
		}
	}
	due_end_rescan(room ? NULL : &last, store_next_due(clock_now()));
}

/* What was to come later, and is due by now. */
static void
ask_for_later(void)
{
	TimestampTz now = clock_now();
	TimestampTz since;
	DueRun	   *runs;
	int			n;

	if (!due_take_timer(now, &since))
		return;
	runs = palloc(sizeof(DueRun) * DUE_READ_AHEAD);
	n = store_read_later(since, now, runs, DUE_READ_AHEAD);
	due_add_runs(runs, n);
	if (n == DUE_READ_AHEAD)
		due_want_rescan();
	due_set_timer(store_next_due(now));
}

static void
read_tenant(const DueReading *reading)
{
	DueRun	   *runs = palloc(sizeof(DueRun) * DUE_READ_AHEAD);
	int			n = store_read_due(reading, clock_now(), runs);

	due_end_reading(reading, runs, n, n < reading->limit);
	pfree(runs);
}

/*--- taking ---*/

/* For the rest of the tick. */
static void
load_pauses(void)
{
	MemoryContext old = MemoryContextSwitchTo(tick_memory);

	store_load_pauses(&pauses);
	MemoryContextSwitchTo(old);
}

static bool
left_out(const pg_uuid_t *tenant)
{
	return store_is_paused(&pauses, tenant) || put_off_is(tenant) ||
		in_flight_is_full_for(tenant) ||
		in_flight_is_full_with(tenant, intents) || ids_contain(overflow, tenant);
}

/* Ids of at most max runs that are due. */
static int
take_ids(DueRun *runs, int max)
{
	DueReading	reading;
	bool		must_be_read = true;
	int			n = 0;

	while (n < max && must_be_read)
	{
		CHECK_FOR_INTERRUPTS();
		n += due_take_runs(runs + n, max - n, in_flight.epoch, left_out,
						   &reading, &must_be_read);
		if (must_be_read)
			read_tenant(&reading);
	}
	return n;
}

/*
 * Somebody has its row, or the clock says that it is not due yet.  What is
 * too much is found by a look.
 */
static void
keep_locked(const DueRun *run)
{
	if (nlocked == 0)
		locked_until = clock_now() + LOCKED_RETRY_US;
	if (nlocked < MAX_LOCKED)
		locked_runs[nlocked++] = *run;
	else
		due_want_rescan();
}

static void
try_locked_again(void)
{
	if (nlocked == 0 || clock_now() < locked_until)
		return;
	due_return_runs(locked_runs, nlocked);
	nlocked = 0;
}

void
claim_clock_set_back(void)
{
	locked_until = 0;
}

/* An id may have come twice, and our own lock would not stop us. */
static bool
has_come(const DueRun *due, int i)
{
	for (int k = 0; k < i; k++)
		if (ids_equal(&due[k].id, &due[i].id))
			return true;
	return false;
}

/* Is one of them all that its tenant has? */
static bool
any_is_last(const DueRun *due, int n)
{
	for (int i = 0; i < n; i++)
		if (due[i].is_last)
			return true;
	return false;
}

/*
 * Without those whose tenant is paused by now.  Asked again after the runs
 * are locked: a pause that had committed before one of them was fired is then
 * seen.  They stay queued, and wf_resume has the table looked at.
 */
static List *
without_paused(List *runs)
{
	ListCell   *lc;

	if (runs == NIL)
		return NIL;
	load_pauses();
	foreach(lc, runs)
	{
		if (pauses.all ||
			store_is_paused(&pauses, &((RunRow *) lfirst(lc))->tenant_id))
			runs = foreach_delete_current(runs, lc);
	}
	return runs;
}

/* Not if its definition is isolated: it is looked for again. */
static bool
may_go(const RunRow *run)
{
	return isolated_turn(&run->definition_id, in_flight.epoch,
						 false) != TURN_WAIT;
}

/* Locks and loads up to max runs that are due; *took is false: none is. */
static List *
take_runs(Tick *tick, int max, bool *took)
{
	DueRun		due[CHUNK];
	RowLocking	locking;
	List	   *runs = NIL;
	TimestampTz now;
	int			n;

	intents = tick->run.intents;
	overflow = tick->overflow;
	n = take_ids(due, Min(max, CHUNK));
	now = clock_now();			/* later than any of them was fired */
	if (any_is_last(due, n))
		tick->claim_until = Min(tick->claim_until,
								tick->claim_since + SHORT_TICK_US);
	*took = n > 0;
	if (n == 0)
		return NIL;
	tick_locking_begin(&locking);
	store_loading_begin(tick->runs);
	for (int i = 0; i < n; i++)
	{
		bool		later;
		RunRow	   *run;

		if (has_come(due, i) || aside_contains(&due[i].id))
			continue;
		crashed_step_note_run(&due[i].id, NULL);
		run = store_claim_run(tick->runs, &due[i].id, now, &later);
		if (run != NULL && may_go(run))
			runs = lappend(runs, run);
		else if (later)
			keep_locked(&due[i]);
	}
	crashed_step_note_run(NULL, NULL);
	store_loading_end(tick->runs);
	tick_locking_end(&locking, tick);
	return without_paused(runs);
}

/* How many runs the tick may still take. */
static int
room_left(const Tick *tick)
{
	int			in_hand = in_flight.nrequests - list_length(tick->recorded) +
		list_length(tick->run.intents);

	if (tick->run.subtransactions_left <= 0 || tick->run.ending ||
		list_length(tick->run.intents) >= MAX_INTENTS)
		return 0;
	return Min(tick->room, in_flight_limit() - in_hand);
}

static void
advance_claimed(Tick *tick, List *runs)
{
	worker_state.probation = Max(worker_state.probation - list_length(runs), 0);

	tick->room -= list_length(runs);
	tick_advance(tick, runs);
}

/* Does what the tick is to remember of its runs go beyond their rows? */
static bool
remembers(const Tick *tick)
{
	return tick->run.intents != NIL || tick->runnable != NIL ||
		tick->blocked != NIL || tick->failed != NIL || tick->waiting != NIL ||
		tick->alone != NIL || tick->overflow != NIL;
}

/*
 * Claims and advances up to room runs; false: none is due.  Their memory goes
 * with them where all have ended well: a long tick would run out of the
 * processor's caches.
 */
static bool
claim_chunk(Tick *tick, int room)
{
	MemoryContext chunk = AllocSetContextCreate(tick_memory,
												"workflow_engine chunk",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(chunk);
	bool		took;

	advance_claimed(tick, take_runs(tick, room, &took));
	MemoryContextSwitchTo(old);
	if (!remembers(tick))
		MemoryContextDelete(chunk);
	return took;
}

static void
take_over(Tick *tick)
{
	int			room = room_left(tick);
	RowLocking	locking;
	List	   *runs;
	ListCell   *lc;

	tick->sweep = room <= 0;
	if (room <= 0 || pauses.all)
		return;
	tick_locking_begin(&locking);
	runs = store_take_over(room);
	tick_locking_end(&locking, tick);
	tick->sweep = list_length(runs) == room;
	foreach(lc, runs)
	{
		const RunRow *run = lfirst(lc);

		if (aside_contains(&run->id) || !may_go(run))
			runs = foreach_delete_current(runs, lc);
	}
	advance_claimed(tick, runs);
}

void
tick_claim(Tick *tick, bool sweep)
{
	int64		sweep_us = sweep ? (int64) wf_poll_interval * 900 : -1;
	pg_uuid_t	last;
	bool		has_last;
	bool		looking;
	bool		took = true;
	int			rounds = 0;

	if (aside_bring_back(clock_now()))
		worker_state.solo = Max(worker_state.solo, SOLO_FOR_ASIDE);

	looking = due_begin_rescan(sweep_us, &last, &has_last);
	tick->claim_since = clock_now();
	tick->claim_until = tick->claim_since +
		Min(Max(TICK_US, WORK_PER_COMMIT * worker_state.commit_us), MAX_TICK_US);
	load_pauses();				/* newer than what asked for the look */
	if (pauses.all)
		due_set_paused();
	try_locked_again();
	if (looking)
		look(last, has_last);
	ask_for_later();
	if (sweep || worker_state.sweep)
		take_over(tick);
	while (took && !pauses.all)
	{
		int			room = room_left(tick);

		if (room <= 0 || clock_now() >= tick->claim_until)
			break;
		if (rounds++ > 0)
			(void) sched_yield();	/* who fires may be waiting for this core */
		took = claim_chunk(tick, room);
	}
	/* if there was no room, an answer that comes makes some */
	tick->more = took && !pauses.all && in_flight.nrequests < in_flight_limit();
	if (nlocked > 0)
		tick->next_due = locked_until;
	if (tick->more && tick->overflow != NIL && worker_state.nruns == 0)
	{
		/* all that there is are slow runs, which are left to others */
		tick->more = false;
		tick->next_due = clock_now() + CROWDED_RETRY_US;
	}
}
