/*
 * tick_claim.h
 *	  Which runs a tick takes: what is due, and orphans.
 */
#ifndef WF_TICK_CLAIM_H
#define WF_TICK_CLAIM_H

#include "worker/tick_state.h"

/*
 * Takes runs that are due and advances them.  If the table is rescanned, or if
 * sweep is true, runs whose owner is gone are taken over as well.
 */
extern void tick_claim(Tick *tick, bool sweep);

/*
 * This worker begins a step that may take long, or winds up: the runs whose
 * rows were locked go back to the queue, and the other workers are woken.
 */
extern void claim_hand_over(void);

/* The clock was set back: runs that were locked are tried again at once. */
extern void claim_clock_set_back(void);

#endif							/* WF_TICK_CLAIM_H */
