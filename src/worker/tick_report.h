/*
 * tick_report.h
 *	  What a tick tells the server's log.
 */
#ifndef WF_TICK_REPORT_H
#define WF_TICK_REPORT_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* One log line for each of these failed runs (RunRow *); after the commit. */
extern void report_failed(List *runs);

#endif							/* WF_TICK_REPORT_H */
