/*
 * team_notify.c
 *	  Action team_notify: a message to a channel of Slack or Teams.
 *
 * Runs in a worker.  The connection's kind says how: a Slack bot
 * (chat.postMessage), a Slack incoming webhook, or a Teams workflow that
 * takes an Adaptive Card.  None of them knows an idempotency key: a request
 * whose answer was lost is not repeated unless the step's author says so.
 */
#include "postgres.h"
#include "compat.h"

#include "jsonvalue.h"
#include "step_result.h"
#include "action.h"
#include "outcome.h"
#include "url.h"
#include "utils/json.h"

static bool
is_slack(const Connection *connection)
{
	const char *kind = connection_kind(connection);

	return strcmp(kind, "slack") == 0 || strcmp(kind, "slack_webhook") == 0;
}

static TemplateEscape
team_escape(const char *param, const Connection *connection)
{
	return strcmp(param, "message") == 0 && connection != NULL &&
		is_slack(connection) ? ESCAPE_SLACK : ESCAPE_NONE;
}

/* {"text": ...}, with the channel where it is named. */
static char *
slack_json(const char *channel, const char *message)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	if (channel != NULL)
	{
		appendStringInfoString(&json, "\"channel\":");
		escape_json(&json, channel);
		appendStringInfoChar(&json, ',');
	}
	appendStringInfoString(&json, "\"text\":");
	escape_json(&json, message);
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* A message with one Adaptive Card, which shows the text. */
static char *
teams_json(const char *message)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json,
						   "{\"type\":\"message\",\"attachments\":[{"
						   "\"contentType\":"
						   "\"application/vnd.microsoft.card.adaptive\","
						   "\"contentUrl\":null,\"content\":{"
						   "\"$schema\":\"http://adaptivecards.io/schemas/"
						   "adaptive-card.json\","
						   "\"type\":\"AdaptiveCard\",\"version\":\"1.4\","
						   "\"body\":[{\"type\":\"TextBlock\",\"wrap\":true,"
						   "\"text\":");
	escape_json(&json, message);
	appendStringInfoString(&json, "}]}}]}");
	return json.data;
}

/* Carries {"kind", "channel"}. */
static Jsonb *
team_prepare(Call *call, Request *request)
{
	const char *kind = connection_kind(call->connection);
	char	   *channel = param_text_required(call, "channel");
	char	   *message = param_text_required(call, "message");
	ObjectBuilder b;

	if (strcmp(kind, "slack") == 0)
	{
		request->url = url_join(connection_base_url(call->connection),
								"chat.postMessage");
		request_post_json(call, request, slack_json(channel, message));
	}
	else if (strcmp(kind, "slack_webhook") == 0)
	{
		connection_channel_url(call->connection, channel, request);
		request_post_json(call, request, slack_json(NULL, message));
	}
	else if (strcmp(kind, "teams_webhook") == 0)
	{
		connection_channel_url(call->connection, channel, request);
		request_post_json(call, request, teams_json(message));
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("connection \"%s\" is of kind %s, but team_notify needs slack, slack_webhook or teams_webhook",
						connection_name(call->connection), kind)));
	request->once = true;
	object_begin(&b);
	object_text(&b, "kind", kind);
	object_text(&b, "channel", channel);
	return object_end(&b);
}

/* {"channel", "ts"} */
static void
slack_success(Outcome *outcome, const char *channel, const char *ts)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "channel", channel);
	object_text(&b, "ts", ts);
	outcome_success(outcome, object_end(&b));
}

/* Is "ok" false, whatever else the answer says? */
static bool
says_no(const Jsonb *answer)
{
	JsonbValue	root;
	JsonbValue *ok;

	if (answer == NULL)
		return false;
	json_of_jsonb(unconstify(Jsonb *, answer), &root);
	ok = json_is_object(&root) ? json_member(&root, "ok") : NULL;
	return ok != NULL && ok->type == jbvBool && !ok->val.boolean;
}

/* Slack answers 200 also where it refuses; "ok" is what counts. */
static void
interpret_slack(const Jsonb *carry, const Response *response,
				Outcome *outcome)
{
	Jsonb	   *answer = response_json(response);
	char	   *error = JSON_TEXT(answer, "error");
	char	   *ts = JSON_TEXT(answer, "ts");
	char	   *channel = JSON_TEXT(answer, "channel");

	if (error != NULL)
		outcome_of_status(response,
						  psprintf("Slack: %s", clip_text(error, 200)),
						  outcome);
	else if (response->status / 100 != 2 || says_no(answer))
		outcome_of_status(response, response_status_text(response), outcome);
	else if (ts == NULL)
		outcome_error(outcome,
					  psprintf("delivery unknown: no timestamp in %s",
							   response_status_text(response)));
	else
		slack_success(outcome, channel != NULL ? channel
					  : JSON_TEXT(carry, "channel"), ts);
}

/* {"status"} */
static void
teams_success(Outcome *outcome, int status)
{
	ObjectBuilder b;

	object_begin(&b);
	object_number(&b, "status", status);
	outcome_success(outcome, object_end(&b));
}

static void
team_interpret(const Jsonb *carry, const Response *response,
			   Outcome *outcome)
{
	char	   *kind = JSON_TEXT(carry, "kind");

	if (response->failure != FAILURE_NONE)
		outcome_of_failure(response, outcome);
	else if (kind != NULL && strcmp(kind, "slack") == 0)
		interpret_slack(carry, response, outcome);
	else if (response->status / 100 != 2)
		outcome_of_status(response, response_status_text(response), outcome);
	else if (kind != NULL && strcmp(kind, "slack_webhook") == 0)
	{
		char	   *text = response_text(response);

		/* an incoming webhook gives no timestamp */
		if (text != NULL && strncmp(text, "ok", 2) == 0)
			slack_success(outcome, JSON_TEXT(carry, "channel"), NULL);
		else
			outcome_error(outcome, response_status_text(response));
	}
	else
		teams_success(outcome, response->status);
}

const Action team_notify_action = {
	.name = "team_notify",
	.kind = ACTION_HTTP,
	.default_connection = "team",
	.needs_connection = true,
	.escape = team_escape,
	.prepare = team_prepare,
	.interpret = team_interpret,
};
