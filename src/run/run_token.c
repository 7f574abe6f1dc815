/*
 * run_token.c
 *	  A step whose request carries a token of OAuth 2.
 *
 * Runs in a worker, inside a tick's transaction.  The tokens are token.c's,
 * in the memory of this worker.  What a run needs to know is in its row: that
 * an attempt was made anew with another token is noted in failed_attempts,
 *
 *	 {"attempt": 1, "error": what the server said, "renewed": true,
 *	  "started_at", "duration_ms"}
 *
 * so that it is done once for each attempt, whichever worker has the run.
 * Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "action/outcome.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "run/run_internal.h"
#include "run/run_token.h"
#include "store/step_result.h"
#include "utils/builtins.h"

#define MAX_NOTED_ERROR 1000
#define UNAUTHORIZED 401

void
run_token_failed(const Token *token, Outcome *outcome)
{
	const Response *response = token_response(token);

	if (response->failure == FAILURE_NONE && response->status / 100 != 2)
		outcome_of_status(response, token_error(token), outcome);
	else if (response->failure != FAILURE_NONE)
		outcome_of_failure(response, outcome);
	else
		outcome_error(outcome, token_error(token));
	/* to ask for a token again does no harm, whatever became of the first */
	if (response->status >= 500 || response->failure == FAILURE_TIMEOUT ||
		response->failure == FAILURE_BROKEN)
		outcome->transient = true;
	outcome->maybe_delivered = false;
	outcome->error = pstrdup(token_error(token));
}

/* Was this attempt made anew already? */
static bool
was_renewed(const RunRow *run)
{
	JsonbValue	all;
	JsonMember *each;
	int			n;

	if (run->failed_attempts == NULL)
		return false;
	json_of_jsonb(run->failed_attempts, &all);
	each = json_members(&all, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *attempt;

		if (!json_is_object(&each[i].value) ||
			json_member(&each[i].value, "renewed") == NULL)
			continue;
		attempt = json_text(json_member(&each[i].value, "attempt"));
		if (atoi(attempt) == run->attempt)
			return true;
	}
	return false;
}

static void
note_renewal(RunRow *run, const Answer *answer, const char *error,
			 int64 duration_us)
{
	Jsonb	   *before = run->failed_attempts;
	ObjectBuilder b;

	if (before == NULL)
		before = step_results_empty();
	object_begin(&b);
	object_number(&b, "attempt", run->attempt);
	object_text(&b, "error", clip_text(error != NULL ? error : "HTTP 401",
									   MAX_NOTED_ERROR));
	object_bool(&b, "renewed", true);
	object_text(&b, "started_at", iso_time(answer->started_at));
	object_number(&b, "duration_ms", duration_us / 1000);
	run->failed_attempts = step_results_join(before,
											 list_make1(object_end(&b)));
}

bool
run_token_renew(RunRow *run, const Answer *answer, const char *error,
				int64 duration_us)
{
	if (answer->token.serial == 0 ||
		answer->response->failure != FAILURE_NONE)
		return false;
	if (answer->response->status != UNAUTHORIZED)
	{
		token_worked(&answer->token);
		return false;
	}
	token_refused(&answer->token);
	if (!answer->token.proven || was_renewed(run))
		return false;
	note_renewal(run, answer, error, duration_us);
	run->attempt--;
	run->attempt_at = 0;
	return true;
}
