/*
 * condition.c
 *	  Conditions of a step: a jsonpath predicate or an object.
 *
 *		condition = "jsonpath predicate"
 *				  | {"field": path, "op": op, "value": literal}
 *				  | {"all": [condition, ...]} | {"any": [condition, ...]}
 *				  | {"not": condition}
 *
 * Objects are decided in SQL's three-valued logic: a missing field, or types
 * that do not compare, are unknown, and the reason is kept for the step's
 * result.  Only exists and not_exists look at whether a field is there (a
 * null is).  A jsonpath predicate is true or not: what jsonpath calls unknown
 * is false here.  Both forms may be mixed below all, any and not.
 *
 * Compiled into the memory context of a plan, decided in any process, with
 * no effect but memory in the current context.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_collation_d.h"
#include "condition_node.h"
#include "jsonvalue.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

const char *const condition_op_names[CONDITION_NOPS] = {
	"eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "contains",
	"starts_with", "ends_with", "matches", "exists", "not_exists"
};

static const char *const condition_keys[] = {
	"field", "op", "value", "all", "any", "not"
};

/* What compiling carries down the tree. */
typedef struct Compiler
{
	const ScopeNames *names;
	Problems   *problems;
} Compiler;

static Condition *compile(const Compiler *compiler, const JsonbValue *json,
						  const char *path, int depth);

static void
compile_field(const Compiler *compiler, Condition *condition,
			  const JsonbValue *json, const char *path)
{
	char	   *error;
	int			offset;
	char	   *hint;
	char	   *text;

	if (json == NULL || json->type != jbvString)
	{
		problem_error(compiler->problems, path,
					  "Name what is tested, as in \"trigger.country\".",
					  json ? "field must be a string" : "field is missing");
		return;
	}
	text = json_cstring(json);
	condition->field = scope_path_parse(text, strlen(text), compiler->names,
										&error, &offset, &hint);
	if (condition->field == NULL)
		problem_error(compiler->problems, path, hint, "%s at position %d",
					  error, pg_mbstrlen_with_len(text, offset) + 1);
}

/* False after adding a problem. */
static bool
compile_op(const Compiler *compiler, Condition *condition,
		   const JsonbValue *json, const char *path)
{
	char	   *name;

	if (json == NULL || json->type != jbvString)
	{
		problem_error(compiler->problems, path,
					  known_words_hint("", condition_op_names,
									   CONDITION_NOPS),
					  json ? "op must be a string" : "op is missing");
		return false;
	}
	name = json_cstring(json);
	for (int i = 0; i < CONDITION_NOPS; i++)
	{
		if (strcmp(condition_op_names[i], name) == 0)
		{
			condition->op = i;
			return true;
		}
	}
	problem_error(compiler->problems, path,
				  known_words_hint(name, condition_op_names, CONDITION_NOPS),
				  "unknown op \"%s\"", name);
	return false;
}

static void
try_pattern(void *arg)
{
	DirectFunctionCall2Coll(textregexeq, DEFAULT_COLLATION_OID,
							PointerGetDatum(cstring_to_text("")),
							PointerGetDatum(arg));
}

/* What is wrong with a value for op, palloc'd, or NULL. */
static char *
value_error(ConditionOp op, const JsonbValue *value)
{
	const char *name = condition_op_names[op];

	switch (op)
	{
		case OP_GT:
		case OP_GTE:
		case OP_LT:
		case OP_LTE:
			if (value->type != jbvNumeric && value->type != jbvString)
				return psprintf("\"%s\" takes a number or a string, not %s",
								name, json_a_type(value));
			return NULL;
		case OP_IN:
		case OP_NOT_IN:
			if (!json_is_array(value))
				return psprintf("\"%s\" takes an array, not %s", name,
								json_a_type(value));
			return NULL;
		case OP_STARTS_WITH:
		case OP_ENDS_WITH:
		case OP_MATCHES:
			if (value->type != jbvString)
				return psprintf("\"%s\" takes a string, not %s", name,
								json_a_type(value));
			if (op == OP_MATCHES)
				return problem_catch(try_pattern, cstring_to_text_with_len(
					value->val.string.val, value->val.string.len));
			return NULL;
		default:
			return NULL;
	}
}

/* Does a string below value look like a template? */
static bool
holds_template(const JsonbValue *value)
{
	StringInfoData buf;

	initStringInfo(&buf);
	json_append(&buf, value);
	return strstr(buf.data, "{{") != NULL;
}

static void
compile_literal(const Compiler *compiler, Condition *condition,
				const JsonbValue *json, const char *path)
{
	bool		takes_value = condition->op != OP_EXISTS &&
		condition->op != OP_NOT_EXISTS;
	const char *name = condition_op_names[condition->op];
	char	   *error;

	if (!takes_value)
	{
		if (json != NULL)
			problem_error(compiler->problems, path, NULL,
						  "\"%s\" takes no value", name);
		return;
	}
	if (json == NULL)
	{
		problem_error(compiler->problems, path, NULL,
					  "\"%s\" needs a value", name);
		return;
	}
	if (condition->op != OP_MATCHES && holds_template(json))
		problem_error(compiler->problems, path,
					  "Compare two fields with a jsonpath condition, as in "
					  "\"$.trigger.a == $.trigger.b\".",
					  "conditions take no templates");
	error = value_error(condition->op, json);
	if (error != NULL)
		problem_error(compiler->problems, path, NULL, "%s", error);
	condition->literal = json_to_jsonb(json);
	json_of_jsonb(condition->literal, &condition->value);
}

static void
compile_test(const Compiler *compiler, Condition *condition,
			 const JsonbValue *json, const char *path)
{
	condition->kind = CONDITION_TEST;
	compile_field(compiler, condition, json_member(json, "field"),
				  problem_path_member(path, "field"));
	if (compile_op(compiler, condition, json_member(json, "op"),
				   problem_path_member(path, "op")))
		compile_literal(compiler, condition, json_member(json, "value"),
						problem_path_member(path, "value"));
}

static void
compile_list(const Compiler *compiler, Condition *condition,
			 ConditionKind kind, const JsonbValue *json, const char *path,
			 int depth)
{
	JsonMember *elements;

	condition->kind = kind;
	if (!json_is_array(json) || json_count(json) == 0)
	{
		problem_error(compiler->problems, path, NULL,
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

/*
 * Checks the keys: those of one form only.  Returns the form's key (field,
 * all, any or not), or NULL after adding a problem.
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
						  known_words_hint(key, condition_keys,
										   lengthof(condition_keys)),
						  "unknown key \"%s\"", key);
			continue;
		}
		if (k < 3)
			key = "field";
		is_mixed |= form != NULL && strcmp(form, key) != 0;
		form = key;
	}
	if (form == NULL || is_mixed)
	{
		problem_error(compiler->problems, path,
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
		compile_test(compiler, condition, json, path);
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
		problem_error(compiler->problems, path, NULL,
					  "condition is longer than %d bytes",
					  CONDITION_MAX_BYTES);
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
		problem_error(compiler->problems, path, NULL,
					  "condition is nested more than %d levels deep",
					  CONDITION_MAX_DEPTH);
	else if (json->type == jbvString)
		compile_string(compiler, condition, json, path);
	else if (json_is_object(json))
		compile_object(compiler, condition, json, path, depth);
	else
		problem_error(compiler->problems, path, NULL,
					  "condition must be a string or an object, not %s",
					  json_a_type(json));
	return compiler->problems->nerrors == nerrors ? condition : NULL;
}

Condition *
condition_compile(JsonbValue *json, const char *path,
				  const ScopeNames *names, Problems *problems)
{
	Compiler	compiler = {names, problems};

	return compile(&compiler, json, path, 0);
}

/*
 * The _tz variant compares times with and without zone by the session's
 * TimeZone, where the other raises an error.
 */
static ConditionResult
decide_jsonpath(const Condition *condition, const Scope *scope)
{
	LOCAL_FCINFO(fcinfo, 4);
	Datum		result;

	InitFunctionCallInfoData(*fcinfo, NULL, 4, DEFAULT_COLLATION_OID, NULL,
							 NULL);
	fcinfo->args[0].value = JsonbPGetDatum(scope_to_jsonb(scope));
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = PointerGetDatum(condition->jsonpath);
	fcinfo->args[1].isnull = false;
	fcinfo->args[2].value = JsonbPGetDatum(condition->variables);
	fcinfo->args[2].isnull = false;
	fcinfo->args[3].value = BoolGetDatum(true);
	fcinfo->args[3].isnull = false;
	result = jsonb_path_match_tz(fcinfo);
	if (fcinfo->isnull || !DatumGetBool(result))
		return CONDITION_FALSE;
	return CONDITION_TRUE;
}

static ConditionResult
decide_test(const Condition *condition, const Scope *scope, char **why)
{
	int			missing;
	JsonbValue *value = scope_lookup(scope, condition->field, &missing);

	if (value != NULL)
		return condition_test(condition, value, why);
	if (scope_cut(scope, condition->field, missing) == NULL)
	{
		if (condition->op == OP_EXISTS)
			return CONDITION_FALSE;
		if (condition->op == OP_NOT_EXISTS)
			return CONDITION_TRUE;
	}
	*why = scope_missing(scope, condition->field, missing);
	return CONDITION_UNKNOWN;
}

/* all is settled by a false one, any by a true one; else unknown prevails. */
static ConditionResult
decide_list(const Condition *condition, const Scope *scope, char **why)
{
	bool		is_all = condition->kind == CONDITION_ALL;
	ConditionResult settles = is_all ? CONDITION_FALSE : CONDITION_TRUE;
	ConditionResult result = is_all ? CONDITION_TRUE : CONDITION_FALSE;

	for (int i = 0; i < condition->nchildren; i++)
	{
		char	   *reason = NULL;
		ConditionResult one = condition_decide(condition->children[i], scope,
											   &reason);

		if (one == settles)
			return one;
		if (one == CONDITION_UNKNOWN && result != CONDITION_UNKNOWN)
		{
			result = CONDITION_UNKNOWN;
			*why = reason;
		}
	}
	return result;
}

ConditionResult
condition_decide(const Condition *condition, const Scope *scope, char **why)
{
	ConditionResult result = CONDITION_FALSE;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	switch (condition->kind)
	{
		case CONDITION_JSONPATH:
			return decide_jsonpath(condition, scope);
		case CONDITION_TEST:
			return decide_test(condition, scope, why);
		case CONDITION_ALL:
		case CONDITION_ANY:
			return decide_list(condition, scope, why);
		case CONDITION_NOT:
			result = condition_decide(condition->children[0], scope, why);
			if (result == CONDITION_UNKNOWN)
				return result;
			return result == CONDITION_TRUE ? CONDITION_FALSE :
				CONDITION_TRUE;
	}
	return result;
}
