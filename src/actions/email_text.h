/*
 * email_text.h
 *	  Subject, text and HTML of a mail.
 */
#ifndef WF_EMAIL_TEXT_H
#define WF_EMAIL_TEXT_H

#include "action/action.h"
#include "action/step_check.h"

/* The texts of a mail, rendered; text or html may be NULL, not both. */
typedef struct MailTexts
{
	char	   *subject;
	char	   *text;
	char	   *html;
} MailTexts;

/*
 * Fills *texts (zeroed) from the step's parameters or its mail template.
 * Raises 22023 about a parameter or a text, 42704 if there is no such mail
 * template, and what rendering raises.
 */
extern void email_texts(const Call *call, MailTexts *texts);

/* Of a literal parameter "template": is it there, and complete?  Warns. */
extern void email_check_template(const StepCheck *check);

#endif							/* WF_EMAIL_TEXT_H */
