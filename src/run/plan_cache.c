/*
 * plan_cache.c
 *	  The cache of compiled definitions.
 *
 * Runs in a worker.  A saved version never changes, so an entry is never
 * stale; but a definition may be deleted and another inserted with its id,
 * so the moment when the version was saved is part of the key.  An entry also
 * has what this worker has seen of the steps of the plan: whether they failed,
 * and how long they take.
 *
 * Owns one memory context with the whole cache; when it holds MAX_PLANS or
 * grows past MAX_BYTES it is thrown away and fills anew.
 */
#include "postgres.h"
#include "compat.h"

#include "action/action.h"
#include "run/plan_cache.h"
#include "store/store_actions.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define MAX_PLANS 1000
#define RUNS_UNBATCHED 100		/* after one that failed in a batch */
#define MAX_BYTES (32 * 1024 * 1024)

typedef struct PlanKey
{
	pg_uuid_t	definition_id;
	int32		version;
	TimestampTz saved_at;
} PlanKey;

typedef struct PlanEntry
{
	PlanKey		key;
	CachedPlan	plan;
} PlanEntry;

static MemoryContext plan_context = NULL;
static HTAB *plans = NULL;

static void
forget_all(void)
{
	if (plan_context != NULL)
		MemoryContextDelete(plan_context);
	plan_context = NULL;
	plans = NULL;
}

static void
make_room(void)
{
	HASHCTL		ctl = {0};

	if (plans != NULL &&
		(hash_get_num_entries(plans) >= MAX_PLANS ||
		 MemoryContextMemAllocated(plan_context, true) > MAX_BYTES))
		forget_all();
	if (plans != NULL)
		return;
	plan_context = AllocSetContextCreate(TopMemoryContext,
										 "workflow_engine plans",
										 ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(PlanKey);
	ctl.entrysize = sizeof(PlanEntry);
	ctl.hcxt = plan_context;
	plans = hash_create("workflow_engine plans", 64, &ctl,
						HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Compiles in a context of its own, which joins the cache when it is whole. */
static const WorkflowPlan *
compile(Jsonb *definition, char **error)
{
	MemoryContext own = AllocSetContextCreate(CurrentMemoryContext,
											  "workflow_engine plan",
											  ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(own);
	Problems	problems = {0};
	WorkflowPlan *plan = plan_compile(definition, NULL, &problems);

	MemoryContextSwitchTo(old);
	if (problems.nerrors > 0)
	{
		Problem    *first = linitial(problems.items);

		*error = psprintf("the saved definition is not valid: %s: %s",
						  first->path, first->message);
		return NULL;
	}
	MemoryContextSetParent(own, plan_context);
	return plan;
}

static PlanKey
key_of(const RunRow *run)
{
	PlanKey		key;

	memset(&key, 0, sizeof(key));
	key.definition_id = run->definition_id;
	key.version = run->version;
	key.saved_at = run->saved_at;
	return key;
}

static bool
is_plain(const WorkflowPlan *plan)
{
	for (int i = 0; i < plan->nsteps; i++)
		if (plan->steps[i].kind == STEP_ACTION &&
			action_find(plan_action(&plan->steps[i])->name) == NULL)
			return false;
	return true;
}

/* The plan of the run's version. */
static const CachedPlan *
find_plan(const RunRow *run, char **error)
{
	PlanKey		key = key_of(run);
	PlanEntry  *entry;
	CachedPlan	found = {0};
	Jsonb	   *definition;

	make_room();
	entry = hash_search(plans, &key, HASH_FIND, NULL);
	if (entry != NULL)
		return &entry->plan;

	if (!store_fetch_version(&run->definition_id, run->version, &definition,
							 &found.run_as))
	{
		*error = psprintf("version %d of the definition does not exist",
						  run->version);
		return NULL;
	}
	found.plan = compile(definition, error);
	if (found.plan == NULL)
		return NULL;
	found.plain = is_plain(found.plan);
	entry = hash_search(plans, &key, HASH_ENTER, NULL);
	entry->plan = found;
	return &entry->plan;
}

const CachedPlan *
plan_cache_find(const RunRow *run, char **error)
{
	const CachedPlan *plan;

	*error = run->defect;
	if (run->defect != NULL)
		return NULL;
	plan = find_plan(run, error);
	if (plan == NULL || plan_has_position(plan->plan, run->current_step))
		return plan;
	*error = psprintf("column \"current_step\" of the run is damaged: it is %d, but the workflow has %d steps",
					  run->current_step.number, plan->plan->nsteps);
	return NULL;
}

static PlanEntry *
entry_of(const RunRow *run)
{
	PlanKey		key = key_of(run);

	return plans == NULL ? NULL : hash_search(plans, &key, HASH_FIND, NULL);
}

bool
plan_cache_may_share(const RunRow *run)
{
	PlanEntry  *entry = entry_of(run);

	if (entry == NULL || !entry->plan.plain)
		return false;
	if (entry->plan.unbatched == 0)
		return true;
	entry->plan.unbatched--;
	return false;
}

void
plan_cache_had_failed(const RunRow *run)
{
	PlanEntry  *entry = entry_of(run);

	if (entry != NULL)
		entry->plan.unbatched = RUNS_UNBATCHED;
}

/*--- how long its steps take ---*/

/*
 * Slowness goes up with each slow step and down by one with each quick one.
 * One slow step may be chance (the process had no core for a while), so that
 * a single quick one makes up for it; after several it takes as many more.
 */
#define SLOW_FROM 8
#define MAX_SLOWNESS 64

bool
plan_cache_is_slow(const CachedPlan *plan, StepPosition at)
{
	const PlanStep *step;
	const Action *action;

	if (plan->slowness < SLOW_FROM && (plan->plain || plan->measured))
		return false;
	step = plan_step_at(plan->plan, at);
	if (step == NULL)
		return false;
	action = action_find(plan_action(step)->name);
	return action == NULL || action->kind == ACTION_NATIVE;
}

bool
plan_cache_is_long(const CachedPlan *plan)
{
	return plan->longest_us > LONG_STEP_MS * INT64CONST(1000);
}

bool
plan_cache_is_unknown(const CachedPlan *plan)
{
	return (!plan->plain && !plan->measured) || plan->cut_off;
}

/* The plan is const for all but this file, whose cache it is in. */
void
plan_cache_note_time(const CachedPlan *noted, int64 duration_us, bool cut_off)
{
	CachedPlan *plan = unconstify(CachedPlan *, noted);

	plan->cut_off = cut_off;
	if (cut_off)
		plan->slowness = MAX_SLOWNESS;
	else
		plan->measured = true;
	if (duration_us > SLOW_STEP_US)
	{
		plan->slowness = Min(plan->slowness + SLOW_FROM, MAX_SLOWNESS);
		plan->longest_us = Max(plan->longest_us, duration_us);
	}
	else if (plan->slowness > 0 && --plan->slowness == 0)
		plan->longest_us = 0;
}
