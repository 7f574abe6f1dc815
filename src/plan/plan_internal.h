/*
 * plan_internal.h
 *	  What the files of the plan's compiler share: plan*.c only.
 */
#ifndef WF_PLAN_INTERNAL_H
#define WF_PLAN_INTERNAL_H

#include "base/json_value.h"
#include "plan/plan.h"

/* What compiling carries down the definition. */
typedef struct PlanCompiler
{
	const ActionCatalogue *catalogue;	/* NULL: actions are not checked */
	const char **action_names;	/* of the catalogue */
	Problems   *problems;
	const char **step_names;	/* every valid one, in order */
	int			nnames;
	int			nearlier;		/* of them, before the step compiled now */
} PlanCompiler;

/*--- reading JSON (plan_read.c) ---*/

/* Adds a problem for each member of object whose key is not known. */
extern void plan_check_keys(const JsonbValue *object, const char *path,
							const char *const *known, int nknown,
							Problems *problems);

/*
 * A text of 1 to PLAN_MAX_TEXT characters, palloc'd; NULL if the member is
 * absent, or after adding a problem.
 */
extern char *plan_text(const JsonbValue *object, const char *key,
					   const char *path, Problems *problems);

/*
 * The member key of object as an interval, in ms, from 1 to max_ms (which
 * max_text names); -1 if it is absent, or after adding a problem.
 */
extern int64 plan_interval(const JsonbValue *object, const char *key,
						   const char *path, int64 max_ms,
						   const char *max_text, Problems *problems);

/*--- parts of a definition ---*/

/* Compiles the step at path.  step is zeroed. */
extern void plan_compile_step(PlanCompiler *compiler, const JsonbValue *json,
							  const char *path, PlanStep *step);

/* The same for its "retry". */
extern void plan_compile_retry(const JsonbValue *json, const char *path,
							   PlanRetry *retry, Problems *problems);

/* The names of its parameters, palloc'd. */
extern const char **action_param_names(const ActionSpec *spec);

/* Has an error been found in the value at path, or below it? */
extern bool plan_is_broken(const char *path, const Problems *problems);

/* Is that a word for what a parameter is?  If not, *hint names those known. */
extern bool plan_is_format(const char *word, char **hint);

/*
 * Adds a problem if a literal in t, or in an array of t, is not of that
 * format: a URL, mail addresses, headers or attachments of a mail.  Of other
 * formats (NULL too) none is.
 */
extern void plan_check_value(const char *format, const Template *t,
							 const char *path, Problems *problems);
extern void plan_check_mail_headers(const Template *t, const char *path,
									Problems *problems);
extern void plan_check_attachments(const Template *t, const char *path,
								   Problems *problems);

#endif							/* WF_PLAN_INTERNAL_H */
