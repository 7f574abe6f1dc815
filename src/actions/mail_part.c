/*
 * mail_part.c
 *	  The texts of a mail template: how each is compiled and rendered.
 *
 * Body and HTML may have sections.  Values in the HTML are escaped.
 *
 * Runs in the worker that sends, in the backend that writes a mail template
 * and in the one that asks for a preview: all three are to judge alike.  Owns
 * nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "actions/mail_part.h"
#include "base/mime.h"

const char *const mail_part_names[MAIL_NPARTS] = {"subject", "body", "html"};

Template *
mail_part_compile(MailPart part, const char *text, const ScopeNames *names,
				  Problems *problems)
{
	const char *path = mail_part_names[part];

	return part == MAIL_SUBJECT
		? template_compile_text(text, strlen(text), path, names, problems)
		: template_compile_sections(text, strlen(text), path, names,
									problems);
}

char *
mail_part_render(MailPart part, const Template *t, const Scope *scope,
				 int *at)
{
	char	   *text;

	text = template_render_text_at(t, scope, part == MAIL_HTML ? ESCAPE_HTML
								   : ESCAPE_NONE, at);
	if (part == MAIL_SUBJECT)
		mail_check_subject(text);
	return text;
}

void
mail_check_subject(const char *subject)
{
	if (!mime_header_value_valid(subject, false))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the subject has a control character")));
}
