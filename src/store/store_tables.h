/*
 * store_tables.h
 *	  What somebody may have changed of the extension's tables.
 */
#ifndef WF_STORE_TABLES_H
#define WF_STORE_TABLES_H

#include "store/store.h"

/*
 * What somebody has added to workflow_runs that a row written past the
 * executor would miss.  rel is open.
 */
extern RunsWriting store_examine_runs(Relation rel);

/* May this column of workflow_runs be null, as the install script made it? */
extern bool store_column_may_be_null(int column);

/* The tables are to be checked anew: they are those of another schema. */
extern void store_forget_tables(void);

/* For a worker's tick: all tables; the same error is logged only once. */
extern void store_check_tables_of_worker(void);

#endif							/* WF_STORE_TABLES_H */
