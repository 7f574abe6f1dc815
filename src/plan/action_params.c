/*
 * action_params.c
 *	  Checking the parameters of a step against what its action takes.
 *
 * The catalogue (workflow_actions.params, parsed by action_spec.c) says which
 * parameters there are and what holds between them; nothing here knows an
 * action by name.  A template that is exactly one {{...}} passes for any type,
 * for its value is known only when it is rendered.
 *
 * Part of the plan's compiler: see plan.c.
 */
#include "postgres.h"
#include "compat.h"

#include "plan/plan_internal.h"

/* Does type ("string|number"; NULL is any) hold that word? */
static bool
type_holds(const char *type, const char *word)
{
	int			len = strlen(word);

	while (type != NULL)
	{
		if (strncmp(type, word, len) == 0 &&
			(type[len] == '\0' || type[len] == '|'))
			return true;
		type = strchr(type, '|');
		if (type == NULL)
			return false;
		type++;
	}
	return true;
}

static const ActionParam *
find_param(const ActionSpec *spec, const char *name)
{
	for (int i = 0; i < spec->nparams; i++)
	{
		if (strcmp(spec->params[i].name, name) == 0)
			return &spec->params[i];
	}
	return NULL;
}

/* Is it there, and not the literal null? */
static bool
is_given(const Template *params, const char *name)
{
	const Template *t = template_member(params, name);

	return t != NULL && (template_shape(t) != TEMPLATE_CONSTANT ||
						 template_constant(t)->type != jbvNull);
}

/* What a template will be, as a word of type_words; NULL is anything. */
static const char *
type_of(const Template *t)
{
	switch (template_shape(t))
	{
		case TEMPLATE_CONSTANT:
			return json_type(template_constant(t));
		case TEMPLATE_TEXT:
			return "string";
		case TEMPLATE_ARRAY:
			return "array";
		case TEMPLATE_OBJECT:
			return "object";
		default:
			return NULL;
	}
}

/* "string, number or array" for "string|number|array" */
static char *
type_text(const char *type)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *c = type; *c; c++)
	{
		if (*c != '|')
			appendStringInfoChar(&buf, *c);
		else
			appendStringInfoString(&buf, strchr(c + 1, '|') ? ", " : " or ");
	}
	return buf.data;
}

/* Is a literal one of the parameter's words?  The case does not matter. */
static void
check_enum(const ActionParam *param, const Template *value, const char *path,
		   Problems *problems)
{
	char	   *text;

	if (param->nwords == 0 || plan_is_broken(path, problems) ||
		template_shape(value) != TEMPLATE_CONSTANT ||
		template_constant(value)->type == jbvNull)
		return;
	text = json_text(template_constant(value));

	for (int i = 0; i < param->nwords; i++)
	{
		if (pg_strcasecmp(param->words[i], text) == 0)
			return;
	}
	problem_error(problems, path, "not_in_enum",
				  known_words_hint(text, param->words, param->nwords),
				  "%s cannot be \"%s\"", param->name, text);
}

static void
check_params(const ActionSpec *spec, const Template *params,
			 const char *path, Problems *problems)
{
	int			n;
	const char **keys = template_keys(params, &n);

	for (int i = 0; i < n; i++)
	{
		const ActionParam *param = find_param(spec, keys[i]);
		const Template *value = template_member(params, keys[i]);
		const char *type = type_of(value);

		if (param == NULL)
			problem_error(problems, problem_path_member(path, keys[i]),
						  "unknown_param",
						  known_words_hint(keys[i], action_param_names(spec),
										   spec->nparams),
						  "action \"%s\" has no parameter \"%s\"", spec->name,
						  keys[i]);
		else if (type != NULL && strcmp(type, "null") != 0 &&
				 !type_holds(param->type, type))
			problem_error(problems, problem_path_member(path, keys[i]),
						  "wrong_type", param->help,
						  "%s must be of type %s, not %s", keys[i],
						  type_text(param->type), type);
		else
		{
			const char *at = problem_path_member(path, keys[i]);

			check_enum(param, value, at, problems);
			plan_check_value(param->format, value, at, problems);
		}
	}
}

static void
check_required(const ActionSpec *spec, const Template *params,
			   const char *path, Problems *problems)
{
	for (int i = 0; i < spec->nparams; i++)
	{
		const ActionParam *param = &spec->params[i];

		if (param->required && !is_given(params, param->name))
			problem_error(problems, problem_path_member(path, param->name),
						  "missing_param", param->help,
						  "action \"%s\" needs parameter \"%s\"", spec->name,
						  param->name);
	}
}

/* "template, body or html" */
static char *
list_params(const ActionRule *rule, const char *conjunction)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < rule->nparams; i++)
	{
		if (i > 0 && i == rule->nparams - 1)
			appendStringInfo(&buf, " %s ", conjunction);
		else if (i > 0)
			appendStringInfoString(&buf, ", ");
		appendStringInfo(&buf, "\"%s\"", rule->params[i]);
	}
	return buf.data;
}

static void
check_rule(const ActionSpec *spec, const ActionRule *rule,
		   const Template *params, const char *path, Problems *problems)
{
	int			given = 0;

	for (int i = 0; i < rule->nparams; i++)
		given += is_given(params, rule->params[i]);

	switch (rule->kind)
	{
		case RULE_ONE_OF:
			if (given != 1)
				problem_error(problems, path, "one_of_params", NULL,
							  "action \"%s\" takes exactly one of %s, not %d",
							  spec->name, list_params(rule, "and"), given);
			break;
		case RULE_ANY_OF:
			if (given == 0)
				problem_error(problems, path, "any_of_params", NULL,
							  "action \"%s\" needs %s", spec->name,
							  list_params(rule, "or"));
			break;
		case RULE_NEEDS:
			if (is_given(params, rule->subject) && given < rule->nparams)
				problem_error(problems,
							  problem_path_member(path, rule->subject),
							  "param_needs", NULL,
							  "parameter \"%s\" needs %s too", rule->subject,
							  list_params(rule, "and"));
			break;
		case RULE_EXCLUDES:
			if (is_given(params, rule->subject) && given > 0)
				problem_error(problems,
							  problem_path_member(path, rule->subject),
							  "param_excludes", NULL,
							  "parameter \"%s\" excludes %s", rule->subject,
							  list_params(rule, "and"));
			break;
	}
}

void
action_spec_check(const ActionSpec *spec, const Template *params,
				  const char *path, Problems *problems)
{
	if (!spec->open)
	{
		check_params(spec, params, path, problems);
		check_required(spec, params, path, problems);
	}
	for (int i = 0; i < spec->nrules; i++)
		check_rule(spec, &spec->rules[i], params, path, problems);
}
