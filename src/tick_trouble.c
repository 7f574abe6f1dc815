/*
 * tick_trouble.c
 *	  Ticks that failed, and steps that ended a worker.
 *
 * Runs in a worker, outside of a tick's transaction.
 *
 * An error that is not a step's ends the tick.  Then runs are processed one
 * by one for a while, so that the run to blame is known; it is failed where
 * the fault is its own.
 *
 * A step that was executing when its worker ended abnormally is booked on its
 * run (run_strike) before anything is claimed: at the third time it fails.
 * Shared memory says which steps these are (queue_suspect.c); where the whole
 * server was killed, the rows do: an attempt on probation was committed
 * before it was made.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "clock.h"
#include "hand.h"
#include "ids.h"
#include "miscadmin.h"
#include "queue.h"
#include "settings.h"
#include "storage/lock.h"
#include "tick_internal.h"
#include "tick_report.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

/* The suspect that is being booked, if any. */
static Suspect booked;
static bool booking = false;

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
 * Books one suspect on its run, in a transaction of its own.  False: its row
 * is locked by somebody (at first by the worker that dies).
 */
static bool
book(const Suspect *suspect)
{
	Tick		tick = {0};
	Strike		strike = {.step = suspect->step,.since = suspect->since,
	.uncancelled = suspect->uncancelled};
	bool		locked;
	RunRow	   *run;

	tick.run.epoch = hand.epoch;
	StartTransactionCommand();
	if (!store_hold_extension())
	{
		CommitTransactionCommand();
		return true;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(tick_context);
	run = store_load_struck(&suspect->run_id, suspect->step, &locked);
	if (run != NULL)
		tick_settle(&tick, run, run_strike(run, &strike, &tick.run));
	PopActiveSnapshot();
	CommitTransactionCommand();
	hand_keep_continuing(tick.continuing);
	queue_want_look();
	report_failed(tick.failed);
	queue_worker_count(transfer_in_flight(), tick.nended,
					   tick.run.steps_done);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextReset(tick_context);
	return !locked;
}

bool
trouble_settle(void)
{
	SuspectSearch found;

	if (course.blame != NULL)
	{
		char	   *blame = course.blame;

		course.blame = NULL;
		course.has_suspect = false; /* where that fails, let it be */
		fail_for_good(&course.suspect, blame);
		pfree(blame);
	}
	while ((found = queue_find_suspect(hand.epoch, &booked)) == SUSPECT_FOUND)
	{
		CHECK_FOR_INTERRUPTS();
		booking = true;
		if (book(&booked))
			queue_drop_suspect(&booked);
		else
			queue_put_off_suspect(&booked);
		booking = false;
	}
	return found == SUSPECT_ELSEWHERE;
}

/*--- a tick that failed ---*/

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

/* Whose fault is it?  Then the run is to be failed. */
static void
find_culprit(const ErrorData *error)
{
	bool		fault = is_runs_fault(error->sqlerrcode);

	if (booking && fault)
	{
		course.suspect = booked.run_id;
		queue_drop_suspect(&booked);
	}
	else if (booking)
		queue_put_off_suspect(&booked);
	if (fault && (booking || (course.solo > 0 && course.has_suspect &&
							  !course.committing)))
		course.blame = psprintf("the engine could not process this run: %s",
								error->message);
	booking = false;
	course.committing = false;
	course.solo = wf_batch_size * 2;
}

void
tick_failed(void)
{
	ErrorData  *error;

	MemoryContextSwitchTo(TopMemoryContext);
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
	course.lost = true;
	queue_want_look();
	course.more = true;
	find_culprit(error);
	FreeErrorData(error);
	MemoryContextSwitchTo(TopMemoryContext);
}
