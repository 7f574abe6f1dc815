/*
 * worker_life.h
 *	  Shared memory: how a process becomes a worker, and ceases to be one.
 */
#ifndef WF_WORKER_LIFE_H
#define WF_WORKER_LIFE_H

/*
 * Makes this process, which is connected to its database, a worker: moves the
 * slot from STARTING to LIVE under a new epoch, and returns the epoch.  A
 * before_shmem_exit callback moves the slot to LEFT.  The launcher reserved
 * the slot; its number is in bgw_main_arg.  FATAL,
 * ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, if the launcher has given the
 * slot up since.  The caller asks worker_leave_wish next, before anything
 * else.
 */
extern int64 worker_life_begin(int slot);

/*
 * What wf_workers() shows as the state.  The launcher takes the first state
 * other than "starting" for the news that this worker has found the
 * extension.  In the states "idle", "paused" and "pausing" a worker may be
 * asked to make room for another database's.
 */
extern void worker_life_set_state(const char *state);

/*
 * Tells the launcher that this worker's database has no extension (any
 * more); the worker then exits with 0.
 */
extern void worker_life_lacks_extension(Oid database);

#endif							/* WF_WORKER_LIFE_H */
