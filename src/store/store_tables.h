/*
 * store_tables.h
 *	  What somebody may have changed of the extension's tables.
 */
#ifndef WF_STORE_TABLES_H
#define WF_STORE_TABLES_H

#include "store/store.h"

/* May this column of workflow_runs be null, as the install script made it? */
extern bool store_column_may_be_null(int column);

/*
 * Another number whenever the relation cache has forgotten one of the tables,
 * or the tables are those of another schema: what was found out about them
 * holds as long as it is the same.
 */
extern uint64 store_tables_generation(void);

/* For a worker's tick: all tables; the same error is logged only once. */
extern void store_check_tables_of_worker(void);

#endif							/* WF_STORE_TABLES_H */
