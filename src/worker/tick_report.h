/*
 * tick_report.h
 *	  What a tick tells the world: an event and a log line.
 */
#ifndef WF_TICK_REPORT_H
#define WF_TICK_REPORT_H

#include "store/store.h"

/*
 * A run has ended: queues NOTIFY workflow_events in the current transaction,
 * as workflow_engine.notify_events asks.
 */
extern void report_event(const pg_uuid_t *run_id, const char *status);

/* One log line for each of these failed runs (RunRow *); after the commit. */
extern void report_failed(List *runs);

#endif							/* WF_TICK_REPORT_H */
