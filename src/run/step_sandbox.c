/*
 * step_sandbox.c
 *	  One step, fenced in: a subtransaction, a role, time limits, a broom.
 *
 * Runs in a worker, inside a tick's transaction and outside of any query.
 * Owns nothing beyond a call.
 *
 * A step runs as its definition's run_as.  The worker is connected as the
 * bootstrap superuser, so four doors are kept shut:
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
 *   nest level, the rest is swept.  pg_temp is searched last.
 *
 * The sweep (session_reset.c) comes after a failure too: prepared statements and
 * session locks outlive an aborted subtransaction.
 *
 * Where many steps go well, their fences cost more than they do.  So a few
 * runs may be advanced within one subtransaction (sandbox_run_batch): the
 * role, the limits and the broom are as ever, each step for itself; but where
 * one fails, all are undone, and the caller does them again one by one.
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

#define MAX_STRIKES 5			/* cancellations before the process goes */
#define STRIKE_INTERVAL_MS 1000

/*
 * A step that others wait for is cancelled when its soft limit has passed,
 * and again after each such interval.  If it traps that as well, its worker
 * ends soon, so that what others have done is committed by somebody else.
 */
#define MAX_SOFT_STRIKES 2
#define SOFT_STRIKE_INTERVAL_MS 300

static void
set_for_step(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* What a step finds: the search path of steps, and its run's tenant. */
static void
set_step_settings(const pg_uuid_t *tenant_id)
{
	char	   *path = wf_search_path[0]
		? psprintf("%s, pg_temp", wf_search_path) : pstrdup("pg_temp");
	pg_uuid_t	bound;

	if (strcmp(namespace_search_path, path) != 0)
		set_for_step("search_path", path);
	if (settings_tenant(&bound) != TENANT_BOUND ||
		memcmp(&bound, tenant_id, UUID_LEN) != 0)
		set_for_step("workflow_engine.tenant_id",
					 DatumGetCString(DirectFunctionCall1(uuid_out,
														 UUIDPGetDatum(tenant_id))));
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
				 errhint("Set run_as of the definition to a role and fire again: a run keeps the version that it was fired with.")));

	sandbox->guc_level = NewGUCNestLevel();
	set_step_settings(tenant_id);
	GetUserIdAndSecContext(&sandbox->save_user, &sandbox->save_context);
	SetUserIdAndSecContext(role, sandbox->save_context |
						   SECURITY_LOCAL_USERID_CHANGE);
	sandbox->in_role = true;
}

/*
 * The step has succeeded.  As its role: fire what it deferred.  No query of
 * ours is open here, which AfterTriggerFireDeferred relies on.
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

/* What no subtransaction gives back. */
static void
sweep(void)
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

/*--- the time limit ---*/

static TimeoutId step_timeout = MAX_TIMEOUTS;	/* not registered yet */
static volatile sig_atomic_t crashes = 0;
static volatile sig_atomic_t hard_crashes = 0;	/* after the time-out */
static TimestampTz hard_limit;	/* the time-out */
static int	max_crashes;
static CrashedStep running;		/* what it is, where it is a step */
static bool is_running = false;

/*
 * In a signal handler.  A step may trap its cancellation, so it is cancelled
 * again, and in the end its process goes.
 */
static void
crash(void)
{
	if (GetCurrentTimestamp() >= hard_limit)
		hard_crashes++;
	if (++crashes > max_crashes)
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
	return sqlstate == ERRCODE_QUERY_CANCELED && crashes > 0 &&
		hard_crashes == 0;
}

/*
 * On the way out of the process, before its slot is left, which accuses what
 * stands there: a step that its limits have ended.  One that went on after
 * its time-out would only do it again, and fails.
 */
static void
tell_how(int code, Datum arg)
{
	running.uncancelled = hard_crashes > 0;
	if (is_running && crashes > max_crashes)
		crashed_step_note_begin(&running);
}

static void
note_running(const Sandbox *sandbox, TimestampTz began)
{
	is_running = sandbox->run_id != NULL;
	if (!is_running)
		return;
	memset(&running, 0, sizeof(running));
	running.database = MyDatabaseId;
	running.run_id = *sandbox->run_id;
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
		step_timeout = RegisterTimeout(USER_TIMEOUT, crash);
		before_shmem_exit(tell_how, (Datum) 0);
		session_reset_begin();
	}
	*save_lock_timeout = LockTimeout;
	LockTimeout = sandbox->lock_timeout_ms;
	crashes = hard_crashes = 0;
	sandbox_forget_lock();
	note_running(sandbox, began);
	hard_limit = began + sandbox->timeout_ms * 1000;
	max_crashes = soft ? MAX_SOFT_STRIKES : MAX_STRIKES;
	enable_timeout_every(step_timeout, began + first_ms * 1000,
						 soft ? SOFT_STRIKE_INTERVAL_MS : STRIKE_INTERVAL_MS);
}

/*
 * A time-out that strikes on the way out must not cancel the next step.  If
 * the last strike has come, the process ends all the same, and nothing that
 * it does meanwhile is to blame.
 */
static void
stop_limits(void)
{
	disable_timeout(step_timeout, false);
	if (crashes > max_crashes)
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

/* Replaces PostgreSQL's words by ours where the step's own limit struck. */
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

/*--- the fence ---*/

/* Of sandbox_run_batch. */
static bool together = false;
static bool in_step = false;	/* a step is executing */

/* A step among others, whose fence is around all of them. */
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
		sweep();
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

	sandbox->in_role = sandbox->too_long = false;
	if (together)
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
		sweep();
	return error;
}

/*
 * The scene is set once for all, so that a step sets only what differs, and
 * where it goes back to is the same for the next.  Our own statements set
 * theirs (store.c).
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

	*too_long = false;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	together = true;
	in_step = false;
	PG_TRY();
	{
		guc_level = NewGUCNestLevel();
		set_step_settings(tenant_id);
		body(arg);
		AtEOXact_GUC(false, guc_level);
		together = false;
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		together = well = false;
		*too_long = in_step && ended_softly(geterrcode());
		if (in_step)
			stop_limits();
		LockTimeout = save_lock_timeout;
		if (ended_by_stop(geterrcode()))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		sweep();
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
