/*
 * worker_slot.h
 *	  Shared memory: which workers live, and what they say of themselves.
 */
#ifndef WF_WORKER_SLOT_H
#define WF_WORKER_SLOT_H

#include "datatype/timestamp.h"

#define MAX_WORKER_SLOTS 128	/* slots, all databases together */
#define WORKER_ERROR_SIZE 256	/* bytes of last_error, its end included */

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
	char		last_error[WORKER_ERROR_SIZE];
} WorkerStatus;

/* The states of a slot; README.md draws them. */
typedef enum WorkerSlotState
{
	SLOT_FREE,
	SLOT_STARTING,				/* reserved, its process has not entered */
	SLOT_LIVE,
	SLOT_LEFT					/* its process has ended or is about to */
} WorkerSlotState;

/* How a worker has ended. */
typedef enum WorkerEnd
{
	WORKER_END_ERROR,			/* also: never entered */
	WORKER_END_ASKED,			/* worker_leave_wish was not LEAVE_NOT */
	WORKER_END_TERMINATED,		/* pg_terminate_backend, server stop */
	WORKER_END_STEP,			/* an error, while it was about a run */
	WORKER_END_LACKS			/* its database has no extension */
} WorkerEnd;

/*--- of the worker that this process is ---*/

/*
 * For wf_workers(): sets the number of requests under way, adds to the numbers
 * of runs and steps.  A worker counts as idle since the last call that told of
 * work.
 */
extern void worker_slot_count_work(int in_flight, int64 more_runs,
								   int64 more_steps);

/* For wf_workers(); cut between characters if it does not fit. */
extern void worker_slot_set_error(const char *message);

/*
 * The same; false if another worker of this database says so already.
 */
extern bool worker_slot_first_to_say(const char *message);

/* Was this worker woken since the last call?  Clears its flag. */
extern bool worker_slot_take_wakeup(void);

/*--- of all workers ---*/

/*
 * Is a worker of that epoch alive?  Takes no lock: cheap enough for each row.
 * May be called if the library was not preloaded.
 */
extern bool worker_slot_epoch_alive(int64 epoch);

/* Is any worker of that database alive?  Takes no lock. */
extern bool worker_slot_database_has_any(Oid database);

/* Was a slot reserved since the memory was made?  Takes no lock. */
extern bool worker_slot_any_was_reserved(void);

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
