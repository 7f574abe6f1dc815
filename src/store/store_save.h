/*
 * store_save.h
 *	  Runs as the workers leave them: saved, failed, found cancelled.
 */
#ifndef WF_STORE_SAVE_H
#define WF_STORE_SAVE_H

#include "postgres.h"
#include "store/run_row.h"
#include "store/store_execute.h"

/*
 * Executes a statement that writes that run, whose id is its first value, as
 * the owner of the table.  Raises 57014 if that takes longer than a second.
 * False: no row was written.
 */
extern bool store_write_run(const Unit *unit, StoreStatement statement,
							Datum *values, const char *nulls);

/*
 * Was the run, which is locked, cancelled in the transaction under way?  Then
 * run takes over what that wrote.
 */
extern bool store_take_cancelled(RunRow *run);

/*
 * Writes back what changes in a run, by a statement, as the table's owner.
 * Raises 09000 if a trigger or rule left out the UPDATE, and whatever
 * somebody's constraint or trigger raises.
 */
extern void store_update_run(const RunRow *run);

/* Fails a run that no tick could process. */
extern void store_fail_run(const Unit *unit, const char *message);

#endif							/* WF_STORE_SAVE_H */
