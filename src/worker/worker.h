/*
 * worker.h
 *	  The process that executes runs.
 */
#ifndef WF_WORKER_H
#define WF_WORKER_H

#include "postgres.h"

#define CHANNEL_IN "workflow_engine"	/* wakes the workers */

/*
 * Entry point; arg is the slot that the launcher reserved (int32), bgw_extra
 * holds the database's OID.
 */
extern PGDLLEXPORT void workflow_engine_worker_main(Datum arg);

#endif							/* WF_WORKER_H */
