/*
 * tick_resume.h
 *	  Goes on with the runs that this worker has already.
 */
#ifndef WF_TICK_RESUME_H
#define WF_TICK_RESUME_H

#include "worker/tick_state.h"

/* Records answers that have come, and goes on with their runs. */
extern void resume_record_answers(Tick *tick);

/*
 * Goes on with the runs that were left between two native steps, as many as
 * there is room for.
 */
extern void resume_runnable(Tick *tick);

/* Is there such a run that may go on now? */
extern bool resume_has_runnable(void);

/*
 * Finds in the table runs of this worker's that it has not in flight, since an
 * error made it forget them.  A later tick goes on with them.
 */
extern void resume_find_lost(Tick *tick);

#endif							/* WF_TICK_RESUME_H */
