/*
 * shared.h
 *	  How the files of this folder get their shared memory; for them alone.
 */
#ifndef WF_SHARED_H
#define WF_SHARED_H

#include "storage/lwlock.h"

/* The locks; README.md says what each guards.  At most one is held at once. */
typedef enum SharedLock
{
	SHARED_LOCK_SLOTS,
	SHARED_LOCK_DUE_QUEUE,
	SHARED_LOCK_GATES
} SharedLock;

#define NUM_SHARED_LOCKS (SHARED_LOCK_GATES + 1)

/* What one file keeps there. */
typedef struct SharedPart
{
	const char *name;			/* in pg_shmem_allocations */
	Size		size;
	SharedLock	lock;

	/*
	 * Called in each process that starts from the postmaster's program anew,
	 * so on Unix in the postmaster alone: at its start, and after a crash of
	 * a process.  is_new: the memory was just made and is zero.
	 */
	void		(*attach) (void *memory, LWLock *lock, bool is_new);

	/* Called once, in _PG_init; NULL if there is nothing to do. */
	void		(*install) (void);
} SharedPart;

extern const SharedPart worker_slot_part;
extern const SharedPart due_queue_part;
extern const SharedPart gate_part;
extern const SharedPart set_aside_part;
extern const SharedPart crashed_step_part;
extern const SharedPart long_step_part;
extern const SharedPart database_block_part;
extern const SharedPart extension_check_part;
extern const SharedPart commit_wakeup_part;

#endif							/* WF_SHARED_H */
