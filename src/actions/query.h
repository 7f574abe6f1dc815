/*
 * query.h
 *	  What the files of action query share.
 */
#ifndef WF_QUERY_H
#define WF_QUERY_H

#include "action/record_select.h"
#include "action/step_check.h"

#define QUERY_LIMIT 100
#define QUERY_MAX_LIMIT 10000
#define QUERY_MAX_GROUPS 16
#define QUERY_MAX_AGGREGATES 32

/* Whole: "limit" must be from 1 to QUERY_MAX_LIMIT.  Raises 22023. */
extern int	query_limit(const Call *call);

/*
 * Is the element of order_by, "total", "+total" or "-total", descending?  Sets
 * *name to the column.
 */
extern bool query_sort_key(const char *text, const char **name);

/* Is it a function that "aggregate" knows?  Its words, for hints. */
#define QUERY_FUNCTIONS 6
extern const char *const query_functions[QUERY_FUNCTIONS];
extern bool query_is_function(const char *word);

/*
 * A SELECT whose rows have one column each, a jsonb object; at most limit of
 * them.  Raises what query.c says.
 */
extern char *query_statement(const Call *call, const RecordTable *table,
							 int limit, RecordParams *params);

/* Compares what the step names with the catalog. */
extern void query_check(const StepCheck *step);

#endif							/* WF_QUERY_H */
