/*
 * tick_resume.h
 *	  Goes on with the runs that this worker has already.
 */
#ifndef WF_TICK_RESUME_H
#define WF_TICK_RESUME_H

#include "worker/tick_state.h"

/* Records the answers to requests that have come, and goes on with their runs. */
extern void resume_record_answers(Tick *tick);

/* Goes on with the runs that were left between two native steps. */
extern void resume_runnable(Tick *tick);

/* Is there such a run that may go on now? */
extern bool resume_has_runnable(void);

/* Finds runs of this worker's in the table that an error made it forget. */
extern void resume_find_lost(Tick *tick);

#endif							/* WF_TICK_RESUME_H */
