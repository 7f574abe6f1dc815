/*
 * tick_recovery.c
 *	  What follows a tick that failed, and a step that ended its worker.
 *
 * Runs in a worker, outside of a tick's transaction.
 *
 * An error outside of a step ends the tick, whose transaction is rolled back.
 * If the tick had one run, that run is the one that failed.  Else the next
 * ticks have one run each, so that the one that fails is found.  The failed
 * run alone is set aside (set_aside.c) and tried again, and it is failed in
 * the end if the error is its own; all other runs go on at once.
 *
 * A step that was executing when its worker ended abnormally is booked on its
 * run (run_book_crash) before anything is claimed; the third time the step
 * fails.  Shared memory says which steps these are (crashed_step.c).  If the
 * whole server was killed, that memory is gone, but the rows say it: on
 * probation, an attempt is committed before it is made.
 *
 * Owns the part of this_worker that is about errors.  After a crash the next
 * worker begins without it: a run that makes ticks fail is then found anew.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "base/transaction.h"
#include "base/unit.h"
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
#include "shared/wakeup.h"
#include "shared/worker_leave.h"
#include "shared/worker_slot.h"
#include "storage/lock.h"
#include "store/store_crash.h"
#include "store/store_save.h"
#include "store/store_schema.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "worker/in_flight.h"
#include "worker/tick_put_off.h"
#include "worker/tick_recovery.h"
#include "worker/tick_report.h"
#include "worker/tick_state.h"

/* A run that was set aside so often is failed, if the error is its own. */
#define TIMES_ASIDE 5

#define ENDED_WORKERS "the engine could not process this run: its worker ended abnormally while it was about the run, 3 times"

/* If so many ticks fail in a row, single runs are not the reason. */
#define MAX_FAILURES 10

/* Of ticks that fail in a row, so many are logged. */
#define MAX_LOGGED 3

/*--- what is done before a tick ---*/

/*
 * Fails a run, in a transaction of its own.  If not even that can be saved,
 * the error is this run's, which is set aside as before.
 */
static void
fail_for_good(const Unit *unit, const char *message)
{
	this_worker.nruns = 1;
	crashed_step_note_run(unit, NULL);
	begin_transaction();
	if (store_hold_extension())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		store_fail_run(unit, message);
		PopActiveSnapshot();
	}
	CommitTransactionCommand();
	crashed_step_note_run(NULL, NULL);
	aside_remove(unit);
}

/*
 * Loads the run of a crashed step and books the crash on it, in the current
 * transaction.  *locked: somebody has its row, and nothing was done.
 */
static void
book_on_run(Tick *tick, const CrashedStep *crashed, bool *locked)
{
	WorkerCrash crash = {.step = crashed->step,.since = crashed->since,
	.uncancelled = crashed->uncancelled};
	RunRow	   *run;

	*locked = false;
	if (step_position_is_none(crashed->step))
	{
		store_count_crash(&crashed->unit, MAX_ABNORMAL_ENDS, ENDED_WORKERS,
						  locked);
		return;
	}
	run = store_load_crashed(&crashed->unit, crashed->step, locked);
	if (run != NULL)
		tick_save_run(tick, run, run_book_crash(run, &crash, &tick->run));
}

/*
 * Books a crashed step on its run, in a transaction of its own.  Returns false
 * if the row is locked by somebody: at first by the worker that is just
 * ending.
 */
static bool
book(const CrashedStep *crashed)
{
	Tick		tick = {0};
	bool		locked;

	tick.run.epoch = in_flight.epoch;
	begin_transaction();
	if (!store_hold_extension())
	{
		CommitTransactionCommand();
		return true;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(tick_memory);
	crashed_step_note_run(&crashed->unit, &crashed->definition_id);
	book_on_run(&tick, crashed, &locked);
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

/* Fails the run that made the last ticks fail, if one did. */
static void
fail_failed_run(void)
{
	char	   *message = this_worker.fail_message;

	if (message == NULL)
		return;
	this_worker.fail_message = NULL;	/* once, even if that fails too */
	this_worker.failing = true;
	fail_for_good(&this_worker.run_to_fail, message);
	this_worker.failing = false;
	pfree(message);
}

bool
recovery_begin(void)
{
	CrashedStep *booked = &this_worker.booked;
	CrashedSearch found;

	fail_failed_run();
	this_worker.nruns = 0;
	for (;;)
	{
		found = crashed_step_find(in_flight.epoch, booked);
		if (found != CRASHED_FOUND)
			break;
		CHECK_FOR_INTERRUPTS();
		this_worker.booking = true;
		if (book(booked))
			crashed_step_drop(booked);
		else
			crashed_step_put_off(booked);
		this_worker.booking = false;
	}
	return found == CRASHED_ELSEWHERE;
}

/*--- a tick that failed ---*/

/*
 * Is an error with that SQLSTATE the run's own?  Else it is due to the state
 * of the server, and the run may go well later.
 */
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
 * Does somebody hold a lock, or all of a resource?  It may be free at any
 * moment, so the pause does not grow.
 */
static bool
passes_soon(int sqlstate)
{
	return sqlstate == ERRCODE_LOCK_NOT_AVAILABLE ||
		ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES;
}

/* What a failed run says; in TopMemoryContext, since it outlives the tick. */
static char *
fail_text(const char *message)
{
	char	   *text = psprintf("the engine could not process this run: %s",
								message);

	return MemoryContextStrdup(TopMemoryContext, text);
}

/*
 * The error came up while a crash was being booked on its run.  If the error
 * is the run's own, the run is failed; else the crash is booked later.
 */
static void
put_down_to_booked(const ErrorData *error, bool fault)
{
	if (!fault)
	{
		crashed_step_put_off(&this_worker.booked);
		return;
	}
	crashed_step_drop(&this_worker.booked);
	this_worker.run_to_fail = this_worker.booked.unit;
	this_worker.fail_message = fail_text(error->message);

	/* which run is set aside if it cannot even be failed */
	memset(&this_worker.last_run, 0, sizeof(DueRun));
	this_worker.last_run.unit = this_worker.booked.unit;
	this_worker.last_is_queued = false;
}

/*
 * The tick had one run, so the error is about that run.  It is set aside for a
 * while, and after some times it is failed, if the error is its own.
 */
static void
put_down_to_only_run(const ErrorData *error, bool fault)
{
	const DueRun *run = &this_worker.last_run;
	int			times = aside_add(run, this_worker.last_is_queued);

	put_off_after_failure(&run->tenant_id);
	worker_slot_set_error(psprintf("run %s is set aside: %s",
								   id_text(&run->unit.id),
								   error->message));
	if (times == 1 && this_worker.nfailures < MAX_LOGGED)
		ereport(LOG,
				(errmsg("run %s is set aside, since its row or its effects cannot be saved: %s",
						id_text(&run->unit.id), error->message),
				 error->detail ? errdetail_internal("%s", error->detail) : 0,
				 error->context ? errcontext("%s", error->context) : 0));
	if (!fault || times < TIMES_ASIDE || this_worker.failing)
		return;					/* if it cannot be failed, it stays aside */
	this_worker.run_to_fail = run->unit;
	this_worker.fail_message = fail_text(error->message);
}

/*
 * Finds out which run failed, from what the tick was about.  If that is known,
 * only that run waits.  Else the next ticks have one run each, until all runs
 * of this one have had theirs.  Returns how long the worker is to pause.
 */
static TickPause
find_failed_run(const ErrorData *error)
{
	bool		fault = is_runs_fault(error->sqlerrcode);
	bool		known = true;

	if (this_worker.withdrawn)
		return PAUSE_NONE;
	if (this_worker.booking)
		put_down_to_booked(error, fault);
	else if (this_worker.nruns == 1)
		put_down_to_only_run(error, fault);
	else
		known = false;
	if (!known)
		worker_slot_set_error(error->message);
	if (!known && this_worker.nruns == 0)
		return passes_soon(error->sqlerrcode) ? PAUSE_SHORT : PAUSE_LONGER;
	this_worker.solo_ticks = Max(this_worker.solo_ticks,
								 Min(2 * this_worker.nruns,
									 wf_batch_size) + 10);
	this_worker.nfailures++;

	if (known && !this_worker.booking && put_off_has_room())
		return PAUSE_NONE;		/* the run's tenant is put off instead */
	return this_worker.nfailures > MAX_FAILURES ? PAUSE_SHORT : PAUSE_NONE;
}

/* Cuts an error's message to valid text, in the current context. */
static void
mend_message(ErrorData *error)
{
	const char *valid = valid_text(error->message);

	if (valid == error->message)
		return;
	pfree(error->message);
	error->message = unconstify(char *, valid);
}

/*
 * Is the error known to be one run's, or nobody's?  Then it is not logged as
 * an error of the worker.
 */
static bool
is_known(void)
{
	return this_worker.withdrawn ||
		(this_worker.nruns == 1 && !this_worker.booking);
}

/*
 * Logs the error unless it is known.  PostgreSQL's message about a lock
 * time-out does not name the table, and its name cannot be looked up before
 * the transaction is aborted: name_lock logs that later.
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
 * If the error is a lock time-out: adds to its message what was waited for,
 * and logs it unless it is known.  Begins and ends a transaction.
 */
static void
name_lock(ErrorData *error)
{
	char	   *lock;

	Assert(CurrentMemoryContext == tick_memory);
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

/*
 * Ends the failed transaction and all that belongs to it.  Must not be
 * interrupted: an error here would leave the session in the middle of it.
 */
static ErrorData *
abort_tick(void)
{
	ErrorData  *error;

	HOLD_INTERRUPTS();
	disable_all_timeouts(false);
	QueryCancelPending = false;
	error = CopyErrorData();
	this_worker.withdrawn |= error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		worker_leave_is_stopping();

	report(error);
	FlushErrorState();
	/* also out of the subtransaction in which a tick locks rows */
	AbortOutOfAnyTransaction();
	LockReleaseSession(USER_LOCKMETHOD);
	RESUME_INTERRUPTS();
	crashed_step_note_run(NULL, NULL);
	long_step_end();
	tick_end_turn(false);
	return error;
}

/* Nothing of the tick has happened: its runs are to be found again. */
static void
forget_tick(void)
{
	this_worker.lost = true;
	this_worker.more = true;
	due_forget_reading(in_flight.epoch);
	due_want_rescan();
	tick_choose_next(true);
}

TickPause
tick_failed(void)
{
	ErrorData  *error;
	TickPause	pause;

	MemoryContextSwitchTo(TopMemoryContext);
	error = abort_tick();
	MemoryContextReset(tick_memory);
	MemoryContextSwitchTo(tick_memory);
	mend_message(error);
	name_lock(error);
	forget_tick();
	pause = find_failed_run(error);
	if (pause != PAUSE_NONE)
		wakeup_others();		/* for the runs that this worker had taken */
	put_off_tick_over(false);
	this_worker.booking = this_worker.failing = false;
	this_worker.withdrawn = false;
	FreeErrorData(error);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextReset(tick_memory);
	return pause;
}

void
recovery_over(void)
{
	put_off_tick_over(true);
	if (this_worker.nruns == 0)
		return;
	this_worker.nfailures = 0;
	if (this_worker.nruns == 1)
		aside_remove(&this_worker.last_run.unit);
}
