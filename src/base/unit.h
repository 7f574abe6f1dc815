/*
 * unit.h
 *	  A unit: something to be executed, as its table and its id there.
 *
 * Whoever carries "what is to be executed" carries a unit: the queue of what
 * is due, requests in flight, crashed steps, the row that a worker has loaded.
 * Users know the id alone, which names the run.
 */
#ifndef WF_UNIT_H
#define WF_UNIT_H

#include "postgres.h"
#include "nodes/pg_list.h"
#include "utils/uuid.h"

typedef enum UnitTable
{
	UNIT_RUN					/* workflow_runs */
} UnitTable;

#define UNIT_NTABLES (UNIT_RUN + 1)

typedef struct Unit
{
	UnitTable	table;
	pg_uuid_t	id;
} Unit;

/* Hash tables take a unit as its bytes, so none may be undefined. */
StaticAssertDecl(sizeof(Unit) == sizeof(UnitTable) + UUID_LEN,
				 "a unit must have no padding");

static inline Unit
unit_of_run(const pg_uuid_t *id)
{
	Unit		unit = {.table = UNIT_RUN,.id = *id};

	return unit;
}

static inline bool
unit_equal(const Unit *a, const Unit *b)
{
	return a->table == b->table && memcmp(&a->id, &b->id, UUID_LEN) == 0;
}

/* By id, which is how both tables and queues order units; then by table. */
static inline int
unit_compare(const Unit *a, const Unit *b)
{
	int			order = memcmp(&a->id, &b->id, UUID_LEN);

	return order != 0 ? order : (int) a->table - (int) b->table;
}

/* A palloc'd copy. */
extern Unit *unit_copy(const Unit *unit);

/*--- lists of units (Unit *, or what begins with one) ---*/

/* Is the unit in the list? */
extern bool units_contain(List *units, const Unit *unit);

/* Appends copies of more to units, in the current context. */
extern List *units_append_copies(List *units, List *more);

/* Removes from units, and frees, those that are in gone; returns the list. */
extern List *units_remove(List *units, List *gone);

#endif							/* WF_UNIT_H */
