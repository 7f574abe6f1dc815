/*
 * tick_trouble.c
 *	  Ticks that failed, and steps that ended a worker.
 *
 * Runs in a worker, outside of a tick's transaction.
 *
 * An error that is not a step's ends the tick.  Then runs are processed one
 * by one for a while, so that the run to blame is known.  That run alone is
 * set aside (queue_aside.c) and tried again, and failed in the end if the
 * fault is its own; all others go on at once.
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
#include "fence_lock.h"
#include "hand.h"
#include "ids.h"
#include "miscadmin.h"
#include "queue.h"
#include "settings.h"
#include "storage/lock.h"
#include "tick_internal.h"
#include "tick_report.h"
#include "transaction.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "validtext.h"

/* A run that was set aside so many times is failed, if that is its fault. */
#define TIMES_ASIDE 5

#define ENDED_WORKERS "the engine could not process this run: its worker ended abnormally while it was about the run, 3 times"

/* So many ticks that fail one after the other are no matter of single runs. */
#define MAX_FAILURES 10
#define MAX_LOGGED 3			/* of them */

#define PUT_OFF_US INT64CONST(1000000)	/* a tenant, from then on */

/*
 * Tenants whose runs cannot be saved, or not quickly.  Others come first for
 * as long as such a run took.
 */
#define MAX_TENANTS 16

typedef struct TroubledTenant
{
	pg_uuid_t	id;
	TimestampTz until;			/* it is put off; 0: it is not */
	int			failures;		/* since a run of it was saved */
	bool		seen;			/* in this tick */
} TroubledTenant;

static int	ntenants = 0;
static TroubledTenant tenants[MAX_TENANTS];

/* The suspect that is being booked, if any. */
static Suspect booked;
static bool booking = false;

static bool failing = false;	/* a run is being failed for good */

/*--- tenants that are put off ---*/

/* NULL: it is not among them. */
static TroubledTenant *
find_tenant(const pg_uuid_t *id)
{
	for (int i = 0; i < ntenants; i++)
		if (ids_equal(&tenants[i].id, id))
			return &tenants[i];
	return NULL;
}

/* Enters it if it is not there; the one whose time ends first makes room. */
static TroubledTenant *
enter_tenant(const pg_uuid_t *id)
{
	TroubledTenant *tenant = find_tenant(id);

	if (tenant != NULL)
		return tenant;
	tenant = &tenants[0];
	if (ntenants < MAX_TENANTS)
		tenant = &tenants[ntenants++];
	else
		for (int i = 1; i < MAX_TENANTS; i++)
			if (tenants[i].until < tenant->until)
				tenant = &tenants[i];
	memset(tenant, 0, sizeof(TroubledTenant));
	tenant->id = *id;
	return tenant;
}

void
trouble_put_off(const pg_uuid_t *tenant, int64 us)
{
	enter_tenant(tenant)->until = clock_now() + us;
}

bool
trouble_puts_off(const pg_uuid_t *tenant)
{
	const TroubledTenant *found = ntenants > 0 ? find_tenant(tenant) : NULL;

	return found != NULL && found->until > clock_now();
}

TimestampTz
trouble_put_off_until(TimestampTz now)
{
	TimestampTz first = 0;

	for (int i = 0; i < ntenants; i++)
	{
		TroubledTenant *tenant = &tenants[i];

		if (tenant->until != 0 && (first == 0 || tenant->until < first))
			first = tenant->until;
		if (tenant->until <= now)
			tenant->until = 0;	/* it is told of once */
	}
	return first;
}

void
trouble_saw(const pg_uuid_t *tenant)
{
	TroubledTenant *found = ntenants > 0 ? find_tenant(tenant) : NULL;

	if (found != NULL)
		found->seen = true;
}

/* The tick has ended; saved: what it did is committed. */
static void
see_no_more(bool saved)
{
	for (int i = ntenants - 1; i >= 0; i--)
	{
		bool		well = tenants[i].seen && saved;

		tenants[i].seen = false;
		if (well)
			tenants[i].failures = 0;
		if (well && tenants[i].until == 0)
			tenants[i] = tenants[--ntenants];
	}
}

/* A run of it has failed its tick, which had no other run. */
static void
put_off_after_failure(const pg_uuid_t *id)
{
	TroubledTenant *tenant = enter_tenant(id);
	TimestampTz now = clock_now();
	int64		took_us = now - GetCurrentStatementStartTimestamp();

	if (++tenant->failures > MAX_FAILURES)
		took_us = Max(took_us, PUT_OFF_US);
	tenant->until = now + took_us;
}

/*--- what is done before a tick ---*/

/*
 * Fails a run, in a transaction of its own.  If not even that can be saved,
 * the run is set aside as before.
 */
static void
fail_for_good(const pg_uuid_t *id, const char *message)
{
	course.nruns = 1;
	queue_worker_is_about(id, NULL);
	begin_transaction();
	if (store_hold_extension())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		store_fail_run(id, message);
		PopActiveSnapshot();
	}
	CommitTransactionCommand();
	queue_worker_is_about(NULL, NULL);
	queue_was_saved(id);
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
	bool		locked = false;
	RunRow	   *run;

	tick.run.epoch = hand.epoch;
	begin_transaction();
	if (!store_hold_extension())
	{
		CommitTransactionCommand();
		return true;
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(tick_context);
	queue_worker_is_about(&suspect->run_id, &suspect->definition_id);
	if (suspect->step < 0)
		store_strike_run(&suspect->run_id, MAX_ABNORMAL_ENDS, ENDED_WORKERS,
						 &locked);
	else if ((run = store_load_struck(&suspect->run_id, suspect->step,
									  &locked)) != NULL)
		tick_settle(&tick, run, run_strike(run, &strike, &tick.run));
	PopActiveSnapshot();
	CommitTransactionCommand();
	queue_worker_is_about(NULL, NULL);
	hand_keep_continuing(tick.continuing);
	hand_keep_alone(tick.alone);
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
		course.nruns = 0;
		failing = true;
		fail_for_good(&course.failing, blame);
		failing = false;
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

/* The run whose end was being booked: it is failed, or booked later. */
static void
blame_booked(const ErrorData *error, bool fault)
{
	if (!fault)
	{
		queue_put_off_suspect(&booked);
		return;
	}
	queue_drop_suspect(&booked);
	course.failing = booked.run_id;
	memset(&course.last_run, 0, sizeof(DueRun));	/* if it cannot be failed */
	course.last_run.id = booked.run_id;
	course.last_is_queued = false;
	course.blame = blame_text(error->message);
}

/*
 * The tick had one run only, so the error is about that: it is left alone for
 * a while, and failed after some times.
 */
static void
blame_only_run(const ErrorData *error, bool fault)
{
	const DueRun *run = &course.last_run;
	int			times = queue_set_aside(run, course.last_is_queued);

	put_off_after_failure(&run->tenant_id);
	queue_worker_error(psprintf("run %s is set aside: %s", id_text(&run->id),
								error->message));
	if (times == 1 && course.nfailures < MAX_LOGGED)
		ereport(LOG,
				(errmsg("run %s is set aside, since its row or its effects cannot be saved: %s",
						id_text(&run->id), error->message),
				 error->detail ? errdetail_internal("%s", error->detail) : 0,
				 error->context ? errcontext("%s", error->context) : 0));
	if (!fault || times < TIMES_ASIDE || failing)
		return;					/* if it cannot be failed, it waits as well */
	course.failing = run->id;
	course.blame = blame_text(error->message);
}

/*
 * Whose fault is it?  If that is known, only that run waits.  Else the runs of
 * the tick are done again one by one, so that it is known soon.
 */
static TickPause
find_culprit(const ErrorData *error)
{
	bool		fault = is_runs_fault(error->sqlerrcode);
	bool		known = true;

	if (course.withdrawn)
		return PAUSE_NONE;
	if (booking)
		blame_booked(error, fault);
	else if (course.nruns == 1)
		blame_only_run(error, fault);
	else
		known = false;
	if (!known)
		queue_worker_error(error->message);
	if (!known && course.nruns == 0)
		return passes_soon(error->sqlerrcode) ? PAUSE_SHORT : PAUSE_LONGER;
	course.solo = Max(course.solo, Min(2 * course.nruns, wf_batch_size) + 10);
	course.nfailures++;
	if (known && !booking && ntenants < MAX_TENANTS)
		return PAUSE_NONE;		/* that tenant pauses */
	return course.nfailures > MAX_FAILURES ? PAUSE_SHORT : PAUSE_NONE;
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
	return course.withdrawn || (course.nruns == 1 && !booking);
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
	lock = fence_lock_text(error);
	if (lock != NULL)
		lock = MemoryContextStrdup(tick_context, lock);
	CommitTransactionCommand();
	MemoryContextSwitchTo(tick_context);
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
	course.withdrawn |= error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		queue_worker_is_stopping();
	report(error);
	FlushErrorState();
	AbortCurrentTransaction();
	LockReleaseSession(USER_LOCKMETHOD);
	RESUME_INTERRUPTS();

	queue_worker_is_about(NULL, NULL);
	queue_end_long();
	if (course.has_turn)
		queue_end_turn(&course.turn_of, false);
	course.has_turn = false;
	MemoryContextReset(tick_context);
	MemoryContextSwitchTo(tick_context);
	mend_message(error);
	name_lock(error);
	course.lost = true;
	queue_want_look();
	course.more = true;
	alone_over(true);
	pause = find_culprit(error);
	see_no_more(false);
	booking = failing = course.withdrawn = false;
	FreeErrorData(error);
	MemoryContextSwitchTo(TopMemoryContext);
	MemoryContextReset(tick_context);
	return pause;
}

void
trouble_over(void)
{
	see_no_more(true);
	if (course.nruns == 0)
		return;
	course.nfailures = 0;
	if (course.nruns == 1)
		queue_was_saved(&course.last_run.id);
}
