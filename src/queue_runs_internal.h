/*
 * queue_runs_internal.h
 *	  The layout of the queue of runs, for its files alone.
 *
 * queue_runs.c		the memory, and what is put in
 * queue_take.c		what workers take out, and what they read from the table
 */
#ifndef WF_QUEUE_RUNS_INTERNAL_H
#define WF_QUEUE_RUNS_INTERNAL_H

#include "lib/ilist.h"
#include "lib/pairingheap.h"
#include "queue.h"
#include "queue_internal.h"

/*
 * A tenant may always have MIN_RUNS; more only while all tenants that there
 * may be could still have as many.
 */
#define MAX_RUNS 32768
#define MAX_TENANTS 2048
#define MIN_RUNS 8
#define RESERVE (MAX_TENANTS * MIN_RUNS)
#define NBUCKETS 4096

typedef struct QueuedRun
{
	pairingheap_node node;		/* first; its sibling links the free ones */
	pg_uuid_t	id;
	TimestampTz run_at;
	int16		priority;
} QueuedRun;

typedef struct QueuedTenant
{
	dlist_node	node;			/* in its database's turns, or free */
	struct QueuedTenant *next;	/* in its bucket */
	Oid			database;
	pg_uuid_t	id;
	pairingheap runs;
	int			nruns;
	bool		more;			/* the table has others, */
	int16		more_priority;	/* of at most that priority */
	bool		has_position;	/* they come after: */
	DuePosition position;
	int64		reader;			/* epoch of the worker that reads them, or 0 */
} QueuedTenant;

typedef struct QueuedDatabase
{
	Oid			database;
	dlist_head	turns;			/* of QueuedTenant */
	int			ntenants;
	bool		look;
	bool		paused;			/* nothing is taken before the next look */
	TimestampTz looked_at;
	bool		has_cursor;		/* the look goes on after that tenant */
	pg_uuid_t	cursor;
	TimestampTz later_until;	/* what was due by then was asked for */
	TimestampTz next_due;		/* 0: nothing is known to be due later */
} QueuedDatabase;

typedef struct RunQueue
{
	LWLock	   *lock;
	QueuedDatabase databases[QUEUE_MAX_WORKERS];
	QueuedTenant *buckets[NBUCKETS];
	dlist_head	free_tenants;
	pairingheap_node *free_runs;
	int			nfree_runs;
	QueuedTenant tenants[MAX_TENANTS];
	QueuedRun	runs[MAX_RUNS];
} RunQueue;

/* Locked, this process's database; NULL where there is none. */
extern QueuedDatabase *queue_lock_database(void);
extern void queue_unlock(void);

/* The caller holds the lock for these. */

/* Finds or makes it; NULL where there is no room. */
extern QueuedTenant *queue_enter_tenant(QueuedDatabase *db,
										const pg_uuid_t *id);
extern void queue_drop_tenant(QueuedDatabase *db, QueuedTenant *tenant);

/* The table has runs of it, up to that priority, that are not here. */
extern void queue_note_more(QueuedTenant *tenant, int16 priority);

/* How many runs of it may come. */
extern int	queue_room_for(const QueuedTenant *tenant);

/* Puts a run beside the tenant's others; false where there is no room. */
extern bool queue_add_to_tenant(QueuedTenant *tenant, const DueRun *run);

/* Takes its first run out; there is one. */
extern void queue_pop_run(QueuedTenant *tenant, DueRun *run);
extern void queue_drop_runs(QueuedTenant *tenant);

/*
 * An earlier moment takes the place of a later one; 0 is never.  True: it
 * did, and workers that sleep until the later one must be woken.
 */
extern bool queue_note_due(QueuedDatabase *db, TimestampTz when);

/* May there be something to take? */
extern bool queue_database_has_work(const QueuedDatabase *db);

#endif							/* WF_QUEUE_RUNS_INTERNAL_H */
