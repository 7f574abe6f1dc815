/*
 * tick_recovery.c
 *	  Ticks that failed, and steps that ended a worker.
 *
 * Runs in a worker, outside of a tick's transaction.
 *
 * An error that is not a step's ends the tick.  Then runs are processed one
 * by one for a while, so that the run to blame is known.  That run alone is
 * set aside (set_aside.c) and tried again, and failed in the end if the
 * fault is its own; all others go on at once.
 *
 * A step that was executing when its worker ended abnormally is worker_state.booked on its
 * run (run_book_crash) before anything is claimed: at the third time it fails.
 * Shared memory says which steps these are (crashed_step.c); where the whole
 * server was killed, the rows do: an attempt on probation was committed
 * before it was made.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "base/transaction.h"
#include "base/uuid_list.h"
#include "base/valid_text.h"
#include "config/clock.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "run/step_sandbox_lock.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "shared/long_step.h"
#include "shared/set_aside.h"
#include "shared/worker_leave.h"
#include "shared/worker_slot.h"
#include "storage/lock.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "worker/in_flight.h"
#include "worker/tick_put_off.h"
#include "worker/tick_recovery.h"
#include "worker/tick_report.h"
#include "worker/tick_state.h"

/* A run that was set aside so many times is failed, if that is its fault. */
#define TIMES_ASIDE 5

#define ENDED_WORKERS "the engine could not process this run: its worker ended abnormally while it was about the run, 3 times"

/* So many ticks that fail one after the other are no matter of single runs. */
#define MAX_FAILURES 10
#define MAX_LOGGED 3			/* of them */

/*--- what is done before a tick ---*/

/*
 * Fails a run, in a transaction of its own.  If not even that can be saved,
 * the run is set aside as before.
 */
static void
fail_for_good(const pg_uuid_t *id, const char *message)
{
	worker_state.nruns = 1;

	crashed_step_note_run(id, NULL);
	begin_transaction();
	if (store_hold_extension())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		store_fail_run(id, message);
		PopActiveSnapshot();
	}
	CommitTransactionCommand();
	crashed_step_note_run(NULL, NULL);
	aside_remove(id);
}

/*
 * Books one suspect on its run, in a transaction of its own.  False: its row
 * is locked by somebody (at first by the worker that dies).
 */
static bool
book(const CrashedStep *crashed)
{
	Tick		tick = {0};
	WorkerCrash crash = {.step = crashed->step,.since = crashed->since,
	.uncancelled = crashed->uncancelled};
	bool		locked = false;
	RunRow	   *run;

	tick.run.epoch = in_flight.epoch;
	begin_transaction();
	if (!store_hold_extension())
	{
		CommitTransactionCommand();
		return true;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(tick_memory);
	crashed_step_note_run(&crashed->run_id, &crashed->definition_id);
	if (step_position_is_none(crashed->step))
		store_load_crashed_run(&crashed->run_id, MAX_ABNORMAL_ENDS, ENDED_WORKERS,
							   &locked);
	else if ((run = store_load_struck(&crashed->run_id, crashed->step,
									  &locked)) != NULL)
		tick_save_run(&tick, run, run_book_crash(run, &crash, &tick.run));
	PopActiveSnapshot();
	CommitTransactionCommand();
	crashed_step_note_run(NULL, NULL);
	in_flight_keep_runnable(tick.runnable);
	in_flight_keep_alone(tick.alone);
	due_want_rescan();
	report_failed(tick.failed);
	worker_slot_count_work(transfer_in_flight(), tick.nended,
						   tick.run.steps_done);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextReset(tick_memory);
	return !locked;
}

bool
recovery_begin(void)
{
	CrashedSearch found;

	if (worker_state.fail_message != NULL)
	{
		char	   *blame = worker_state.fail_message;

		worker_state.fail_message = NULL;
		worker_state.nruns = 0;

		worker_state.failing = true;

		fail_for_good(&worker_state.run_to_fail, blame);
		worker_state.failing = false;

		pfree(blame);
	}
	while ((found = crashed_step_find(in_flight.epoch, &worker_state.booked)) == CRASHED_FOUND)
	{
		CHECK_FOR_INTERRUPTS();
		worker_state.booking = true;

		if (book(&worker_state.booked))
			crashed_step_drop(&worker_state.booked);
		else
			crashed_step_put_off(&worker_state.booked);
		worker_state.booking = false;
	}
	return found == CRASHED_ELSEWHERE;
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
		case ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE:
			return false;
		default:
			return sqlstate != ERRCODE_UNDEFINED_TABLE;
	}
}

/*
 * Somebody holds a lock, or all of something.  It may be free at any moment,
 * so the pause does not grow.
 */
static bool
passes_soon(int sqlstate)
{
	return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES;
}

/* Outlives the tick's memory. */
static char *
blame_text(const char *message)
{
	char	   *text = psprintf("the engine could not process this run: %s",
								message);

	return MemoryContextStrdup(TopMemoryContext, text);
}

/* The run whose end was being booked: it is failed, or worker_state.booked later. */
static void
blame_booked(const ErrorData *error, bool fault)
{
	if (!fault)
	{
		crashed_step_put_off(&worker_state.booked);
		return;
	}
	crashed_step_drop(&worker_state.booked);
	worker_state.run_to_fail = worker_state.booked.run_id;

	memset(&worker_state.last_run, 0, sizeof(DueRun));	/* if it cannot be
														 * failed */
	worker_state.last_run.id = worker_state.booked.run_id;
	worker_state.last_is_queued = false;
	worker_state.fail_message = blame_text(error->message);
}

/*
 * The tick had one run only, so the error is about that: it is left alone for
 * a while, and failed after some times.
 */
static void
blame_only_run(const ErrorData *error, bool fault)
{
	const DueRun *run = &worker_state.last_run;
	int			times = aside_add(run, worker_state.last_is_queued);

	put_off_after_failure(&run->tenant_id);
	worker_slot_set_error(psprintf("run %s is set aside: %s", id_text(&run->id),
								   error->message));
	if (times == 1 && worker_state.nfailures < MAX_LOGGED)
		ereport(LOG,
				(errmsg("run %s is set aside, since its row or its effects cannot be saved: %s",
						id_text(&run->id), error->message),
				 error->detail ? errdetail_internal("%s", error->detail) : 0,
				 error->context ? errcontext("%s", error->context) : 0));
	if (!fault || times < TIMES_ASIDE || worker_state.failing)
		return;					/* if it cannot be failed, it waits as well */
	worker_state.run_to_fail = run->id;
	worker_state.fail_message = blame_text(error->message);
}

/*
 * Whose fault is it?  If that is known, only that run waits.  Else the runs of
 * the tick are done again one by one, so that it is known soon.
 */
static TickPause
find_failed_run(const ErrorData *error)
{
	bool		fault = is_runs_fault(error->sqlerrcode);
	bool		known = true;

	if (worker_state.withdrawn)
		return PAUSE_NONE;
	if (worker_state.booking)
		blame_booked(error, fault);
	else if (worker_state.nruns == 1)
		blame_only_run(error, fault);
	else
		known = false;
	if (!known)
		worker_slot_set_error(error->message);
	if (!known && worker_state.nruns == 0)
		return passes_soon(error->sqlerrcode) ? PAUSE_SHORT : PAUSE_LONGER;
	worker_state.solo_ticks = Max(worker_state.solo_ticks, Min(2 * worker_state.nruns, wf_batch_size) + 10);
	worker_state.nfailures++;

	if (known && !worker_state.booking && put_off_has_room())
		return PAUSE_NONE;		/* that tenant pauses */
	return worker_state.nfailures > MAX_FAILURES ? PAUSE_SHORT : PAUSE_NONE;
}

/* Its message in whole characters, in the current context. */
static void
mend_message(ErrorData *error)
{
	const char *valid = valid_text(error->message);

	if (valid == error->message)
		return;
	pfree(error->message);
	error->message = unconstify(char *, valid);
}

/* What is known already need not be logged as an error. */
static bool
is_known(void)
{
	return worker_state.withdrawn || (worker_state.nruns == 1 && !worker_state.booking);
}

/*
 * PostgreSQL's report of a lock time-out does not name the table: name_lock
 * reports that, when its name can be looked up.
 */
static void
report(const ErrorData *error)
{
	if (is_known())
		ereport(DEBUG1,
				(errmsg_internal("a tick was rolled back: %s",
								 error->message)));
	else if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		EmitErrorReport();
}

/*
 * Adds to the message of a lock time-out what was waited for, and logs it
 * unless it is known.  The current context is the tick's.
 */
static void
name_lock(ErrorData *error)
{
	char	   *lock;

	if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		return;
	begin_transaction();
	lock = sandbox_lock_text(error);
	if (lock != NULL)
		lock = MemoryContextStrdup(tick_memory, lock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(tick_memory);
	if (lock != NULL)
	{
		lock = psprintf("%s (%s)", error->message, lock);
		pfree(error->message);
		error->message = lock;
	}
	if (!is_known())
		ereport(LOG,
				(errcode(error->sqlerrcode),
				 errmsg("%s", error->message),
				 error->context ? errcontext("%s", error->context) : 0));
}

TickPause
tick_failed(void)
{
	ErrorData  *error;
	TickPause	pause;

	MemoryContextSwitchTo(TopMemoryContext);
	HOLD_INTERRUPTS();
	disable_all_timeouts(false);
	QueryCancelPending = false;
	error = CopyErrorData();
	worker_state.withdrawn |= error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		worker_leave_is_stopping();

	report(error);
	FlushErrorState();
	AbortCurrentTransaction();
	LockReleaseSession(USER_LOCKMETHOD);
	RESUME_INTERRUPTS();

	crashed_step_note_run(NULL, NULL);
	long_step_end();
	tick_end_turn(false);
	MemoryContextReset(tick_memory);
	MemoryContextSwitchTo(tick_memory);
	mend_message(error);
	name_lock(error);
	worker_state.lost = true;

	due_want_rescan();
	worker_state.more = true;

	tick_choose_next(true);
	pause = find_failed_run(error);
	put_off_tick_over(false);
	worker_state.booking = worker_state.failing = false;
	worker_state.withdrawn = false;

	FreeErrorData(error);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextReset(tick_memory);
	return pause;
}

void
recovery_over(void)
{
	put_off_tick_over(true);
	if (worker_state.nruns == 0)
		return;
	worker_state.nfailures = 0;

	if (worker_state.nruns == 1)
		aside_remove(&worker_state.last_run.id);
}
