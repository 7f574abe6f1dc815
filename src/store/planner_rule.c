/*
 * planner_rule.c
 *	  How the planner may find rows, whatever it knows of the tables.
 *
 * Plans of our statements must not depend on statistics.  Those that are
 * prepared are planned while the tables are empty, and used when a million
 * runs are queued; and statistics may be of a time when a table was small, or
 * all runs were queued.  So the planner is told to find rows by an index.
 *
 * It is told what not to do by a cost that it would never choose.  If it has
 * no other way, that cost must bring on neither the JIT compiler nor parallel
 * workers, which take longer to start than the statement takes.
 *
 * Runs in workers and in backends.  Changes the variables of the settings, not
 * the settings: the caller changes them back in any case.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "jit/jit.h"
#include "optimizer/cost.h"
#include "store/planner_rule.h"

static void
apply(const PlannerSettings *settings)
{
	enable_seqscan = settings->seqscan;
	enable_indexscan = settings->indexscan;
	enable_bitmapscan = settings->bitmapscan;
	enable_sort = settings->sort;
	enable_incremental_sort = settings->incremental_sort;
	enable_hashjoin = settings->hashjoin;
	enable_mergejoin = settings->mergejoin;
	jit_enabled = settings->jit;
	max_parallel_workers_per_gather = settings->parallel_workers;
}

void
planner_rule_begin(PlannerRule rule, PlannerSettings *before)
{
	PlannerSettings settings = {
		.seqscan = enable_seqscan,
		.indexscan = enable_indexscan,
		.bitmapscan = enable_bitmapscan,
		.sort = enable_sort,
		.incremental_sort = enable_incremental_sort,
		.hashjoin = enable_hashjoin,
		.mergejoin = enable_mergejoin,
		.jit = jit_enabled,
		.parallel_workers = max_parallel_workers_per_gather
	};

	*before = settings;
	settings.seqscan = settings.jit = false;
	settings.parallel_workers = 0;
	settings.indexscan = rule != PLANNER_BY_BITMAP;
	settings.bitmapscan = rule == PLANNER_BY_BITMAP;
	if (rule == PLANNER_IN_INDEX_ORDER)
		settings.sort = settings.incremental_sort = false;
	else
		settings.hashjoin = settings.mergejoin = false;
	apply(&settings);
}

void
planner_rule_end(const PlannerSettings *before)
{
	apply(before);
}
