/*
 * set_aside.h
 *	  Shared memory: runs and definitions that are kept from disturbing others.
 *
 * For workers; about this process's database.
 */
#ifndef WF_SET_ASIDE_H
#define WF_SET_ASIDE_H

#include "datatype/timestamp.h"
#include "shared/due_queue.h"
#include "utils/uuid.h"

/*--- runs that are set aside ---*/

/*
 * The transaction that was to save that run failed, for the run's sake alone:
 * it is left alone for a while.  is_queued: it then goes back to the queue.
 * Returns how many times this has happened to the run.
 */
extern int	aside_add(const DueRun *run, bool is_queued);

/* Is the run to be left alone now? */
extern bool aside_contains(const Unit *unit);

/* The run's row was saved, and that has committed. */
extern void aside_remove(const Unit *unit);

/*--- definitions that are isolated ---*/

typedef enum DefinitionTurn
{
	TURN_FREE,					/* it is not isolated */
	TURN_MAY,					/* it is, and one run may go, alone */
	TURN_WAIT					/* none may go now */
} DefinitionTurn;

/*
 * May this worker advance a run of that definition?  take: and no other
 * worker may until isolated_end_turn.
 */
extern DefinitionTurn isolated_turn(const pg_uuid_t *definition_id,
									int64 epoch, bool take);
extern void isolated_end_turn(const pg_uuid_t *definition_id, bool went_well);

/*
 * For crashed_step.c, which holds the lock of the slots, or makes the memory:
 * a step of a run of that definition has ended its worker.
 */
extern void isolated_add(Oid database, const pg_uuid_t *definition_id);

/* For crashed_step.c, in the postmaster: keeps them for the next memory. */
extern void isolated_keep(void);

/*--- both ---*/

/* When the next of them may go on; 0: nothing is set aside or isolated. */
extern TimestampTz aside_next_try(void);

/*
 * Lets those go on whose time has come.  True: runs that were set aside are
 * among them.
 */
extern bool aside_bring_back(TimestampTz now);

/* The clock was set back, and is at now: all waits end. */
extern void aside_clock_set_back(TimestampTz now);

#endif							/* WF_SET_ASIDE_H */
