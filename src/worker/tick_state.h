/*
 * tick_state.h
 *	  The state of a worker, the state of one tick, and what every kind of tick
 *	  does with a run.
 */
#ifndef WF_TICK_STATE_H
#define WF_TICK_STATE_H

#include "base/unit.h"
#include "run/run.h"
#include "shared/crashed_step.h"
#include "shared/due_queue.h"
#include "store/store_row.h"
#include "utils/resowner.h"
#include "worker/in_flight.h"

/* A row that somebody else has locked is tried again after this time. */
#define BUSY_RETRY_US INT64CONST(100000)

/* So many runs whose rows were locked are remembered. */
#define MAX_LOCKED_RUNS 200

/*
 * What a worker knows from tick to tick, beside the runs that it has in flight
 * (in_flight.h).  A moment of 0 is none.
 */
typedef struct WorkerState
{
	/* what is next */
	bool		more;			/* there may be more to claim right now */
	bool		sweep;			/* one is owed: it left runs to take over,
								 * or did not come about */
	bool		lost;			/* an error may have made this worker forget
								 * runs that it owns */
	bool		stopping;		/* only answers are recorded from now on */
	TimestampTz next_due;		/* the next claim, unless it is woken before */
	TimestampTz busy_until;		/* a runnable run's row was locked: till then
								 * none is loaded again */
	int64		commit_us;		/* a moving mean of what commits take */
	TimestampTz clean_not_before;	/* after an error in clean_pending */

	/* ticks of one run, and ordinary ones in turn (tick_choose_next) */
	bool		ordinary_next;	/* the next tick is ordinary */
	TimestampTz ordinary_until; /* so are those till then, if there is work */
	TimestampTz alone_since;	/* this tick is of one run, and began then */
	bool		has_turn;		/* it may advance a run of turn_of, which is
								 * isolated: no other worker may meanwhile */
	pg_uuid_t	turn_of;

	/* runs that were due and locked by somebody (tick_claim.c) */
	int			nlocked;
	DueRun		locked_runs[MAX_LOCKED_RUNS];
	TimestampTz locked_until;	/* they go back to the queue then */

	/* which runs this tick is about, to find the one that fails */
	int			nruns;			/* so far */
	DueRun		last_run;		/* the last of them */
	bool		last_is_queued; /* it is "queued" or "waiting" in the table */
	bool		withdrawn;		/* the tick is given up for no fault: its run
								 * is not ours any more, or we are to stop */

	/* after errors and crashes (tick_recovery.c) */
	int			solo_ticks;		/* so many ticks have one run each */
	int			probation_runs; /* so many runs have a tick each, and each of
								 * their attempts is committed before it is
								 * made */
	TimestampTz killed_before;	/* as in TickContext */
	int			nfailures;		/* ticks that failed in a row */
	char	   *fail_message;	/* the next tick fails run_to_fail, with this
								 * message; NULL: no run */
	Unit		run_to_fail;
	bool		failing;		/* it is being failed now */
	bool		booking;		/* a crash is being booked on its run now: */
	CrashedStep booked;
} WorkerState;

/* One tick, until after its commit.  Its lists are in tick_memory. */
typedef struct Tick
{
	TickContext run;			/* what the runs need to know of it */
	RunTable   *runs;			/* workflow_runs, opened */
	Pauses		pauses;			/* as last loaded, */
	uint32		nrescans;		/* after so many rescans had begun */
	int			room;			/* so many runs it may still take */
	bool		no_claims;		/* a crash is still to be booked on its run */
	List	   *taken;			/* of Unit *: runs in flight that it dealt
								 * with */
	List	   *recorded;		/* of PendingRequest *: whose answers it
								 * recorded */
	List	   *runnable;		/* of Unit *: go on in a later tick */
	List	   *blocked;		/* of Unit *: their steps met a lock */
	List	   *alone;			/* of RunRow *: their steps are slow */
	List	   *overflow;		/* of pg_uuid_t *: tenants whose next slow
								 * runs are left to other workers */
	TimestampTz blocked_since;	/* the only run's step met a lock then; or 0 */
	List	   *failed;			/* of RunRow *, for the log */
	List	   *waiting;		/* of RunRow *, for the queue of due runs */
	int			nended;
	bool		busy;			/* a runnable run's row was locked */
	bool		more;			/* as in WorkerState, for the next tick */
	bool		sweep;			/* the same */
	TimestampTz next_due;		/* the same */
	Oid			pending;		/* an index to be cleaned, or InvalidOid */
	TimestampTz claim_since;	/* runs are claimed from then on */
	TimestampTz claim_until;	/* no more are claimed after that */
} Tick;

/* Reset after each tick; holds what the tick alone needs. */
extern MemoryContext tick_memory;

/* Of this process, which is one worker. */
extern WorkerState this_worker;

/* Once per process, before the first tick. */
extern void tick_state_begin(void);

/*
 * The tick is about that run from now on.  If the process ends abnormally
 * meanwhile, that is booked on the run.
 */
extern void tick_is_about(const RunRow *run);

/*
 * Saves a run as its advance left it, and notes in the tick what follows from
 * the verdict.  Raises what saving the row raises; and 40001 if it is the only
 * run of its tick and somebody else has taken it meanwhile.
 */
extern void tick_save_run(Tick *tick, RunRow *run, RunVerdict verdict);

/*
 * Rows that tick_save_run is to save are locked between these two.  The
 * current memory context stays as it was.
 */
typedef struct RowLocking
{
	MemoryContext context;
	ResourceOwner owner;
} RowLocking;

extern void tick_locking_begin(RowLocking *locking);
extern void tick_locking_end(RowLocking *locking, Tick *tick);

/*
 * Wipes the secrets of all these (Intent *) but the first kept ones: they will
 * not be sent.
 */
extern void tick_drop_intents(List *intents, int kept);

/*
 * After a tick: other workers may advance runs of the isolated definition
 * whose turn it was, if there was one.
 */
extern void tick_end_turn(bool went_well);

/*
 * After a tick, whether or not it was committed: chooses whether the next one
 * is ordinary.  more: ordinary ticks have work to do.
 */
extern void tick_choose_next(bool more);

#endif							/* WF_TICK_STATE_H */
