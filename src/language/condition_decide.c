/*
 * condition_decide.c
 *	  Decides the conditions of a step.
 *
 * Both forms of a condition, jsonpath and object, are decided in three-valued
 * logic, and both may occur below all, any and not.  A comparison of types
 * that do not compare is unknown.  A missing field makes a test of an object
 * unknown, while a jsonpath's comparison is false.  The reason is kept for the
 * step's result.  Only exists and not_exists ask whether a field is there (a
 * null is), and for empty and not_empty a missing field is empty.
 *
 * Runs in any process, with no effect but memory in the current context.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "language/condition_node.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/*
 * If the condition reads a member of an output of which only the beginning was
 * kept, or a result that is not known, says so, palloc'd; else NULL.
 */
static char *
output_not_known(const Condition *condition, const Scope *scope)
{
	ListCell   *lc;

	foreach(lc, condition->outputs)
	{
		const ScopePath *path = lfirst(lc);
		int			missing;
		char	   *cut = scope_unknown(scope, path);

		if (cut != NULL)
			return cut;
		if (path->nparts > 3 &&
			scope_lookup(scope, path, &missing) == NULL &&
			(cut = scope_cut(scope, path, missing)) != NULL)
			return cut;
	}
	return NULL;
}

static ConditionResult
decide_jsonpath(const Condition *condition, const Scope *scope, char **why)
{
	Jsonb	   *context = scope_to_jsonb(scope);
	ConditionResult result;

	*why = output_not_known(condition, scope);
	if (*why != NULL)
		return CONDITION_UNKNOWN;
	result = condition_match(condition->jsonpath, context,
							 condition->variables);
	if (result == CONDITION_UNKNOWN)
		*why = condition_jsonpath_why(condition, context);
	return result;
}

static ConditionResult
of_bool(bool value)
{
	return value ? CONDITION_TRUE : CONDITION_FALSE;
}

/* null, "", [] and {} */
static bool
is_empty(const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return true;
		case jbvString:
			return value->val.string.len == 0;
		case jbvBinary:
			return json_count(value) == 0;
		default:
			return false;
	}
}

static ConditionResult
decide_test(const Condition *condition, const Scope *scope, char **why)
{
	int			missing;
	JsonbValue *field = scope_lookup(scope, condition->field, &missing);
	JsonbValue *value = unconstify(JsonbValue *, &condition->value);

	*why = scope_unknown(scope, condition->field);
	if (*why == NULL && condition->value_field != NULL)
		*why = scope_unknown(scope, condition->value_field);
	if (*why != NULL)
		return CONDITION_UNKNOWN;
	if (field == NULL && scope_cut(scope, condition->field, missing) != NULL)
	{
		*why = scope_missing(scope, condition->field, missing);
		return CONDITION_UNKNOWN;
	}
	switch (condition->op)
	{
		case OP_EXISTS:
		case OP_NOT_EXISTS:
			return of_bool((field != NULL) == (condition->op == OP_EXISTS));
		case OP_EMPTY:
		case OP_NOT_EMPTY:
			return of_bool((field == NULL || is_empty(field)) ==
						   (condition->op == OP_EMPTY));
		default:
			break;
	}
	if (field == NULL)
	{
		*why = scope_missing(scope, condition->field, missing);
		return CONDITION_UNKNOWN;
	}
	if (condition->value_field != NULL)
	{
		value = scope_lookup(scope, condition->value_field, &missing);
		if (value == NULL)
		{
			*why = scope_missing(scope, condition->value_field, missing);
			return CONDITION_UNKNOWN;
		}
	}
	return condition_test(condition, field, value, why);
}

/*
 * Decides all and any.  A false condition makes all false, and a true one
 * makes any true.  Otherwise the result is unknown if one of them is; *why is
 * the reason of the first.
 */
static ConditionResult
decide_list(const Condition *condition, const Scope *scope, char **why)
{
	bool		is_all = condition->kind == CONDITION_ALL;
	ConditionResult decisive = is_all ? CONDITION_FALSE : CONDITION_TRUE;
	ConditionResult result = is_all ? CONDITION_TRUE : CONDITION_FALSE;

	for (int i = 0; i < condition->nchildren; i++)
	{
		char	   *reason = NULL;
		ConditionResult one = condition_decide(condition->children[i], scope,
											   &reason);

		if (one == decisive)
			return one;
		if (one == CONDITION_UNKNOWN && result != CONDITION_UNKNOWN)
		{
			result = CONDITION_UNKNOWN;
			*why = reason;
		}
	}
	return result;
}

char *
condition_not_known(const Condition *condition, const Scope *scope)
{
	char	   *why = NULL;
	ListCell   *lc;

	check_stack_depth();
	if (condition->field != NULL)
		why = scope_unknown(scope, condition->field);
	if (why == NULL && condition->value_field != NULL)
		why = scope_unknown(scope, condition->value_field);
	foreach(lc, condition->outputs)
		if (why == NULL)
		why = scope_unknown(scope, lfirst(lc));
	for (int i = 0; why == NULL && i < condition->nchildren; i++)
		why = condition_not_known(condition->children[i], scope);
	return why;
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
			return decide_jsonpath(condition, scope, why);
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
