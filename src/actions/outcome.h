/*
 * outcome.h
 *	  What the outbound actions share: building requests, reading responses.
 */
#ifndef WF_OUTCOME_H
#define WF_OUTCOME_H

#include "action.h"
#include "jsonobject.h"

/*--- requests ---*/

/* Adds a header; 22023 where its name or value cannot be one. */
extern void request_header(Request *request, const char *name,
						   const char *value);

/* POST of a JSON text, with its type and the call's idempotency key. */
extern void request_post_json(const Call *call, Request *request,
							  const char *json);

/* A text of the database in UTF-8. */
extern char *to_utf8(const char *text);

/*--- responses ---*/

/* The body as JSON, or NULL where it is none that the database can hold. */
extern Jsonb *response_json(const Response *response);

/* The body as text of the database, or NULL where it is none. */
extern char *response_text(const Response *response);

/*
 * The body as JSON where it says that it is, else as a text, else as
 * {"base64": ...}; NULL where it is empty.
 */
extern Jsonb *response_body(const Response *response);

/* All headers as an object; those of one name joined by commas. */
extern Jsonb *response_headers(const Response *response);

/* "HTTP 500: " and the beginning of the body. */
extern char *response_status_text(const Response *response);

/* A member of json that is a text, or NULL; a number comes as its text. */
extern char *json_text_at(const Jsonb *json, const char *const *path,
						  int npath);
#define JSON_TEXT(json, ...) \
	json_text_at(json, (const char *const[]) {__VA_ARGS__}, \
				 lengthof(((const char *const[]) {__VA_ARGS__})))

/*--- outcomes ---*/

/*
 * An HTTP answer that is no success: error is the text given, transience and
 * the wish to wait follow from status and Retry-After.  A 500 is not
 * repeated, since the request may have been carried out.
 */
extern void outcome_of_status(const Response *response, const char *error,
							  Outcome *outcome);

extern void outcome_success(Outcome *outcome, Jsonb *output);
extern void outcome_error(Outcome *outcome, const char *error);

#endif							/* WF_OUTCOME_H */
