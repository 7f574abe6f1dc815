/*
 * template.h
 *	  JSON values with {{ path | filter }} in their strings.
 */
#ifndef WF_TEMPLATE_H
#define WF_TEMPLATE_H

#include "base/escape.h"
#include "language/scope.h"

#define TEMPLATE_MAX_DEPTH 100
#define TEMPLATE_MAX_BYTES (1024 * 1024)	/* one text */
#define TEMPLATE_MAX_RENDERED (16 * 1024 * 1024)	/* one rendering */

typedef struct Template Template;

/* What a template is, as far as it is known before it is rendered. */
typedef enum TemplateShape
{
	TEMPLATE_CONSTANT,			/* a scalar with no {{...}} in it */
	TEMPLATE_VALUE,				/* exactly one {{...}}: any type */
	TEMPLATE_TEXT,				/* text with {{...}} in it: a string */
	TEMPLATE_ARRAY,
	TEMPLATE_OBJECT
} TemplateShape;

/*
 * Compiles a JSON value (objects and arrays to their depth; keys are not
 * templated) in the current memory context.  Problems are added with their
 * path and the position in the string (characters, from 1); if there is an
 * error, the result is not to be rendered.  Never NULL.
 */
extern Template *template_compile(JsonbValue *value, const char *path,
								  const ScopeNames *names,
								  Problems *problems);

/* The same for one text, e.g. a mail template's body. */
extern Template *template_compile_text(const char *text, int len,
									   const char *path,
									   const ScopeNames *names,
									   Problems *problems);

/*
 * Renders to a JSON value of the current memory context.
 * Raises: 22023 (a missing path: 'trigger.phone is missing: trigger has no
 * member "phone"'; a filter that cannot take the value), 54000 (the result
 * is larger than TEMPLATE_MAX_RENDERED), and what PostgreSQL's own
 * conversions raise.
 */
extern Jsonb *template_render(const Template *t, const Scope *scope,
							  TemplateEscape escape);

/*
 * Renders a template that is an object (22023 where it is not), each member
 * with the escape that escape_for says (NULL: ESCAPE_NONE for all).
 */
typedef TemplateEscape (*TemplateEscapeFor) (const char *key, void *arg);
extern Jsonb *template_render_object(const Template *t, const Scope *scope,
									 TemplateEscapeFor escape_for, void *arg);

extern TemplateShape template_shape(const Template *t);

/*
 * The names of the members of a template that is an object, *n of them; they
 * belong to the template.
 */
extern const char **template_keys(const Template *t, int *n);

/* The elements of a template that is an array, *n of them. */
extern const Template *const *template_elements(const Template *t, int *n);

/* The value of a TEMPLATE_CONSTANT. */
extern const JsonbValue *template_constant(const Template *t);

/* Member of a template that is an object, or NULL. */
extern const Template *template_member(const Template *t, const char *key);

/*
 * Renders as text: a value that is no string as interpolation would print
 * it.  Palloc'd, in the database's encoding.
 */
extern char *template_render_text(const Template *t, const Scope *scope,
								  TemplateEscape escape);

#endif							/* WF_TEMPLATE_H */
