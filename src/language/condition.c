/*
 * condition.c
 *	  Compiles the conditions of a step.
 *
 *		condition = "jsonpath predicate"
 *				  | {"field": path, "op": op, "value": literal,
 *					 "ignore_case": boolean}
 *				  | {"field": path, "op": op, "value_field": path, ...}
 *				  | {"all": [condition, ...]} | {"any": [condition, ...]}
 *				  | {"not": condition}
 *
 * A jsonpath is compiled in condition_jsonpath.c, a test in
 * condition_operand.c; conditions are decided in condition_decide.c.
 *
 * Runs in the backend that writes a definition and in workers that load one.
 * The only effects are the result, in the current memory context, and problems
 * added.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "language/condition_node.h"
#include "miscadmin.h"

static const char *const condition_keys[] = {
	"field", "op", "value", "value_field", "ignore_case", "all", "any", "not"
};

#define NTEST_KEYS 5			/* so many of them, from the first, are a
								 * test's */

/* Names of keys in other languages: for hints. */
static const struct
{
	const char *word;
	const char *key;
}			other_keys[] = {
	{"and", "all"}, {"every", "all"}, {"or", "any"}, {"some", "any"},
	{"operator", "op"}, {"path", "field"}, {"left", "field"},
	{"right", "value"}, {"values", "value"}, {"value_path", "value_field"},
	{"case_insensitive", "ignore_case"}
};

/* What all functions of the compiler need. */
typedef struct Compiler
{
	const ScopeNames *names;
	Problems   *problems;
} Compiler;

static Condition *compile(const Compiler *compiler, const JsonbValue *json,
						  const char *path, int depth);

static void
compile_list(const Compiler *compiler, Condition *condition,
			 ConditionKind kind, const JsonbValue *json, const char *path,
			 int depth)
{
	JsonMember *elements;

	condition->kind = kind;
	if (!json_is_array(json) || json_count(json) == 0)
	{
		problem_error(compiler->problems, path, "empty_conditions", NULL,
					  "an array of at least one condition is expected");
		return;
	}
	elements = json_members(json, &condition->nchildren);
	condition->children = palloc(sizeof(Condition *) * condition->nchildren);
	for (int i = 0; i < condition->nchildren; i++)
		condition->children[i] = compile(compiler, &elements[i].value,
										 problem_path_element(path, i),
										 depth + 1);
}

static void
compile_not(const Compiler *compiler, Condition *condition,
			const JsonbValue *json, const char *path, int depth)
{
	condition->kind = CONDITION_NOT;
	condition->nchildren = 1;
	condition->children = palloc(sizeof(Condition *));
	condition->children[0] = compile(compiler, json, path, depth + 1);
}

static char *
key_hint(const char *key)
{
	for (int i = 0; i < lengthof(other_keys); i++)
	{
		if (pg_strcasecmp(other_keys[i].word, key) == 0)
			return psprintf("Write \"%s\".", other_keys[i].key);
	}
	return known_words_hint(key, condition_keys, lengthof(condition_keys));
}

/*
 * Checks that the keys are known and belong to one form.  Returns the form's
 * key (field, all, any or not), or NULL after adding an error.
 */
static const char *
find_form(const Compiler *compiler, const JsonbValue *json, const char *path)
{
	int			n;
	JsonMember *members = json_members(json, &n);
	const char *form = NULL;
	bool		is_mixed = false;

	for (int i = 0; i < n; i++)
	{
		const char *key = members[i].key;
		int			k = 0;

		while (k < lengthof(condition_keys) &&
			   strcmp(condition_keys[k], key) != 0)
			k++;
		if (k == lengthof(condition_keys))
		{
			problem_error(compiler->problems, problem_path_member(path, key),
						  "unknown_key", key_hint(key), "unknown key \"%s\"",
						  key);
			continue;
		}
		if (k < NTEST_KEYS)
			key = "field";
		is_mixed |= form != NULL && strcmp(form, key) != 0;
		form = key;
	}
	if (form == NULL || is_mixed)
	{
		problem_error(compiler->problems, path, "mixed_condition",
					  "Put one into the other: {\"all\": [..., ...]}.",
					  "condition must have either field, op and value, or "
					  "one of all, any and not");
		return NULL;
	}
	return form;
}

static void
compile_object(const Compiler *compiler, Condition *condition,
			   const JsonbValue *json, const char *path, int depth)
{
	const char *form = find_form(compiler, json, path);
	JsonbValue *child;
	char	   *child_path;

	if (form == NULL)
		return;
	if (strcmp(form, "field") == 0)
	{
		condition_compile_test(condition, json, path, compiler->names,
							   compiler->problems);
		return;
	}
	child = json_member(json, form);
	child_path = problem_path_member(path, form);
	if (strcmp(form, "not") == 0)
		compile_not(compiler, condition, child, child_path, depth);
	else
		compile_list(compiler, condition, strcmp(form, "all") == 0 ?
					 CONDITION_ALL : CONDITION_ANY, child, child_path, depth);
}

static void
compile_string(const Compiler *compiler, Condition *condition,
			   const JsonbValue *json, const char *path)
{
	if (json->val.string.len > CONDITION_MAX_BYTES)
		problem_error(compiler->problems, path, "condition_too_long", NULL,
					  "condition is longer than %d bytes",
					  CONDITION_MAX_BYTES);
	else if (strspn(json_cstring(json), " \t\r\n") == json->val.string.len)
		problem_error(compiler->problems, path, "empty_condition",
					  "Leave the condition out if the step shall always run.",
					  "condition is empty");
	else
		condition_compile_jsonpath(condition, json_cstring(json), path,
								   compiler->names, compiler->problems);
}

static Condition *
compile(const Compiler *compiler, const JsonbValue *json, const char *path,
		int depth)
{
	Condition  *condition = palloc0(sizeof(Condition));
	int			nerrors = compiler->problems->nerrors;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (depth > CONDITION_MAX_DEPTH)
		problem_error(compiler->problems, path, "condition_too_deep", NULL,
					  "condition is nested more than %d levels deep",
					  CONDITION_MAX_DEPTH);
	else if (json->type == jbvString)
		compile_string(compiler, condition, json, path);
	else if (json_is_object(json))
		compile_object(compiler, condition, json, path, depth);
	else
		problem_type(compiler->problems, path, NULL, "condition",
					 "a string or an object", json);
	return compiler->problems->nerrors == nerrors ? condition : NULL;
}

Condition *
condition_compile(JsonbValue *json, const char *path,
				  const ScopeNames *names, Problems *problems)
{
	Compiler	compiler = {names, problems};

	return compile(&compiler, json, path, 0);
}
