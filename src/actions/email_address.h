/*
 * email_address.h
 *	  The parameters of send_email that hold mail addresses.
 */
#ifndef WF_EMAIL_ADDRESS_H
#define WF_EMAIL_ADDRESS_H

#include "action/action.h"
#include "base/mime.h"

/*
 * The addresses of a parameter, a list of MailAddress *; NIL if it is absent
 * or has none.  Raises 22023 about the parameter.
 */
extern List *email_addresses(const Call *call, const char *param);

/* The sender: the step's, else the connection's.  Raises 22023. */
extern MailAddress *email_sender(const Call *call);

#endif							/* WF_EMAIL_ADDRESS_H */
