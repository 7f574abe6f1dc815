/*
 * webhook.h
 *	  What the files of the action webhook share.
 */
#ifndef WF_WEBHOOK_H
#define WF_WEBHOOK_H

#include "action/action.h"

/*
 * Sets the body of a request whose method is set; type is the Content-Type
 * that the step or its connection gives, or NULL: then application/json is
 * added.  Raises 22023.
 */
extern void webhook_set_body(const Call *call, Request *request,
							 const char *type);

/* Adds name=value to a URL or a form; an array repeats the name. */
typedef void (*WebhookPair) (StringInfo buf, const char *name,
							 const char *value);
extern void webhook_add_pairs(StringInfo buf, const char *param,
							  const char *name, const JsonbValue *value,
							  WebhookPair add);

#endif							/* WF_WEBHOOK_H */
