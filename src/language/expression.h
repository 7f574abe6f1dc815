/*
 * expression.h
 *	  What is between {{ and }} in a template: a path and its filters.
 */
#ifndef WF_EXPRESSION_H
#define WF_EXPRESSION_H

#include "language/scope.h"

#define EXPRESSION_MAX_FILTERS 32

typedef struct Expression Expression;

/*
 * Parses text[0..len) from *pos, which is after "{{", and sets *pos to the
 * byte after "}}".  After a mistake, returns NULL and fills *mistake; *pos
 * then has no meaning.  The result lives in the current memory context.
 */
extern Expression *expression_parse(const char *text, int len, int *pos,
									const ScopeNames *names,
									Mistake *mistake);

/*
 * The value, pointing into the scope, the expression, or palloc'd memory.
 * Raises 22023 (missing, in a part of an output that was cut, or a filter that
 * cannot take the value or an argument), ERRCODE_SCOPE_UNKNOWN, and what
 * filter_apply() raises.
 */
extern JsonbValue *expression_evaluate(const Expression *expression,
									   const Scope *scope);

/*
 * The same; but NULL if the value is missing and no filter stands in for it.
 * Raises 22023 if it is not known whether it is missing, since only the
 * beginning of an output was kept.
 */
extern JsonbValue *expression_evaluate_if_any(const Expression *expression,
											  const Scope *scope);

/* The path, which belongs to the expression. */
extern const ScopePath *expression_path(const Expression *expression);

/* The paths (ScopePath *) of its filters' arguments, which belong to it. */
extern const List *expression_argument_paths(const Expression *expression);

/* Is the value percent-encoded already (by a last filter urlencode)? */
extern bool expression_is_url_encoded(const Expression *expression);

#endif							/* WF_EXPRESSION_H */
