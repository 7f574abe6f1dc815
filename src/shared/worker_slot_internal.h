/*
 * worker_slot_internal.h
 *	  The layout of the slots of workers, for the files of this folder that
 *	  write to them.
 */
#ifndef WF_WORKER_SLOT_INTERNAL_H
#define WF_WORKER_SLOT_INTERNAL_H

#include "port/atomics.h"
#include "shared/worker_slot.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/spin.h"

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
	TimestampTz since;			/* reserved at; once live, entered at */
	WorkerEnd	end;

	/* guarded by mutex; written by its worker */
	slock_t		mutex;
	WorkerStatus status;
	bool		found_extension;
	bool		idle;
	TimestampTz last_work;

	/* no lock: see wakeup.c and worker_leave.c */
	pg_atomic_uint32 leave;		/* a LeaveWish */
	pg_atomic_uint32 woken;		/* a wake-up it has not taken */
	Latch	   *latch;			/* valid once live_database has been set */
} WorkerSlot;

typedef struct WorkerSlots
{
	LWLock	   *lock;
	Latch	   *launcher;		/* its latch, or NULL; read without the lock */
	pg_atomic_uint32 nended;	/* counts workers that have left */

	/*
	 * Of slot i, 0 but while it is live.  Apart from the slots, so that a
	 * look at all of them touches few cache lines.  Written under the lock,
	 * read without it.
	 */
	pg_atomic_uint64 epoch[MAX_WORKER_SLOTS];
	pg_atomic_uint32 live_database[MAX_WORKER_SLOTS];

	WorkerSlot	slots[MAX_WORKER_SLOTS];
} WorkerSlots;

/* NULL if the library was not preloaded. */
extern WorkerSlots *worker_slots;

/* The slot of this process and its number; NULL and -1 if it is no worker. */
extern WorkerSlot *worker_slot_mine(void);
extern int	worker_slot_number(void);
extern void worker_slot_set_number(int number);

#endif							/* WF_WORKER_SLOT_INTERNAL_H */
