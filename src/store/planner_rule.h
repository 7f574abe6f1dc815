/*
 * planner_rule.h
 *	  How the planner may find rows, whatever it knows of the tables.
 */
#ifndef WF_PLANNER_RULE_H
#define WF_PLANNER_RULE_H

#include "postgres.h"

typedef enum PlannerRule
{
	PLANNER_IN_INDEX_ORDER,		/* by an index, in its order: no sort */
	PLANNER_BY_INDEX,			/* by an index; joins row by row */
	PLANNER_BY_BITMAP			/* the same, by bitmaps alone: for the index
								 * of payloads */
} PlannerRule;

/* The settings of the planner that a rule changes. */
typedef struct PlannerSettings
{
	bool		seqscan;
	bool		indexscan;
	bool		bitmapscan;
	bool		sort;
	bool		incremental_sort;
	bool		hashjoin;
	bool		mergejoin;
	bool		jit;
	int			parallel_workers;
} PlannerSettings;

/*
 * What is planned between these two follows the rule.  *before is what the
 * settings were, and the caller gives them back if there is an error as well.
 */
extern void planner_rule_begin(PlannerRule rule, PlannerSettings *before);
extern void planner_rule_end(const PlannerSettings *before);

#endif							/* WF_PLANNER_RULE_H */
