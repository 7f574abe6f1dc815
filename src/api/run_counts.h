/*
 * run_counts.h
 *	  How far runs are counted, and what statements that count them share.
 */
#ifndef WF_RUN_COUNTS_H
#define WF_RUN_COUNTS_H

#include "postgres.h"
#include "api/run_query.h"

/* A count stops here; what is shown of it is "10,000+". */
#define RUN_COUNT_MAX 10001
#define RUN_COUNT_LIMIT "10001" /* the same, in SQL */

#endif							/* WF_RUN_COUNTS_H */
