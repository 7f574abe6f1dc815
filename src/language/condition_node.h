/*
 * condition_node.h
 *	  What a condition is made of: for the condition_*.c files only.
 */
#ifndef WF_CONDITION_NODE_H
#define WF_CONDITION_NODE_H

#include "datatype/timestamp.h"
#include "language/condition.h"
#include "utils/jsonpath.h"

typedef enum ConditionKind
{
	CONDITION_JSONPATH,
	CONDITION_TEST,				/* field, op, value */
	CONDITION_ALL,
	CONDITION_ANY,
	CONDITION_NOT
} ConditionKind;

typedef enum ConditionOp
{
	OP_EQ,
	OP_NE,
	OP_GT,
	OP_GTE,
	OP_LT,
	OP_LTE,
	OP_IN,
	OP_NOT_IN,
	OP_CONTAINS,
	OP_STARTS_WITH,
	OP_ENDS_WITH,
	OP_MATCHES,
	OP_BEFORE,
	OP_AFTER,
	OP_EXISTS,
	OP_NOT_EXISTS,
	OP_EMPTY,
	OP_NOT_EMPTY
} ConditionOp;

#define CONDITION_NOPS (OP_NOT_EMPTY + 1)

struct Condition
{
	ConditionKind kind;
	JsonPath   *jsonpath;		/* CONDITION_JSONPATH */
	Jsonb	   *variables;		/* CONDITION_JSONPATH: none, as an object */
	List	   *outputs;		/* CONDITION_JSONPATH: of ScopePath *, the
								 * members of steps' outputs that it names */
	ScopePath  *field;			/* CONDITION_TEST */
	ConditionOp op;				/* CONDITION_TEST */
	bool		ignore_case;	/* CONDITION_TEST */
	JsonbValue	value;			/* CONDITION_TEST; points into literal */
	Jsonb	   *literal;		/* CONDITION_TEST; NULL: there is none */
	ScopePath  *value_field;	/* CONDITION_TEST; NULL: there is none */
	int			nchildren;		/* ALL, ANY, NOT (one) */
	Condition **children;
};

extern const char *const condition_op_names[CONDITION_NOPS];

/*
 * Compiles {"field", "op", "value" or "value_field", "ignore_case"} into
 * condition; adds problems.
 */
extern void condition_compile_test(Condition *condition,
								   const JsonbValue *json, const char *path,
								   const ScopeNames *names,
								   Problems *problems);

/*
 * Compiles text as a jsonpath predicate into condition; false after adding a
 * problem.
 */
extern bool condition_compile_jsonpath(Condition *condition, const char *text,
									   const char *path,
									   const ScopeNames *names,
									   Problems *problems);

/* A mistake of spelling in a jsonpath that somebody wrote. */
typedef struct SpellingMistake
{
	const char *message;		/* NULL: no mistake was recognized */
	const char *hint;			/* if it cannot be put right; may be NULL */
	int			offset;			/* the byte where it stands */
	char	   *corrected;		/* the whole text with all such mistakes put
								 * right; it need not be a condition yet */
} SpellingMistake;

/* Looks for what people write that is no jsonpath.  Pure. */
extern void condition_spelling(const char *text, SpellingMistake *mistake);

/* Is it plain enough to stand after a "." in a jsonpath without quotes? */
extern bool condition_plain_key(const char *key, int len);

/*
 * Reads text as a jsonpath, which lives in the current memory context.
 * Raises what jsonpath_in raises: 42601 or 22P02 for the syntax, and 2201B
 * for a regular expression.
 */
extern JsonPath *condition_read_jsonpath(const char *text);

/*
 * Decides a predicate for that context, with those variables.  Errors in the
 * data are no errors: then the predicate is unknown.
 */
extern ConditionResult condition_match(const JsonPath *predicate,
									   Jsonb *context, Jsonb *variables);

/* No item of a jsonpath has more operands. */
#define CONDITION_MAX_OPERANDS 2

/*
 * Fills operands, room for CONDITION_MAX_OPERANDS, with those of an operator,
 * a predicate or a filter, left before right, and returns how many there are;
 * 0 for any other item.
 */
extern int	condition_item_operands(JsonPathItem *item,
									JsonPathItem *operands);

/* Before a part stands the item that wraps it, and up to 3 bytes. */
#define CONDITION_WRAPPER_SIZE 12
#define CONDITION_PART_SIZE(whole) \
	(VARSIZE(whole) + CONDITION_WRAPPER_SIZE + 3)

/*
 * Writes kind(item) as a jsonpath to part, which has CONDITION_PART_SIZE
 * bytes, and returns it; kind is an item with a single operand.  What comes
 * after the item in whole is copied too, and is not read.
 */
extern JsonPath *condition_wrap_item(JsonPath *part, JsonPathItemType kind,
									 const JsonPath *whole,
									 const JsonPathItem *item);

/*
 * jsonpath items as text: what stands at item of whole, with no more quotes
 * than needed; palloc'd.
 */
extern char *condition_item_text(const JsonPath *whole,
								 const JsonPathItem *item);

/* Why a jsonpath predicate is unknown for that context; palloc'd. */
extern char *condition_jsonpath_why(const Condition *condition,
									Jsonb *context);

/*
 * Compares a field's value, as op says, with value.  On CONDITION_UNKNOWN
 * sets *why.
 */
extern ConditionResult condition_test(const Condition *condition,
									  JsonbValue *field, JsonbValue *value,
									  char **why);

/*
 * Reads a time as ISO 8601 text: a date, or a date and a time of day with
 * "Z", an offset, or neither (then it is of the session's TimeZone, and a
 * date is its midnight there).  False if value is no such text.
 */
extern bool condition_read_time(const JsonbValue *value, TimestampTz *time);

#endif							/* WF_CONDITION_NODE_H */
