/*
 * trigger_row.h
 *	  A row in one of the row triggers on our own tables: read, compare,
 *	  change.
 */
#ifndef WF_TRIGGER_ROW_H
#define WF_TRIGGER_ROW_H

#include "postgres.h"
#include "access/htup.h"
#include "base/problems.h"
#include "fmgr.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"

typedef struct TriggerRow
{
	Relation	rel;
	bool		is_insert;
	bool		is_update;
	HeapTuple	old;			/* UPDATE only */
	HeapTuple	tuple;			/* the row to be written; of a DELETE the row
								 * that is deleted */
} TriggerRow;

/*
 * Fills *row from a call of a trigger function, and makes the schema of that
 * function the engine's.  Raises 39P01 unless the call is one of a trigger of
 * that table of ours: a trigger function acts with the rights of the tables'
 * owner, so it must not be usable on another table.  Raises 55000 if the
 * table's columns are not those of the install script.
 */
extern void row_begin(TriggerRow *row, FunctionCallInfo fcinfo,
					  const char *table);

/* A column of the row, and of the row before an UPDATE. */
extern Datum row_get(const TriggerRow *row, int column, bool *isnull);
extern Datum row_get_old(const TriggerRow *row, int column, bool *isnull);

/* A column of the row as palloc'd text, and as jsonb; NULL if it is null. */
extern char *row_text(const TriggerRow *row, int column);
extern Jsonb *row_json(const TriggerRow *row, int column);

/* Sets a column of the row to a value that is not null. */
extern void row_set(TriggerRow *row, int column, Datum value);

/*
 * Does the UPDATE change the column?  Values are compared as they are stored,
 * byte by byte.
 */
extern bool row_changed(const TriggerRow *row, int column);

/*
 * Does a restore insert the row?  The scripts of pg_dump and pg_restore turn
 * check_function_bodies off.  Every role can do that, so it means a restore
 * only if the current user owns the table, as whoever restores it must; and
 * never in a function that acts with the rights of its owner.
 */
extern bool row_is_restored(const TriggerRow *row);

/* What the trigger function returns, so that the row is written. */
extern Datum row_end(TriggerRow *row);

/*
 * Raises 22023 with message, and every error in the detail, if there is an
 * error.  Otherwise gives one WARNING with all warnings in its detail, but
 * none if check_function_bodies is off, as in a restore.
 */
extern void problems_raise(const Problems *problems, const char *message);

#endif							/* WF_TRIGGER_ROW_H */
