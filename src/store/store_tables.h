/*
 * store_tables.h
 *	  What somebody may have changed of the extension's tables.
 */
#ifndef WF_STORE_TABLES_H
#define WF_STORE_TABLES_H

#include "postgres.h"

/* So many of the tables: the first four are all that wf_fire needs, ... */
typedef enum StoreTables
{
	STORE_TABLES_OF_FIRE = 4,
	STORE_TABLES_OF_RUNS = 5,	/* with the versions of definitions */
	STORE_ALL_TABLES = 9
} StoreTables;

/*
 * Raises 55000 if a column that the library reads or writes is not there or
 * of another type.  Costs a comparison until one of the tables changes.
 */
extern void store_check_tables(StoreTables n);

/* Did the last check raise that error? */
extern bool store_tables_mismatch(void);

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
