/*
 * unit.c
 *	  Lists of units.
 *
 * Pure.  Any process.  The lists are short (the runs of a batch), so they are
 * searched from end to end.
 */
#include "postgres.h"
#include "compat.h"

#include "base/unit.h"

Unit *
unit_copy(const Unit *unit)
{
	Unit	   *copy = palloc(sizeof(Unit));

	*copy = *unit;
	return copy;
}

bool
units_contain(List *units, const Unit *unit)
{
	ListCell   *lc;

	foreach(lc, units)
	{
		if (unit_equal(lfirst(lc), unit))
			return true;
	}
	return false;
}

List *
units_append_copies(List *units, List *more)
{
	ListCell   *lc;

	foreach(lc, more)
		units = lappend(units, unit_copy(lfirst(lc)));
	return units;
}

List *
units_remove(List *units, List *gone)
{
	ListCell   *lc;

	foreach(lc, units)
	{
		if (units_contain(gone, lfirst(lc)))
		{
			pfree(lfirst(lc));
			units = foreach_delete_current(units, lc);
		}
	}
	return units;
}
