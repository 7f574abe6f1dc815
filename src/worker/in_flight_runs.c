/*
 * in_flight_runs.c
 *	  Runs that a worker has between two native steps.
 *
 * Runs in a worker, between ticks and after their commits.  A run that is
 * runnable goes on in the next tick.  One whose step is slow, or met a lock,
 * goes on in a tick of its own, in turn with the others.
 *
 * Owns the two lists in in_flight.  They go with the process; the rows of the
 * runs stay, owned by an epoch that is then dead, and are taken over.
 */
#include "postgres.h"
#include "compat.h"

#include "base/unit.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "shared/set_aside.h"
#include "utils/memutils.h"
#include "worker/in_flight.h"

/* A run whose step met a lock is tried again after this time. */
#define BLOCKED_RETRY_US INT64CONST(50000)

void
in_flight_keep_runnable(List *units)
{
	MemoryContext old = MemoryContextSwitchTo(in_flight.context);

	in_flight.runnable = units_append_copies(in_flight.runnable, units);
	MemoryContextSwitchTo(old);
}

/* Adds the run to in_flight.blocked; the current context is in_flight's. */
static Blocked *
add_blocked(const Unit *unit)
{
	Blocked    *blocked = palloc0(sizeof(Blocked));

	Assert(CurrentMemoryContext == in_flight.context);
	blocked->unit = *unit;
	in_flight.blocked = lappend(in_flight.blocked, blocked);
	return blocked;
}

void
in_flight_keep_blocked(List *units, TimestampTz since)
{
	MemoryContext old = MemoryContextSwitchTo(in_flight.context);
	ListCell   *lc;

	foreach(lc, units)
	{
		Blocked    *blocked = add_blocked(lfirst(lc));

		blocked->since = since;
		blocked->next_try = clock_now() + BLOCKED_RETRY_US;
	}
	MemoryContextSwitchTo(old);
}

void
in_flight_keep_alone(List *runs)
{
	MemoryContext old = MemoryContextSwitchTo(in_flight.context);
	ListCell   *lc;

	foreach(lc, runs)
	{
		const RunRow *run = lfirst(lc);

		add_blocked(&run->unit)->tenant_id = run->tenant_id;
	}
	MemoryContextSwitchTo(old);
}

int
in_flight_count_alone(const pg_uuid_t *tenant)
{
	int			n = 0;
	ListCell   *lc;

	foreach(lc, in_flight.blocked)
	{
		const Blocked *blocked = lfirst(lc);

		if (blocked->since == 0 && ids_equal(&blocked->tenant_id, tenant))
			n++;
	}
	return n;
}

Blocked *
in_flight_next_blocked(TimestampTz now)
{
	ListCell   *lc;

	foreach(lc, in_flight.blocked)
	{
		Blocked    *blocked = lfirst(lc);

		if (blocked->next_try <= now && !aside_contains(&blocked->unit))
			return blocked;
	}
	return NULL;
}
