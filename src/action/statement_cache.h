/*
 * statement_cache.h
 *	  Statements that are prepared once a process and role.
 */
#ifndef WF_STATEMENT_CACHE_H
#define WF_STATEMENT_CACHE_H

#include "executor/spi.h"
#include "utils/hsearch.h"

/* A statement: equal ones have the same plan. */
typedef struct Statement
{
	const char *sql;
	int			nparams;
	const Oid  *types;			/* of the parameters */
	Oid			function;		/* that a hook of parser calls; else invalid */
	ParserSetupHook parser;		/* NULL: none; its argument is function */
	int			cursor_options; /* CURSOR_OPT_GENERIC_PLAN or 0 */
} Statement;

/* Plans, at most so many; everything else is the cache's own. */
typedef struct StatementCache
{
	int			max_plans;
	HTAB	   *entries;		/* NULL: none yet */
} StatementCache;

/*
 * The plan of a statement for the current user, prepared if it is not there.
 * Within SPI.  It is valid until the next call with the same cache, so what
 * the plan executes must not make one.  Raises what preparing raises.
 */
extern SPIPlanPtr statement_plan_of(StatementCache *cache,
									const Statement *statement);

/* The same in the cache of the actions. */
extern SPIPlanPtr statement_plan(const Statement *statement);

#endif							/* WF_STATEMENT_CACHE_H */
