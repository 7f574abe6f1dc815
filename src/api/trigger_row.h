/*
 * trigger_row.h
 *	  A row in one of our own row triggers: read, compare, change.
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
	bool		is_update;
	HeapTuple	old;			/* UPDATE only */
	HeapTuple	tuple;			/* the row as it shall be */
} TriggerRow;

/*
 * Takes the row of a trigger call, and the schema of its function as ours.
 * Raises 39P01 where it is called as anything else than a trigger of that
 * table of ours: it acts with the rights of the tables' owner.
 */
extern void row_begin(TriggerRow *row, FunctionCallInfo fcinfo,
					  const char *table);

extern Datum row_get(const TriggerRow *row, int column, bool *isnull);
extern Datum row_get_old(const TriggerRow *row, int column, bool *isnull);

/* The same as a text, or NULL; as jsonb, or NULL. */
extern char *row_text(const TriggerRow *row, int column);
extern Jsonb *row_json(const TriggerRow *row, int column);

extern void row_set(TriggerRow *row, int column, Datum value);

/* Did the UPDATE change the column (compared as stored)? */
extern bool row_changed(const TriggerRow *row, int column);

/* What the trigger returns. */
extern Datum row_end(TriggerRow *row);

/*
 * Raises 22023 with message and every error in the detail, if there is one;
 * else gives one WARNING with every warning in its detail, and returns.
 */
extern void problems_raise(const Problems *problems, const char *message);

#endif							/* WF_TRIGGER_ROW_H */
