/*
 * email_extras.h
 *	  The step's own headers of a mail, and its attachments.
 */
#ifndef WF_EMAIL_EXTRAS_H
#define WF_EMAIL_EXTRAS_H

#include "action/action.h"
#include "base/mime.h"

/*
 * Parameter "headers": a list of NameValue *, encoded and folded; NIL if there
 * is none.  Raises 22023 about a header.
 */
extern List *email_headers(const Call *call);

/*
 * Parameter "attachments": a list of MailAttachment *; NIL if there is none.
 * Raises 22023 about an attachment, 54000 if all together are larger than
 * workflow_engine.max_payload.
 */
extern List *email_attachments(const Call *call);

#endif							/* WF_EMAIL_EXTRAS_H */
