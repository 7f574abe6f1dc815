/*
 * whatsapp.h
 *	  What the files of the WhatsApp action share.
 */
#ifndef WF_WHATSAPP_H
#define WF_WHATSAPP_H

#include "action/action.h"

/*
 * Appends the message template's components to json, separated by commas:
 * header, body and buttons, of the call's header_vars, template_vars and
 * button_vars.  Nothing if there are none.  Raises 22023, 54000.
 */
extern void whatsapp_append_components(StringInfo json, const Call *call);

#endif							/* WF_WHATSAPP_H */
