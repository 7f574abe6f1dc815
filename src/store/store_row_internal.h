/*
 * store_row_internal.h
 *	  The table of runs as it is open for a tick: for store_row.c, which loads
 *	  rows, and store_write.c, which saves them.
 */
#ifndef WF_STORE_ROW_INTERNAL_H
#define WF_STORE_ROW_INTERNAL_H

#include "access/genam.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "store/store.h"
#include "utils/snapshot.h"

struct RunTable
{
	MemoryContext context;
	Relation	rel;
	bool		direct;			/* may rows be saved past the executor? */
	TupleTableSlot *row;		/* as found */
	TupleTableSlot *changed;
	ResultRelInfo *result;
	EState	   *estate;
	Relation	key;
	IndexScanDesc scan;
	Snapshot	snapshot;
	List	   *definitions;	/* of Definition * */
};

#endif							/* WF_STORE_ROW_INTERNAL_H */
