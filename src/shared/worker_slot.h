/*
 * worker_slot.h
 *	  Shared memory: which workers live, and what they say of themselves.
 */
#ifndef WF_WORKER_SLOT_H
#define WF_WORKER_SLOT_H

#include "datatype/timestamp.h"

#define MAX_WORKER_SLOTS 128	/* slots, all databases together */

/* What wf_workers() shows of a worker. */
typedef struct WorkerStatus
{
	int			pid;
	Oid			database;
	int64		epoch;			/* owner of its runs; never used again */
	char		state[NAMEDATALEN]; /* starting, idle, working, paused ... */
	int			in_flight;		/* requests under way */
	int64		runs_done;
	int64		steps_done;
	TimestampTz started_at;
	char		last_error[256];
} WorkerStatus;

/* Called in _PG_init of a preloaded library. */
extern void shared_install(void);

/*
 * False if the library was not preloaded.  There are no workers then, and no
 * function of this folder may be called but those that say so.
 */
extern bool shared_attached(void);

/*--- of the worker that this process is ---*/

/*
 * Makes this process, which is connected to its database, a worker: moves the
 * slot from STARTING to LIVE under a new epoch, and returns the epoch.  A
 * before_shmem_exit callback moves the slot to LEFT.  The launcher reserved
 * the slot; its number is in bgw_main_arg.  FATAL if the launcher has given
 * the slot up since.  The caller asks worker_leave_wish next, before anything
 * else.
 */
extern int64 worker_slot_enter(int slot);

/*
 * What wf_workers() shows as the state.  The launcher takes the first state
 * other than "starting" for the news that this worker has found the
 * extension.  In the states "idle", "paused" and "pausing" a worker may be
 * asked to make room for another database's.
 */
extern void worker_slot_set_state(const char *state);

/*
 * Sets the number of requests under way, adds to the numbers of runs and
 * steps.  A worker counts as idle since the last call that told of work.
 */
extern void worker_slot_count_work(int in_flight, int64 more_runs,
								   int64 more_steps);

/* The message is cut between characters if it does not fit. */
extern void worker_slot_set_error(const char *message);

/* Was this database's workers' wake-up flag set since the last call? */
extern bool worker_slot_take_wakeup(void);

/*
 * Tells the launcher that this worker's database has no extension (any
 * more); the worker then exits with 0.
 */
extern void worker_slot_lacks_extension(Oid database);

/*--- of all workers ---*/

/*
 * Is a worker of that epoch alive?  Takes no lock: cheap enough for each row.
 * May be called if the library was not preloaded.
 */
extern bool worker_slot_epoch_alive(int64 epoch);

/* Is a worker idle that is of this process's database, and not this one? */
extern bool worker_slot_others_idle(void);

/*
 * How many workers, of any database, have ended since the server started.  If
 * the number has changed, runs may have lost their owner.
 */
extern uint32 worker_slot_ended_count(void);

/*
 * Copies the status of all live workers into the caller's memory context;
 * returns how many there are.  May be called if the library was not
 * preloaded.
 */
extern int	worker_slot_list(WorkerStatus **workers);

#endif							/* WF_WORKER_SLOT_H */
