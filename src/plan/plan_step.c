/*
 * plan_step.c
 *	  Compiling one step of a definition.
 *
 * Part of the plan's compiler: see plan.c.
 */
#include "postgres.h"
#include "compat.h"

#include "plan/plan_internal.h"

static const char *const step_keys[] = {
	"name", "action", "params", "condition", "on_error", "retry", "timeout"
};

static const char *const on_error_words[] = {"stop", "continue"};

/* The step's own name: NULL after adding a problem. */
static char *
compile_name(const JsonbValue *json, const char *path, Problems *problems)
{
	JsonbValue *value = json_member(json, "name");
	char	   *name;

	if (value == NULL)
	{
		problem_error(problems, path, "missing_key", NULL, "step has no %s",
					  "name");
		return NULL;
	}
	path = problem_path_member(path, "name");
	if (value->type != jbvString)
	{
		problem_type(problems, path, NULL, "name", "a string", value);
		return NULL;
	}
	name = json_cstring(value);
	if (!plan_is_step_name(name))
	{
		problem_error(problems, path, "bad_step_name",
					  psprintf("A letter or \"_\", then letters, digits, "
							   "\"_\" or \"-\"; at most %d characters.",
							   PLAN_MAX_NAME),
					  "name of a step is not valid");
		return NULL;
	}
	return name;
}

static const ActionSpec *
find_action(const PlanCompiler *compiler, const char *name, const char *path)
{
	const ActionCatalogue *catalogue = compiler->catalogue;

	for (int i = 0; i < catalogue->nactions; i++)
	{
		if (strcmp(catalogue->actions[i].name, name) == 0)
			return &catalogue->actions[i];
	}
	problem_error(compiler->problems, path, "unknown_action",
				  known_words_hint(name, compiler->action_names,
								   catalogue->nactions),
				  "unknown action \"%s\"", name);
	return NULL;
}

/* The action's name.  Returns its specification, NULL if it is not known. */
static const ActionSpec *
compile_action_name(const PlanCompiler *compiler, const JsonbValue *json,
					const char *path, PlanAction *action)
{
	action->name = plan_text(json, "action", path, compiler->problems);
	if (action->name == NULL)
	{
		if (json_member(json, "action") == NULL)
			problem_error(compiler->problems, path, "missing_key", NULL,
						  "step has no %s", "action");
		return NULL;
	}
	if (compiler->catalogue == NULL)
		return NULL;
	return find_action(compiler, action->name,
					   problem_path_member(path, "action"));
}

static void
compile_params(const PlanCompiler *compiler, const JsonbValue *json,
			   const char *path, const ScopeNames *names,
			   const ActionSpec *spec, PlanAction *action)
{
	JsonbValue *value = json_member(json, "params");
	JsonbValue	none = {.type = jbvObject};
	const ActionCatalogue *catalogue = compiler->catalogue;
	int			nerrors = compiler->problems->nerrors;

	path = problem_path_member(path, "params");
	if (value == NULL)
		value = &none;
	else if (!json_is_object(value))
	{
		problem_type(compiler->problems, path, NULL, "params", "an object",
					 value);
		return;
	}
	action->params = template_compile(value, path, names, compiler->problems);
	if (spec == NULL)
		return;
	action_spec_check(spec, action->params, path, compiler->problems);
	if (catalogue->check_step != NULL &&
		compiler->problems->nerrors == nerrors)
		catalogue->check_step(catalogue, spec, action->params, path, names,
							  compiler->problems);
}

/* What others call the words of on_error. */
static const struct
{
	const char *word;
	const char *hint;
}			other_on_error[] = {
	{"skip", "\"continue\" logs the step as failed and goes on."},
	{"ignore", "\"continue\" logs the step as failed and goes on."},
	{"resume", "\"continue\" logs the step as failed and goes on."},
	{"next", "\"continue\" logs the step as failed and goes on."},
	{"fail", "\"stop\" fails the run; it is the default."},
	{"abort", "\"stop\" fails the run; it is the default."},
	{"raise", "\"stop\" fails the run; it is the default."},
	{"retry", "Attempts are the matter of \"retry\": {\"max_attempts\": 5}."}
};

static char *
on_error_hint(const char *word)
{
	for (int i = 0; i < lengthof(other_on_error); i++)
	{
		if (pg_strcasecmp(other_on_error[i].word, word) == 0)
			return pstrdup(other_on_error[i].hint);
	}
	return known_words_hint(word, on_error_words, lengthof(on_error_words));
}

static void
compile_on_error(const JsonbValue *json, const char *path,
				 Problems *problems, PlanStep *step)
{
	JsonbValue *value = json_member(json, "on_error");
	char	   *word = "";

	if (value == NULL)
		return;
	if (value->type == jbvString)
		word = json_cstring(value);
	if (strcmp(word, "continue") == 0)
		step->continue_on_error = true;
	else if (strcmp(word, "stop") != 0)
		problem_error(problems, problem_path_member(path, "on_error"),
					  "on_error_word", on_error_hint(word),
					  "on_error must be \"stop\" or \"continue\"");
}

static void
compile_condition(const JsonbValue *json, const char *path,
				  const ScopeNames *names, Problems *problems,
				  PlanStep *step)
{
	JsonbValue *value = json_member(json, "condition");

	if (value != NULL)
		step->condition = condition_compile(value,
											problem_path_member(path,
																"condition"),
											names, problems);
}

/*
 * Which roots may the step look at?  Judged by the text of its JSON: those
 * whose names are in it, or all of them if it has what in a jsonpath reaches
 * members without their names.  A root that is wrongly said to be seen only
 * costs time.
 */
static void
find_seen(const JsonbValue *json, bool *sees)
{
	StringInfoData text;
	bool		all;

	initStringInfo(&text);
	json_append(&text, json);
	all = strpbrk(text.data, "*\\") != NULL ||
		strstr(text.data, "keyvalue") != NULL;
	for (int i = 0; i < SCOPE_NROOTS; i++)
		sees[i] = all || strstr(text.data, scope_root_names[i]) != NULL;
}

/* What a step has that executes an action: which one, and its parameters. */
static void
compile_action(const PlanCompiler *compiler, const JsonbValue *json,
			   const char *path, const ScopeNames *names, PlanStep *step)
{
	const ActionSpec *spec;

	step->kind = STEP_ACTION;
	step->action = palloc0(sizeof(PlanAction));
	spec = compile_action_name(compiler, json, path, step->action);
	compile_params(compiler, json, path, names, spec, step->action);
}

/* How long its action may take, and how often it is attempted. */
static void
compile_limits(const JsonbValue *json, const char *path, Problems *problems,
			   PlanAction *action)
{
	JsonbValue *retry = json_member(json, "retry");

	action->timeout_ms = plan_interval(json, "timeout", path,
									   PLAN_MAX_TIMEOUT_MS, "a day", problems);
	if (retry == NULL)
		return;
	action->has_retry = true;
	plan_compile_retry(retry, problem_path_member(path, "retry"),
					   &action->retry, problems);
}

void
plan_compile_step(PlanCompiler *compiler, const JsonbValue *json,
				  const char *path, PlanStep *step)
{
	Problems   *problems = compiler->problems;
	ScopeNames	names = {compiler->step_names, compiler->nearlier,
	compiler->step_names, compiler->nnames};

	if (!json_is_object(json))
	{
		problem_type(problems, path, NULL, "step", "an object", json);
		return;
	}
	plan_check_keys(json, path, step_keys, lengthof(step_keys), problems);
	step->name = compile_name(json, path, problems);
	find_seen(json, step->sees);
	compile_action(compiler, json, path, &names, step);
	compile_condition(json, path, &names, problems, step);
	compile_on_error(json, path, problems, step);
	compile_limits(json, path, problems, step->action);
}
