/*
 * tick_internal.h
 *	  What the files of the tick share.
 *
 * tick.c			the transaction, and what is next
 * tick_claim.c		which runs it takes
 * tick_together.c	advances them, within one fence or one by one
 * tick_trouble.c	ticks that failed, and steps that ended a worker
 * tick_report.c	what it tells the world
 */
#ifndef WF_TICK_INTERNAL_H
#define WF_TICK_INTERNAL_H

#include "run.h"
#include "tick.h"
#include "utils/resowner.h"

/* Where the worker stands, from tick to tick. */
typedef struct Course
{
	bool		more;			/* there may be more to claim */
	bool		ordinary_next;	/* the last tick tried a blocked run */
	bool		look_round;		/* there are more runs to take over */
	bool		lost;			/* runs of ours may have slipped from hand */
	TimestampTz next_due;		/* 0: none */
	int64		commit_us;		/* what a commit has taken of late */
	TimestampTz busy_until;		/* rows of ours were locked; 0: none */
	/* of errors: */
	bool		committing;
	int			solo;			/* so many ticks with one run each */
	int			probation;		/* so many runs one by one, each attempt
								 * committed before it is made */
	TimestampTz killed_before;	/* as in RunTick */
	bool		has_suspect;	/* this tick has one run only: */
	pg_uuid_t	suspect;
	char	   *blame;			/* what the suspect is to be failed for */
} Course;

/* One tick, from its begin to after its commit; in tick_context. */
typedef struct Tick
{
	RunTick		run;
	RunTable   *runs;			/* NULL: opened by the first save */
	int			room;			/* runs that it may still take */
	bool		no_claims;		/* what ended a worker is being booked */
	List	   *taken;			/* of pg_uuid_t *: out of continuing, blocked */
	List	   *recorded;		/* of Flight *: done with */
	List	   *continuing;		/* of pg_uuid_t * */
	List	   *blocked;		/* of pg_uuid_t * */
	TimestampTz blocked_since;	/* of the one that is tried; 0: none is */
	List	   *failed;			/* of RunRow *, for the log */
	List	   *waiting;		/* of RunRow *, for the queue */
	int			nended;
	bool		busy;
	bool		more;
	bool		look_round;
	Oid			pending;		/* an index to be cleaned, or InvalidOid */
	TimestampTz next_due;
	TimestampTz claim_since;	/* runs are claimed from then on */
	TimestampTz claim_until;
} Tick;

/* Reset after each tick; for what lives no longer. */
extern MemoryContext tick_context;

extern Course course;

/* Saves a run where its advance left it, and notes what follows. */
extern void tick_settle(Tick *tick, RunRow *run, RunVerdict verdict);

/* If the tick errs now, this run alone can be to blame. */
extern void tick_suspect_only(const pg_uuid_t *id);

/*--- tick_claim.c ---*/

/* Takes runs and advances them; look_round: orphans too. */
extern void tick_claim(Tick *tick, bool look_round);

/*--- tick_together.c ---*/

/* Takes each as far as it goes, and saves it. */
extern void tick_advance(Tick *tick, List *runs);

/* Around the locking of rows that tick_advance is to save. */
typedef struct RowLocking
{
	MemoryContext context;
	ResourceOwner owner;
} RowLocking;

extern void tick_locking_begin(RowLocking *locking);
extern void tick_locking_end(RowLocking *locking, Tick *tick);

/*--- tick_trouble.c ---*/

/*
 * Before a tick: fails the run that failed the last one, and books what ended
 * a worker.  True: another worker is about that, and nothing must be claimed.
 */
extern bool trouble_settle(void);

#endif							/* WF_TICK_INTERNAL_H */
