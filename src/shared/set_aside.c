/*
 * set_aside.c
 *	  Shared memory: runs and definitions that are kept from disturbing others.
 *
 * Runs in workers, and in the postmaster after a crash.  Two things are here,
 * both of them rare, in tables of fixed size:
 *
 * - Runs that are set aside.  The transaction that was to save such a run
 *	 failed with it alone: a trigger or a constraint on workflow_runs refuses
 *	 its row, or its COMMIT fails.  The run is tried again after a while, twice
 *	 as long each time.
 * - Definitions that are isolated, since a step of a run of theirs has ended
 *	 its worker.  Their other runs would probably do the same, so they go one
 *	 by one, with a pause after each such end, twice as long each time, while
 *	 all other runs go on.
 *
 * A matter of courtesy, not of correctness: if a table is full, the entry that
 * would end first makes room.  Runs that are set aside are forgotten with the
 * memory and tried once more; isolated definitions outlive a crash of the
 * server's processes, in the postmaster's own memory.
 *
 * The lock of the slots guards the tables.  nentries is read without it: while
 * it is 0, which is nearly always, a run costs no more than that.
 */
#include "postgres.h"
#include "compat.h"

#include "config/clock.h"
#include "miscadmin.h"
#include "shared/due_queue.h"
#include "shared/set_aside.h"
#include "shared/shared.h"
#include "shared/worker_slot.h"
#include "utils/timestamp.h"

#define RUN_PAUSE_US INT64CONST(200000)
#define RUN_MAX_PAUSE_US INT64CONST(300000000)
#define DEFINITION_PAUSE_US INT64CONST(250000)
#define DEFINITION_MAX_PAUSE_US INT64CONST(60000000)
#define MAX_DOUBLINGS 12
#define FORGET_US INT64CONST(60000000)	/* a run that has not failed again */

#define MAX_ASIDE 256
#define MAX_ISOLATED 64

/* A run that could not be saved. */
typedef struct AsideRun
{
	Oid			database;		/* InvalidOid: unused */
	DueRun		run;
	bool		is_queued;		/* it goes back to the queue */
	bool		is_back;		/* its time has come, it is tried again */
	int			times;
	TimestampTz next_try;
} AsideRun;

/* A definition whose steps end workers. */
typedef struct IsolatedDefinition
{
	Oid			database;		/* InvalidOid: unused */
	pg_uuid_t	definition_id;
	int			times;
	bool		wants_rescan;	/* runs of it wait in the table */
	TimestampTz until;			/* none is executed before */
	int64		holder;			/* epoch of the worker that executes one */
} IsolatedDefinition;

typedef struct AsideTables
{
	LWLock	   *lock;			/* that of the slots */
	pg_atomic_uint32 nentries;	/* of both tables */
	AsideRun	runs[MAX_ASIDE];
	IsolatedDefinition isolated[MAX_ISOLATED];
} AsideTables;

/* The memory; the same address in every process. */
static AsideTables *tables = NULL;

/* In the postmaster alone: what the memory held that is no more. */
static int	nkept = 0;
static IsolatedDefinition kept[MAX_ISOLATED];

/* The postmaster has no other process beside it when it makes the memory. */
#define AssertLocked() \
	Assert(!IsUnderPostmaster || LWLockHeldByMe(tables->lock))

/* first, doubled for each time after the first, at most max. */
static int64
pause_after(int times, int64 first, int64 max)
{
	return Min(first << Min(Max(times - 1, 0), MAX_DOUBLINGS), max);
}

static void
count_entry(int more)
{
	pg_atomic_fetch_add_u32(&tables->nentries, more);
}

static bool
has_entries(void)
{
	return tables != NULL &&
		pg_atomic_read_u32(&tables->nentries) != 0;
}

/*--- runs that are set aside ---*/

/* NULL: it is not set aside. */
static AsideRun *
find_aside(const Unit *unit)
{
	AssertLocked();
	for (int i = 0; i < MAX_ASIDE; i++)
	{
		AsideRun   *aside = &tables->runs[i];

		if (aside->database == MyDatabaseId &&
			unit_equal(&aside->run.unit, unit))
			return aside;
	}
	return NULL;
}

/* A place for another. */
static AsideRun *
place_for_aside(void)
{
	AsideRun   *first = &tables->runs[0];

	AssertLocked();
	for (int i = 0; i < MAX_ASIDE; i++)
	{
		AsideRun   *aside = &tables->runs[i];

		if (aside->database == InvalidOid)
		{
			count_entry(1);
			return aside;
		}
		if (aside->next_try < first->next_try)
			first = aside;
	}
	return first;
}

int
aside_add(const DueRun *run, bool is_queued)
{
	AsideRun   *aside;
	int			times;

	LWLockAcquire(tables->lock, LW_EXCLUSIVE);
	aside = find_aside(&run->unit);
	if (aside == NULL)
	{
		aside = place_for_aside();
		memset(aside, 0, sizeof(AsideRun));
		aside->database = MyDatabaseId;
	}
	aside->run = *run;
	aside->is_queued = is_queued;
	aside->is_back = false;
	times = ++aside->times;
	aside->next_try = clock_now() + pause_after(times, RUN_PAUSE_US,
												RUN_MAX_PAUSE_US);
	LWLockRelease(tables->lock);
	return times;
}

bool
aside_contains(const Unit *unit)
{
	AsideRun   *aside;
	bool		is_aside;

	if (!has_entries())
		return false;
	LWLockAcquire(tables->lock, LW_SHARED);
	aside = find_aside(unit);
	is_aside = aside != NULL && aside->next_try > clock_now();
	LWLockRelease(tables->lock);
	return is_aside;
}

void
aside_remove(const Unit *unit)
{
	AsideRun   *aside;

	if (!has_entries())
		return;
	LWLockAcquire(tables->lock, LW_EXCLUSIVE);
	aside = find_aside(unit);
	if (aside != NULL)
	{
		memset(aside, 0, sizeof(AsideRun));
		count_entry(-1);
	}
	LWLockRelease(tables->lock);
}

/*--- definitions that are isolated ---*/

/* NULL: it is not isolated. */
static IsolatedDefinition *
find_isolated(Oid database, const pg_uuid_t *definition_id)
{
	AssertLocked();
	for (int i = 0; i < MAX_ISOLATED; i++)
	{
		IsolatedDefinition *isolated = &tables->isolated[i];

		if (isolated->database == database &&
			memcmp(&isolated->definition_id, definition_id, UUID_LEN) == 0)
			return isolated;
	}
	return NULL;
}

/* A place for another. */
static IsolatedDefinition *
place_for_isolated(void)
{
	IsolatedDefinition *first = &tables->isolated[0];

	AssertLocked();
	for (int i = 0; i < MAX_ISOLATED; i++)
	{
		IsolatedDefinition *isolated = &tables->isolated[i];

		if (isolated->database == InvalidOid)
		{
			count_entry(1);
			return isolated;
		}
		if (isolated->until < first->until)
			first = isolated;
	}
	return first;
}

void
isolated_add(Oid database, const pg_uuid_t *definition_id)
{
	IsolatedDefinition *isolated = find_isolated(database, definition_id);

	if (isolated == NULL)
	{
		isolated = place_for_isolated();
		memset(isolated, 0, sizeof(IsolatedDefinition));
		isolated->database = database;
		isolated->definition_id = *definition_id;
	}
	isolated->times++;
	isolated->holder = 0;
	isolated->wants_rescan = true;
	isolated->until = clock_now() + pause_after(isolated->times,
												DEFINITION_PAUSE_US,
												DEFINITION_MAX_PAUSE_US);
}

DefinitionTurn
isolated_turn(const pg_uuid_t *definition_id, int64 epoch, bool take)
{
	IsolatedDefinition *isolated;
	DefinitionTurn turn = TURN_FREE;

	if (!has_entries())
		return TURN_FREE;
	LWLockAcquire(tables->lock, LW_EXCLUSIVE);
	isolated = find_isolated(MyDatabaseId, definition_id);
	if (isolated != NULL)
	{
		bool		held = isolated->holder != epoch &&
			worker_slot_epoch_alive(isolated->holder);

		turn = held || isolated->until > clock_now() ? TURN_WAIT : TURN_MAY;
		if (turn == TURN_WAIT)
			isolated->wants_rescan = true;	/* for the runs that wait */
		else if (take)
			isolated->holder = epoch;
	}
	LWLockRelease(tables->lock);
	return turn;
}

void
isolated_end_turn(const pg_uuid_t *definition_id, bool went_well)
{
	IsolatedDefinition *isolated;

	LWLockAcquire(tables->lock, LW_EXCLUSIVE);
	isolated = find_isolated(MyDatabaseId, definition_id);
	if (isolated != NULL)
	{
		isolated->holder = 0;
		isolated->until = clock_now();
		if (went_well)
			isolated->times /= 2;
		if (isolated->times == 0)
		{
			memset(isolated, 0, sizeof(IsolatedDefinition));
			count_entry(-1);
		}
	}
	LWLockRelease(tables->lock);
	due_want_rescan();
}

/*--- when there is something to do about them ---*/

TimestampTz
aside_next_try(void)
{
	TimestampTz next = 0;

	if (!has_entries())
		return 0;
	LWLockAcquire(tables->lock, LW_SHARED);
	for (int i = 0; i < MAX_ASIDE; i++)
	{
		const AsideRun *aside = &tables->runs[i];

		if (aside->database == MyDatabaseId && !aside->is_back &&
			(next == 0 || aside->next_try < next))
			next = aside->next_try;
	}
	for (int i = 0; i < MAX_ISOLATED; i++)
	{
		const IsolatedDefinition *isolated = &tables->isolated[i];

		if (isolated->database == MyDatabaseId && isolated->wants_rescan &&
			!worker_slot_epoch_alive(isolated->holder) &&
			(next == 0 || isolated->until < next))
			next = isolated->until;
	}
	LWLockRelease(tables->lock);
	return next;
}

void
aside_clock_set_back(TimestampTz now)
{
	if (!has_entries())
		return;
	LWLockAcquire(tables->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_ASIDE; i++)
	{
		AsideRun   *aside = &tables->runs[i];

		if (aside->database == MyDatabaseId)
			aside->next_try = Min(aside->next_try, now);
	}
	for (int i = 0; i < MAX_ISOLATED; i++)
	{
		IsolatedDefinition *isolated = &tables->isolated[i];

		if (isolated->database == MyDatabaseId)
			isolated->until = Min(isolated->until, now);
	}
	LWLockRelease(tables->lock);
}

bool
aside_bring_back(TimestampTz now)
{
	DueRun		back[MAX_ASIDE];
	int			n = 0;
	bool		rescan = false;

	if (!has_entries())
		return false;
	LWLockAcquire(tables->lock, LW_EXCLUSIVE);
	for (int i = 0; i < MAX_ASIDE; i++)
	{
		AsideRun   *aside = &tables->runs[i];

		if (aside->database != MyDatabaseId || aside->next_try > now)
			continue;
		if (aside->is_back)
		{
			if (aside->next_try < now - FORGET_US)
			{
				memset(aside, 0, sizeof(AsideRun));
				count_entry(-1);
			}
			continue;
		}
		aside->is_back = true;
		if (aside->is_queued)
			back[n++] = aside->run;
		else
			rescan = true;		/* its owner may be gone */
	}
	for (int i = 0; i < MAX_ISOLATED; i++)
	{
		IsolatedDefinition *isolated = &tables->isolated[i];

		if (isolated->database == MyDatabaseId && isolated->wants_rescan &&
			isolated->until <= now &&
			!worker_slot_epoch_alive(isolated->holder))
		{
			isolated->wants_rescan = false;
			rescan = true;
		}
	}
	LWLockRelease(tables->lock);
	if (n > 0)
		due_return_runs(back, n);
	if (rescan)
		due_want_rescan();
	return n > 0;
}

/*--- in the postmaster ---*/

/* Plain bytes within bounds: a process that crashed may have left anything. */
void
isolated_keep(void)
{
	nkept = 0;
	for (int i = 0; i < MAX_ISOLATED; i++)
		if (tables->isolated[i].database != InvalidOid)
			kept[nkept++] = tables->isolated[i];
}

static void
attach(void *memory, LWLock *lock, bool is_new)
{
	tables = memory;
	if (!is_new)
		return;
	tables->lock = lock;
	pg_atomic_init_u32(&tables->nentries, nkept);
	memcpy(tables->isolated, kept, sizeof(IsolatedDefinition) * nkept);
	for (int i = 0; i < nkept; i++)
	{
		IsolatedDefinition *isolated = &tables->isolated[i];

		isolated->times = Max(Min(isolated->times, PG_INT16_MAX), 1);
		isolated->holder = 0;
		isolated->wants_rescan = true;
		isolated->until = clock_now() + pause_after(isolated->times,
													DEFINITION_PAUSE_US,
													DEFINITION_MAX_PAUSE_US);
	}
	nkept = 0;
}

const SharedPart set_aside_part = {
	.name = "workflow_engine set aside",
	.size = sizeof(AsideTables),
	.lock = SHARED_LOCK_SLOTS,
	.attach = attach
};
