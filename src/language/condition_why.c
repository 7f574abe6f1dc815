/*
 * condition_why.c
 *	  Says why a jsonpath predicate is unknown.
 *
 * jsonb_path_match reports that a predicate is neither true nor false, and no
 * reason.  So the predicate is taken apart: the first part that is unknown by
 * itself is found, and its operands are evaluated one by one.  Their types, or
 * the error that PostgreSQL raises for them, are the reason.
 *
 * Runs in any process, only for predicates that are unknown, so that others do
 * not pay for it.  The only effect is memory in the current context.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "language/condition_node.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"

/* A reason quotes at most so many bytes of a part's text. */
#define MAX_SHOWN_BYTES 120

/* jsonpath's type() knows fewer. */
#define MAX_TYPES 16

typedef struct Explainer
{
	const JsonPath *whole;
	Jsonb	   *variables;
	Jsonb	   *context;
	JsonPath   *part;			/* memory for a part of it */
} Explainer;

/* An operand, and what was found out about it. */
typedef struct Operand
{
	JsonPathItem *item;
	char	   *text;
	char	   *error;			/* NULL, or why it has no value */
	int			n;				/* how many values it has, those of an array
								 * counted one by one */
	int			ntypes;
	char	   *types[MAX_TYPES];	/* of the values, each type once */
} Operand;

/* text, cut if it is long; palloc'd. */
static char *
shown(const char *text)
{
	int			len = pg_mbcliplen(text, strlen(text), MAX_SHOWN_BYTES);

	return text[len] ? psprintf("%.*s ...", len, text) : pstrdup(text);
}

/*--- parts evaluated ---*/

static ConditionResult
negate(ConditionResult result)
{
	if (result == CONDITION_UNKNOWN)
		return result;
	return result == CONDITION_TRUE ? CONDITION_FALSE : CONDITION_TRUE;
}

/*
 * Decides a part that is a predicate by itself.  A part is made a jsonpath by
 * an item before it, and jpiNot is the one that leaves a predicate.
 */
static ConditionResult
decide(const Explainer *e, const JsonPathItem *item)
{
	return negate(condition_match(condition_wrap_item(e->part, jpiNot,
													  e->whole, item),
								  e->context, e->variables));
}

typedef struct Query
{
	const Explainer *e;
	const char *text;
	Jsonb	   *result;
} Query;

static void
run_query(void *arg)
{
	Query	   *query = arg;
	JsonPath   *path = condition_read_jsonpath(query->text);
	Datum		found;

	found = DirectFunctionCall4(jsonb_path_query_array_tz,
								JsonbPGetDatum(query->e->context),
								PointerGetDatum(path),
								JsonbPGetDatum(query->e->variables),
								BoolGetDatum(false));
	query->result = DatumGetJsonbP(found);
}

/*
 * Evaluates text as a jsonpath: *values become the *n values that it finds.
 * Returns NULL, or the message of an error.
 */
static char *
find_values(const Explainer *e, const char *text, JsonMember **values, int *n)
{
	Query		query = {e, text, NULL};
	char	   *error = problem_catch(run_query, &query);
	JsonbValue	array;

	*n = 0;
	if (error != NULL)
		return error;
	json_of_jsonb(query.result, &array);
	*values = json_members(&array, n);
	return NULL;
}

/* The same for the types of the values, which are put into operand. */
static char *
find_types(const Explainer *e, const char *text, Operand *operand)
{
	JsonMember *values;
	char	   *error;

	error = find_values(e, psprintf("(%s)[*].type()", text), &values,
						&operand->n);
	operand->ntypes = 0;
	for (int i = 0; i < operand->n && operand->ntypes < MAX_TYPES; i++)
	{
		char	   *type = json_cstring(&values[i].value);
		int			k = 0;

		while (k < operand->ntypes && strcmp(operand->types[k], type) != 0)
			k++;
		if (k == operand->ntypes)
			operand->types[operand->ntypes++] = type;
		else
			pfree(type);
	}
	return error;
}

static void
evaluate(const Explainer *e, JsonPathItem *item, Operand *operand)
{
	operand->item = item;
	operand->text = condition_item_text(e->whole, item);
	operand->error = find_types(e, operand->text, operand);
}

/* The type with its article: "a string", "an object", but "null". */
static char *
a_type(const char *type)
{
	if (strcmp(type, "null") == 0)
		return pstrdup(type);
	return psprintf("%s %s", strchr("ao", type[0]) ? "an" : "a", type);
}

/*--- reasons ---*/

/* The part of text before a ".method()" at its end, or NULL. */
static char *
before_method(const char *text)
{
	const char *dot = strrchr(text, '.');

	if (dot == NULL || text[strlen(text) - 1] != ')' ||
		strchr(dot, '(') == NULL || strpbrk(dot, "\"[ ") != NULL)
		return NULL;
	return pnstrdup(text, dot - text);
}

/* Is base a time that "before" and "after" read, and .datetime() not? */
static bool
is_time_for_object(const Explainer *e, const char *text, const char *base)
{
	JsonMember *values;
	int			n;
	TimestampTz time;

	return strcmp(text + strlen(base), ".datetime()") == 0 &&
		find_values(e, base, &values, &n) == NULL && n == 1 &&
		condition_read_time(&values[0].value, &time);
}

static char *error_reason(const Explainer *e, const Operand *operand);

static bool
is_arithmetic(JsonPathItemType type)
{
	switch (type)
	{
		case jpiAdd:
		case jpiSub:
		case jpiMul:
		case jpiDiv:
		case jpiMod:
		case jpiPlus:
		case jpiMinus:
			return true;
		default:
			return false;
	}
}

/*
 * Says which operand of an arithmetic operator is no number; NULL if item is
 * no such operator or all its operands are numbers.
 */
static char *
arithmetic_reason(const Explainer *e, JsonPathItem *item)
{
	JsonPathItem args[CONDITION_MAX_OPERANDS];
	int			nargs;

	if (!is_arithmetic(item->type))
		return NULL;
	nargs = condition_item_operands(item, args);
	for (int i = 0; i < nargs; i++)
	{
		Operand		arg;

		evaluate(e, &args[i], &arg);
		if (arg.error != NULL)
			return error_reason(e, &arg);
		if (arg.n == 0)
			return psprintf("%s is missing", shown(arg.text));
		if (arg.n > 1)
			return psprintf("%s is %d values", shown(arg.text), arg.n);
		if (strcmp(arg.types[0], "number") != 0)
			return psprintf("%s is %s, not a number", shown(arg.text),
							a_type(arg.types[0]));
	}
	return NULL;
}

/* Says why the evaluation of an operand raised an error. */
static char *
error_reason(const Explainer *e, const Operand *operand)
{
	char	   *reason;
	char	   *base;
	Operand		of_base;

	check_stack_depth();
	reason = arithmetic_reason(e, operand->item);
	if (reason != NULL)
		return reason;
	base = before_method(operand->text);
	if (base != NULL && find_types(e, base, &of_base) == NULL &&
		of_base.n == 1)
		return psprintf("%s is %s: %s%s", shown(base),
						a_type(of_base.types[0]),
						operand->error,
						is_time_for_object(e, operand->text, base) ?
						" (\"before\" and \"after\" read it)" : "");
	return operand->error;
}

static bool
is_time_type(const char *type)
{
	return strncmp(type, "date", 4) == 0 || strncmp(type, "time", 4) == 0;
}

/* Do values of these types compare? */
static bool
types_compare(const char *a, const char *b)
{
	if (strcmp(a, "null") == 0 || strcmp(b, "null") == 0)
		return true;
	if (strcmp(a, "array") == 0 || strcmp(a, "object") == 0)
		return false;
	if (is_time_type(a) && is_time_type(b))
		return (strncmp(a, "time ", 5) == 0) == (strncmp(b, "time ", 5) == 0);
	return strcmp(a, b) == 0;
}

/* Finds a pair of types that do not compare; the first ones if all do. */
static void
find_pair(const Operand *left, const Operand *right, int *l, int *r)
{
	for (*l = 0; *l < left->ntypes; (*l)++)
	{
		for (*r = 0; *r < right->ntypes; (*r)++)
		{
			if (!types_compare(left->types[*l], right->types[*r]))
				return;
		}
	}
	*l = *r = 0;
}

/* For several values, such as an array's, one type of them is named. */
static const char *
is_or_has(const Operand *operand)
{
	return operand->n > 1 ? "has" : "is";
}

/* Names the operand of a comparison that has no value, or both types. */
static char *
explain_pair(const Explainer *e, JsonPathItem *left_item,
			 JsonPathItem *right_item)
{
	Operand		left;
	Operand		right;
	int			l;
	int			r;

	evaluate(e, left_item, &left);
	evaluate(e, right_item, &right);
	if (left.error != NULL || right.error != NULL)
		return psprintf("%s does not compare with %s: %s", shown(left.text),
						shown(right.text),
						error_reason(e, left.error ? &left : &right));
	if (left.n == 0 || right.n == 0)
		return psprintf("%s is missing",
						shown(left.n == 0 ? left.text : right.text));

	/* the path, and not the literal, comes first in the sentence */
	if (left_item->type != jpiRoot && right_item->type == jpiRoot)
	{
		Operand		swap = left;

		left = right;
		right = swap;
	}
	find_pair(&left, &right, &l, &r);
	return psprintf("%s %s %s, which does not compare with %s (%s)",
					shown(left.text), is_or_has(&left),
					a_type(left.types[l]), a_type(right.types[r]),
					shown(right.text));
}

/* Says why an operand of like_regex or starts with is no text. */
static char *
explain_text(const Explainer *e, JsonPathItem *item, const char *op)
{
	Operand		operand;
	int			i = 0;

	evaluate(e, item, &operand);
	if (operand.error != NULL)
		return error_reason(e, &operand);
	while (i < operand.ntypes - 1 && strcmp(operand.types[i], "string") == 0)
		i++;
	if (operand.n == 0)
		return psprintf("%s is missing", shown(operand.text));
	return psprintf("%s %s %s, which \"%s\" does not take",
					shown(operand.text), is_or_has(&operand),
					a_type(operand.types[i]), op);
}

/*
 * The prefix is looked at first: only if it is one text can the fault be that
 * of the other operand.
 */
static char *
explain_starts_with(const Explainer *e, JsonPathItem *operands)
{
	Operand		prefix;
	bool		is_text;

	evaluate(e, &operands[1], &prefix);
	is_text = prefix.error == NULL && prefix.n == 1 &&
		strcmp(prefix.types[0], "string") == 0;
	return explain_text(e, is_text ? &operands[0] : &operands[1],
						"starts with");
}

/*
 * Decides item.  If the result is unknown, *unknown is the first unknown part
 * of those that and, or and not combine; otherwise *unknown may have been
 * overwritten, and is of no meaning.
 */
static ConditionResult
find_unknown(const Explainer *e, JsonPathItem *item, JsonPathItem *unknown)
{
	ConditionResult decisive = item->type == jpiAnd ? CONDITION_FALSE :
		CONDITION_TRUE;
	ConditionResult left;
	ConditionResult right;
	JsonPathItem operands[CONDITION_MAX_OPERANDS];
	JsonPathItem other;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (item->type != jpiAnd && item->type != jpiOr && item->type != jpiNot)
	{
		*unknown = *item;
		return decide(e, item);
	}
	condition_item_operands(item, operands);
	left = find_unknown(e, &operands[0], unknown);
	if (item->type == jpiNot)
		return negate(left);
	if (left == decisive)
		return left;
	/* if the left part is unknown, the right one may still decide the whole */
	right = find_unknown(e, &operands[1],
						 left == CONDITION_UNKNOWN ? &other : unknown);
	return left == CONDITION_UNKNOWN && right != decisive ? left : right;
}

/* Why a predicate that is no and, or or not is unknown; NULL: not known. */
static char *
explain(const Explainer *e, JsonPathItem *item)
{
	JsonPathItem operands[CONDITION_MAX_OPERANDS];
	Operand		operand;

	condition_item_operands(item, operands);
	switch (item->type)
	{
		case jpiExists:
			evaluate(e, &operands[0], &operand);
			return operand.error ? error_reason(e, &operand) : NULL;
		case jpiStartsWith:
			return explain_starts_with(e, operands);
		case jpiLikeRegex:
			return explain_text(e, &operands[0], "like_regex");
		case jpiEqual:
		case jpiNotEqual:
		case jpiLess:
		case jpiGreater:
		case jpiLessOrEqual:
		case jpiGreaterOrEqual:
			return explain_pair(e, &operands[0], &operands[1]);
		default:
			return NULL;
	}
}

char *
condition_jsonpath_why(const Condition *condition, Jsonb *context)
{
	Explainer	e = {condition->jsonpath, condition->variables, context,
	palloc(CONDITION_PART_SIZE(condition->jsonpath))};
	JsonPathItem root;
	JsonPathItem unknown;
	char	   *why = NULL;

	jspInit(&root, condition->jsonpath);
	if (find_unknown(&e, &root, &unknown) == CONDITION_UNKNOWN)
		why = explain(&e, &unknown);
	return why ? why : pstrdup("it is neither true nor false");
}
