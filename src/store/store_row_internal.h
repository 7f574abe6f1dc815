/*
 * store_row_internal.h
 *	  The tables of units as they are open for a tick: for store_row.c, which
 *	  loads rows, and store_write.c, which saves them.
 */
#ifndef WF_STORE_ROW_INTERNAL_H
#define WF_STORE_ROW_INTERNAL_H

#include "access/genam.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "store/store_row.h"
#include "utils/snapshot.h"

/* One of the tables. */
typedef struct OpenTable
{
	const AttrNumber *columns;	/* by UnitColumn */
	Relation	rel;
	bool		direct;			/* may rows be saved past the executor? */
	TupleTableSlot *row;		/* as found */
	TupleTableSlot *changed;
	ResultRelInfo *result;
	Relation	key;
	IndexScanDesc scan;
} OpenTable;

struct RunTable
{
	MemoryContext context;
	EState	   *estate;
	Snapshot	snapshot;
	List	   *definitions;	/* of Definition * */
	OpenTable	tables[UNIT_NTABLES];
};

/* The table that the unit is in. */
static inline OpenTable *
open_table_of(RunTable *runs, const Unit *unit)
{
	Assert(unit->table < UNIT_NTABLES);
	return &runs->tables[unit->table];
}

#endif							/* WF_STORE_ROW_INTERNAL_H */
