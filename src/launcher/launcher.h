/*
 * launcher.h
 *	  The process that starts workers where they are needed.
 */
#ifndef WF_LAUNCHER_H
#define WF_LAUNCHER_H

#include "postgres.h"
#include "compat.h"

/* Called in _PG_init of a preloaded library. */
extern void launcher_register(void);

extern PGDLLEXPORT void workflow_engine_launcher_main(Datum arg);

#endif							/* WF_LAUNCHER_H */
