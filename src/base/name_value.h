/*
 * name_value.h
 *	  A name and its value: what a header is.
 */
#ifndef WF_NAME_VALUE_H
#define WF_NAME_VALUE_H

#include "postgres.h"
#include "nodes/pg_list.h"

typedef struct NameValue
{
	char	   *name;
	char	   *value;
} NameValue;

/*
 * The value of the first item of that name, in any case of letters, or NULL.
 * list is of NameValue *.
 */
extern const char *name_value_find(const List *list, const char *name);

#endif							/* WF_NAME_VALUE_H */
