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
 * A provider's answer as JSON; NULL where it is none, none that the database
 * can hold, or far larger than any that a provider gives.
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
 * The body as JSON where it says that it is (and is not so large that nothing
 * of it will be kept but a head), else as a text, else as
 * {"base64": ...}; NULL where it is empty.
 */
extern Jsonb *response_body(const Response *response);

/* All headers as an object; those of one name joined by commas. */
extern Jsonb *response_headers(const Response *response);

/* "HTTP 500: " and the beginning of the body. */
extern char *response_status_text(const Response *response);

#endif							/* WF_RESPONSE_H */
