/*
 * tick_claim.h
 *	  Which runs a tick takes: what is due, and orphans.
 */
#ifndef WF_TICK_CLAIM_H
#define WF_TICK_CLAIM_H

#include "worker/tick_state.h"

/* Takes runs and advances them; sweep: orphans too. */
extern void tick_claim(Tick *tick, bool sweep);

/* The clock was set back: runs that were locked are tried again at once. */
extern void claim_clock_set_back(void);

#endif							/* WF_TICK_CLAIM_H */
