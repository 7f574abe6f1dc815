/*
 * store_write.h
 *	  Rows of units, saved past the executor.
 */
#ifndef WF_STORE_WRITE_H
#define WF_STORE_WRITE_H

#include "postgres.h"
#include "store/store_row.h"

/* Writes back what changes in a run.  runs may be NULL. */
extern void store_save_run(RunTable *runs, const RunRow *run);

#endif							/* WF_STORE_WRITE_H */
