/*
 * shared.h
 *	  The layout of the shared memory, for the files of the queue alone.
 */
#ifndef WF_SHARED_H
#define WF_SHARED_H

#include <signal.h>

#include "port/atomics.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "shared/extension_check.h"
#include "shared/launcher_slot.h"
#include "shared/worker_slot.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/spin.h"

#define MAX_BLOCKS 64			/* commands under way that bar a database */

/*
 * A slot.  The launcher alone reserves and frees it; its worker alone moves
 * it from STARTING to LIVE to LEFT.
 */
typedef struct WorkerSlot
{
	/* guarded by the lock */
	WorkerSlotState state;
	uint32		generation;		/* counts reservations */
	Oid			database;
	TimestampTz since;
	WorkerEnd	end;

	/* guarded by mutex; written by its worker */
	slock_t		mutex;
	WorkerStatus status;
	bool		found_extension;
	bool		idle;
	TimestampTz last_work;

	/* no lock: written by its worker, see crashed_step.c */
	CrashedStep executing;
	volatile bool is_executing;
	volatile bool in_long_step; /* see set_aside.c */

	/* guarded by the lock; see long_step_begin */
	bool		had_leave;
	TimestampTz wanted_leave;	/* asked in vain then; 0: it does not wait */
	volatile sig_atomic_t quit; /* the postmaster ended it */

	/* no lock: see commit_wakeup.c */
	pg_atomic_uint32 leave;		/* a LeaveWish */
	pg_atomic_uint32 woken;		/* a wake-up it has not taken */
	Latch	   *latch;			/* valid once live_database has been set */
} WorkerSlot;

typedef struct DatabaseBlock
{
	Oid			database;		/* InvalidOid: unused */
	int			pid;			/* whose transaction holds it */
} DatabaseBlock;

#define MAX_CRASHED_STEPS 256

/* A run that could not be saved; see set_aside.c. */
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

#define MAX_ASIDE 256
#define MAX_ISOLATED 64

typedef struct SharedState
{
	LWLock	   *lock;
	Latch	   *launcher;		/* its latch, or NULL; read without lock */

	/* guarded by the lock */
	int			nchecked;
	Oid			checked[MAX_CHECKED_DATABASES];
	bool		check_all;
	DatabaseBlock blocks[MAX_BLOCKS];
	int			ncrashed;
	CrashedStep crashed_steps[MAX_CRASHED_STEPS];
	AsideRun	aside[MAX_ASIDE];
	IsolatedDefinition isolated[MAX_ISOLATED];

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
	pg_atomic_uint64 epoch[MAX_WORKER_SLOTS];
	pg_atomic_uint32 live_database[MAX_WORKER_SLOTS];

	WorkerSlot	slots[MAX_WORKER_SLOTS];
} SharedState;

/* NULL where the library was not preloaded. */
extern SharedState *shared_state;

/* database_is_blocked, for callers that hold the lock. */
extern bool database_is_blocked_locked(Oid database);

/* Called once, in _PG_init. */
extern void wakeup_install(void);
extern void database_block_install(void);

/*
 * Committed runs, due by now or later.  True: workers must be woken, since
 * there is something to take, or something comes before the moment until
 * which they sleep.
 */
extern bool due_put_runs(const DueRun *runs, int n, TimestampTz now);

/*
 * A tenant's committed runs that are too many to be named: the table has
 * them.  *first: the earliest run_at and the highest priority of any.  True
 * as above.  What is due later needs due_put_timer as well.
 */
extern bool due_put_overflow(const DueRun *first, TimestampTz now);

/* The table is to be asked by then.  True as above. */
extern bool due_put_timer(TimestampTz when);

/* The memory of due_queue.c: its size, and where it is made. */
extern Size due_queue_size(void);
extern void due_queue_attach(LWLock *lock);

/* The same of gate.c. */
extern Size gate_memory_size(void);
extern void gate_memory_attach(LWLock *lock);

/* A worker of this database has come. */
extern void due_enter_worker(void);

/* Called where the memory is made. */
extern void crashed_step_init(SharedState *shared);
extern void aside_init(SharedState *shared);

/* In the postmaster: keeps what is to outlive the memory. */
extern void isolated_keep(void);

/*
 * A step of a run of that definition has ended its worker.  The caller holds
 * the lock.
 */
extern void isolated_add(Oid database, const pg_uuid_t *definition_id);

/* The slot of this process, or NULL where it is no worker. */
extern WorkerSlot *worker_slot_mine(void);

#endif							/* WF_SHARED_H */
