/*
 * tick_state.h
 *	  The state of a worker, of a tick, and what every kind of tick does with
 *	  a run.
 */
#ifndef WF_TICK_STATE_H
#define WF_TICK_STATE_H

#include "run/run.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "utils/resowner.h"
#include "worker/in_flight.h"

/* A row that somebody else has locked is tried again after this time. */
#define BUSY_RETRY_US INT64CONST(100000)

/* Where the worker stands, from tick to tick. */
typedef struct WorkerState
{
	bool		more;			/* there may be more to claim */
	bool		ordinary_next;	/* no blocked run is tried: what others have
								 * fired comes first, */
	TimestampTz ordinary_until; /* while there is any, until then */
	TimestampTz alone_since;	/* this tick's, of one run; 0: it is none */
	bool		sweep;			/* there are more runs to take over */
	bool		lost;			/* runs of ours may have slipped from hand */
	bool		stopping;		/* only answers are recorded */
	TimestampTz next_due;		/* 0: none */
	int64		commit_us;		/* what a commit has taken of late */
	TimestampTz busy_until;		/* rows of ours were locked; 0: none */
	/* of errors: */
	int			solo;			/* so many ticks with one run each */
	int			probation;		/* so many runs one by one, each attempt
								 * committed before it is made */
	TimestampTz killed_before;	/* as in TickContext */
	int			nruns;			/* of this tick, so far */
	DueRun		last_run;		/* the last of them */
	bool		last_is_queued; /* as the table has it */
	bool		withdrawn;		/* it is not ours any more: no error */
	bool		has_turn;		/* this tick's, of an isolated definition: */
	pg_uuid_t	turn_of;
	int			nfailures;		/* of ticks, one after the other */
	pg_uuid_t	failing;		/* a run that is to be failed, */
	char	   *blame;			/* for this; NULL: there is none */
} WorkerState;

/* One tick, from its begin to after its commit; in tick_memory. */
typedef struct Tick
{
	TickContext run;
	RunTable   *runs;			/* NULL: opened by the first save */
	int			room;			/* runs that it may still take */
	bool		no_claims;		/* what ended a worker is being booked */
	List	   *taken;			/* of pg_uuid_t *: out of continuing, blocked */
	List	   *recorded;		/* of PendingRequest *: done with */
	List	   *runnable;		/* of pg_uuid_t * */
	List	   *blocked;		/* of pg_uuid_t *: they met a lock */
	List	   *alone;			/* of RunRow *: their steps are slow */
	List	   *overflow;		/* of pg_uuid_t *: tenants of slow runs that
								 * are left to others */
	TimestampTz blocked_since;	/* of the one that is tried; 0: none is */
	List	   *failed;			/* of RunRow *, for the log */
	List	   *waiting;		/* of RunRow *, for the queue */
	int			nended;
	bool		busy;
	bool		more;
	bool		sweep;
	Oid			pending;		/* an index to be cleaned, or InvalidOid */
	TimestampTz next_due;
	TimestampTz claim_since;	/* runs are claimed from then on */
	TimestampTz claim_until;
} Tick;

/* Reset after each tick; for what lives no longer. */
extern MemoryContext tick_memory;

extern WorkerState worker_state;

/* Once per process. */
extern void tick_state_begin(void);

/* The tick is about that run now. */
extern void tick_is_about(const RunRow *run);

/* Saves a run where its advance left it, and notes what follows. */
extern void tick_save_run(Tick *tick, RunRow *run, RunVerdict verdict);

/* Around the locking of rows that tick_save_run is to save. */
typedef struct RowLocking
{
	MemoryContext context;
	ResourceOwner owner;
} RowLocking;

extern void tick_locking_begin(RowLocking *locking);
extern void tick_locking_end(RowLocking *locking, Tick *tick);

/* Forgets those (Intent *) from number kept on, and wipes their secrets. */
extern void tick_drop_intents(List *intents, int kept);

/* After a tick of an isolated definition: its turn, if it had one, ends. */
extern void tick_end_turn(bool went_well);

/* After a tick, whether or not it was committed: whose turn is it next? */
extern void tick_choose_next(bool more);

#endif							/* WF_TICK_STATE_H */
