/*
 * tick_claim.c
 *	  Which runs a tick takes: what is due, and runs whose owner is gone.
 *
 * Runs in a worker, inside a tick's transaction.  The ids of runs that are due
 * come from the queue in shared memory (due_queue.c), which gives the tenants
 * turns.  A row is locked by its key, and loaded if it is still due.  If the
 * queue asks for it, the table is read (tick_rescan.c).
 *
 * Runs are taken in chunks, until the tick has as many as it may, or has
 * lasted long enough: a run that is fired now waits until the tick ends.  How
 * long is long enough depends on what a commit takes, which is to be a small
 * share of the tick.  A tick ends earlier if it has taken the only run of a
 * tenant, whose caller need not wait for what other tenants have queued.
 *
 * Owns the ids of due runs whose rows were locked by somebody (in
 * this_worker), to be tried again.  After a crash a rescan finds them.
 */
#include "postgres.h"
#include "compat.h"

#include <sched.h>

#include "base/unit.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "shared/set_aside.h"
#include "shared/wakeup.h"
#include "store/store_runs.h"
#include "utils/memutils.h"
#include "worker/in_flight.h"
#include "worker/tick_batch.h"
#include "worker/tick_claim.h"
#include "worker/tick_put_off.h"
#include "worker/tick_rescan.h"

#define CHUNK 25				/* runs taken at a time */

/*
 * Claiming ends after TICK_US.  If commits are slow, it ends after
 * WORK_PER_COMMIT times what a commit takes, but not after MAX_TICK_US.
 */
#define TICK_US INT64CONST(8000)
#define MAX_TICK_US INT64CONST(40000)
#define WORK_PER_COMMIT 16

/* It ends after this time if the tick has the only run of a tenant. */
#define SHORT_TICK_US INT64CONST(2000)

/* Requests that a tick begins: their answers wait for its commit. */
#define MAX_INTENTS 60

/* A run whose row is locked goes back to the queue after this time. */
#define LOCKED_RETRY_US INT64CONST(100000)

/* When runs that were set aside come back, so many ticks have one run each. */
#define SOLO_TICKS 10

/* If there was no room for all tenants, the table is rescanned after that. */
#define RESCAN_RETRY_US INT64CONST(500000)

/* If all that is due are slow runs left to others, claiming waits so long. */
#define OVERFLOW_RETRY_US INT64CONST(50000)

/* What is paused, as of now; for the rest of the tick. */
static void
load_pauses(Tick *tick)
{
	MemoryContext old = MemoryContextSwitchTo(tick_memory);

	store_load_pauses(&tick->pauses);
	MemoryContextSwitchTo(old);
}

/* For choose_tenant: the tick, and what takes long to find out about it. */
typedef struct TenantFilter
{
	const Tick *tick;
	List	   *filled;			/* of pg_uuid_t *: tenants whose requests,
								 * with the tick's intents, are as many as may
								 * be */
} TenantFilter;

/*
 * Is the tick to take runs of that tenant?  Called under the lock of the
 * queue: raises nothing, allocates nothing and is quick.
 */
static DueChoice
choose_tenant(const pg_uuid_t *tenant, const void *arg)
{
	const TenantFilter *filter = arg;

	if (store_is_paused(&filter->tick->pauses, tenant))
		return DUE_PAUSED;
	if (put_off_is(tenant) || in_flight_is_full_for(tenant) ||
		ids_contain(filter->filled, tenant) ||
		ids_contain(filter->tick->overflow, tenant))
		return DUE_LEAVE;
	return DUE_TAKE;
}

/*
 * The tenants of those intents that may have no more, as pointers into the
 * intents; the list is in the current memory context.
 */
static List *
find_filled(List *intents)
{
	List	   *filled = NIL;
	ListCell   *lc;

	foreach(lc, intents)
	{
		Intent	   *intent = lfirst(lc);

		if (!ids_contain(filled, &intent->tenant_id) &&
			in_flight_fills_up(&intent->tenant_id, intents))
			filled = lappend(filled, &intent->tenant_id);
	}
	return filled;
}

/*
 * Loads the pauses again if a rescan has begun since they were loaded.  That
 * may be the rescan of a wf_resume, and a run that is passed over because of
 * the older pauses would not be found again.  A rescan that begins after this
 * finds what the tick passes over.
 */
static void
renew_pauses(Tick *tick)
{
	uint32		nrescans = due_count_rescans();

	if (nrescans == tick->nrescans)
		return;
	tick->nrescans = nrescans;
	load_pauses(tick);
}

/* Takes at most max runs that are due from the queue; returns how many. */
static int
take_ids(Tick *tick, DueRun *runs, int max)
{
	TenantFilter filter = {tick, find_filled(tick->run.intents)};
	DueReading	reading;
	bool		must_be_read = true;
	int			n = 0;

	while (n < max && must_be_read)
	{
		CHECK_FOR_INTERRUPTS();
		n += due_take_runs(runs + n, max - n, in_flight.epoch,
						   tick->nrescans, choose_tenant, &filter,
						   &reading, &must_be_read);
		renew_pauses(tick);
		if (must_be_read)
			tick_read_tenant(tick, &reading);
	}
	return n;
}

/*
 * Remembers a run that cannot be claimed now: somebody has its row, or our
 * clock says that it is not due yet.  If there are too many, a rescan finds
 * them.
 */
static void
keep_locked(const DueRun *run)
{
	if (this_worker.nlocked == 0)
		this_worker.locked_until = clock_now() + LOCKED_RETRY_US;
	if (this_worker.nlocked < MAX_LOCKED_RUNS)
		this_worker.locked_runs[this_worker.nlocked++] = *run;
	else
		due_want_rescan();
}

static void
return_locked(void)
{
	if (this_worker.nlocked == 0 || clock_now() < this_worker.locked_until)
		return;
	due_return_runs(this_worker.locked_runs, this_worker.nlocked);
	this_worker.nlocked = 0;
}

/*
 * Wakes the others even if no row was locked: this worker alone may have known
 * when a run that was set aside is to be tried again.
 */
void
claim_hand_over(void)
{
	due_return_runs(this_worker.locked_runs, this_worker.nlocked);
	this_worker.nlocked = 0;
	wakeup_others();
}

void
claim_clock_set_back(void)
{
	this_worker.locked_until = 0;
}

/*
 * Is due[i] among those before it?  The queue may have a run twice, and our
 * own lock would not keep us from taking the row again.
 */
static bool
is_repeated(const DueRun *due, int i)
{
	for (int k = 0; k < i; k++)
		if (unit_equal(&due[k].unit, &due[i].unit))
			return true;
	return false;
}

/* Is one of these runs the only one that its tenant has? */
static bool
any_is_last(const DueRun *due, int n)
{
	for (int i = 0; i < n; i++)
		if (due[i].is_last)
			return true;
	return false;
}

/*
 * Returns these runs (RunRow *) without those whose tenant or definition is
 * paused by now.
 * The pauses are loaded again after the rows were locked, so that a pause is
 * seen that had committed before one of the runs was fired.  The runs left out
 * stay queued in the table, and wf_resume has it rescanned.
 */
static List *
without_paused(Tick *tick, List *runs)
{
	ListCell   *lc;

	if (runs == NIL)
		return NIL;
	load_pauses(tick);
	foreach(lc, runs)
	{
		const RunRow *run = lfirst(lc);

		if (tick->pauses.all ||
			store_is_paused(&tick->pauses, &run->tenant_id) ||
			store_definition_is_paused(&tick->pauses, &run->definition_id))
			runs = foreach_delete_current(runs, lc);
	}
	return runs;
}

/*
 * May this worker advance the run now?  If it may not, its definition is
 * isolated, and a rescan finds the run again when the definition has its turn.
 */
static bool
may_go(const RunRow *run)
{
	return isolated_turn(&run->definition_id, in_flight.epoch,
						 false) != TURN_WAIT;
}

/*
 * Locks and loads up to max runs (RunRow *) that are due.  *took is whether
 * the queue had any: then there may be more, even if all of these are locked.
 */
static List *
take_runs(Tick *tick, int max, bool *took)
{
	DueRun		due[CHUNK];
	RowLocking	locking;
	List	   *runs = NIL;
	TimestampTz now;
	int			n;

	n = take_ids(tick, due, Min(max, CHUNK));
	now = clock_now();			/* read after all of them were fired */
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

		if (is_repeated(due, i) || aside_contains(&due[i].unit))
			continue;
		crashed_step_note_run(&due[i].unit, NULL);
		run = store_claim_run(tick->runs, &due[i].unit, now, &tick->pauses,
							  &later);
		if (run != NULL && may_go(run))
			runs = lappend(runs, run);
		else if (later)
			keep_locked(&due[i]);
	}
	crashed_step_note_run(NULL, NULL);
	store_loading_end(tick->runs);
	tick_locking_end(&locking, tick);
	return without_paused(tick, runs);
}

/* How many runs the tick may still take; 0 or less: none. */
static int
room_left(const Tick *tick)
{
	int			nrequests = in_flight.nrequests;

	nrequests += list_length(tick->run.intents);
	nrequests -= list_length(tick->recorded);
	if (tick->run.subtransactions_left <= 0 || tick->run.ending ||
		list_length(tick->run.intents) >= MAX_INTENTS)
		return 0;
	return Min(tick->room, in_flight_limit() - nrequests);
}

/* Advances and saves these runs (RunRow *), which were just locked. */
static void
advance_claimed(Tick *tick, List *runs)
{
	int			n = list_length(runs);

	this_worker.probation_runs = Max(this_worker.probation_runs - n, 0);
	tick->room -= n;
	tick_advance(tick, runs);
}

/* Has the tick noted anything that points to the runs it advanced? */
static bool
has_notes(const Tick *tick)
{
	return tick->run.intents != NIL || tick->runnable != NIL ||
		tick->blocked != NIL || tick->failed != NIL || tick->waiting != NIL ||
		tick->alone != NIL || tick->overflow != NIL;
}

/*
 * Claims and advances up to room runs.  Returns false if none is due.  If all
 * have ended well, their memory is freed at once: a tick of many chunks would
 * need more memory than the processor's caches hold.
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
	if (!has_notes(tick))
		MemoryContextDelete(chunk);
	return took;
}

/*
 * Takes over and advances runs whose owner is gone, as many as there is room
 * for.  If there may be more, the next tick goes on with that.
 */
static void
take_over(Tick *tick)
{
	int			room = room_left(tick);
	RowLocking	locking;
	List	   *runs;
	ListCell   *lc;

	tick->sweep = room <= 0;
	if (room <= 0 || tick->pauses.all)
		return;
	tick_locking_begin(&locking);
	runs = store_take_over(tick->runs, room);
	tick_locking_end(&locking, tick);
	tick->sweep = list_length(runs) == room;
	foreach(lc, runs)
	{
		const RunRow *run = lfirst(lc);

		if (aside_contains(&run->unit) || !may_go(run))
			runs = foreach_delete_current(runs, lc);
	}
	advance_claimed(tick, runs);
}

/* Until when the tick goes on claiming, if there is room and work. */
static void
set_claim_time(Tick *tick)
{
	int64		work_us = WORK_PER_COMMIT * this_worker.commit_us;

	tick->claim_since = clock_now();
	tick->claim_until = tick->claim_since +
		Min(Max(TICK_US, work_us), MAX_TICK_US);
}

/*
 * Claims and advances chunk after chunk.  Returns false if nothing more is
 * due, and true if the tick's room or time was used up before that was known.
 * The first chunk is taken in any case: if what comes before it lasts longer
 * than a tick may, for instance since very many tenants are paused, runs must
 * go on all the same.
 */
static bool
claim_chunks(Tick *tick)
{
	bool		took = true;
	int			rounds = 0;

	while (took && !tick->pauses.all)
	{
		int			room = room_left(tick);

		if (room <= 0 || (rounds > 0 && clock_now() >= tick->claim_until))
			break;
		/* a session that fires may be waiting for this core */
		if (rounds++ > 0)
			(void) sched_yield();
		took = claim_chunk(tick, room);
	}
	return took;
}

void
tick_claim(Tick *tick, bool sweep)
{
	/* every worker sweeps; one rescans, if that was not done of late */
	int64		sweep_us = sweep ? (int64) wf_poll_interval * 900 : -1;
	pg_uuid_t	last;
	bool		has_last;
	bool		rescanning;
	bool		room = true;
	bool		took;

	if (aside_bring_back(clock_now()))
		this_worker.solo_ticks = Max(this_worker.solo_ticks, SOLO_TICKS);
	rescanning = due_begin_rescan(sweep_us, &last, &has_last,
								  &tick->nrescans);
	set_claim_time(tick);
	load_pauses(tick);			/* after that: they are to be newer than the
								 * wake-up that asked for the rescan */
	if (tick->pauses.all)
		due_set_paused(tick->nrescans);
	return_locked();
	if (rescanning)
		room = tick_rescan(tick, tick->nrescans, last, has_last);
	tick_read_later();
	if (rescanning || sweep)
		take_over(tick);
	took = claim_chunks(tick);

	/* if there was no room, an answer that comes makes some */
	tick->more = took && !tick->pauses.all &&
		in_flight.nrequests < in_flight_limit();
	if (this_worker.nlocked > 0)
		tick->next_due = this_worker.locked_until;
	else if (!room)
		tick->next_due = clock_now() + RESCAN_RETRY_US;

	if (tick->more && tick->overflow != NIL && this_worker.nruns == 0)
	{
		/* all that is due are slow runs, which are left to other workers */
		tick->more = false;
		tick->next_due = clock_now() + OVERFLOW_RETRY_US;
	}
}
