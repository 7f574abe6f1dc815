/*
 * run_query.h
 *	  Statements of the functions that look for runs, built piece by piece.
 */
#ifndef WF_RUN_QUERY_H
#define WF_RUN_QUERY_H

#include "postgres.h"
#include "lib/stringinfo.h"
#include "nodes/execnodes.h"
#include "store/planner_rule.h"

#define RUN_QUERY_MAX_PARAMS 40

/* A statement that grows, with its parameters. */
typedef struct RunQuery
{
	StringInfoData sql;
	int			nparams;
	Oid			types[RUN_QUERY_MAX_PARAMS];
	Datum		values[RUN_QUERY_MAX_PARAMS];
} RunQuery;

/* Begins a statement, in the current memory context. */
extern void run_query_begin(RunQuery *query);

/* Appends a piece of the statement, with each %t replaced by the schema. */
extern void run_query_add(RunQuery *query, const char *sql);

/* The same, with $ standing for a new parameter of that type and value. */
extern void run_query_add_param(RunQuery *query, const char *sql, Oid type,
								Datum value);

/* Adds a parameter, the next $n, and no text. */
extern void run_query_param(RunQuery *query, Oid type, Datum value);

/*
 * Appends " AND <condition>", in which $ stands for the session's tenant.  If
 * the session is bound to no tenant at all, it appends " AND false"; if it is
 * not bound, nothing.
 */
extern void run_query_bind_tenant(RunQuery *query, const char *condition);

/*
 * Executes the statement within SPI, read only, and raises what it raises.
 * The rows are in SPI_tuptable.
 */
extern void run_query_execute(const RunQuery *query, PlannerRule rule);

/*
 * Puts the rows of SPI_tuptable into the result of a function that returns a
 * set: its columns are those of the statement.
 */
extern void run_query_return_rows(ReturnSetInfo *rsinfo);

#endif							/* WF_RUN_QUERY_H */
