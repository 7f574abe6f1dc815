/*
 * worker.c
 *	  The process that executes runs: a session, and a loop around ticks.
 *
 *	  wait ─► drive transfers ─► tick (one transaction) ─► send ─┐
 *	   ▲													 │
 *	   └─────────────────────────────────────────────────────────┘
 *
 * A background worker, started by the launcher, connected to one database as
 * the bootstrap superuser.  It waits on one event set: its latch (wake-ups,
 * signals, notifications), the transfers' descriptor, the postmaster.
 *
 * Owns when the next tick is due.  The runs belong to tick.c and in_flight.c,
 * the session's settings to worker_settings.c, and what follows a SIGTERM to
 * worker_stop.c.  After an error that is no single run's it pauses, longer
 * each time, so that it never spins.  Nothing here survives a crash: the next
 * worker begins with a sweep.
 */
#include "postgres.h"
#include "compat.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "access/xact.h"
#include "base/transaction.h"
#include "commands/async.h"
#include "commands/dbcommands.h"
#include "config/clock.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "run/step_sandbox_lock.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "shared/gate.h"
#include "shared/set_aside.h"
#include "shared/worker_leave.h"
#include "shared/worker_life.h"
#include "shared/worker_slot.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "store/store_version.h"
#include "tcop/tcopprot.h"
#include "transfer/transfer.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"
#include "worker/chores.h"
#include "worker/in_flight.h"
#include "worker/tick.h"
#include "worker/tick_recovery.h"
#include "worker/version_wait.h"
#include "worker/worker.h"
#include "worker/worker_internal.h"
#include "worker/worker_settings.h"

/* A pause after a tick that failed. */
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 60000

/* How long at most until an update of the extension is noticed. */
#define VERSION_LOOK_MS 1000

/* After so long without a tick, memory that was freed is given back. */
#define REST_MS 1000

/* When a worker does what.  A moment of 0 is none. */
typedef struct WorkerTiming
{
	TimestampTz next_sweep;
	uint32		ends_seen;		/* worker_slot_ended_count at the last tick */
	bool		woken;			/* since the last tick */
	bool		winding_up;		/* only answers are recorded any more */
	TimestampTz paused_until;	/* after an error */
	int			pause_ms;		/* of the last error; 0: none */
	TimestampTz worked_at;		/* the last tick that was no mere sweep */
	bool		at_rest;		/* what was freed has been given back */
	TimestampTz latest;			/* the clock, when it was last looked at */
} WorkerTiming;

static WorkerTiming timing; /* of this process */
static char *database_name;		/* for messages, once it is known */

/* Hands the settings that concern transfers to them. */
static void
take_limits(void)
{
	char	   *user_agent = psprintf("workflow_engine/%s",
									  store_library_version());
	TransferLimits limits = {
		.max_in_flight = wf_max_in_flight,
		.max_per_host = wf_max_per_host,
		.max_response_size = (size_t) wf_max_response_size * 1024,
		.connect_timeout_ms = wf_connect_timeout,
		.ca_file = wf_ca_file,
		.allowed_hosts = settings_allowed_hosts(),
		.http_proxy = wf_http_proxy,
		.user_agent = user_agent,
	};

	transfer_set_limits(&limits);
	pfree(user_agent);
}

/* Ends this process for good, with that reason in the log. */
static void
leave(const char *why)
{
	ereport(LOG,
			(errmsg("workflow_engine worker for database \"%s\" stops: %s",
					database_name, why)));
	proc_exit(0);
}

/*
 * Looks for the extension, without which the process tells the launcher and
 * ends; LISTENs.  From here on the worker itself is bound to no tenant.  A
 * step that resets that setting gets 'none', which worker_guard_settings made
 * its reset value.
 */
static void
enter_database(void)
{
	char	   *name;

	begin_transaction();
	name = get_database_name(MyDatabaseId);
	database_name = MemoryContextStrdup(TopMemoryContext, name ? name : "?");
	if (!OidIsValid(store_find_schema()))
	{
		CommitTransactionCommand();
		worker_life_lacks_extension(MyDatabaseId);
		proc_exit(0);
	}
	SetConfigOption("workflow_engine.tenant_id", "", PGC_SUSET,
					PGC_S_SESSION);
	Async_Listen(CHANNEL_IN);
	CommitTransactionCommand();
	ereport(LOG,
			(errmsg("workflow_engine worker for database \"%s\" starts",
					database_name)));
}

/*--- the loop ---*/

/* In the handler of an error: deals with it, and decides on a pause. */
static void
pause_after_error(void)
{
	TickPause	pause = tick_failed();

	if (pause == PAUSE_NONE)
		return;
	if (timing.pause_ms == 0 || pause == PAUSE_SHORT)
		timing.pause_ms = PAUSE_MIN_MS;
	else
		timing.pause_ms = Min(timing.pause_ms * 2, PAUSE_MAX_MS);
	if (store_tables_mismatch())
		timing.pause_ms = PAUSE_MIN_MS;	/* to see soon that it is mended */
	timing.paused_until = clock_now() + (int64) timing.pause_ms * 1000;
}

/*
 * Does one tick.  Returns false if it failed, which has been dealt with.  If
 * the extension is gone, the process ends.
 */
static bool
tick(bool sweep)
{
	volatile bool there = true;
	volatile bool well = true;

	worker_life_set_state(timing.winding_up ? "stopping" : "working");
	PG_TRY();
	{
		worker_in_tick(!timing.winding_up);
		there = tick_run(sweep);
		timing.pause_ms = 0;
	}
	PG_CATCH();
	{
		worker_in_tick(false);
		pause_after_error();
		well = false;
	}
	PG_END_TRY();
	worker_in_tick(false);

	if (!there)
	{
		worker_life_lacks_extension(MyDatabaseId);
		leave("the extension is not installed there");
	}
	return well;
}

/* Does a tick that is due, with a sweep if that is due. */
static void
do_tick(void)
{
	TimestampTz now = clock_now();
	bool		sweep = now >= timing.next_sweep;
	uint32		ends = worker_slot_ended_count();

	if (ends != timing.ends_seen)
		sweep = true;			/* their runs may be taken over */
	timing.ends_seen = ends;
	if (sweep)
		timing.next_sweep = now + (int64) wf_poll_interval * 1000;
	timing.woken = false;
	if (!sweep)
	{
		timing.at_rest = false;
		timing.worked_at = now;
	}
	SetCurrentStatementStartTimestamp();	/* query_start shows it */
	pgstat_report_activity(STATE_RUNNING, "executing runs");
	(void) tick(sweep);
}

/* Takes notice of what has woken this worker. */
static void
read_notifications(void)
{
	if (notifyInterruptPending)
	{
		ProcessNotifyInterrupt(false);
		due_want_rescan();
		timing.woken = true;
	}
	timing.woken |= worker_slot_take_wakeup();
}

/* Reads the configuration anew after SIGHUP. */
static void
reload(void)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	take_limits();
	due_want_rescan();
	timing.next_sweep = 0;
}

/*
 * The moments until which this worker waits are a short time ahead.  If the
 * clock was set back, they are far ahead: so all waits end, and what is to be
 * waited for is found anew.
 */
static void
notice_clock(TimestampTz now)
{
	if (now < timing.latest)
	{
		if (timing.paused_until > now + (int64) timing.pause_ms * 1000)
			timing.paused_until = now + (int64) timing.pause_ms * 1000;
		timing.next_sweep = 0;
		timing.worked_at = Min(timing.worked_at, now);
		aside_clock_set_back(now);
		gate_clock_set_back(now);
		tick_clock_set_back(now);
		chores_clock_set_back();
	}
	timing.latest = now;
}

/* Between two ticks, unless an error has this worker pause. */
static void
do_chores(void)
{
	TimestampTz when;

	if (timing.paused_until == 0 && chores_are_due(clock_now(), &when))
		chores_run();
}

/*
 * Is a tick due now?  Else *limit is for how many milliseconds none is, if
 * nothing wakes the worker.
 */
static bool
is_due(long *limit)
{
	TimestampTz now = clock_now();
	TimestampTz when;
	TimestampTz next_chore;
	bool		more;

	notice_clock(now);
	if (timing.paused_until != 0)
	{
		*limit = clock_ms_until(timing.paused_until, PAUSE_MAX_MS);
		if (now < timing.paused_until)
			return false;
		timing.paused_until = 0;
		return true;
	}
	if (chores_are_due(now, &next_chore))
		next_chore = now;		/* announced since do_chores() */
	more = tick_has_more(now, &when);
	if (more || now >= timing.next_sweep ||
		(timing.woken && due_has_work()))
		return true;
	timing.woken = false;
	*limit = clock_ms_until(Min(timing.next_sweep, next_chore),
							wf_poll_interval);
	if (when != 0)
		*limit = Min(*limit, clock_ms_until(when, *limit));
	return false;
}

/*
 * Gives memory that was freed back to the system.  Else what large answers
 * took, or PostgreSQL's cleaning of an index, would be kept for ever.
 */
static void
come_to_rest(void)
{
#ifdef __GLIBC__
	(void) malloc_trim(0);
#endif
	timing.at_rest = true;
}

/* Waits until something happens, at most limit milliseconds. */
static void
wait_for_events(WaitEventSet *events, long limit)
{
	WaitEvent	event[3];
	long		timeout = transfer_timeout();
	bool		resting = !timing.at_rest && transfer_in_flight() == 0;

	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	worker_life_set_state(timing.winding_up ? "stopping"
						  : timing.paused_until != 0 ? "pausing" : "idle");
	if (timeout >= 0)
		limit = Min(limit, timeout);
	if (resting)
		limit = Min(limit, REST_MS);
	WaitEventSetWait(events, limit, event, lengthof(event),
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	if (resting &&
		clock_now() - timing.worked_at >= REST_MS * INT64CONST(1000))
		come_to_rest();
}

/*
 * While the SQL objects are of another version than this library: records the
 * answers that come in, and begins nothing.
 */
static void
stand_still(WaitEventSet *events)
{
	TimestampTz now = clock_now();
	TimestampTz when;

	timing.next_sweep = 0;		/* as soon as it goes on */
	if (now >= timing.paused_until)
		timing.paused_until = 0;
	if (timing.paused_until == 0 && tick_under_way(&when) && when != 0 &&
		when <= now)
		(void) tick(false);
	else
		wait_for_events(events, VERSION_LOOK_MS);
}

/*
 * Ends this process, as it was asked or told to: drives the requests under way
 * until their answers are recorded, or until the time for that is over.
 */
static void
wind_up(WaitEventSet *events)
{
	TimestampTz began = clock_now();
	TimestampTz when;
	long		left;

	timing.winding_up = true;
	tick_wind_up();
	while (worker_leave_wish() != LEAVE_AT_ONCE &&
		   tick_under_way(&when))
	{
		QueryCancelPending = false;
		CHECK_FOR_INTERRUPTS();
		left = worker_grace_left(began);
		if (when != 0 && when <= clock_now())
		{
			if (!tick(false))
				break;
			continue;
		}
		if (left <= 0)
			break;
		if (when != 0)
			left = Min(left, clock_ms_until(when, left));
		wait_for_events(events, left);
		transfer_drive();
		in_flight_collect();
	}
	leave(worker_leave_wish() == LEAVE_AT_ONCE
		  ? "it was asked to, at once"
		  : worker_leave_is_stopping() ? "it was told to"
		  : "it was asked to");
}

static bool
is_to_leave(void)
{
	return worker_leave_is_stopping() || worker_leave_wish() != LEAVE_NOT;
}

/* Never returns: the process ends in wind_up, or by an error. */
static void
loop(WaitEventSet *events)
{
	for (;;)
	{
		long		limit;

		QueryCancelPending = false; /* there is nothing to cancel here */
		CHECK_FOR_INTERRUPTS();
		reload();
		if (is_to_leave())
			wind_up(events);
		read_notifications();
		transfer_drive();
		in_flight_collect();
		if (!version_fits())
		{
			stand_still(events);
			continue;
		}
		do_chores();

		/*
		 * All that may have woken this worker is looked at again before it
		 * sleeps: a chore that waits for a lock resets the latch.
		 */
		read_notifications();
		if (is_due(&limit))
			do_tick();
		else if (!ConfigReloadPending && !is_to_leave())
			wait_for_events(events, limit);
	}
}

/*
 * The handler of SIGQUIT, by which the postmaster ends all its processes at
 * once: an immediate stop, or a process has crashed.
 */
static void
quit(SIGNAL_ARGS)
{
	crashed_step_note_quit();
	SignalHandlerForCrashExit(postgres_signal_arg);
}

void
workflow_engine_worker_main(Datum arg)
{
	Oid			database;
	WaitEventSet *events;

	memcpy(&database, MyBgworkerEntry->bgw_extra, sizeof(Oid));
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGINT, sandbox_cancel_handler);
	pqsignal(SIGTERM, worker_terminate);
	pqsignal(SIGQUIT, quit);
	BackgroundWorkerUnblockSignals();
	worker_begin_settings();
	BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
	worker_guard_settings();
	worker_pin_settings();
	transfer_start();
	take_limits();
	tick_begin(worker_life_begin(DatumGetInt32(arg)));
	enter_database();
	worker_may_stop();

	events = compat_create_wait_event_set(3);
	AddWaitEventToSet(events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL,
					  NULL);
	AddWaitEventToSet(events, WL_SOCKET_READABLE, transfer_fd(), NULL, NULL);
	loop(events);
}
