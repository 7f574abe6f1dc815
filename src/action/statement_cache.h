/*
 * statement_cache.h
 *	  Statements of actions, prepared once a process and role.
 */
#ifndef WF_STATEMENT_CACHE_H
#define WF_STATEMENT_CACHE_H

#include "executor/spi.h"

/* A statement: equal ones have the same plan. */
typedef struct Statement
{
	const char *sql;
	int			nparams;
	const Oid  *types;			/* of the parameters */
	Oid			function;		/* that a hook of parser calls; else invalid */
	ParserSetupHook parser;		/* NULL: none; its argument is function */
} Statement;

/*
 * The plan of a statement for the current user, prepared if it is not there.
 * Within SPI.  It is valid until the next call.  Raises what preparing raises.
 */
extern SPIPlanPtr statement_plan(const Statement *statement);

#endif							/* WF_STATEMENT_CACHE_H */
