/*
 * condition_operand.c
 *	  Compiles one test of a condition: its field, its op, its value.
 *
 * Which values are allowed depends on the op.  A literal is checked here.  The
 * value that value_field names is known only when the condition is decided; a
 * value that the op does not take makes the test unknown then
 * (condition_test.c).
 *
 * Part of the compiler of conditions, see condition.c: pure, and the result
 * lives in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "catalog/pg_collation_d.h"
#include "language/condition_node.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

const char *const condition_op_names[CONDITION_NOPS] = {
	"eq", "ne", "gt", "gte", "lt", "lte", "in", "not_in", "contains",
	"starts_with", "ends_with", "matches", "before", "after", "exists",
	"not_exists", "empty", "not_empty"
};

/* Names of ops in other languages: for hints. */
static const struct
{
	const char *word;
	ConditionOp op;
}			other_names[] = {
	{"=", OP_EQ}, {"==", OP_EQ}, {"===", OP_EQ}, {"is", OP_EQ},
	{"equals", OP_EQ}, {"equal", OP_EQ}, {"!=", OP_NE}, {"<>", OP_NE},
	{"neq", OP_NE}, {"is_not", OP_NE}, {"not_equals", OP_NE},
	{"not_equal", OP_NE}, {">", OP_GT}, {"greater_than", OP_GT},
	{">=", OP_GTE}, {"ge", OP_GTE}, {"<", OP_LT}, {"less_than", OP_LT},
	{"<=", OP_LTE}, {"le", OP_LTE}, {"one_of", OP_IN}, {"nin", OP_NOT_IN},
	{"includes", OP_CONTAINS}, {"has", OP_CONTAINS}, {"like", OP_MATCHES},
	{"regex", OP_MATCHES}, {"~", OP_MATCHES}, {"present", OP_NOT_EMPTY},
	{"blank", OP_EMPTY}, {"is_empty", OP_EMPTY},
	{"is_not_empty", OP_NOT_EMPTY}, {"missing", OP_NOT_EXISTS},
	{"earlier", OP_BEFORE}, {"later", OP_AFTER}
};

/* Does op take no value, only a field?  (exists, empty and their opposites) */
static bool
takes_no_value(ConditionOp op)
{
	return op == OP_EXISTS || op == OP_NOT_EXISTS || op == OP_EMPTY ||
		op == OP_NOT_EMPTY;
}

/* Adds an error: a member that must be a string is absent or none. */
static void
report_no_string(const JsonbValue *json, const char *key, const char *path,
				 const char *hint, Problems *problems)
{
	if (json != NULL)
		problem_type(problems, path, hint, key, "a string", json);
	else
		problem_error(problems, path, "missing_key", hint, "%s is missing",
					  key);
}

/* The path in a member, key at path; NULL after adding an error. */
static ScopePath *
compile_path(const JsonbValue *json, const char *key, const char *path,
			 const ScopeNames *names, Problems *problems)
{
	ScopePath  *result;
	char	   *text;
	Mistake		mistake;

	if (json == NULL || json->type != jbvString)
	{
		report_no_string(json, key, path,
						 "Write a path, as in \"trigger.country\".",
						 problems);
		return NULL;
	}
	text = json_cstring(json);

	result = scope_path_parse(text, strlen(text), names, &mistake);
	if (result == NULL)
	{
		problem_mistake(problems, path, &mistake, text, strlen(text));
		return NULL;
	}
	scope_path_warn(result, path, problems);
	return result;
}

const char *
condition_op_of_word(const char *word)
{
	for (int i = 0; i < lengthof(other_names); i++)
	{
		if (pg_strcasecmp(other_names[i].word, word) == 0)
			return condition_op_names[other_names[i].op];
	}
	return NULL;
}

static char *
op_hint(const char *name)
{
	const char *meant = condition_op_of_word(name);

	return meant != NULL ? psprintf("Write \"%s\".", meant)
		: known_words_hint(name, condition_op_names, CONDITION_NOPS);
}

/* Sets the op; false after adding an error. */
static bool
compile_op(Condition *condition, const JsonbValue *json, const char *path,
		   Problems *problems)
{
	char	   *name;

	if (json == NULL || json->type != jbvString)
	{
		report_no_string(json, "op", path, op_hint(""), problems);
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
	problem_error(problems, path, "unknown_op", op_hint(name),
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

/* Adds an error if a string is not what op takes. */
static void
check_string(ConditionOp op, const JsonbValue *value, const char *path,
			 Problems *problems)
{
	TimestampTz time;

	if (op == OP_MATCHES)
	{
		text	   *pattern =
			cstring_to_text_with_len(value->val.string.val,
									 value->val.string.len);
		char	   *message = problem_catch(try_pattern, pattern);

		if (message != NULL)
			problem_error(problems, path, "bad_pattern", NULL, "%s", message);
	}
	else if ((op == OP_BEFORE || op == OP_AFTER) &&
			 !condition_read_time(value, &time))
		problem_error(problems, path, "time_expected", NULL,
					  "\"%s\" takes a time as ISO 8601 text, such as "
					  "\"2026-03-01T22:30:00Z\" or \"2026-03-01\"",
					  condition_op_names[op]);
}

/* Adds an error if a literal is not what op takes. */
static void
check_literal(ConditionOp op, const JsonbValue *value, const char *path,
			  Problems *problems)
{
	const char *takes = NULL;

	switch (op)
	{
		case OP_GT:
		case OP_GTE:
		case OP_LT:
		case OP_LTE:
			if (value->type != jbvNumeric && value->type != jbvString)
				takes = "a number or a string";
			break;
		case OP_IN:
		case OP_NOT_IN:
			if (!json_is_array(value))
				takes = "an array";
			break;
		case OP_STARTS_WITH:
		case OP_ENDS_WITH:
		case OP_MATCHES:
		case OP_BEFORE:
		case OP_AFTER:
			if (value->type != jbvString)
				takes = "a string";
			else
				check_string(op, value, path, problems);
			break;
		default:
			break;
	}
	if (takes != NULL)
		problem_error(problems, path, "op_value", NULL,
					  "\"%s\" takes %s, not %s", condition_op_names[op], takes,
					  json_a_type(value));
}

/* Is there a template in a string at any depth of value? */
static bool
holds_template(const JsonbValue *value)
{
	StringInfoData buf;

	initStringInfo(&buf);
	json_append(&buf, value);
	return strstr(buf.data, "{{") != NULL;
}

/* Warns of a text that is a path: it is compared as a text. */
static void
warn_of_path(const JsonbValue *json, const char *path,
			 const ScopeNames *names, Problems *problems)
{
	char	   *text = json_cstring(json);
	int			len;
	const char *found = scope_path_as_text(text, strlen(text), names, &len);

	if (found != NULL)
		problem_warning(problems, path, "path_as_text",
						psprintf("Write \"value_field\": \"%s\" to compare "
								 "with its value.", found),
						"\"%s\" is a text here, not the value of that path",
						text);
}

static void
compile_literal(Condition *condition, const JsonbValue *json,
				const char *path, const ScopeNames *names,
				Problems *problems)
{
	if (condition->op != OP_MATCHES && holds_template(json))
		problem_error(problems, path, "template_in_condition",
					  "Compare with another field by \"value_field\": "
					  "\"trigger.b\" in the place of \"value\".",
					  "conditions take no templates");
	check_literal(condition->op, json, path, problems);
	if (json->type == jbvString)
		warn_of_path(json, path, names, problems);
	condition->literal = json_to_jsonb(json);
	json_of_jsonb(condition->literal, &condition->value);
}

/* One of value and value_field, or neither if the op takes no value. */
static void
compile_value(Condition *condition, const JsonbValue *json, const char *path,
			  const ScopeNames *names, Problems *problems)
{
	JsonbValue *literal = json_member(json, "value");
	JsonbValue *field = json_member(json, "value_field");
	const char *name = condition_op_names[condition->op];
	const char *literal_path = problem_path_member(path, "value");
	const char *field_path = problem_path_member(path, "value_field");

	if (takes_no_value(condition->op))
	{
		if (literal != NULL || field != NULL)
			problem_error(problems, literal ? literal_path : field_path,
						  "value_not_taken", NULL, "\"%s\" takes no value",
						  name);
	}
	else if (literal != NULL && field != NULL)
		problem_error(problems, field_path, "excluding_keys",
					  "Leave one of them out.",
					  "value and value_field exclude each other");
	else if (field != NULL)
		condition->value_field = compile_path(field, "value_field",
											  field_path, names, problems);
	else if (literal != NULL)
		compile_literal(condition, literal, literal_path, names, problems);
	else
		problem_error(problems, literal_path, "value_needed", NULL,
					  "\"%s\" needs a value", name);
}

static bool
may_ignore_case(ConditionOp op)
{
	return op == OP_EQ || op == OP_NE || op == OP_IN || op == OP_NOT_IN ||
		op == OP_CONTAINS || op == OP_STARTS_WITH || op == OP_ENDS_WITH ||
		op == OP_MATCHES;
}

static void
compile_ignore_case(Condition *condition, const JsonbValue *json,
					const char *path, Problems *problems)
{
	JsonbValue *value = json_member(json, "ignore_case");

	if (value == NULL)
		return;
	path = problem_path_member(path, "ignore_case");
	if (value->type != jbvBool)
		problem_type(problems, path, NULL, "ignore_case", "true or false",
					 value);
	else if (value->val.boolean && !may_ignore_case(condition->op))
		problem_error(problems, path, "case_not_taken",
					  "It goes with eq, ne, in, not_in, contains, "
					  "starts_with, ends_with and matches.",
					  "\"%s\" takes no ignore_case",
					  condition_op_names[condition->op]);
	else
		condition->ignore_case = value->val.boolean;
}

void
condition_compile_test(Condition *condition, const JsonbValue *json,
					   const char *path, const ScopeNames *names,
					   Problems *problems)
{
	condition->kind = CONDITION_TEST;
	condition->field = compile_path(json_member(json, "field"), "field",
									problem_path_member(path, "field"),
									names, problems);
	if (!compile_op(condition, json_member(json, "op"),
					problem_path_member(path, "op"), problems))
		return;
	compile_value(condition, json, path, names, problems);
	compile_ignore_case(condition, json, path, problems);
}
