/*
 * tick_rescan.c
 *	  What a tick asks the table for, so that the queue knows what is due.
 *
 * Which tenants have runs that are due, which runs of a tenant come next, and
 * what has become due as time passed.  Runs in a worker, inside a tick's
 * transaction.  Owns nothing: what is found goes to the queue in shared memory
 * (due_queue.c).  After a crash the queue asks for all of it again.
 */
#include "postgres.h"
#include "compat.h"

#include "config/clock.h"
#include "miscadmin.h"
#include "shared/due_queue.h"
#include "store/store_due.h"
#include "worker/tick_rescan.h"

/*
 * Tells the queue of a tenant that has something due, so that it is read from
 * its first run on.  False: the queue has no room for it.
 */
static bool
found_tenant(Tick *tick, const pg_uuid_t *tenant)
{
	return tick->pauses.all || store_is_paused(&tick->pauses, tenant) ||
		due_rescan_add_tenant(tenant);
}

/*
 * The same of all tenants, after *last if there is one; with_later: also of
 * those that have runs which wait for their time.  *last becomes the last one
 * that the queue had room for.
 */
static bool
found_tenants(Tick *tick, bool with_later, pg_uuid_t *last, bool *has_last)
{
	pg_uuid_t	tenants[STORE_TENANTS_A_LOOK];
	int			n = STORE_TENANTS_A_LOOK;

	while (n > 0)
	{
		CHECK_FOR_INTERRUPTS();
		n = store_tenants_due(*has_last ? last : NULL, with_later, tenants);
		for (int i = 0; i < n; i++)
		{
			if (!found_tenant(tick, &tenants[i]))
				return false;
			*last = tenants[i];
			*has_last = true;
		}
	}
	return true;
}

/*
 * Runs whose time has come are few as a rule; if they are too many to go
 * through, all tenants are read that have runs waiting, due or not.
 */
bool
tick_rescan(Tick *tick, uint32 nrescans, pg_uuid_t last, bool has_last)
{
	TimestampTz now = clock_now();
	DueRun	   *later = palloc(sizeof(DueRun) * DUE_READ_AHEAD);
	int			n = store_read_later(DT_NOBEGIN, now, later, DUE_READ_AHEAD);
	bool		room = found_tenants(tick, n == DUE_READ_AHEAD, &last,
									 &has_last);

	for (int i = 0; i < n && n < DUE_READ_AHEAD && room; i++)
		room = found_tenant(tick, &later[i].tenant_id);
	/* up to the same moment, or a run between the two would be late */
	due_end_rescan(nrescans, room, has_last ? &last : NULL,
				   store_next_due(now));
	pfree(later);
	return room;
}

void
tick_read_later(void)
{
	TimestampTz now = clock_now();
	TimestampTz since;
	DueRun	   *runs;
	int			n;

	if (!due_take_timer(now, &since))
		return;
	runs = palloc(sizeof(DueRun) * DUE_READ_AHEAD);
	n = store_read_later(since, now, runs, DUE_READ_AHEAD);
	due_add_runs(runs, n);
	if (n == DUE_READ_AHEAD)	/* there may be more than were read */
		due_want_rescan();
	due_set_timer(store_next_due(now));
}

void
tick_read_tenant(const Tick *tick, const DueReading *reading)
{
	DueRun	   *runs = palloc(sizeof(DueRun) * DUE_READ_AHEAD);
	int			n = store_read_due(reading, clock_now(), &tick->pauses,
										   runs);

	due_end_reading(reading, runs, n, n < reading->limit);
	pfree(runs);
}
