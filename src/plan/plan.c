/*
 * plan.c
 *	  A definition compiled: immutable, shared by all runs of a version.
 *
 * The compiler goes through the whole definition whatever it meets, so that
 * an author sees every problem at once.  A first pass takes the names of the
 * steps, so that a template which refers to a later step can be told from
 * one that refers to no step.  Steps are compiled in plan_step.c, their retry
 * in plan_retry.c, their parameters are checked in action_params.c.  What all
 * of them read JSON with is in plan_read.c.
 *
 * Runs in the backend that writes or validates a definition, and in workers
 * when they load a version.  All of a plan lives in the memory context it was
 * compiled in, and points to nothing outside of it; it is lost with its
 * process and made again.
 */
#include "postgres.h"
#include "compat.h"

#include "miscadmin.h"
#include "plan/plan_internal.h"
#include "plan/plan_schedule.h"
#include "plan/plan_title.h"

static const char *const definition_keys[] = {
	"name", "trigger_type", "description", "steps", "schedule",
	"title", "search"
};

/* Takes the names of all steps, and says which are missing or not unique. */
static void
collect_names(PlanCompiler *compiler, const JsonMember *steps, int nsteps)
{
	compiler->step_names = palloc(sizeof(char *) * Max(nsteps, 1));
	for (int i = 0; i < nsteps; i++)
	{
		JsonbValue *value = NULL;
		char	   *name;

		if (json_is_object(&steps[i].value))
			value = json_member(&steps[i].value, "name");
		if (value == NULL || value->type != jbvString)
			continue;			/* compiling the step says so */
		name = json_cstring(value);
		if (!plan_is_step_name(name))
			continue;
		for (int k = 0; k < compiler->nnames; k++)
		{
			if (strcmp(compiler->step_names[k], name) == 0)
			{
				problem_error(compiler->problems,
							  psprintf("steps[%d].name", i), "duplicate_step",
							  "Names of steps are unique.",
							  "step name \"%s\" is used before", name);
				break;
			}
		}
		compiler->step_names[compiler->nnames++] = name;
	}
}

static void
compile_steps(PlanCompiler *compiler, const JsonbValue *json,
			  WorkflowPlan *plan)
{
	JsonMember *steps;
	int			nsteps;

	if (json == NULL || !json_is_array(json))
	{
		if (json == NULL)
			problem_error(compiler->problems, "steps", "missing_key", NULL,
						  "%s are missing", "steps");
		else
			problem_type(compiler->problems, "steps", NULL, "steps",
						 "an array", json);
		return;
	}
	nsteps = json_count(json);
	if (nsteps < 1 || nsteps > PLAN_MAX_STEPS)
	{
		problem_error(compiler->problems, "steps", "number_of_steps", NULL,
					  "a definition has 1 to %d steps, not %d",
					  PLAN_MAX_STEPS, nsteps);
		return;
	}

	steps = json_members(json, &nsteps);
	collect_names(compiler, steps, nsteps);
	plan->nsteps = nsteps;
	plan->steps = palloc0(sizeof(PlanStep) * nsteps);
	for (int i = 0; i < nsteps; i++)
	{
		CHECK_FOR_INTERRUPTS();
		plan_compile_step(compiler, &steps[i].value,
						  problem_path_element("steps", i), &plan->steps[i]);
		plan->steps[i].next = i + 1 < nsteps ? i + 1 : -1;
		if (plan->steps[i].name != NULL)
			compiler->nearlier++;
	}
}

static const char **
names_of_actions(const ActionCatalogue *catalogue)
{
	const char **names = palloc(sizeof(char *) *
								Max(catalogue->nactions, 1));

	for (int i = 0; i < catalogue->nactions; i++)
		names[i] = catalogue->actions[i].name;
	return names;
}

/* Names are no templates: an author who writes one as such is warned. */
static void
warn_of_template(const char *text, const char *key, Problems *problems)
{
	if (text != NULL && strstr(text, "{{") != NULL)
		problem_warning(problems, key, "template_in_name",
						"Templates stand in the parameters of steps.",
						"%s is no template and stands as it is", key);
}

/* Members that say nothing of how a run is executed: they are only checked. */
static void
check_members(const JsonbValue *json, Problems *problems)
{
	JsonbValue *description = json_member(json, "description");
	JsonbValue *schedule = json_member(json, "schedule");
	JsonbValue *title = json_member(json, "title");
	JsonbValue *search = json_member(json, "search");

	if (description != NULL && description->type != jbvString)
		problem_type(problems, "description", NULL, "description", "a string",
					 description);
	if (schedule != NULL)
		(void) plan_compile_schedules(schedule, problems);
	if (title != NULL)
		(void) plan_compile_title(title, problems);
	if (search != NULL)
		(void) plan_compile_search(search, problems);
}

WorkflowPlan *
plan_compile(Jsonb *definition, const ActionCatalogue *catalogue,
			 Problems *problems)
{
	PlanCompiler compiler = {.catalogue = catalogue,.problems = problems};
	WorkflowPlan *plan = palloc0(sizeof(WorkflowPlan));
	JsonbValue	json;

	json_of_jsonb(definition, &json);
	if (!json_is_object(&json))
	{
		problem_type(problems, "", NULL, "definition", "an object", &json);
		return NULL;
	}
	if (catalogue != NULL)
		compiler.action_names = names_of_actions(catalogue);
	plan_check_keys(&json, "", definition_keys, lengthof(definition_keys),
					problems);
	plan->name = plan_text(&json, "name", "", problems);
	plan->trigger_type = plan_text(&json, "trigger_type", "", problems);
	warn_of_template(plan->name, "name", problems);
	warn_of_template(plan->trigger_type, "trigger_type", problems);
	check_members(&json, problems);
	compile_steps(&compiler, json_member(&json, "steps"), plan);
	return problems->nerrors == 0 ? plan : NULL;
}

/*--- positions ---*/

const PlanStep *
plan_step_at(const WorkflowPlan *plan, StepPosition position)
{
	Assert(plan_has_position(plan, position));
	return position.number < plan->nsteps ? &plan->steps[position.number]
		: NULL;
}

StepPosition
plan_next(const WorkflowPlan *plan, StepPosition position)
{
	int			next;

	Assert(plan_step_at(plan, position) != NULL);
	next = plan->steps[position.number].next;
	position.number = next < 0 ? plan->nsteps : next;
	return position;
}

bool
plan_has_position(const WorkflowPlan *plan, StepPosition position)
{
	return position.number >= 0 && position.number <= plan->nsteps;
}
