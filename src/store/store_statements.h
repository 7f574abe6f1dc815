/*
 * store_statements.h
 *	  The SQL of store_statements.c, for store_execute.c alone.
 */
#ifndef WF_STORE_STATEMENTS_H
#define WF_STORE_STATEMENTS_H

#include "store/store_execute.h"

typedef struct StatementText
{
	const char *sql;			/* %t is the schema, %r a table of units */
	int			nargs;
	Oid			args[16];
} StatementText;

extern const StatementText store_statements[STORE_NSTATEMENTS];

#endif							/* WF_STORE_STATEMENTS_H */
