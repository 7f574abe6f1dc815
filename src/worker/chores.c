/*
 * chores.c
 *	  What a worker does beside runs: it fires schedules.
 *
 * Runs in workers, between two ticks.  Every worker of a database does it:
 * the rows of workflow_schedules are locked while one of them is fired, so a
 * second worker passes it by.
 *
 * Owns the moment of the next chore; it is found anew by a new worker.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "base/transaction.h"
#include "config/clock.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "shared/commit_wakeup.h"
#include "store/store.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
#include "worker/chores.h"

#define PAUSE_US (10 * USECS_PER_SEC)	/* after an error */

/*
 * A chore may wait for locks, or for what somebody has added to the tables,
 * no longer than this: meanwhile this worker does nothing else.
 */
#define MAX_LOCK_WAIT "200ms"
#define MAX_CHORE_MS 2000

static TimestampTz next_chore;	/* 0: now */
static uint32 schedules_seen;	/* wakeup_schedules_count at the last one */

bool
chores_are_due(TimestampTz now, TimestampTz *when)
{
	*when = next_chore;
	return now >= next_chore || wakeup_schedules_count() != schedules_seen;
}

void
chores_clock_set_back(void)
{
	next_chore = 0;
}

/* Fires what is due.  Returns when the next one is; 0: none is known. */
static TimestampTz
fire_schedules(void)
{
	TimestampTz next = 0;

	begin_transaction();
	(void) set_config_option("lock_timeout", MAX_LOCK_WAIT, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	enable_timeout_after(STATEMENT_TIMEOUT, MAX_CHORE_MS);
	if (OidIsValid(store_find_schema()))
	{
		bool		isnull;
		Datum		datum;

		PushActiveSnapshot(GetTransactionSnapshot());
		SPI_connect();
		SPI_execute(store_sql("SELECT %t.wf_fire_schedules()"), false, 1);
		datum = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							  &isnull);
		if (!isnull)
			next = DatumGetTimestampTz(datum);
		SPI_finish();
		PopActiveSnapshot();
	}
	disable_timeout(STATEMENT_TIMEOUT, false);
	CommitTransactionCommand();
	return next;
}

void
chores_run(void)
{
	MemoryContext context = CurrentMemoryContext;
	TimestampTz now = clock_now();

	/* Before the table is read: what is saved meanwhile is seen next time. */
	schedules_seen = wakeup_schedules_count();
	next_chore = now + wf_poll_interval * INT64CONST(1000);
	PG_TRY();
	{
		TimestampTz next = fire_schedules();

		if (next != 0)
			next_chore = Min(next_chore, next);
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		disable_timeout(STATEMENT_TIMEOUT, false);
		MemoryContextSwitchTo(context);
		EmitErrorReport();
		AbortCurrentTransaction();
		FlushErrorState();
		next_chore = now + PAUSE_US;
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
}
