/*
 * condition_jsonpath.c
 *	  Conditions written as a jsonpath predicate over the context.
 *
 * PostgreSQL's own parser judges the syntax.  Beyond that a condition must be
 * a predicate (a bare path would be true only where it finds the JSON value
 * true), must have no variables (there are none; "$trigger" is written where
 * "$.trigger" is meant), and may name only what the context has: the roots,
 * and the steps before.
 *
 * Runs where definitions are written and where workers load them; the result
 * lives in the current memory context.
 */
#include "postgres.h"
#include "compat.h"

#include "condition_node.h"
#include "jsonvalue.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"

/* What walking over a jsonpath needs. */
typedef struct Walk
{
	const char *path;
	const ScopeNames *names;
	Problems   *problems;
} Walk;

typedef struct JsonPathInput
{
	const char *text;
	JsonPath   *result;
} JsonPathInput;

static void
parse_jsonpath(void *arg)
{
	JsonPathInput *input = arg;
	Datum		datum = DirectFunctionCall1(jsonpath_in,
											CStringGetDatum(input->text));

	input->result = DatumGetJsonPathP(datum);
}

static bool
is_predicate(JsonPathItem *item)
{
	if (jspHasNext(item))
		return false;
	switch (item->type)
	{
		case jpiAnd:
		case jpiOr:
		case jpiNot:
		case jpiIsUnknown:
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
		case jpiExists:
		case jpiStartsWith:
		case jpiLikeRegex:
			return true;
		default:
			return false;
	}
}

/* Checks the keys that follow a "$". */
static void
check_root(const Walk *walk, JsonPathItem *root)
{
	const char *parts[3];
	int			nparts = 0;
	JsonPathItem item = *root;
	JsonPathItem next;
	int			bad_part;
	char	   *hint;
	char	   *error;

	while (nparts < lengthof(parts) && jspGetNext(&item, &next) &&
		   next.type == jpiKey)
	{
		int32		len;
		char	   *key = jspGetString(&next, &len);

		parts[nparts++] = pnstrdup(key, len);
		item = next;
	}
	if (nparts == 0)
		return;
	error = scope_check_parts(parts, nparts, walk->names, &bad_part, &hint);
	if (error != NULL)
		problem_error(walk->problems, walk->path, hint, "%s", error);
}

static void
check_variable(const Walk *walk, JsonPathItem *item)
{
	int32		len;
	char	   *name = jspGetString(item, &len);

	problem_error(walk->problems, walk->path,
				  psprintf("Write \"$.%.*s\".", len, name),
				  "a condition has no variable \"$%.*s\"", len, name);
}

static void walk_items(const Walk *walk, JsonPathItem *first);

static void
walk_subscripts(const Walk *walk, JsonPathItem *item)
{
	for (int i = 0; i < item->content.array.nelems; i++)
	{
		JsonPathItem from;
		JsonPathItem to;

		if (jspGetArraySubscript(item, &from, &to, i))
			walk_items(walk, &to);
		walk_items(walk, &from);
	}
}

/* Walks what hangs below one item. */
static void
walk_operands(const Walk *walk, JsonPathItem *item)
{
	JsonPathItem operand;

	switch (item->type)
	{
		case jpiAnd:
		case jpiOr:
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
		case jpiAdd:
		case jpiSub:
		case jpiMul:
		case jpiDiv:
		case jpiMod:
		case jpiStartsWith:
			jspGetLeftArg(item, &operand);
			walk_items(walk, &operand);
			jspGetRightArg(item, &operand);
			walk_items(walk, &operand);
			break;
		case jpiNot:
		case jpiIsUnknown:
		case jpiExists:
		case jpiPlus:
		case jpiMinus:
		case jpiFilter:
			jspGetArg(item, &operand);
			walk_items(walk, &operand);
			break;
		case jpiLikeRegex:
			jspInitByBuffer(&operand, item->base,
							item->content.like_regex.expr);
			walk_items(walk, &operand);
			break;
		case jpiIndexArray:
			walk_subscripts(walk, item);
			break;
		case jpiRoot:
			check_root(walk, item);
			break;
		case jpiVariable:
			check_variable(walk, item);
			break;
		default:
			break;
	}
}

/* Walks an item and those that follow it in its path. */
static void
walk_items(const Walk *walk, JsonPathItem *first)
{
	JsonPathItem item = *first;
	JsonPathItem next;

	check_stack_depth();
	walk_operands(walk, &item);
	while (jspGetNext(&item, &next))
	{
		item = next;
		walk_operands(walk, &item);
	}
}

static Jsonb *
empty_object(void)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

bool
condition_compile_jsonpath(Condition *condition, const char *text,
						   const char *path, const ScopeNames *names,
						   Problems *problems)
{
	JsonPathInput input = {text, NULL};
	Walk		walk = {path, names, problems};
	int			nerrors = problems->nerrors;
	JsonPathItem root;
	char	   *message = problem_catch(parse_jsonpath, &input);

	if (message != NULL)
	{
		problem_error(problems, path, NULL, "%s", message);
		return false;
	}
	jspInit(&root, input.result);
	if (!is_predicate(&root))
		problem_error(problems, path,
					  "Compare it, as in \"$.trigger.total > 500\", or ask "
					  "\"exists($.trigger.total)\".",
					  "condition is not a predicate");
	walk_items(&walk, &root);
	condition->kind = CONDITION_JSONPATH;
	condition->jsonpath = input.result;
	condition->variables = empty_object();
	return problems->nerrors == nerrors;
}
