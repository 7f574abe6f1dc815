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
#define SECTION_MAX_DEPTH 4
#define SECTION_MAX_ROUNDS 1000000	/* elements, one rendering */

typedef struct Template Template;

/* What is known of a template before it is rendered. */
typedef enum TemplateShape
{
	TEMPLATE_CONSTANT,			/* a scalar with no {{...}} in it */
	TEMPLATE_VALUE,				/* one {{...}} and nothing else: any type */
	TEMPLATE_TEXT,				/* a text with {{...}} in it: a string */
	TEMPLATE_ARRAY,
	TEMPLATE_OBJECT
} TemplateShape;

/*
 * Compiles a JSON value, with all that is in it, in the current memory
 * context.  Keys are not templates.  Problems are added with their path and
 * their position in the string (in characters, from 1); if there is an error,
 * the result must not be rendered.  Never NULL.
 */
extern Template *template_compile(JsonbValue *value, const char *path,
								  const ScopeNames *names,
								  Problems *problems);

/* The same for one text, such as the body of a mail template. */
extern Template *template_compile_text(const char *text, int len,
									   const char *path,
									   const ScopeNames *names,
									   Problems *problems);

/*
 * The same for a text that may have sections: the body and the HTML of a mail
 * template.
 *
 *		{{# trigger.lines }} {{ item.sku }} {{/}}	for each element
 *		{{^ trigger.lines }} nothing {{/}}			if there is none
 */
extern Template *template_compile_sections(const char *text, int len,
										   const char *path,
										   const ScopeNames *names,
										   Problems *problems);

/*
 * Renders the template to a JSON value in the current memory context.
 * Raises 22023 (a missing path: 'trigger.phone is missing: trigger has no
 * member "phone"'; a filter that cannot take the value), 54000 (the result
 * is larger than TEMPLATE_MAX_RENDERED), and what PostgreSQL's own
 * conversions raise.
 */
extern Jsonb *template_render(const Template *t, const Scope *scope,
							  TemplateEscape escape);

/*
 * How the values in the member of that name are escaped.  ESCAPE_BLOCKS and
 * ESCAPE_CARD: as the innermost member needs it that they stand in; arrays and
 * objects that are one {{...}} stand as they are.
 */
typedef TemplateEscape (*TemplateEscapeFor) (const char *key, void *arg);

/*
 * Renders a template that is an object, each member with the escape that
 * escape_for returns (escape_for NULL: ESCAPE_NONE for all).  Raises 22023 if
 * the template is no object, and what template_render raises.
 */
extern Jsonb *template_render_object(const Template *t, const Scope *scope,
									 TemplateEscapeFor escape_for, void *arg);

extern TemplateShape template_shape(const Template *t);

/*
 * The names of the members of a template, which must be an object; *n is their
 * number.  They belong to the template.
 */
extern const char **template_keys(const Template *t, int *n);

/* The elements of a template, which must be an array; *n is their number. */
extern const Template *const *template_elements(const Template *t, int *n);

/* The value of a template, which must be a TEMPLATE_CONSTANT. */
extern const JsonbValue *template_constant(const Template *t);

/* The member of that name; NULL if there is none, or t is no object. */
extern const Template *template_member(const Template *t, const char *key);

/*
 * Renders the template as text; a value that is no string becomes the text
 * that interpolation would print.  Palloc'd, in the database's encoding.
 * Raises what template_render raises, and 54000 if a text with sections is
 * larger than workflow_engine.max_payload or they are rendered more than
 * SECTION_MAX_ROUNDS times.
 */
extern char *template_render_text(const Template *t, const Scope *scope,
								  TemplateEscape escape);

/*
 * The same; *at becomes the place in the text, in bytes, of the {{...}} that
 * is rendered.  After an error that is caught, it is where the error was.
 */
extern char *template_render_text_at(const Template *t, const Scope *scope,
									 TemplateEscape escape, int *at);

#endif							/* WF_TEMPLATE_H */
