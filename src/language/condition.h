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
	CONDITION_UNKNOWN			/* values of types that do not compare; in an
								 * object also a field that is missing */
} ConditionResult;

typedef struct Condition Condition;

#define CONDITION_MAX_DEPTH 100
#define CONDITION_MAX_BYTES (64 * 1024) /* of a text condition */

/*
 * Compiles json, a text or an object, in the current memory context.  Returns
 * NULL after adding an error to problems; path is that of the condition in the
 * definition.  Warnings are added, too.
 */
extern Condition *condition_compile(JsonbValue *json, const char *path,
									const ScopeNames *names,
									Problems *problems);

/*
 * Decides the condition for that scope.  If the result is CONDITION_UNKNOWN,
 * *why is a palloc'd sentence that says why.  The logic is three-valued, as
 * SQL's: "not" of unknown is unknown, "any" with a true condition is true.
 */
extern ConditionResult condition_decide(const Condition *condition,
										const Scope *scope, char **why);

/*
 * Says that a part of the condition looks at what is not known, as
 * scope_unknown() does; NULL: none does.  If the condition is undecided, that
 * may be why.
 */
extern char *condition_not_known(const Condition *condition,
								 const Scope *scope);

/*
 * The op that is meant by a word of another language (">", "equals"), as
 * definitions spell it, or NULL.  For hints.
 */
extern const char *condition_op_of_word(const char *word);

#endif							/* WF_CONDITION_H */
