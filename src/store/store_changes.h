/*
 * store_changes.h
 *	  Which columns of a run's row an advance changes, and to what.
 */
#ifndef WF_STORE_CHANGES_H
#define WF_STORE_CHANGES_H

#include "postgres.h"
#include "store/run_row.h"
#include "store/store_units.h"

/* What an advance changes: columns, and their values in that order. */
#define STORE_NCHANGES 13
extern const UnitColumn store_changed_columns[STORE_NCHANGES];
extern void store_changes(const RunRow *run, Datum *values, bool *isnull);

#endif							/* WF_STORE_CHANGES_H */
