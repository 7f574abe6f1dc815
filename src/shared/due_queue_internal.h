/*
 * due_queue_internal.h
 *	  The layout of the queue of runs, for its files alone.
 *
 * due_queue.c		the memory, and what is put in
 * due_take.c		what workers take out, and what they read from the table
 */
#ifndef WF_DUE_QUEUE_INTERNAL_H
#define WF_DUE_QUEUE_INTERNAL_H

#include "lib/ilist.h"
#include "lib/pairingheap.h"
#include "shared/due_queue.h"
#include "shared/worker_slot.h"
#include "storage/lwlock.h"

/*
 * A tenant may always have MIN_RUNS runs here.  It may have more only while
 * RESERVE is left, so that each of MAX_TENANTS could have its MIN_RUNS.
 */
#define MAX_RUNS 32768
#define MAX_TENANTS 2048
#define MIN_RUNS 8
#define RESERVE (MAX_TENANTS * MIN_RUNS)
#define NBUCKETS 4096

typedef struct DueEntry
{
	pairingheap_node node;		/* first; its sibling links the free ones */
	TimestampTz run_at;
	Unit		unit;
	int16		priority;
} DueEntry;

typedef struct DueTenant
{
	dlist_node	node;			/* in its database's turns, or free */
	struct DueTenant *next;		/* in its bucket */
	Oid			database;
	pg_uuid_t	id;
	pairingheap runs;
	int			nruns;
	bool		more;			/* the table has others, */
	int16		more_priority;	/* of at most that priority */
	bool		has_position;	/* they come after: */
	DuePosition position;
	int64		reader;			/* epoch of the worker that reads them, or 0 */
} DueTenant;

typedef struct DueDatabase
{
	Oid			database;
	dlist_head	turns;			/* of DueTenant */
	int			ntenants;
	bool		wants_rescan;
	bool		wants_whole;	/* also of the tenants before the cursor */
	bool		paused;			/* all tenants are, up to the next rescan */
	uint32		nrescans;		/* how many were begun */
	TimestampTz rescanned_at;	/* from the first tenant on */
	bool		has_cursor;		/* the next one goes on after that tenant */
	pg_uuid_t	cursor;
	TimestampTz later_until;	/* what was due by then was asked for */
	TimestampTz next_due;		/* 0: nothing is known to be due later */
} DueDatabase;

typedef struct DueQueue
{
	LWLock	   *lock;
	DueDatabase databases[MAX_WORKER_SLOTS];
	DueTenant  *buckets[NBUCKETS];
	dlist_head	free_tenants;
	pairingheap_node *free_runs;
	int			nfree_runs;
	DueTenant	tenants[MAX_TENANTS];
	DueEntry	runs[MAX_RUNS];
} DueQueue;

/*
 * Takes the lock, and returns this process's database; NULL if the database
 * has had no worker lately.  The caller calls due_unlock in either case.
 */
extern DueDatabase *due_lock_database(void);
extern void due_unlock(void);

/*--- for callers between these two ---*/

/* Finds or makes it; NULL if there is no room. */
extern DueTenant *due_enter_tenant(DueDatabase *db,
								   const pg_uuid_t *id);
extern void due_drop_tenant(DueDatabase *db, DueTenant *tenant);

/* The table has runs of it, up to that priority, that are not here. */
extern void due_note_more(DueTenant *tenant, int16 priority);

/* How many more runs of it may be put in; 0 or less: none. */
extern int	due_room_for(const DueTenant *tenant);

/* Puts a run beside the tenant's others; false if there is no room. */
extern bool due_add_to_tenant(DueTenant *tenant, const DueRun *run);

/* Takes its first run out; there is one. */
extern void due_pop_run(DueTenant *tenant, DueRun *run);

/* Forgets its runs. */
extern void due_drop_runs(DueTenant *tenant);

/*
 * An earlier moment takes the place of a later one; 0 is never.  True: it
 * did, and workers that sleep until the later one must be woken.
 */
extern bool due_note_later(DueDatabase *db, TimestampTz when);

/* A rescan is wanted, of all tenants. */
extern void due_note_rescan(DueDatabase *db);

/* May there be something to take? */
extern bool due_database_has_work(const DueDatabase *db);

#endif							/* WF_DUE_QUEUE_INTERNAL_H */
