/*
 * worker.c
 *	  The process that executes runs: a session, and a loop around ticks.
 *
 *	  wait ─► drive transfers ─► tick (one transaction) ─► send ─┐
 *	   ▲                                                         │
 *	   └─────────────────────────────────────────────────────────┘
 *
 * A background worker, started by the launcher, connected to one database as
 * the bootstrap superuser.  It waits on one event set: its latch (wake-ups,
 * signals, notifications), the transfers' descriptor, the postmaster.
 *
 * Owns when the next tick is due; what is in hand belongs to tick.c, the
 * session's settings to worker_settings.c, and how a worker ends that is told
 * to belongs to worker_stop.c.  After an error it pauses, longer each time, so
 * that it never spins.
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
#include "shared/worker_slot.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "store/store.h"
#include "tcop/tcopprot.h"
#include "transfer/transfer.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"
#include "worker/in_flight.h"
#include "worker/tick.h"
#include "worker/tick_recovery.h"
#include "worker/worker.h"
#include "worker/worker_internal.h"
#include "worker/worker_settings.h"

#define PAUSE_MIN_MS 1000		/* after a tick that failed */
#define PAUSE_MAX_MS 60000
#define REST_MS 1000			/* without a tick */

static char *database_name;
static TimestampTz next_sweep;
static uint32 ends_seen;		/* worker_slot_ended_count at the last tick */
static TimestampTz paused_until;	/* after an error; 0: not */
static int	pause_ms;			/* of the last error; 0: none */
static bool woken;
static bool winding_up = false; /* only answers are recorded any more */
static bool at_rest;			/* what was freed has been given back */
static TimestampTz worked_at;	/* the last tick that was no mere sweep */

static void
take_limits(void)
{
	TransferLimits limits = {
		.max_in_flight = wf_max_in_flight,
		.max_per_host = wf_max_per_host,
		.max_response_size = (size_t) wf_max_response_size * 1024,
		.connect_timeout_ms = wf_connect_timeout,
		.ca_file = wf_ca_file,
		.allowed_hosts = settings_allowed_hosts(),
		.http_proxy = wf_http_proxy,
		.user_agent = "workflow_engine/1.0",
	};

	transfer_set_limits(&limits);
}

/* Ends this process, with that reason in the log. */
static void
leave(const char *why)
{
	ereport(LOG,
			(errmsg("workflow_engine worker for database \"%s\" stops: %s",
					database_name, why)));
	proc_exit(0);
}

/*
 * Looks for the extension; without it the process ends quietly.  LISTENs.
 * From here on the worker itself is bound to no tenant; a step that resets
 * the setting goes back to 'none', which worker_guard_settings made its reset value.
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
		worker_slot_lacks_extension(MyDatabaseId);
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

static void
pause_after_error(void)
{
	TickPause	pause = tick_failed();

	if (pause == PAUSE_NONE)
		return;
	pause_ms = pause_ms == 0 || pause == PAUSE_SHORT ? PAUSE_MIN_MS
		: Min(pause_ms * 2, PAUSE_MAX_MS);
	if (store_tables_mismatch())
		pause_ms = PAUSE_MIN_MS;	/* to see soon that it was mended */
	paused_until = clock_now() + (int64) pause_ms * 1000;
}

/* One transaction; false: it has failed, and is over. */
static bool
tick(bool sweep)
{
	volatile bool there = true;
	volatile bool well = true;

	worker_slot_set_state(winding_up ? "stopping" : "working");
	PG_TRY();
	{
		worker_in_tick(!winding_up);
		there = tick_run(sweep);
		pause_ms = 0;
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
		worker_slot_lacks_extension(MyDatabaseId);
		leave("the extension is not installed there");
	}
	return well;
}

static void
do_tick(void)
{
	TimestampTz now = clock_now();
	bool		sweep = now >= next_sweep;
	uint32		ends = worker_slot_ended_count();

	if (ends != ends_seen)
		sweep = true;			/* runs of theirs may be taken over */
	ends_seen = ends;
	if (sweep)
		next_sweep = now + (int64) wf_poll_interval * 1000;
	woken = false;
	if (!sweep)
	{
		at_rest = false;
		worked_at = now;
	}
	SetCurrentStatementStartTimestamp();	/* query_start shows it */
	pgstat_report_activity(STATE_RUNNING, "executing runs");
	(void) tick(sweep);
}

static void
read_notifications(void)
{
	if (notifyInterruptPending)
	{
		ProcessNotifyInterrupt(false);
		due_want_rescan();
		woken = true;
	}
	woken |= worker_slot_take_wakeup();
}

static void
reload(void)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	take_limits();
	due_want_rescan();
	next_sweep = 0;
}

/*
 * The moments until which this worker waits are a short time ahead.  After the
 * clock was set back they would be far ahead: so all waits end, and what is to
 * be waited for is found anew.
 */
static void
notice_clock(TimestampTz now)
{
	static TimestampTz latest = 0;

	if (now < latest)
	{
		if (paused_until != 0)
			paused_until = Min(paused_until, now + (int64) pause_ms * 1000);
		next_sweep = 0;
		worked_at = Min(worked_at, now);
		aside_clock_set_back(now);
		gate_clock_set_back(now);
		tick_clock_set_back(now);
	}
	latest = now;
}

/* Is a tick due?  Else *limit is for how many milliseconds there is none. */
static bool
is_due(long *limit)
{
	TimestampTz now = clock_now();
	TimestampTz when;
	bool		more;

	notice_clock(now);
	if (paused_until != 0)
	{
		*limit = clock_ms_until(paused_until, PAUSE_MAX_MS);
		if (now < paused_until)
			return false;
		paused_until = 0;
		return true;
	}
	more = tick_has_more(now, &when);
	if (more || (woken && due_has_work()) || now >= next_sweep)
		return true;
	woken = false;
	*limit = clock_ms_until(next_sweep, wf_poll_interval);
	if (when != 0)
		*limit = Min(*limit, clock_ms_until(when, *limit));
	return false;
}

/*
 * What was freed goes back to the system: a batch of large answers, or
 * PostgreSQL's cleaning up of an index, would be kept for ever otherwise.
 */
static void
come_to_rest(void)
{
#ifdef __GLIBC__
	(void) malloc_trim(0);
#endif
	at_rest = true;
}

/* Waits until something happens, at most limit milliseconds. */
static void
wait_for_events(WaitEventSet *events, long limit)
{
	WaitEvent	event[3];
	long		timeout = transfer_timeout();
	bool		resting = !at_rest && transfer_in_flight() == 0;

	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	worker_slot_set_state(winding_up ? "stopping"
						  : paused_until != 0 ? "pausing" : "idle");
	if (timeout >= 0)
		limit = Min(limit, timeout);
	if (resting)
		limit = Min(limit, REST_MS);
	WaitEventSetWait(events, limit, event, lengthof(event),
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	if (resting && clock_now() - worked_at >= REST_MS * INT64CONST(1000))
		come_to_rest();
}

/* Drives what is under way until its time is over or it is recorded. */
static void
wind_up(WaitEventSet *events)
{
	TimestampTz began = clock_now();
	TimestampTz when;
	long		left;

	winding_up = true;
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

static void
loop(WaitEventSet *events)
{
	for (;;)
	{
		long		limit;

		QueryCancelPending = false; /* there is nothing to cancel here */
		CHECK_FOR_INTERRUPTS();
		reload();
		if (worker_leave_is_stopping() ||
			worker_leave_wish() != LEAVE_NOT)
			wind_up(events);
		read_notifications();
		transfer_drive();
		in_flight_collect();
		if (is_due(&limit))
			do_tick();
		else
			wait_for_events(events, limit);
	}
}

/* The postmaster ends all, at once: an immediate stop, or somebody's crash. */
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
	tick_begin(worker_slot_enter(DatumGetInt32(arg)));
	enter_database();
	worker_may_stop();

	events = compat_create_wait_event_set(3);
	AddWaitEventToSet(events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL,
					  NULL);
	AddWaitEventToSet(events, WL_SOCKET_READABLE, transfer_fd(), NULL, NULL);
	loop(events);
}
