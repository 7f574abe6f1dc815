/*
 * launcher_slot.h
 *	  Shared memory: the slots of the workers, for the launcher alone.
 */
#ifndef WF_LAUNCHER_SLOT_H
#define WF_LAUNCHER_SLOT_H

#include "datatype/timestamp.h"
#include "shared/worker_slot.h"

/* A slot as the launcher sees it. */
typedef struct LauncherSlot
{
	WorkerSlotState state;
	Oid			database;
	TimestampTz since;			/* reserved at; once live, entered at */
	bool		found_extension;	/* live, and it found the extension */
	bool		leaving;		/* asked to leave */
	TimestampTz idle_since;		/* when it last had work; 0: busy now */
	WorkerEnd	end;			/* if state is SLOT_LEFT */
} LauncherSlot;

/* This process's latch is the launcher's from now on, until it exits. */
extern void launcher_slot_enter(void);

/* Copies all slots. */
extern void launcher_slot_copy_all(LauncherSlot slots[MAX_WORKER_SLOTS]);

/*
 * Reserves a slot for a worker of that database and returns its number; -1
 * if all are taken.  The new worker needs the generation as well: it stands
 * after the database in bgw_extra.
 */
extern int	launcher_slot_reserve(Oid database, uint32 *generation);

/*
 * Frees a slot whose process has ended.  Returns how it ended, *since as in
 * LauncherSlot.
 */
extern WorkerEnd launcher_slot_release(int slot, TimestampTz *since);

#endif							/* WF_LAUNCHER_SLOT_H */
