/*
 * run_scope.c
 *	  What a step of a run sees: the roots of its expressions.
 *
 * Runs in a worker, inside a tick's transaction.  Pure but for the clock, from
 * which root "now" is read.
 */
#include "postgres.h"
#include "compat.h"

#include "action/action.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "run/run_scope.h"
#include "store/step_result.h"

static Jsonb *
text_json(const char *text)
{
	JsonbValue	value;

	json_set_string(&value, text, strlen(text));
	return json_to_jsonb(&value);
}

static Jsonb *
describe_run(const RunRow *run)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "id", id_text(&run->unit.id));
	object_text(&b, "queued_at", iso_time(run->queued_at));
	object_number(&b, "attempt", run->attempt);
	return object_end(&b);
}

static Jsonb *
describe_workflow(const RunRow *run)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "id", id_text(&run->definition_id));
	object_text(&b, "name", run->workflow_name);
	object_number(&b, "version", run->version);
	return object_end(&b);
}

static Jsonb *
describe_tenant(const RunRow *run)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "id", id_text(&run->tenant_id));
	return object_end(&b);
}

/*
 * What the step does not look at is not built: that would cost as much as a
 * small step does, and more after a thousand steps.  An action that is not
 * built in may read all of it.
 */
void
run_fill_scope(Scope *scope, const RunRow *run, const PlanStep *step)
{
	const Action *action = action_find(plan_action(step)->name);
	bool		all = action == NULL || action->reads_scope;
	const bool *sees = step->sees;

	scope->root[SCOPE_TRIGGER] = run->payload;
	if (all || sees[SCOPE_STEPS])
		scope->root[SCOPE_STEPS] = step_results_context(run->step_results,
														run->new_results);
	if (all || sees[SCOPE_RUN])
		scope->root[SCOPE_RUN] = describe_run(run);
	if (all || sees[SCOPE_WORKFLOW])
		scope->root[SCOPE_WORKFLOW] = describe_workflow(run);
	if (all || sees[SCOPE_TENANT])
		scope->root[SCOPE_TENANT] = describe_tenant(run);
	if (all || sees[SCOPE_NOW])
		scope->root[SCOPE_NOW] = text_json(iso_time(clock_now()));
}
