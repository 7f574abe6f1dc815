/*
 * tick_batch.h
 *	  Runs are advanced, a few within one subtransaction.
 */
#ifndef WF_TICK_BATCH_H
#define WF_TICK_BATCH_H

#include "worker/tick_state.h"

/* Takes each (RunRow *) as far as it goes, and saves it. */
extern void tick_advance(Tick *tick, List *runs);

#endif							/* WF_TICK_BATCH_H */
