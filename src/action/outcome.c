/*
 * outcome.c
 *	  What the outbound actions share: headers and bodies of requests, and the
 *	  outcomes of answers.
 *
 * Which failures allow another attempt, and which answers ask to wait, is
 * decided here for every provider alike; an action adds what only its provider
 * says.
 *
 * Runs in a worker, inside the step's subtransaction.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "action/outcome.h"
#include "config/clock.h"
#include "transfer/http_date.h"
#include "utils/timestamp.h"

#define MAX_RETRY_AFTER_MS (24 * 3600 * INT64CONST(1000))

/*--- requests ---*/

void
request_post_json(const Call *call, Request *request, const char *json)
{
	request->protocol = TRANSFER_HTTP;
	request->method = pstrdup("POST");
	request_header(request, "Content-Type", "application/json; charset=utf-8");
	request->key_header = "Idempotency-Key";
	request_header(request, request->key_header, call->idempotency_key);
	request->body = to_utf8(json);
	request->body_len = strlen(request->body);
}

/*--- outcomes ---*/

void
outcome_success(Outcome *outcome, Jsonb *output)
{
	memset(outcome, 0, sizeof(*outcome));
	outcome->ok = true;
	outcome->output = output;
	outcome->retry_after_ms = -1;
}

void
outcome_error(Outcome *outcome, const char *error)
{
	memset(outcome, 0, sizeof(*outcome));
	outcome->error = pstrdup(error);
	outcome->retry_after_ms = -1;
}

/* Retry-After (RFC 9110, 10.2.3) in ms, at most a day; -1: none. */
static int64
retry_after(const Response *response)
{
	const char *value = name_value_find(response->headers, "retry-after");
	int64		ms;
	time_t		when;

	if (value == NULL || value[0] == '\0')
		return -1;
	if (strspn(value, "0123456789") == strlen(value))
	{
		value += strspn(value, "0");
		ms = strlen(value) > 6 ? MAX_RETRY_AFTER_MS
			: atoi(value) * INT64CONST(1000);
		return Min(ms, MAX_RETRY_AFTER_MS);
	}
	when = http_date(value);
	if (when == (time_t) -1)
		return -1;
	ms = ((int64) when - timestamptz_to_time_t(clock_now())) * 1000;
	return Min(Max(ms, 0), MAX_RETRY_AFTER_MS);
}

void
outcome_of_status(const Response *response, const char *error,
				  Outcome *outcome)
{
	outcome_error(outcome, error);
	switch (response->status)
	{
		case 408:
		case 425:
		case 429:
		case 502:
		case 503:
		case 504:
			outcome->transient = true;
			break;
		case 500:
			outcome->maybe_delivered = true;
			outcome->error = psprintf("delivery unknown: %s", error);
			break;
		default:
			break;
	}
	outcome->retry_after_ms = retry_after(response);
	outcome->throttled = response->status == 429 ||
		(response->status == 503 && outcome->retry_after_ms >= 0);
}

/*
 * If the request was never sent, a later attempt is harmless.  If it was, only
 * the action or the step's author knows whether it may be repeated.
 */
void
outcome_of_failure(const Response *response, Outcome *outcome)
{
	const char *error = response->error != NULL ? response->error
		: "the request failed";
	bool		lost = response->failure == FAILURE_TIMEOUT ||
		response->failure == FAILURE_BROKEN;
	bool		unread = response->failure == FAILURE_TOO_LARGE;

	outcome_error(outcome, error);
	switch (response->failure)
	{
		case FAILURE_RESOLVE:
		case FAILURE_CONNECT:
		case FAILURE_TLS:
			outcome->transient = true;
			break;
		case FAILURE_AUTH:
			outcome->transient = response->status / 100 == 4;
			break;
		default:
			break;
	}
	if (lost && !response->request_written)
		outcome->transient = true;
	if ((lost || unread) && response->request_written)
	{
		/* an answer that is too large would be so again */
		outcome->maybe_delivered = lost;
		outcome->error = psprintf("delivery unknown: %s", error);
	}
}
