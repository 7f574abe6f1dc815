/*
 * outcome.h
 *	  What the outbound actions share: building requests, judging answers.
 */
#ifndef WF_OUTCOME_H
#define WF_OUTCOME_H

#include "action/action.h"
#include "action/response.h"
#include "base/utf8.h"

/*--- requests ---*/

/* POST of a JSON text, with its type and the call's idempotency key. */
extern void request_post_json(const Call *call, Request *request,
							  const char *json);

/*--- outcomes ---*/

/*
 * The outcome of an HTTP answer that is no success: its error is the given
 * text; status and Retry-After decide whether a later attempt may succeed and
 * how long to wait.  After a 500 the request may have been carried out.  A
 * 429, and a 503 with Retry-After, ask to wait.
 */
extern void outcome_of_status(const Response *response, const char *error,
							  Outcome *outcome);

extern void outcome_success(Outcome *outcome, Jsonb *output);
extern void outcome_error(Outcome *outcome, const char *error);

#endif							/* WF_OUTCOME_H */
