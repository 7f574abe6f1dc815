/*
 * store_execute.h
 *	  The statements on the extension's tables, prepared once a process.
 */
#ifndef WF_STORE_EXECUTE_H
#define WF_STORE_EXECUTE_H

#include "postgres.h"
#include "base/unit.h"

typedef enum StoreStatement
{
	STORE_TENANTS_DUE,
	STORE_DUE,
	STORE_LATER,
	STORE_NEXT_DUE,
	STORE_TAKE_OVER,
	STORE_OWNED_BUT,
	STORE_SAVE,
	STORE_EXISTS,
	STORE_INSERT,
	STORE_INSERT_RULED,
	STORE_INSERT_KEYED,
	STORE_INSERTED,
	STORE_KEYED,
	STORE_STOPPED_RUN,
	STORE_CANCEL,
	STORE_REQUEUE,
	STORE_RERUN,
	STORE_IS_CRASHED,
	STORE_CANCELLED,
	STORE_FAIL,
	STORE_LOCK_CRASHED,
	STORE_COUNT_CRASH,
	STORE_PAUSES,
	STORE_VERSION,
	STORE_NAME,
	STORE_ACTION,
	STORE_CONNECTION,
	STORE_CONNECTION_SHOWN,
	STORE_TEMPLATE,
	STORE_ACTIONS,
	STORE_DEFINITION,
	STORE_HAS_DEFINITION,
	STORE_CHAIN,
	STORE_PURGE_LOOK_RUNS,
	STORE_PURGE_RUNS,
	STORE_PURGE_LOOK_OPERATIONS,
	STORE_PURGE_OPERATIONS,
	STORE_FOREIGN_PLACES,
	STORE_COUNT_PLACE,
	STORE_OPEN_IDS,
	STORE_NSTATEMENTS
} StoreStatement;

/*
 * Executes it within SPI (the caller has connected); as SPI_execute_plan.
 * nulls may be NULL.
 */
extern int	store_execute(StoreStatement statement, Datum *values,
						  const char *nulls, bool read_only, long limit);

/* The same, of a statement on the units of that table. */
extern int	store_execute_on(UnitTable table, StoreStatement statement,
							 Datum *values, const char *nulls, bool read_only,
							 long limit);

#endif							/* WF_STORE_EXECUTE_H */
