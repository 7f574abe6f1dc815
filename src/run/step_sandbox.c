/*
 * step_sandbox.c
 *	  The sandbox of a step: a subtransaction, a role, time limits, a reset of
 *	  the session.
 *
 * Runs in a worker, inside a tick's transaction and outside of any query.
 * Owns nothing beyond a call.
 *
 * A step runs as its definition's run_as.  The worker is connected as the
 * bootstrap superuser, so a step must not get at its rights, nor at what the
 * next step finds:
 *
 * - SET ROLE, RESET ROLE and SET SESSION AUTHORIZATION are refused, since
 *   SECURITY_LOCAL_USERID_CHANGE is set.  (SECURITY_RESTRICTED_OPERATION
 *   would refuse initially deferred constraints as well.)
 * - Deferred constraints and triggers would fire at the tick's commit as
 *   the superuser (PostgreSQL 15 to 17): they are fired at the step's end,
 *   as its role.
 * - A cursor WITH HOLD would execute its query at the commit, likewise as
 *   the superuser: all cursors are closed at the step's end.
 * - What a step sets, prepares, locks or creates as temporary could change
 *   what the next one does, under another role: settings go back with a
 *   nest level, session_reset.c undoes the rest.  pg_temp is searched last.
 *
 * The session is reset after a failure too: prepared statements and session
 * locks outlive an aborted subtransaction.
 *
 * If many steps succeed, their subtransactions cost more than the steps do.
 * So a few runs may be advanced within one subtransaction (sandbox_run_batch):
 * the role, the limits and the reset are each step's own as ever, but if one
 * step fails, all of them are undone, and the caller executes them again one
 * by one.
 *
 * The step's time-out cancels it, again each second if it traps that, and at
 * last ends the worker, which leaves word for the next one to fail the step
 * (crashed_step.c).  A step whose transaction holds what others have done is
 * cancelled much earlier, by its soft limit: it has not failed, and is
 * executed again in a transaction of its own (tick_alone.c).  A step that is
 * cancelled since its worker is to end has not failed either: the error goes
 * on to the tick.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "base/uuid_list.h"
#include "catalog/namespace.h"
#include "commands/trigger.h"
#include "config/settings.h"
#include "libpq/be-fsstubs.h"
#include "miscadmin.h"
#include "run/session_reset.h"
#include "run/step_sandbox.h"
#include "run/step_sandbox_lock.h"
#include "shared/crashed_step.h"
#include "shared/worker_leave.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "storage/proc.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/syscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* A step is cancelled so many times before its worker ends. */
#define MAX_CANCELLATIONS 5
#define CANCEL_INTERVAL_MS 1000

/*
 * A step that others wait for is cancelled when its soft limit has passed,
 * and again after each such interval.  If it traps that as well, its worker
 * ends soon, so that what others have done is committed by somebody else.
 */
#define MAX_SOFT_CANCELLATIONS 2
#define SOFT_CANCEL_INTERVAL_MS 300

static void
set_for_step(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* The settings of a step: the search path of steps, and its run's tenant. */
static void
set_step_settings(const pg_uuid_t *tenant_id)
{
	char	   *path = settings_step_path();
	pg_uuid_t	bound;

	if (strcmp(namespace_search_path, path) != 0)
		set_for_step("search_path", path);
	if (settings_tenant(&bound) != TENANT_BOUND ||
		memcmp(&bound, tenant_id, UUID_LEN) != 0)
		set_for_step("workflow_engine.tenant_id", id_text(tenant_id));
	pfree(path);
}

void
sandbox_enter_role(Sandbox *sandbox, Oid role, const pg_uuid_t *tenant_id)
{
	if (!OidIsValid(role) || !SearchSysCacheExists1(AUTHOID,
													ObjectIdGetDatum(role)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the role that this workflow runs as does not exist"),
				 errhint("Set run_as of the definition to a role, and retry the run with on_version => 'current': it keeps the version that it was fired with.")));

	Assert(!sandbox->in_role);
	sandbox->guc_level = NewGUCNestLevel();
	set_step_settings(tenant_id);
	GetUserIdAndSecContext(&sandbox->save_user, &sandbox->save_context);
	SetUserIdAndSecContext(role, sandbox->save_context |
						   SECURITY_LOCAL_USERID_CHANGE);
	sandbox->in_role = true;
}

/*
 * The step has succeeded.  Fires as its role what it deferred, and goes back
 * to the worker's own.  No query of the engine is open here, which
 * AfterTriggerFireDeferred relies on.
 */
static void
leave_role(Sandbox *sandbox)
{
	AfterTriggerFireDeferred();
	PortalHashTableDeleteAll();
	AtEOXact_LargeObject(true); /* a descriptor is checked when opened */
	SetUserIdAndSecContext(sandbox->save_user, sandbox->save_context);
	AtEOXact_GUC(false, sandbox->guc_level);
	ResetTempTableNamespace();
}

static bool unclean = false;	/* see sandbox_session_unclean */

/* Undoes what no subtransaction gives back, or has the worker end. */
static void
reset_session(void)
{
	if (session_reset() || unclean)
		return;
	unclean = true;
	worker_leave_ask_self();
	ereport(LOG,
			(errmsg("a step has left in its session what only ends with it"),
			 errdetail("A backup that was begun, a connection that dblink does not close, or the names of more than 1000 new settings."),
			 errhint("The worker ends after this transaction; another takes its place.")));
}

bool
sandbox_session_unclean(void)
{
	return unclean;
}

/*--- the time limits ---*/

static TimeoutId step_timeout = MAX_TIMEOUTS;	/* not registered yet */
static volatile sig_atomic_t cancellations = 0;
static volatile sig_atomic_t late_cancellations = 0;	/* after timeout_at */
static TimestampTz timeout_at;	/* of the step, whatever its soft limit */
static int	max_cancellations;
static CrashedStep running;		/* valid while is_running */
static bool is_running = false;

/*
 * In a signal handler.  A step may trap its cancellation, so it is cancelled
 * again, and in the end its process ends.
 */
static void
cancel_step(void)
{
	if (GetCurrentTimestamp() >= timeout_at)
		late_cancellations++;
	if (++cancellations > max_cancellations)
		ProcDiePending = true;
	else
		QueryCancelPending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

/* Was it the soft limit by which the step has just ended? */
static bool
ended_softly(int sqlstate)
{
	return sqlstate == ERRCODE_QUERY_CANCELED && cancellations > 0 &&
		late_cancellations == 0;
}

/*
 * On the way out of the process, before its slot is left: if the limits of a
 * step have ended the process, the slot says so, and the crash is booked on
 * the step's run.  A step that went on after its time-out would only do it
 * again, and is failed (uncancelled).
 */
static void
report_limits(int code, Datum arg)
{
	running.uncancelled = late_cancellations > 0;
	if (is_running && cancellations > max_cancellations)
		crashed_step_note_begin(&running);
}

static void
note_running(const Sandbox *sandbox, TimestampTz began)
{
	is_running = sandbox->unit != NULL;
	if (!is_running)
		return;
	memset(&running, 0, sizeof(running));
	running.database = MyDatabaseId;
	running.unit = *sandbox->unit;
	running.definition_id = *sandbox->definition_id;
	running.step = sandbox->step;
	running.since = began;
	crashed_step_note_begin(&running);
}

static void
start_limits(const Sandbox *sandbox, TimestampTz began, int *save_lock_timeout)
{
	bool		soft = sandbox->soft_ms > 0;
	int64		first_ms = soft ? Min(sandbox->soft_ms, sandbox->timeout_ms)
		: sandbox->timeout_ms;

	if (step_timeout == MAX_TIMEOUTS)
	{
		step_timeout = RegisterTimeout(USER_TIMEOUT, cancel_step);
		before_shmem_exit(report_limits, (Datum) 0);
		session_reset_begin();
	}
	*save_lock_timeout = LockTimeout;
	LockTimeout = sandbox->lock_timeout_ms;
	cancellations = late_cancellations = 0;
	sandbox_forget_lock();
	note_running(sandbox, began);
	timeout_at = began + sandbox->timeout_ms * 1000;
	max_cancellations = soft ? MAX_SOFT_CANCELLATIONS : MAX_CANCELLATIONS;
	enable_timeout_every(step_timeout, began + first_ms * 1000,
						 soft ? SOFT_CANCEL_INTERVAL_MS : CANCEL_INTERVAL_MS);
}

/*
 * A time-out that fires while the step ends must not cancel the next one.  If
 * it was the last cancellation, the process ends all the same, and nothing
 * that it does meanwhile is to blame.
 */
static void
stop_limits(void)
{
	disable_timeout(step_timeout, false);
	if (cancellations > max_cancellations)
		worker_leave_note_terminate();
	compat_forget_step_timeouts();
	is_running = false;
	crashed_step_note_end();
	QueryCancelPending = false;
}

/* Was the whole tick cancelled, since the worker is to end? */
static bool
ended_by_stop(int sqlstate)
{
	return sqlstate == ERRCODE_QUERY_CANCELED && worker_leave_is_stopping();
}

/* Of an error by the step's own time-out, the message says so. */
static void
explain_timeout(ErrorData *error, const Sandbox *sandbox, TimestampTz began)
{
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		TimestampDifferenceExceeds(began, GetCurrentTimestamp(),
								   (int) Min(sandbox->timeout_ms, INT_MAX)))
	{
		error->message = psprintf("the step was cancelled after its time-out of "
								  INT64_FORMAT " ms", sandbox->timeout_ms);
		error->detail = NULL;
	}
}

/*--- the sandbox ---*/

/* Of sandbox_run_batch. */
static bool in_batch = false;
static bool in_step = false;	/* a step of the batch is executing */

/* Executes a step of a batch: the subtransaction is around all of them. */
static void
run_in_batch(Sandbox *sandbox, void (*body) (Sandbox *, void *), void *arg)
{
	TimestampTz began = GetCurrentTimestamp();
	int			save_lock_timeout;

	in_step = true;
	start_limits(sandbox, began, &save_lock_timeout);
	body(sandbox, arg);
	if (sandbox->in_role)
		leave_role(sandbox);
	stop_limits();
	LockTimeout = save_lock_timeout;
	if (sandbox->in_role)
		reset_session();
	in_step = false;
}

ErrorData *
sandbox_run(Sandbox *sandbox, void (*body) (Sandbox *, void *), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	TimestampTz began = GetCurrentTimestamp();
	ErrorData  *volatile error = NULL;
	int			save_lock_timeout;

	Assert(IsTransactionState());
	Assert(sandbox->timeout_ms > 0);
	sandbox->in_role = sandbox->too_long = false;
	if (in_batch)
	{
		run_in_batch(sandbox, body, arg);
		return NULL;
	}
	start_limits(sandbox, began, &save_lock_timeout);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		body(sandbox, arg);
		if (sandbox->in_role)
			leave_role(sandbox);
		stop_limits();
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		stop_limits();
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (ended_by_stop(error->sqlerrcode))
		{
			LockTimeout = save_lock_timeout;
			ReThrowError(error);
		}
		sandbox->too_long = ended_softly(error->sqlerrcode);
		if (!sandbox->too_long)
			explain_timeout(error, sandbox, began);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	LockTimeout = save_lock_timeout;	/* after the settings went back */
	if (sandbox->in_role)
		reset_session();
	return error;
}

/*
 * The step settings are made once for the batch, so that a step sets only what
 * differs for its own tenant, and they are the same again for the next step.
 * The engine's own statements set their search_path themselves
 * (store_execute.c).
 */
bool
sandbox_run_batch(const pg_uuid_t *tenant_id, void (*body) (void *),
				  void *arg, bool *too_long)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	int			save_lock_timeout = LockTimeout;
	int			guc_level;
	volatile bool well = true;

	Assert(!in_batch);
	*too_long = false;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	in_batch = true;
	in_step = false;
	PG_TRY();
	{
		guc_level = NewGUCNestLevel();
		set_step_settings(tenant_id);
		body(arg);
		AtEOXact_GUC(false, guc_level);
		in_batch = false;
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		in_batch = well = false;
		*too_long = in_step && ended_softly(geterrcode());
		if (in_step)
			stop_limits();
		LockTimeout = save_lock_timeout;
		if (ended_by_stop(geterrcode()))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		reset_session();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	LockTimeout = save_lock_timeout;
	return well;
}

static bool constraints_set = false;

void
sandbox_note_constraints_set(void)
{
	constraints_set = true;
}

bool
sandbox_take_constraints_set(void)
{
	bool		was = constraints_set;

	constraints_set = false;
	return was;
}
