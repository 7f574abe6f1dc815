/*
 * commit_wakeup.c
 *	  Shared memory: what commits announce, and databases that are barred.
 *
 * Runs in any backend of a server that has the library preloaded.  A
 * function notes what is to happen at the end of the current transaction in
 * static variables; one transaction callback, registered for good, does it.
 * It runs after the transaction's rows became visible to others, where
 * raising an error or allocating memory is out of the question: it hands ids
 * of runs over, sets flags and latches.  A transaction that is prepared loses
 * its wake-up (the sweep finds the runs); subtransactions are not told apart:
 * waking for nothing, or the id of a run that was rolled back, does no harm,
 * and a bar ends no later than its transaction.
 *
 * No wake-up is lost.  The waker makes its row visible and queues its id, then
 * reads the flag; the worker clears the flag, then looks into the queue and
 * takes a snapshot; a full barrier stands
 * between the two on either side.  So a waker that finds the flag set, and
 * leaves the latch alone, did so before the worker cleared it, and the
 * worker's snapshot has the row.  Latches lie in PGPROCs, which are never
 * freed: setting the latch of a worker that has just gone wakes whoever has
 * its PGPROC now, for nothing.
 */
#include "postgres.h"
#include "compat.h"

#include <signal.h>

#include "access/xact.h"
#include "config/clock.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "shared/commit_wakeup.h"
#include "shared/due_queue.h"
#include "shared/extension_check.h"
#include "shared/shared.h"
#include "shared/wakeup.h"
#include "utils/wait_event.h"

/* What the end of this transaction will bring. */
static bool wake_at_commit = false;
static bool wants_rescan = false;
static bool wants_extension_check = false;
static bool settings_at_commit = false;

/* Runs to hand over then; where a tenant has too many, one stands for all. */
#define MAX_PENDING 64
#define MAX_OVERFLOW_TENANTS 16
static int	npending = 0;
static DueRun pending[MAX_PENDING];
static int	noverflow = 0;
static DueRun overflow[MAX_OVERFLOW_TENANTS];
static TimestampTz overflow_later = 0;	/* the first of their runs; 0: none */
static TimestampTz unnamed_from = 0;	/* the same, of further tenants */

/*--- at the end of a transaction ---*/

/* True: workers must be woken for them. */
static bool
hand_over_runs(void)
{
	TimestampTz now = clock_now();
	bool		wake = npending > 0 && due_put_runs(pending, npending, now);

	for (int i = 0; i < noverflow; i++)
		wake |= due_put_overflow(&overflow[i], now);
	if (overflow_later != 0)
		wake |= due_put_timer(overflow_later);
	if (wants_rescan || (unnamed_from != 0 && unnamed_from <= now))
	{
		due_want_rescan();
		wake = true;
	}
	return wake;
}

static void
at_commit(void)
{
	if (wake_at_commit && hand_over_runs())
		wakeup_workers(MyDatabaseId);
	if (wants_extension_check)
		extension_check_ask(MyDatabaseId);
	if (settings_at_commit)
		pg_atomic_fetch_add_u32(&shared_state->new_settings, 1);
}

/* An end either way: forgets what was to come. */
static void
at_end(void)
{
	wake_at_commit = false;
	wants_rescan = false;
	npending = noverflow = 0;
	overflow_later = unnamed_from = 0;
	wants_extension_check = false;
	settings_at_commit = false;
}

static void
at_transaction_event(XactEvent event, void *arg)
{
	if (shared_state == NULL)
		return;
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			at_commit();
			at_end();
			break;
		case XACT_EVENT_PREPARE:
			if (wants_extension_check || settings_at_commit)
				pg_atomic_write_u32(&shared_state->news_prepared, 1);
			at_end();
			break;
		case XACT_EVENT_ABORT:
			at_end();
			break;
		default:
			break;
	}
}

void
wakeup_install(void)
{
	RegisterXactCallback(at_transaction_event, NULL);
}

/*--- what it is told ---*/

void
wakeup_at_commit(void)
{
	wake_at_commit = true;
	wants_rescan = true;
}

/*
 * Sets when to the earlier of both.  There, 0 is never, so the run_at that is
 * 0 becomes the next microsecond.
 */
static void
not_after(TimestampTz *when, TimestampTz run_at)
{
	if (run_at == 0)
		run_at = 1;
	if (*when == 0 || run_at < *when)
		*when = run_at;
}

/* The runs of a tenant that are too many to be told one by one. */
static void
note_overflow(const DueRun *run)
{
	int			i;

	not_after(&overflow_later, run->run_at);
	for (i = 0; i < noverflow; i++)
		if (memcmp(&overflow[i].tenant_id, &run->tenant_id, UUID_LEN) == 0)
			break;
	if (i == MAX_OVERFLOW_TENANTS)
		not_after(&unnamed_from, run->run_at);
	else if (i == noverflow)
		overflow[noverflow++] = *run;
	else
	{
		overflow[i].priority = Max(overflow[i].priority, run->priority);
		overflow[i].run_at = Min(overflow[i].run_at, run->run_at);
	}
}

void
wakeup_run_at_commit(const DueRun *run)
{
	wake_at_commit = true;
	if (npending < MAX_PENDING)
		pending[npending++] = *run;
	else
		note_overflow(run);
}

void
wakeup_check_extension_at_commit(void)
{
	wants_extension_check = true;
}

void
wakeup_settings_at_commit(void)
{
	settings_at_commit = true;
}

uint32
wakeup_settings_count(void)
{
	return pg_atomic_read_u32(&shared_state->new_settings);
}

bool
wakeup_lost_by_prepare(void)
{
	return shared_state != NULL &&
		pg_atomic_read_u32(&shared_state->news_prepared) != 0;
}
