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
#include "actions/mail_part.h"
#include "store/store_actions.h"

static void
refuse(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message)));
}

/* Renders one text of a mail template; NULL of NULL. */
static char *
render(const Call *call, const char *name, MailPart part, const char *text)
{
	Problems	problems = {0};
	Template   *template;

	if (text == NULL)
		return NULL;
	template = mail_part_compile(part, text, NULL, &problems);
	if (problems.nerrors > 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of mail template \"%s\": %s",
						mail_part_names[part], name,
						((Problem *) linitial(problems.items))->message)));
	return mail_part_render(part, template, call->scope, NULL);
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
		texts->subject = render(call, name, MAIL_SUBJECT, subject);
	texts->text = render(call, name, MAIL_BODY, body);
	texts->html = render(call, name, MAIL_HTML, html);
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
	mail_check_subject(texts->subject);
}

/*--- the check against the catalog ---*/

/* What the templates in one text of a mail template refer to. */
static void
check_mail_text(const StepCheck *check, const char *path, const char *name,
				MailPart part, const char *text)
{
	Problems	problems = {0};
	ListCell   *lc;

	if (text == NULL)
		return;
	(void) mail_part_compile(part, text, check->names, &problems);
	foreach(lc, problems.items)
	{
		const Problem *problem = lfirst(lc);

		if (problem->is_error)
			problem_warning(check->problems, path, "mail_template_text",
							problem->hint, "%s of mail template \"%s\": %s",
							mail_part_names[part], name, problem->message);
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
	check_mail_text(check, path, name, MAIL_SUBJECT, subject);
	check_mail_text(check, path, name, MAIL_BODY, body);
	check_mail_text(check, path, name, MAIL_HTML, html);
}
