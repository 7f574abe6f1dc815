/*
 * tick_alone.h
 *	  A run that has a tick of its own: its step is slow, or meets a lock.
 */
#ifndef WF_TICK_ALONE_H
#define WF_TICK_ALONE_H

#include "worker/tick_state.h"

/*
 * Does the tick for that run alone.  False: it is not its turn, or not ours
 * any more, and the tick may do something else.
 */
extern bool alone_try(Tick *tick, Blocked *blocked);

#endif							/* WF_TICK_ALONE_H */
