/*
 * action_params.c
 *	  What an action takes: parsing its specification, checking a step.
 *
 * The catalogue (workflow_actions.params) says which parameters there are and
 * what holds between them; nothing here knows an action by name.  A template
 * that is exactly one {{...}} passes for any type, for its value is known
 * only when it is rendered.
 *
 * Part of the plan's compiler: see plan.c.  Also used when a row of
 * workflow_actions is written.  Results live in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "plan/plan_internal.h"

static const char *const param_keys[] = {
	"type", "required", "format", "help"
};

static const char *const type_words[] = {
	"string", "number", "boolean", "object", "array"
};

static const char *const rule_keys[] = {"$one_of", "$any_of", "$needs"};

static bool
is_one_of(const char *word, const char *const *words, int nwords)
{
	for (int i = 0; i < nwords; i++)
	{
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}

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

/* Is each part of a type with '|' a known word? */
static void
check_type(const char *type, const char *path, Problems *problems)
{
	char	   *copy = pstrdup(type);

	for (char *word = copy; word != NULL;)
	{
		char	   *block = strchr(word, '|');

		if (block != NULL)
			*block++ = '\0';
		if (!is_one_of(word, type_words, lengthof(type_words)))
			problem_error(problems, path, "unknown_type",
						  known_words_hint(word, type_words,
										   lengthof(type_words)),
						  "unknown type \"%s\"", word);
		word = block;
	}
}

/* Takes one member of a parameter's description into param. */
static void
parse_param_member(ActionParam *param, const JsonMember *member,
				   const char *path, Problems *problems)
{
	const char *key = member->key;
	bool		is_required = strcmp(key, "required") == 0;

	path = problem_path_member(path, key);
	if (!is_one_of(key, param_keys, lengthof(param_keys)))
		problem_error(problems, path, "unknown_key",
					  known_words_hint(key, param_keys,
									   lengthof(param_keys)),
					  "unknown key \"%s\"", key);
	else if (member->value.type != (is_required ? jbvBool : jbvString))
		problem_type(problems, path, NULL, key,
					 is_required ? "a boolean" : "a string", &member->value);
	else if (is_required)
		param->required = member->value.val.boolean;
	else if (strcmp(key, "help") == 0)
		param->help = json_cstring(&member->value);
	else if (strcmp(key, "format") == 0)
	{
		param->format = json_cstring(&member->value);
		if (!is_one_of(param->format, plan_formats, PLAN_NFORMATS))
			problem_error(problems, path, "unknown_format",
						  known_words_hint(param->format, plan_formats,
										   PLAN_NFORMATS),
						  "unknown format \"%s\"", param->format);
	}
	else
	{
		param->type = json_cstring(&member->value);
		check_type(param->type, path, problems);
	}
}

static void
parse_param(ActionParam *param, const JsonMember *member, Problems *problems)
{
	const char *path = problem_path_member("", member->key);
	int			n;
	JsonMember *members;

	memset(param, 0, sizeof(ActionParam));
	param->name = member->key;
	if (!json_is_object(&member->value))
	{
		problem_type(problems, path,
					 "Write it as {\"type\": \"string\", \"required\": "
					 "true, \"help\": \"...\"}.",
					 "parameter", "an object", &member->value);
		return;
	}
	members = json_members(&member->value, &n);
	for (int i = 0; i < n; i++)
		parse_param_member(param, &members[i], path, problems);
}

/* Adds a rule on the names in list, an array of parameters' names. */
static void
parse_rule(ActionSpec *spec, ActionRuleKind kind, char *subject,
		   const JsonbValue *list, const char *path, Problems *problems)
{
	ActionRule *rule;
	JsonMember *names;
	int			n;

	if (!json_is_array(list) || json_count(list) == 0)
	{
		problem_error(problems, path, "names_expected", NULL,
					  "an array of parameters' names is expected");
		return;
	}
	names = json_members(list, &n);
	rule = &spec->rules[spec->nrules];
	rule->kind = kind;
	rule->subject = subject;
	rule->params = palloc(sizeof(char *) * n);
	rule->nparams = n;
	for (int i = 0; i < n; i++)
	{
		if (names[i].value.type != jbvString)
		{
			problem_error(problems, problem_path_element(path, i),
						  "names_expected", NULL,
						  "name of a parameter must be a string");
			return;
		}
		rule->params[i] = json_cstring(&names[i].value);
	}
	spec->nrules++;
}

/* Takes a member "$..." into rules. */
static void
parse_rules(ActionSpec *spec, const JsonMember *member, Problems *problems)
{
	const char *path = problem_path_member("", member->key);
	bool		is_needs = strcmp(member->key, "$needs") == 0;
	JsonMember *rules;
	int			n;

	if (!is_one_of(member->key, rule_keys, lengthof(rule_keys)))
	{
		problem_error(problems, path, "unknown_rule",
					  known_words_hint(member->key, rule_keys,
									   lengthof(rule_keys)),
					  "unknown rule \"%s\"", member->key);
		return;
	}
	if (is_needs ? !json_is_object(&member->value) :
		!json_is_array(&member->value))
	{
		problem_type(problems, path, NULL, member->key,
					 is_needs ? "an object" : "an array", &member->value);
		return;
	}

	rules = json_members(&member->value, &n);
	if (n == 0)
		return;
	if (spec->rules == NULL)
		spec->rules = palloc(sizeof(ActionRule) * n);
	else
		spec->rules = repalloc(spec->rules, sizeof(ActionRule) *
							   (spec->nrules + n));
	for (int i = 0; i < n; i++)
		parse_rule(spec, is_needs ? RULE_NEEDS :
				   strcmp(member->key, "$one_of") == 0 ? RULE_ONE_OF :
				   RULE_ANY_OF, rules[i].key, &rules[i].value,
				   is_needs ? problem_path_member(path, rules[i].key) :
				   problem_path_element(path, i), problems);
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

static const char **
param_names(const ActionSpec *spec)
{
	const char **names = palloc(sizeof(char *) * Max(spec->nparams, 1));

	for (int i = 0; i < spec->nparams; i++)
		names[i] = spec->params[i].name;
	return names;
}

/* The names in rules must be those of parameters. */
static void
check_rule_names(const ActionSpec *spec, Problems *problems)
{
	const char **names = param_names(spec);

	for (int i = 0; i < spec->nrules; i++)
	{
		const ActionRule *rule = &spec->rules[i];
		const char *path = rule_keys[rule->kind];

		for (int k = rule->subject ? -1 : 0; k < rule->nparams; k++)
		{
			const char *name = k < 0 ? rule->subject : rule->params[k];

			if (!is_one_of(name, names, spec->nparams))
				problem_error(problems, path, "unknown_name",
							  known_words_hint(name, names, spec->nparams),
							  "there is no parameter \"%s\"", name);
		}
	}
}

void
action_spec_parse(ActionSpec *spec, Jsonb *params, Problems *problems)
{
	JsonbValue	json;
	JsonMember *members;
	int			n;

	spec->nparams = 0;
	spec->params = NULL;
	spec->nrules = 0;
	spec->rules = NULL;
	spec->open = true;
	json_of_jsonb(params, &json);
	if (!json_is_object(&json))
	{
		problem_type(problems, "", NULL, "params", "an object", &json);
		return;
	}

	members = json_members(&json, &n);
	spec->params = palloc(sizeof(ActionParam) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		if (members[i].key[0] == '$')
			parse_rules(spec, &members[i], problems);
		else
			parse_param(&spec->params[spec->nparams++], &members[i],
						problems);
	}
	spec->open = spec->nparams == 0;
	check_rule_names(spec, problems);
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
						  known_words_hint(keys[i], param_names(spec),
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
			plan_check_value(param->format, value,
							 problem_path_member(path, keys[i]), problems);
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
