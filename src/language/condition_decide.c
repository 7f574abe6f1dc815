/*
 * condition_decide.c
 *	  Deciding the conditions of a step.
 *
 * Both forms are decided in three-valued logic, and may be mixed below all,
 * any and not.  Unknown is what has types that do not compare; in an object
 * a missing field too, but a jsonpath calls the comparison false.  The
 * reason is kept for the step's result.  Only exists and not_exists look at
 * whether a field is there (a null is), and empty and not_empty take what is
 * missing as empty.
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

/* Does it look at what was cut off an output?  Says so, palloc'd; or NULL. */
static char *
cut_output(const Condition *condition, const Scope *scope)
{
	ListCell   *lc;

	foreach(lc, condition->outputs)
	{
		const ScopePath *path = lfirst(lc);
		int			missing;
		char	   *cut;

		if (scope_lookup(scope, path, &missing) == NULL &&
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

	*why = cut_output(condition, scope);
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
