/*
 * tick_state.h
 *	  What the files of the tick share.
 *
 * tick.c			the transaction, and what is next
 * tick_claim.c		which runs it takes
 * tick_batch.c	advances them, within one fence or one by one
 * tick_alone.c		advances one that has a tick of its own
 * tick_recovery.c	ticks that failed, and steps that ended a worker
 * tick_report.c	what it tells the world
 */
#ifndef WF_TICK_STATE_H
#define WF_TICK_STATE_H

#include "run/run.h"
#include "shared/due_queue.h"
#include "utils/resowner.h"
#include "worker/in_flight.h"
#include "worker/tick.h"

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

/* Saves a run where its advance left it, and notes what follows. */
extern void tick_save_run(Tick *tick, RunRow *run, RunVerdict verdict);

/* The tick is about that run now; NULL: about none. */
extern void tick_is_about(const RunRow *run);

/*--- tick_claim.c ---*/

/* Takes runs and advances them; sweep: orphans too. */
extern void tick_claim(Tick *tick, bool sweep);

/* The clock was set back: runs that were locked are tried again at once. */
extern void claim_clock_set_back(void);

/*--- tick_batch.c ---*/

/* Takes each as far as it goes, and saves it. */
extern void tick_advance(Tick *tick, List *runs);

/* Saves its row.  The tick ends soon if that took long. */
extern void tick_save_row(Tick *tick, const RunRow *run);

/* Around the locking of rows that tick_advance is to save. */
typedef struct RowLocking
{
	MemoryContext context;
	ResourceOwner owner;
} RowLocking;

extern void tick_locking_begin(RowLocking *locking);
extern void tick_locking_end(RowLocking *locking, Tick *tick);

/* Forgets those (Intent *) from number kept on, and wipes their secrets. */
extern void tick_drop_intents(List *intents, int kept);

/*--- tick_alone.c ---*/

/*
 * Does the tick for that run alone.  False: it is not its turn, or not ours
 * any more, and the tick may do something else.
 */
extern bool alone_try(Tick *tick, Blocked *blocked);

/* After a tick, whether or not it was committed: whose turn is it next? */
extern void alone_over(bool more);

/*
 * Locks the row of a run that was advanced so.  Returns what has become of
 * it; raises 40001 if it is not ours any more.
 */
extern RunVerdict alone_relock(Tick *tick, RunRow *run, RunVerdict verdict);

/*--- tick_recovery.c ---*/

/*
 * This worker claims no run of a tenant that is put off: a run of it could not
 * be saved, or that took long.
 */
extern void recovery_put_off(const pg_uuid_t *tenant, int64 us);
extern bool recovery_puts_off(const pg_uuid_t *tenant);

/* When one is put off no more; 0: none is. */
extern TimestampTz recovery_put_off_until(TimestampTz now);

/* The tick is about a run of that tenant. */
extern void recovery_saw(const pg_uuid_t *tenant);

/* After a tick that has committed. */
extern void recovery_over(void);

/*
 * Before a tick: fails the run that failed the last one, and books what ended
 * a worker.  True: another worker is about that, and nothing must be claimed.
 */
extern bool recovery_begin(void);

#endif							/* WF_TICK_STATE_H */
