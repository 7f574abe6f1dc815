/*
 * tick_alone.c
 *	  A run that has a tick of its own: its step is slow, or meets a lock.
 *
 * Runs in a worker, inside a tick's transaction.  Such a tick does nothing
 * else, so that nobody waits for what others have done in it.
 *
 * The row of the run is not locked while the step executes.  The row says that
 * the run is this worker's, which keeps other workers away, and that is
 * committed; so a session that cancels the run does it at once.  When the step
 * has ended, the row is locked and read again (tick_save_run):
 *
 *	 still ours		   the run is saved as always
 *	 cancelled		   what the step did is kept, and its result recorded; no
 *					   other step begins
 *	 anything else	   (cancelled and retried, deleted) the transaction is
 *					   rolled back, with what the step did
 *
 * A step that may take long needs leave (long_step_begin), so that one worker
 * of the database stays free for other runs.  Without leave, a step that is
 * not known to be long may begin, but it is cut off after LONG_STEP_MS; one
 * that is known to be long waits for its leave.  So does a step of an isolated
 * definition, which may end its worker again.
 *
 * Owns the turn of an isolated definition (in this_worker) until the tick
 * ends; a worker that ends gives it back in shared memory (set_aside.c).
 */
#include "postgres.h"
#include "compat.h"

#include "base/unit.h"
#include "config/clock.h"
#include "config/settings.h"
#include "run/plan_cache.h"
#include "shared/crashed_step.h"
#include "shared/long_step.h"
#include "shared/set_aside.h"
#include "worker/tick_alone.h"
#include "worker/tick_claim.h"

/*
 * How long such a step waits for a lock at a time.  It is tried again and
 * again until lock_timeout has passed in all.  It does not wait for all of
 * that at once, since this worker's transfers wait meanwhile.
 */
#define BLOCKED_LOCK_TIMEOUT_MS 200

/* If all workers but one execute long steps, leave is asked for so often. */
#define LEAVE_RETRY_US INT64CONST(100000)

/* Loads the run without locking its row; NULL: it is not ours any more. */
static RunRow *
load(Tick *tick, const Unit *unit)
{
	RunRow	   *run;
	bool		busy;

	crashed_step_note_run(unit, NULL);
	store_loading_begin(tick->runs);
	run = store_load_owned(tick->runs, unit, in_flight.epoch, false, &busy);
	store_loading_end(tick->runs);
	return run;
}

/*
 * Sets how long the run's step may take.  Returns false if the run may not go
 * on now: it has to wait for leave, or for the turn of its definition.
 */
static bool
set_limits(Tick *tick, const RunRow *run)
{
	DefinitionTurn turn = isolated_turn(&run->definition_id,
										in_flight.epoch, true);
	char	   *error;
	const CachedPlan *plan = plan_cache_find(run, &error);
	bool		is_long = plan != NULL && plan_cache_is_long(plan);
	bool		unknown = plan != NULL && plan_cache_is_unknown(plan);
	bool		may;

	this_worker.has_turn = turn == TURN_MAY;
	if (turn == TURN_WAIT)
		return false;
	this_worker.turn_of = run->definition_id;
	may = (is_long || unknown || turn == TURN_MAY) && long_step_begin();
	tick->run.soft_limit_ms = may ? 0 : LONG_STEP_MS;
	return may || !(is_long || turn == TURN_MAY);
}

/* The tick is of this run alone, from now on. */
static void
begin_alone(Tick *tick, const Blocked *blocked, TimestampTz now)
{
	int			wait = Min(wf_lock_timeout, BLOCKED_LOCK_TIMEOUT_MS);

	tick->taken = lappend(tick->taken, unit_copy(&blocked->unit));
	tick->run.alone = true;
	tick->run.lock_timeout_ms = wait;
	tick->run.give_up = blocked->since != 0 &&
		now + (int64) wait * 1000 >=
		blocked->since + (int64) wf_lock_timeout * 1000;
	tick->blocked_since = blocked->since;
	this_worker.alone_since = now;
	/* it claims nothing, so these hold as they did before */
	tick->more = true;
}

bool
alone_try(Tick *tick, Blocked *blocked)
{
	TimestampTz now = clock_now();
	RunRow	   *run;

	blocked->next_try = now + BUSY_RETRY_US;	/* even if this tick fails */
	run = load(tick, &blocked->unit);
	if (run == NULL)
	{
		tick->taken = lappend(tick->taken, unit_copy(&blocked->unit));
		return false;
	}
	if (!set_limits(tick, run))
	{
		blocked->next_try = now + LEAVE_RETRY_US;
		tick_end_turn(false);
		return false;
	}
	begin_alone(tick, blocked, now);
	if (tick->run.soft_limit_ms == 0)	/* the step may take long */
		claim_hand_over();
	tick_is_about(run);
	tick_save_run(tick, run, run_advance(run, &tick->run));
	return true;
}
