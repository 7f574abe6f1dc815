/*
 * action_spec.c
 *	  What an action takes: parsing its specification, the column params of
 *	  workflow_actions.
 *
 * Runs in the backend that writes or validates a definition or writes a row of
 * workflow_actions, and in workers.  Results live in the current memory
 * context.
 */
#include "postgres.h"
#include "compat.h"

#include "plan/plan_internal.h"

static const char *const param_keys[] = {
	"type", "required", "format", "help", "label", "order", "default",
	"enum", "example"
};

static const char *const type_words[] = {
	"string", "number", "boolean", "object", "array"
};

static const char *const rule_keys[] = {
	"$one_of", "$any_of", "$needs", "$excludes"
};

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

/* Takes the words that a parameter's literals must be among. */
static void
parse_enum(ActionParam *param, const JsonbValue *value, const char *path,
		   Problems *problems)
{
	JsonMember *elements;
	int			n;

	if (!json_is_array(value) || json_count(value) == 0)
	{
		problem_error(problems, path, "words_expected", NULL,
					  "an array of at least one string is expected");
		return;
	}
	elements = json_members(value, &n);
	param->words = palloc(sizeof(char *) * n);
	for (int i = 0; i < n; i++)
	{
		if (elements[i].value.type != jbvString)
		{
			problem_type(problems, problem_path_element(path, i), NULL,
						 "element", "a string", &elements[i].value);
			return;
		}
		param->words[param->nwords++] = json_cstring(&elements[i].value);
	}
}

static void
parse_format(ActionParam *param, const char *path, Problems *problems)
{
	char	   *hint;

	if (!plan_is_format(param->format, &hint))
		problem_error(problems, path, "unknown_format", hint,
					  "unknown format \"%s\"", param->format);
}

/* A label is a string, or an object of one for each language. */
static bool
is_label(const JsonbValue *value)
{
	JsonMember *members;
	int			n;

	if (value->type == jbvString)
		return true;
	if (!json_is_object(value))
		return false;
	members = json_members(value, &n);
	for (int i = 0; i < n; i++)
	{
		if (members[i].value.type != jbvString)
			return false;
	}
	return true;
}

/*
 * What a member of a parameter's description must be, with its article; NULL:
 * it is that, or anything.
 */
static const char *
member_problem(const char *key, const JsonbValue *value)
{
	if (strcmp(key, "required") == 0)
		return value->type == jbvBool ? NULL : "a boolean";
	if (strcmp(key, "order") == 0)
		return value->type == jbvNumeric ? NULL : "a number";
	if (strcmp(key, "label") == 0)
		return is_label(value) ? NULL : "a string or an object of strings";
	if (strcmp(key, "default") == 0 || strcmp(key, "example") == 0 ||
		strcmp(key, "enum") == 0)
		return NULL;
	return value->type == jbvString ? NULL : "a string";
}

/* Takes one member of a parameter's description into param. */
static void
parse_param_member(ActionParam *param, const JsonMember *member,
				   const char *path, Problems *problems)
{
	const char *key = member->key;
	const char *expected = member_problem(key, &member->value);

	path = problem_path_member(path, key);
	if (!is_one_of(key, param_keys, lengthof(param_keys)))
		problem_error(problems, path, "unknown_key",
					  known_words_hint(key, param_keys,
									   lengthof(param_keys)),
					  "unknown key \"%s\"", key);
	else if (expected != NULL)
		problem_type(problems, path, NULL, key, expected, &member->value);
	else if (strcmp(key, "required") == 0)
		param->required = member->value.val.boolean;
	else if (strcmp(key, "enum") == 0)
		parse_enum(param, &member->value, path, problems);
	else if (strcmp(key, "help") == 0)
		param->help = json_cstring(&member->value);
	else if (strcmp(key, "format") == 0)
	{
		param->format = json_cstring(&member->value);
		parse_format(param, path, problems);
	}
	else if (strcmp(key, "type") == 0)
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
	ActionRuleKind kind;
	bool		has_subject;
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
	for (kind = 0; strcmp(rule_keys[kind], member->key) != 0;)
		kind++;
	has_subject = kind == RULE_NEEDS || kind == RULE_EXCLUDES;
	if (has_subject ? !json_is_object(&member->value) :
		!json_is_array(&member->value))
	{
		problem_type(problems, path, NULL, member->key,
					 has_subject ? "an object" : "an array", &member->value);
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
		parse_rule(spec, kind, rules[i].key, &rules[i].value,
				   has_subject ? problem_path_member(path, rules[i].key) :
				   problem_path_element(path, i), problems);
}

const char **
action_param_names(const ActionSpec *spec)
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
	const char **names = action_param_names(spec);

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
