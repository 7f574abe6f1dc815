/*
 * tick_alone.h
 *	  A run that has a tick of its own: its step is slow, or meets a lock.
 */
#ifndef WF_TICK_ALONE_H
#define WF_TICK_ALONE_H

#include "worker/tick_state.h"

/*
 * Advances and saves that run, as the only one of the tick.  Returns false if
 * it has to wait, or is not ours any more: then the tick may do other work.
 */
extern bool alone_try(Tick *tick, Blocked *blocked);

#endif							/* WF_TICK_ALONE_H */
