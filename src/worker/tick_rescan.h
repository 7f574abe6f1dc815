/*
 * tick_rescan.h
 *	  What a tick asks the table for, so that the queue knows what is due.
 */
#ifndef WF_TICK_RESCAN_H
#define WF_TICK_RESCAN_H

#include "shared/due_queue.h"
#include "worker/tick_state.h"

/*
 * Rescans the table: tells the queue of each tenant that has something due, so
 * that it is read from its first run on.  The arguments are what
 * due_begin_rescan has said: the number of this rescan, and after which tenant
 * it begins if has_last is true.  If the queue has no room for more tenants,
 * the next rescan goes on from there, and this returns false.
 */
extern bool tick_rescan(Tick *tick, uint32 nrescans, pg_uuid_t last,
						bool has_last);

/*
 * Queues the runs that were to come later and have become due since the timer
 * was set, and sets the timer anew.
 */
extern void tick_read_later(void);

/* Reads from the table a tenant's next runs that are due, for the queue. */
extern void tick_read_tenant(const Tick *tick, const DueReading *reading);

#endif							/* WF_TICK_RESCAN_H */
