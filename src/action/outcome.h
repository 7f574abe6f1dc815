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
 * An HTTP answer that is no success: error is the text given, transience and
 * the wish to wait follow from status and Retry-After.  A 500 sets
 * maybe_delivered, since the request may have been carried out.  A 429, and a
 * 503 that says when to come again, ask to wait.
 */
extern void outcome_of_status(const Response *response, const char *error,
							  Outcome *outcome);

extern void outcome_success(Outcome *outcome, Jsonb *output);
extern void outcome_error(Outcome *outcome, const char *error);

#endif							/* WF_OUTCOME_H */
