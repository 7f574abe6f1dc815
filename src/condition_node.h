/*
 * condition_node.h
 *	  What a condition is made of: for the condition_*.c files only.
 */
#ifndef WF_CONDITION_NODE_H
#define WF_CONDITION_NODE_H

#include "condition.h"
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
	OP_EXISTS,
	OP_NOT_EXISTS
} ConditionOp;

#define CONDITION_NOPS (OP_NOT_EXISTS + 1)

struct Condition
{
	ConditionKind kind;
	JsonPath   *jsonpath;		/* CONDITION_JSONPATH */
	Jsonb	   *variables;		/* CONDITION_JSONPATH: none, as an object */
	ScopePath  *field;			/* CONDITION_TEST */
	ConditionOp op;				/* CONDITION_TEST */
	JsonbValue	value;			/* CONDITION_TEST; points into literal */
	Jsonb	   *literal;		/* CONDITION_TEST; NULL: op takes none */
	int			nchildren;		/* ALL, ANY, NOT (one) */
	Condition **children;
};

extern const char *const condition_op_names[CONDITION_NOPS];

/*
 * Compiles text as a jsonpath predicate into condition; false after adding a
 * problem.
 */
extern bool condition_compile_jsonpath(Condition *condition, const char *text,
									   const char *path,
									   const ScopeNames *names,
									   Problems *problems);

/*
 * Compares a field's value, as op says, with the literal of the condition.
 * On CONDITION_UNKNOWN sets *why.
 */
extern ConditionResult condition_test(const Condition *condition,
									  JsonbValue *field, char **why);

#endif							/* WF_CONDITION_NODE_H */
