/*
 * tick_recovery.h
 *	  Ticks that failed, and steps that ended a worker.
 */
#ifndef WF_TICK_RECOVERY_H
#define WF_TICK_RECOVERY_H

#include "postgres.h"

/*
 * Before a tick: fails the run that failed the last one, and books what ended
 * a worker.  True: another worker is about that, and nothing must be claimed.
 */
extern bool recovery_begin(void);

/* After a tick that has committed. */
extern void recovery_over(void);

typedef enum TickPause
{
	PAUSE_NONE,					/* one run was to blame: the others go on */
	PAUSE_SHORT,				/* run after run fails */
	PAUSE_LONGER				/* no run is to blame: longer each time */
} TickPause;

/*
 * After an error: aborts and reports it, sets the run to blame aside if it is
 * known, and processes the next runs one by one.
 */
extern TickPause tick_failed(void);

#endif							/* WF_TICK_RECOVERY_H */
