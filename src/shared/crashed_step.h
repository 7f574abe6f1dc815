/*
 * crashed_step.h
 *	  Shared memory: runs and steps whose worker has ended while it was about
 *	  them.
 */
#ifndef WF_CRASHED_STEP_H
#define WF_CRASHED_STEP_H

#include "base/unit.h"
#include "datatype/timestamp.h"
#include "plan/step_position.h"
#include "utils/uuid.h"

/* A run that a worker was about when it ended, and the step it executed. */
typedef struct CrashedStep
{
	Oid			database;
	Unit		unit;
	pg_uuid_t	definition_id;	/* zero: not known */
	StepPosition step;			/* none: the run was loaded or saved */
	TimestampTz since;			/* when the attempt began */
	bool		uncancelled;	/* it would not end after its time-out */
	/* by crashed_step.c alone: */
	int64		claimed_by;		/* epoch of the worker that books it, or 0 */
	TimestampTz held_since;		/* since then it could not be booked; 0: it
								 * was not tried in vain */
	TimestampTz next_try;
} CrashedStep;

/*--- of the worker that this process is: what it is about ---*/

/*
 * Which run this worker is about from now on, executing no step.  NULL for
 * unit: none; NULL for definition_id: it is not known yet.
 */
extern void crashed_step_note_run(const Unit *unit,
								  const pg_uuid_t *definition_id);

/*
 * Which step it executes from now on, until crashed_step_note_end; after that
 * it is about the same run.
 */
extern void crashed_step_note_begin(const CrashedStep *step);
extern void crashed_step_note_end(void);

/* This worker quits together with all other processes.  Signal-safe. */
extern void crashed_step_note_quit(void);

/* For worker_life.c: a worker enters that slot.  The slots' lock is held. */
extern void crashed_step_enter(int slot);

/* For worker_life.c: this worker ends, abnormally or not. */
extern void crashed_step_leave(bool has_crashed);

/* Is this worker about a run? */
extern bool crashed_step_has_run(void);

/*--- in workers: the list ---*/

/*
 * Adds one to the list, for a worker of its database to book.  May be called
 * while the process exits.  Fields that the caller does not know are zero.
 */
extern void crashed_step_report(const CrashedStep *crashed);

typedef enum CrashedSearch
{
	CRASHED_NONE,
	CRASHED_FOUND,				/* book it, then drop it or put it off */
	CRASHED_ELSEWHERE			/* another worker books it, or its run is
								 * locked for the moment: claim nothing */
} CrashedSearch;

/* A crashed step of this database, for this worker to book. */
extern CrashedSearch crashed_step_find(int64 epoch, CrashedStep *crashed);

/* It was booked. */
extern void crashed_step_drop(const CrashedStep *crashed);

/*
 * It cannot be booked now.  Workers claim nothing for a while, in case it can
 * be booked soon; then they go on without it.
 */
extern void crashed_step_put_off(const CrashedStep *crashed);

/*
 * Do workers begin on probation, since the server comes from a crash or has
 * ended in an unknown way (*last_end_unknown)?
 */
extern bool crashed_step_on_probation(bool *last_end_unknown);

#endif							/* WF_CRASHED_STEP_H */
