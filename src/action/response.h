/*
 * response.h
 *	  Reading what a server has answered.
 */
#ifndef WF_RESPONSE_H
#define WF_RESPONSE_H

#include "base/json_object.h"
#include "base/json_value.h"
#include "transfer/transfer.h"

/*
 * A provider's answer as JSON; NULL if it is none, if the database cannot hold
 * it, or if it is far larger than any that a provider gives.
 */
extern Jsonb *response_json(const Response *response);

/* Does a Content-Type say JSON: application/json, application/x+json ...? */
extern bool type_is_json(const char *type);

/*
 * The body as text of the database, or NULL if it is none.  It is read in
 * the charset that its type says, without one in UTF-8, and JSON in UTF-8
 * first; a byte order mark of UTF-8 is left out.
 */
extern char *response_text(const Response *response);

/*
 * The body as JSON if its type says so, unless it is so large that only its
 * beginning will be kept; otherwise as a text if it is one, otherwise as
 * {"base64": ...}.  NULL if it is empty.
 */
extern Jsonb *response_body(const Response *response);

/* All headers as an object; those of one name joined by commas. */
extern Jsonb *response_headers(const Response *response);

/* "HTTP 500: " and the beginning of the body. */
extern char *response_status_text(const Response *response);

#endif							/* WF_RESPONSE_H */
