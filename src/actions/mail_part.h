/*
 * mail_part.h
 *	  The texts of a mail template: how each is compiled and rendered.
 */
#ifndef WF_MAIL_PART_H
#define WF_MAIL_PART_H

#include "language/template.h"

typedef enum MailPart
{
	MAIL_SUBJECT,
	MAIL_BODY,
	MAIL_HTML
} MailPart;

#define MAIL_NPARTS (MAIL_HTML + 1)

/* What each is called: the column, and the path of its problems. */
extern const char *const mail_part_names[MAIL_NPARTS];

/*
 * Compiles a text in the current memory context, as template_compile_text() or
 * template_compile_sections() does.
 */
extern Template *mail_part_compile(MailPart part, const char *text,
								   const ScopeNames *names,
								   Problems *problems);

/*
 * Renders it, with the escape that the part needs: palloc'd.  at is that of
 * template_render_text_at(); NULL: nobody asks.  Raises what that raises, and
 * what mail_check_subject() does.
 */
extern char *mail_part_render(MailPart part, const Template *t,
							  const Scope *scope, int *at);

/* Raises 22023 if a subject cannot stand in a header. */
extern void mail_check_subject(const char *subject);

#endif							/* WF_MAIL_PART_H */
