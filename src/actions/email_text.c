/*
 * email_text.c
 *	  Subject, text and HTML of a mail: the step's, or a mail template's.
 *
 * Runs in a worker, and the check in the backend that writes or validates a
 * definition.  A mail template is compiled when the step runs, so a change of
 * it holds at once.  Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "actions/email_text.h"
#include "base/mime.h"
#include "store/store_actions.h"

/* template_compile_text() or template_compile_sections() */
typedef Template *(*TemplateCompiler) (const char *text, int len,
									   const char *path,
									   const ScopeNames *names,
									   Problems *problems);

static void
refuse(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message)));
}

/* Renders one text of a mail template; NULL of NULL. */
static char *
render(const Call *call, const char *name, const char *part,
	   const char *text, TemplateCompiler compile, TemplateEscape escape)
{
	Problems	problems = {0};
	Template   *template;

	if (text == NULL)
		return NULL;
	template = compile(text, strlen(text), part, NULL, &problems);
	if (problems.nerrors > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of mail template \"%s\": %s", part, name,
						((Problem *) linitial(problems.items))->message)));
	return template_render_text(template, call->scope, escape);
}

/* Fills *texts from the mail template of that name; raises 42704. */
static void
template_texts(const Call *call, const char *name, MailTexts *texts)
{
	char	   *subject = NULL;
	char	   *body = NULL;
	char	   *html = NULL;

	if (!store_fetch_template(call->tenant_id, name, &subject, &body, &html))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("mail template \"%s\" does not exist", name),
				 errhint("Insert it into workflow_templates.")));
	if (texts->subject == NULL)
		texts->subject = render(call, name, "subject", subject,
								template_compile_text, ESCAPE_NONE);
	texts->text = render(call, name, "body", body,
						 template_compile_sections, ESCAPE_NONE);
	texts->html = render(call, name, "html", html,
						 template_compile_sections, ESCAPE_HTML);
}

void
email_texts(const Call *call, MailTexts *texts)
{
	char	   *template = param_text(call, "template");

	texts->subject = param_text(call, "subject");
	texts->text = param_text(call, "body");
	texts->html = param_text(call, "html");
	if (template != NULL && (texts->text != NULL || texts->html != NULL))
		refuse("parameter \"template\" excludes \"body\" and \"html\"");
	if (template != NULL)
		template_texts(call, template, texts);
	if (texts->text == NULL && texts->html == NULL)
		refuse(template != NULL ? "the mail template has neither body nor html"
			   : "one of parameters \"template\", \"body\" and \"html\" is needed");
	if (texts->subject == NULL)
		refuse("parameter \"subject\" is missing");
	if (!mime_header_value_valid(texts->subject, false))
		refuse("the subject has a control character");
}

/*--- the check against the catalog ---*/

/* What the templates in one text of a mail template refer to. */
static void
check_mail_text(const StepCheck *check, const char *path, const char *name,
				const char *part, const char *text,
				TemplateCompiler compile)
{
	Problems	problems = {0};
	ListCell   *lc;

	if (text == NULL)
		return;
	(void) compile(text, strlen(text), part, check->names, &problems);
	foreach(lc, problems.items)
	{
		const Problem *problem = lfirst(lc);

		if (problem->is_error)
			problem_warning(check->problems, path, "mail_template_text",
							problem->hint, "%s of mail template \"%s\": %s",
							part, name, problem->message);
	}
}

void
email_check_template(const StepCheck *check)
{
	char	   *name = step_check_text(check, "template");
	const char *path = problem_path_member(check->path, "template");
	char	   *subject = NULL;
	char	   *body = NULL;
	char	   *html = NULL;

	if (name == NULL || check->tenant_id == NULL)
		return;
	if (!store_fetch_template(check->tenant_id, name, &subject, &body, &html))
	{
		problem_warning(check->problems, path, "unknown_mail_template",
						"Insert it into workflow_templates.",
						"mail template \"%s\" does not exist", name);
		return;
	}
	if (subject == NULL && template_member(check->params, "subject") == NULL)
		problem_warning(check->problems, path, "no_subject",
						"Give the step a parameter \"subject\".",
						"mail template \"%s\" has no subject", name);
	check_mail_text(check, path, name, "subject", subject,
					template_compile_text);
	check_mail_text(check, path, name, "body", body,
					template_compile_sections);
	check_mail_text(check, path, name, "html", html,
					template_compile_sections);
}
