/*
 * tick_recovery.h
 *	  What follows a tick that failed, and a step that ended its worker.
 */
#ifndef WF_TICK_RECOVERY_H
#define WF_TICK_RECOVERY_H

#include "postgres.h"

/*
 * Before a tick, outside of a transaction: fails the run that made the last
 * ticks fail, and books crashed steps on their runs.  Returns true if one is
 * left that cannot be booked now: then nothing must be claimed.
 */
extern bool recovery_begin(void);

/* After a tick that has committed: its runs are all right. */
extern void recovery_over(void);

typedef enum TickPause
{
	PAUSE_NONE,					/* one run failed, and the others go on */
	PAUSE_SHORT,				/* run after run fails */
	PAUSE_LONGER				/* the error is no run's: longer each time */
} TickPause;

/*
 * After an error in tick_run, in its handler: aborts the transaction, logs the
 * error, and sets the run that failed aside if it is known which.  Else the
 * next ticks have one run each.  Returns how the worker is to pause.
 */
extern TickPause tick_failed(void);

#endif							/* WF_TICK_RECOVERY_H */
