/*
 * fence.c
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
 * The sweep (fence_sweep.c) comes after a failure too: prepared statements and
 * session locks outlive an aborted subtransaction.
 *
 * Where many steps go well, their fences cost more than they do.  So a few
 * runs may be advanced within one subtransaction (fence_run_together): the
 * role, the limits and the broom are as ever, each step for itself; but where
 * one fails, all are undone, and the caller does them again one by one.
 *
 * The step's time-out cancels it, again each second if it traps that, and at
 * last ends the worker, which leaves word for the next one to fail the step
 * (queue_suspect.c).  A step whose transaction holds what others have done is
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
#include "fence.h"
#include "fence_lock.h"
#include "fence_sweep.h"
#include "libpq/be-fsstubs.h"
#include "miscadmin.h"
#include "queue.h"
#include "settings.h"
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
set_scene(const pg_uuid_t *tenant_id)
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
fence_enter_role(Fence *fence, Oid role, const pg_uuid_t *tenant_id)
{
	if (!OidIsValid(role) || !SearchSysCacheExists1(AUTHOID,
													ObjectIdGetDatum(role)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the role that this workflow runs as does not exist"),
				 errhint("Set run_as of the definition to a role and fire again: a run keeps the version that it was fired with.")));

	fence->guc_level = NewGUCNestLevel();
	set_scene(tenant_id);
	GetUserIdAndSecContext(&fence->save_user, &fence->save_context);
	SetUserIdAndSecContext(role, fence->save_context |
						   SECURITY_LOCAL_USERID_CHANGE);
	fence->in_role = true;
}

/*
 * The step has succeeded.  As its role: fire what it deferred.  No query of
 * ours is open here, which AfterTriggerFireDeferred relies on.
 */
static void
leave_role(Fence *fence)
{
	AfterTriggerFireDeferred();
	PortalHashTableDeleteAll();
	AtEOXact_LargeObject(true);	/* a descriptor is checked when opened */
	SetUserIdAndSecContext(fence->save_user, fence->save_context);
	AtEOXact_GUC(false, fence->guc_level);
	ResetTempTableNamespace();
}

static bool unclean = false;	/* see fence_session_unclean */

/* What no subtransaction gives back. */
static void
sweep(void)
{
	if (fence_sweep() || unclean)
		return;
	unclean = true;
	queue_worker_leave();
	ereport(LOG,
			(errmsg("a step has left in its session what only ends with it"),
			 errdetail("A backup that was begun, a connection that dblink does not close, or the names of more than 1000 new settings."),
			 errhint("The worker ends after this transaction; another takes its place.")));
}

bool
fence_session_unclean(void)
{
	return unclean;
}

/*--- the time limit ---*/

static TimeoutId step_timeout = MAX_TIMEOUTS;	/* not registered yet */
static volatile sig_atomic_t strikes = 0;
static volatile sig_atomic_t hard_strikes = 0;	/* after the time-out */
static TimestampTz hard_limit;	/* the time-out */
static int	max_strikes;
static Suspect running;			/* what it is, where it is a step */
static bool is_running = false;

/*
 * In a signal handler.  A step may trap its cancellation, so it is cancelled
 * again, and in the end its process goes.
 */
static void
strike(void)
{
	if (GetCurrentTimestamp() >= hard_limit)
		hard_strikes++;
	if (++strikes > max_strikes)
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
	return sqlstate == ERRCODE_QUERY_CANCELED && strikes > 0 &&
		hard_strikes == 0;
}

/*
 * On the way out of the process, before its slot is left, which accuses what
 * stands there: a step that its limits have ended.  One that went on after
 * its time-out would only do it again, and fails.
 */
static void
tell_how(int code, Datum arg)
{
	running.uncancelled = hard_strikes > 0;
	if (is_running && strikes > max_strikes)
		queue_worker_executing(&running);
}

static void
note_running(const Fence *fence, TimestampTz began)
{
	is_running = fence->run_id != NULL;
	if (!is_running)
		return;
	memset(&running, 0, sizeof(running));
	running.database = MyDatabaseId;
	running.run_id = *fence->run_id;
	running.definition_id = *fence->definition_id;
	running.step = fence->step;
	running.since = began;
	queue_worker_executing(&running);
}

static void
start_limits(const Fence *fence, TimestampTz began, int *save_lock_timeout)
{
	bool		soft = fence->soft_ms > 0;
	int64		first_ms = soft ? Min(fence->soft_ms, fence->timeout_ms)
		: fence->timeout_ms;

	if (step_timeout == MAX_TIMEOUTS)
	{
		step_timeout = RegisterTimeout(USER_TIMEOUT, strike);
		before_shmem_exit(tell_how, (Datum) 0);
		fence_sweep_begin();
	}
	*save_lock_timeout = LockTimeout;
	LockTimeout = fence->lock_timeout_ms;
	strikes = hard_strikes = 0;
	fence_forget_lock();
	note_running(fence, began);
	hard_limit = began + fence->timeout_ms * 1000;
	max_strikes = soft ? MAX_SOFT_STRIKES : MAX_STRIKES;
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
	if (strikes > max_strikes)
		queue_worker_terminate();
	compat_forget_step_timeouts();
	is_running = false;
	queue_worker_executed();
	QueryCancelPending = false;
}

/* Was the whole tick cancelled, since the worker is to end? */
static bool
ended_by_stop(int sqlstate)
{
	return sqlstate == ERRCODE_QUERY_CANCELED && queue_worker_is_stopping();
}

/* Replaces PostgreSQL's words by ours where the step's own limit struck. */
static void
explain_timeout(ErrorData *error, const Fence *fence, TimestampTz began)
{
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED &&
		TimestampDifferenceExceeds(began, GetCurrentTimestamp(),
								   (int) Min(fence->timeout_ms, INT_MAX)))
	{
		error->message = psprintf("the step was cancelled after its time-out of "
								  INT64_FORMAT " ms", fence->timeout_ms);
		error->detail = NULL;
	}
}

/*--- the fence ---*/

/* Of fence_run_together. */
static bool together = false;
static bool in_step = false;	/* a step is executing */

/* A step among others, whose fence is around all of them. */
static void
run_unfenced(Fence *fence, void (*body) (Fence *, void *), void *arg)
{
	TimestampTz began = GetCurrentTimestamp();
	int			save_lock_timeout;

	in_step = true;
	start_limits(fence, began, &save_lock_timeout);
	body(fence, arg);
	if (fence->in_role)
		leave_role(fence);
	stop_limits();
	LockTimeout = save_lock_timeout;
	if (fence->in_role)
		sweep();
	in_step = false;
}

ErrorData *
fence_run(Fence *fence, void (*body) (Fence *, void *), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	TimestampTz began = GetCurrentTimestamp();
	ErrorData  *volatile error = NULL;
	int			save_lock_timeout;

	fence->in_role = fence->too_long = false;
	if (together)
	{
		run_unfenced(fence, body, arg);
		return NULL;
	}
	start_limits(fence, began, &save_lock_timeout);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		body(fence, arg);
		if (fence->in_role)
			leave_role(fence);
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
		fence->too_long = ended_softly(error->sqlerrcode);
		if (!fence->too_long)
			explain_timeout(error, fence, began);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	LockTimeout = save_lock_timeout;	/* after the settings went back */
	if (fence->in_role)
		sweep();
	return error;
}

/*
 * The scene is set once for all, so that a step sets only what differs, and
 * where it goes back to is the same for the next.  Our own statements set
 * theirs (store.c).
 */
bool
fence_run_together(const pg_uuid_t *tenant_id, void (*body) (void *),
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
		set_scene(tenant_id);
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
