/*
 * name_value.c
 *	  Finding a value by its name.
 *
 * Pure.  Any process.
 */
#include "postgres.h"
#include "compat.h"

#include "base/name_value.h"

const char *
name_value_find(const List *list, const char *name)
{
	ListCell   *lc;

	foreach(lc, list)
	{
		const NameValue *item = lfirst(lc);

		if (pg_strcasecmp(item->name, name) == 0)
			return item->value;
	}
	return NULL;
}
