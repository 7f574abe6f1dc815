/*
 * condition.h
 *	  Conditions of a step: a jsonpath predicate or an object.
 */
#ifndef WF_CONDITION_H
#define WF_CONDITION_H

#include "language/scope.h"

typedef enum ConditionResult
{
	CONDITION_FALSE,
	CONDITION_TRUE,
	CONDITION_UNKNOWN			/* types that don't compare; in an object a
								 * missing field too */
} ConditionResult;

typedef struct Condition Condition;

#define CONDITION_MAX_DEPTH 100
#define CONDITION_MAX_BYTES (64 * 1024) /* of a text condition */

/*
 * Compiles in the current memory context; adds problems with their path.
 * NULL where there was one.
 */
extern Condition *condition_compile(JsonbValue *json, const char *path,
									const ScopeNames *names,
									Problems *problems);

/*
 * Decides.  On CONDITION_UNKNOWN *why is a palloc'd sentence.  Three-valued
 * logic as SQL's: not unknown is unknown, any with a true one is true.
 */
extern ConditionResult condition_decide(const Condition *condition,
										const Scope *scope, char **why);

#endif							/* WF_CONDITION_H */
