/*
 * namevalue.h
 *	  A name and its value: what a header is.
 */
#ifndef WF_NAMEVALUE_H
#define WF_NAMEVALUE_H

#include "postgres.h"
#include "nodes/pg_list.h"

/* Values of a secret list are wiped after use. */
typedef struct NameValue
{
	char	   *name;
	char	   *value;
} NameValue;

#endif							/* WF_NAMEVALUE_H */
