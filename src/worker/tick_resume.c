/*
 * tick_resume.c
 *	  Goes on with the runs that this worker has already.
 *
 * Runs in a worker, inside a tick's transaction.  A worker has runs whose
 * requests it has sent, and runs that were left between two native steps.
 * Their rows say that they are this worker's.  It loads each by its key and
 * checks that this still holds, since a session that cancels a run does not
 * tell its worker.
 *
 * Owns nothing beyond a call; in_flight.c has the runs.
 */
#include "postgres.h"
#include "compat.h"

#include "base/unit.h"
#include "config/clock.h"
#include "shared/crashed_step.h"
#include "shared/set_aside.h"
#include "store/store_runs.h"
#include "worker/in_flight.h"
#include "worker/tick_batch.h"
#include "worker/tick_resume.h"

/*
 * Records an answer, and goes on with its run.  run is NULL if the run is not
 * ours any more, because it was cancelled: then the answer is dropped.  busy:
 * its row is locked by somebody, and the answer is kept for later.
 */
static void
record_answer(Tick *tick, PendingRequest *pending, RunRow *run, bool busy)
{
	if (run != NULL &&
		step_position_equal(run->current_step, pending->answer.step) &&
		run->attempt == pending->answer.attempt)
	{
		tick_is_about(run);
		tick_save_run(tick, run,
					  run_receive(run, &pending->answer, &tick->run));
	}
	else if (busy)
	{
		pending->next_try = clock_now() + BUSY_RETRY_US;
		return;
	}
	tick->recorded = lappend(tick->recorded, pending);
	tick->room--;
}

void
resume_record_answers(Tick *tick)
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
		const PendingRequest *pending = list_nth(requests, i);
		const Unit *unit = &pending->unit;

		crashed_step_note_run(unit, NULL);
		runs[i] = store_load_owned(tick->runs, unit, in_flight.epoch, true,
								   &busy[i]);
	}
	store_loading_end(tick->runs);
	for (int i = 0; i < n; i++)
		record_answer(tick, list_nth(requests, i), runs[i], busy[i]);
}

/*
 * Goes on with these runs (Unit *), which were left between two steps.
 * Returns copies of those whose row somebody has locked.
 */
static List *
resume(Tick *tick, List *units)
{
	RowLocking	locking;
	List	   *busy = NIL;
	List	   *runs = NIL;
	ListCell   *lc;

	if (units == NIL)
		return NIL;
	tick_locking_begin(&locking);
	store_loading_begin(tick->runs);
	foreach(lc, units)
	{
		const Unit *unit = lfirst(lc);
		bool		is_busy;
		RunRow	   *run;

		/* a run may be there twice, and our own lock would not keep us off */
		if (units_contain(tick->taken, unit) || units_contain(busy, unit))
			continue;
		crashed_step_note_run(unit, NULL);
		run = store_load_owned(tick->runs, unit, in_flight.epoch, true,
							   &is_busy);
		if (run != NULL)
			runs = lappend(runs, run);
		if (is_busy)
			busy = lappend(busy, unit_copy(unit));
		else
			tick->taken = lappend(tick->taken, unit_copy(unit));
	}
	store_loading_end(tick->runs);
	crashed_step_note_run(NULL, NULL);
	tick_locking_end(&locking, tick);
	tick_advance(tick, runs);
	tick->room -= list_length(runs);
	return busy;
}

/* Runs (Unit *, not copied) to go on with, at most n, none set aside. */
static List *
next_runnable(int n)
{
	List	   *units = NIL;
	ListCell   *lc;

	foreach(lc, in_flight.runnable)
	{
		if (list_length(units) >= n)
			break;
		if (!aside_contains(lfirst(lc)))
			units = lappend(units, lfirst(lc));
	}
	return units;
}

void
resume_runnable(Tick *tick)
{
	List	   *busy = resume(tick, next_runnable(Max(tick->room, 0)));

	/* those that are locked go to the end: the others come first next time */
	tick->busy = busy != NIL;
	tick->taken = list_concat(tick->taken, busy);
	tick->runnable = list_concat(tick->runnable, busy);
}

void
resume_find_lost(Tick *tick)
{
	List	   *lost = store_owned_but(in_flight_all(), in_flight.epoch);

	tick->runnable = list_concat(tick->runnable, lost);
}

bool
resume_has_runnable(void)
{
	return next_runnable(1) != NIL;
}
