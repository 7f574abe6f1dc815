/*
 * tick_report.h
 *	  What a tick tells others of runs that have ended: an event, a log line.
 */
#ifndef WF_TICK_REPORT_H
#define WF_TICK_REPORT_H

#include "store/store.h"

/*
 * A run has ended with that status.  Queues NOTIFY workflow_events in the
 * current transaction, if workflow_engine.notify_events asks for it.
 */
extern void report_event(const pg_uuid_t *run_id, const char *status);

/*
 * Logs a line for each of these failed runs (RunRow *).  To be called after
 * the commit: else the log would tell of what is then rolled back.
 */
extern void report_failed(List *runs);

#endif							/* WF_TICK_REPORT_H */
