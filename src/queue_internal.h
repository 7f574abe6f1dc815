/*
 * queue_internal.h
 *	  The layout of the shared memory, for the files of the queue alone.
 */
#ifndef WF_QUEUE_INTERNAL_H
#define WF_QUEUE_INTERNAL_H

#include <signal.h>

#include "queue.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/spin.h"

#define QUEUE_MAX_BARS 64		/* commands under way that bar a database */

/*
 * A slot.  The launcher alone reserves and frees it; its worker alone moves
 * it from STARTING to LIVE to LEFT.
 */
typedef struct Slot
{
	/* guarded by the lock */
	QueueSlotState state;
	uint32		generation;		/* counts reservations */
	Oid			database;
	TimestampTz since;
	WorkerEnd	end;

	/* guarded by mutex; written by its worker */
	slock_t		mutex;
	WorkerStatus status;
	bool		settled;
	bool		idle;
	TimestampTz last_work;

	/* no lock: written by its worker, see queue_suspect.c */
	Suspect		executing;
	volatile bool is_executing;
	volatile bool in_long_step; /* see queue_aside.c */

	/* guarded by the lock; see queue_begin_long */
	bool		had_leave;
	TimestampTz wanted_leave;	/* asked in vain then; 0: it does not wait */
	volatile sig_atomic_t quit; /* the postmaster ended it */

	/* no lock: see queue_wake.c */
	pg_atomic_uint32 leave;		/* a LeaveWish */
	pg_atomic_uint32 woken;		/* a wake-up it has not taken */
	Latch	   *latch;			/* valid once live_database has been set */
} Slot;

typedef struct Bar
{
	Oid			database;		/* InvalidOid: unused */
	int			pid;			/* whose transaction holds it */
} Bar;

#define QUEUE_MAX_SUSPECTS 256

/* A run that could not be saved; see queue_aside.c. */
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
	bool		look;			/* runs of it wait in the table */
	TimestampTz until;			/* none is executed before */
	int64		holder;			/* epoch of the worker that executes one */
} IsolatedDefinition;

#define QUEUE_MAX_ASIDE 256
#define QUEUE_MAX_ISOLATED 64

typedef struct QueueShared
{
	LWLock	   *lock;
	Latch	   *launcher;		/* its latch, or NULL; read without lock */

	/* guarded by the lock */
	int			nprobes;
	Oid			probes[QUEUE_MAX_PROBES];
	bool		probe_all;
	Bar			bars[QUEUE_MAX_BARS];
	int			nsuspects;
	Suspect		suspects[QUEUE_MAX_SUSPECTS];
	AsideRun	aside[QUEUE_MAX_ASIDE];
	IsolatedDefinition isolated[QUEUE_MAX_ISOLATED];

	pg_atomic_uint32 nentries;	/* of the two tables above */

	/* written once */
	bool		probation;
	bool		last_end_unknown;

	pg_atomic_uint32 news_prepared;
	pg_atomic_uint32 new_settings;
	pg_atomic_uint32 worker_ends;	/* counts workers that have left */

	/*
	 * Of slot i, 0 but while it is live.  Apart from the slots, so that a
	 * look at all of them touches few cache lines.
	 */
	pg_atomic_uint64 epoch[QUEUE_MAX_WORKERS];
	pg_atomic_uint32 live_database[QUEUE_MAX_WORKERS];

	Slot		slots[QUEUE_MAX_WORKERS];
} QueueShared;

/* NULL where the library was not preloaded. */
extern QueueShared *queue_shared;

/* Sets the launcher's latch, if there is a launcher. */
extern void queue_kick_launcher(void);

/* Is there a bar on it?  The caller holds the lock. */
extern bool queue_find_bar(Oid database);

/* Called once, in _PG_init. */
extern void queue_wake_install(void);

/* Wakes the workers of a database. */
extern void queue_wake_workers(Oid database);

/*
 * Committed runs, due by now or later.  True: workers must be woken, since
 * there is something to take, or something comes before the moment until
 * which they sleep.
 */
extern bool queue_put_runs(const DueRun *runs, int n, TimestampTz now);

/*
 * A tenant's committed runs that are too many to be named: the table has
 * them.  *first: the earliest run_at and the highest priority of any.  True
 * as above.  What is due later needs queue_put_timer as well.
 */
extern bool queue_put_crowd(const DueRun *first, TimestampTz now);

/* The table is to be asked by then.  True as above. */
extern bool queue_put_timer(TimestampTz when);

/* The memory of queue_runs.c: its size, and where it is made. */
extern Size queue_runs_size(void);
extern void queue_runs_attach(LWLock *lock);

/* The same of queue_gate.c. */
extern Size queue_gates_size(void);
extern void queue_gates_attach(LWLock *lock);

/* A worker of this database has come. */
extern void queue_runs_enter(void);

/* Called where the memory is made. */
extern void queue_suspects_init(QueueShared *shared);
extern void queue_aside_init(QueueShared *shared);

/* In the postmaster: keeps what is to outlive the memory. */
extern void queue_keep_isolated(void);

/*
 * A step of a run of that definition has ended its worker.  The caller holds
 * the lock.
 */
extern void queue_isolate(Oid database, const pg_uuid_t *definition_id);

/* The slot of this process, or NULL where it is no worker. */
extern Slot *queue_my_slot(void);

#endif							/* WF_QUEUE_INTERNAL_H */
