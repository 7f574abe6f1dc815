/*
 * condition_node.h
 *	  The struct of a compiled condition, and what the files condition_*.c
 *	  call of one another.  No other file includes it.
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
	Jsonb	   *variables;		/* CONDITION_JSONPATH: {}, since jsonpath's
								 * functions take an object of variables */
	List	   *outputs;		/* CONDITION_JSONPATH: of ScopePath *, the
								 * results of steps that it reads */
	ScopePath  *field;			/* CONDITION_TEST */
	ConditionOp op;				/* CONDITION_TEST */
	bool		ignore_case;	/* CONDITION_TEST */
	JsonbValue	value;			/* CONDITION_TEST: the literal, as a value */
	Jsonb	   *literal;		/* CONDITION_TEST: what value points into;
								 * NULL: there is no literal */
	ScopePath  *value_field;	/* CONDITION_TEST; NULL: there is none */
	int			nchildren;		/* ALL, ANY, NOT (one) */
	Condition **children;
};

/* The name of each op in a definition. */
extern const char *const condition_op_names[CONDITION_NOPS];

/*
 * Compiles an object {"field", "op", "value" or "value_field", "ignore_case"}
 * into *condition, in the current memory context.  Adds problems, and after an
 * error *condition is not to be used.
 */
extern void condition_compile_test(Condition *condition,
								   const JsonbValue *json, const char *path,
								   const ScopeNames *names,
								   Problems *problems);

/*
 * Compiles text as a jsonpath predicate into *condition, in the current memory
 * context; false after adding an error.
 */
extern bool condition_compile_jsonpath(Condition *condition, const char *text,
									   const char *path,
									   const ScopeNames *names,
									   Problems *problems);

/* The first mistake of spelling that was recognized in a jsonpath. */
typedef struct SpellingMistake
{
	const char *message;		/* NULL: no mistake was recognized */
	const char *hint;			/* if it cannot be corrected; may be NULL */
	int			offset;			/* of the mistake in the text, in bytes */
	char	   *corrected;		/* the whole text with all such mistakes
								 * corrected; it may still be no condition */
} SpellingMistake;

/*
 * Looks in text for what users write that is no jsonpath, and fills *mistake;
 * its texts are constants or in the current memory context.
 */
extern void condition_spelling(const char *text, SpellingMistake *mistake);

/* Can the key be written after a "." in a jsonpath without quotes? */
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

/*
 * The size of a part as a jsonpath of its own: before the part come the item
 * that wraps it, and up to 3 bytes that align it.
 */
#define CONDITION_WRAPPER_SIZE 12
#define CONDITION_PART_SIZE(whole) \
	(VARSIZE(whole) + CONDITION_WRAPPER_SIZE + 3)

/*
 * Writes kind(item) as a jsonpath to part, which has
 * CONDITION_PART_SIZE(whole) bytes, and returns part; kind is an item with one
 * operand.  Everything after the item in whole is copied as well, since the
 * item's own operands are there.
 */
extern JsonPath *condition_wrap_item(JsonPath *part, JsonPathItemType kind,
									 const JsonPath *whole,
									 const JsonPathItem *item);

/*
 * The item of whole, and those that follow it in its path, as text with no
 * more quotes than needed; palloc'd.
 */
extern char *condition_item_text(const JsonPath *whole,
								 const JsonPathItem *item);

/* Says why a jsonpath predicate is unknown for that context; palloc'd. */
extern char *condition_jsonpath_why(const Condition *condition,
									Jsonb *context);

/*
 * Compares a field's value with value by the condition's op, which must be one
 * that takes a value.  If the result is CONDITION_UNKNOWN, *why says why,
 * palloc'd.
 */
extern ConditionResult condition_test(const Condition *condition,
									  JsonbValue *field, JsonbValue *value,
									  char **why);

/*
 * Reads a time from ISO 8601 text: a date, or a date and a time of day with
 * "Z", an offset, or neither.  A time without an offset is one of the
 * session's TimeZone, and a date is midnight there.  False if value is no such
 * text.
 */
extern bool condition_read_time(const JsonbValue *value, TimestampTz *time);

#endif							/* WF_CONDITION_NODE_H */
