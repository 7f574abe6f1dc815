/*
 * team_notify.c
 *	  Action team_notify: a message to a channel of Slack or Teams.
 *
 * Runs in a worker.  The connection's kind says how: a Slack bot
 * (chat.postMessage), a Slack incoming webhook, or a Teams workflow that
 * takes an Adaptive Card.  None of them knows an idempotency key: a request
 * whose answer was lost is not repeated unless the step's author says so.
 * team_message.c makes the bodies.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "action/action.h"
#include "action/outcome.h"
#include "actions/team_message.h"
#include "base/json_value.h"
#include "mb/pg_wchar.h"
#include "store/step_result.h"
#include "transfer/url.h"

/* Slack cuts a longer text: api.slack.com/methods/chat.postMessage */
#define SLACK_MAX_CHARACTERS 40000
#define MAX_ENTITY 5			/* "&amp;" */
#define MAX_LINK 2000			/* bytes of one that is not cut in two */

static TemplateEscape
team_escape(const char *param, const Connection *connection)
{
	bool		slack;

	if (connection == NULL)
		return ESCAPE_NONE;
	slack = team_is_slack(connection_kind(connection));
	if (strcmp(param, "message") == 0)
		return slack ? ESCAPE_SLACK : ESCAPE_MARKDOWN;
	if (strcmp(param, "blocks") == 0)
		return ESCAPE_BLOCKS;
	if (strcmp(param, "card") == 0)
		return ESCAPE_CARD;
	return ESCAPE_NONE;
}

/*
 * The beginning of text, of len bytes, without what the cut has left of an
 * escaped character or of a link of Slack's.
 */
static int
whole_marks(const char *text, int len)
{
	int			open = -1;

	for (int i = Max(len - MAX_LINK, 0); i < len; i++)
	{
		if (text[i] == '<' || (text[i] == '&' && open < 0))
			open = i;
		else if (open >= 0 && text[open] == '<'
				 ? text[i] == '>' || text[i] == '\n'
				 : text[i] == ';' || i - open > MAX_ENTITY)
			open = -1;
	}
	return open >= 0 ? open : len;
}

/*
 * Slack cuts what is longer than its limit, and says nothing.  Cut here, the
 * message shows that something is missing, and so does the output.
 */
static char *
slack_text(char *message, bool *cut)
{
	int			len = strlen(message);

	*cut = pg_mbstrlen_with_len(message, len) > SLACK_MAX_CHARACTERS;
	if (!*cut)
		return message;
	len = pg_mbcharcliplen(message, len, SLACK_MAX_CHARACTERS - 3);
	return psprintf("%.*s...", whole_marks(message, len), message);
}

/* Returns {"kind", "channel"} for interpret, and "cut" if it was cut. */
static Jsonb *
team_prepare(Call *call, Request *request)
{
	const char *kind = connection_kind(call->connection);
	char	   *channel = param_text_filled(call, "channel");
	char	   *message = param_text_filled(call, "message");
	bool		cut = false;
	ObjectBuilder b;

	team_require_params(call);
	if (team_is_slack(kind))
		message = slack_text(message, &cut);

	if (strcmp(kind, "slack") == 0)
	{
		request->url = url_join(connection_base_url(call->connection),
								"chat.postMessage");
		request_post_json(call, request,
						  team_slack_body(call, channel, message));
	}
	else if (strcmp(kind, "slack_webhook") == 0)
	{
		connection_channel_url(call->connection, channel, request);
		request_post_json(call, request,
						  team_slack_body(call, NULL, message));
	}
	else
	{
		Assert(strcmp(kind, "teams_webhook") == 0);
		connection_channel_url(call->connection, channel, request);
		request_post_json(call, request, team_card_body(call, message));
	}
	request->once = true;
	object_begin(&b);
	object_text(&b, "kind", kind);
	object_text(&b, "channel", channel);
	if (cut)
		object_text(&b, "cut", "yes");
	return object_end(&b);
}

/* {"channel", "ts"}, and "message_cut" if it was */
static void
slack_success(const Jsonb *prepare_state, Outcome *outcome,
			  const char *channel, const char *ts)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "channel", channel);
	object_text(&b, "ts", ts);
	if (JSON_TEXT(prepare_state, "cut") != NULL)
		object_bool(&b, "message_cut", true);
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

/* " (HTTP 404)", or nothing if the status is a success. */
static const char *
status_suffix(const Response *response)
{
	return response->status / 100 == 2 ? ""
		: psprintf(" (HTTP %d)", response->status);
}

/* Slack's word for its refusal, and what it says about it. */
static char *
slack_refusal(const Response *response, const Jsonb *answer)
{
	char	   *word = JSON_TEXT(answer, "error");
	char	   *needed = JSON_TEXT(answer, "needed");
	char	   *provided = JSON_TEXT(answer, "provided");
	char	   *more = JSON_TEXT(answer, "response_metadata", "messages", "0");
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "Slack: %s",
					 word != NULL ? clip_text(word, 200) : "ok is false");
	if (needed != NULL)
		appendStringInfo(&text, " (needed: %s; provided: %s)",
						 clip_text(needed, 200),
						 provided != NULL ? clip_text(provided, 500) : "");
	if (more != NULL)
		appendStringInfo(&text, ": %s", clip_text(more, 500));
	appendStringInfoString(&text, status_suffix(response));
	return text.data;
}

/*
 * Slack says "ok": false.  Only if it says that there were too many requests
 * may the same request succeed later, whatever the status.
 */
static void
slack_refused(const Response *response, const Jsonb *answer,
			  Outcome *outcome)
{
	char	   *text = slack_refusal(response, answer);
	char	   *word = JSON_TEXT(answer, "error");

	outcome_of_status(response, text, outcome);
	outcome->error = text;

	outcome->maybe_delivered = false;
	outcome->throttled = word != NULL &&
		(strcmp(word, "ratelimited") == 0 ||
		 strcmp(word, "rate_limited") == 0);
	outcome->transient = outcome->throttled;
}

/* Slack answers 200 even if it refuses; its "ok" decides. */
static void
interpret_slack(const Jsonb *prepare_state, const Response *response,
				Outcome *outcome)
{
	Jsonb	   *answer = response_json(response);
	char	   *error = JSON_TEXT(answer, "error");
	char	   *ts = JSON_TEXT(answer, "ts");
	char	   *channel = JSON_TEXT(answer, "channel");
	bool		well = response->status / 100 == 2;

	if (says_no(answer) || (well && error != NULL))
		slack_refused(response, answer, outcome);
	else if (!well)
		outcome_of_status(response, response_status_text(response), outcome);
	else if (ts == NULL)
		outcome_error(outcome,
					  psprintf("delivery unknown: no timestamp in %s",
							   response_status_text(response)));
	else
		slack_success(prepare_state, outcome, channel != NULL ? channel
					  : JSON_TEXT(prepare_state, "channel"), ts);
}

/* Is it one of Slack's words, such as "no_service"? */
static bool
is_word(const char *text)
{
	size_t		len = strlen(text);

	return len > 0 && len <= 60 &&
		strspn(text, "abcdefghijklmnopqrstuvwxyz_") == len;
}

/*
 * An incoming webhook says "ok", or one word in plain text beside a status
 * that fits it.  It gives no timestamp.
 */
static void
interpret_slack_webhook(const Jsonb *prepare_state, const Response *response,
						Outcome *outcome)
{
	char	   *text = response_text(response);
	Jsonb	   *answer = response_json(response);
	size_t		len = text != NULL ? strlen(text) : 0;

	while (len > 0 && isspace((unsigned char) text[len - 1]))
		text[--len] = '\0';

	if (says_no(answer))
		slack_refused(response, answer, outcome);
	else if (response->status / 100 != 2)
		outcome_of_status(response, text != NULL && is_word(text)
						  ? psprintf("Slack: %s%s", text,
									 status_suffix(response))
						  : response_status_text(response), outcome);
	else if (text != NULL && strcmp(text, "ok") == 0)
		slack_success(prepare_state, outcome, JSON_TEXT(prepare_state, "channel"), NULL);
	else
		outcome_error(outcome,
					  psprintf("delivery unknown: no \"ok\" in %s",
							   response_status_text(response)));
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

/*
 * Connectors of before the workflows answer 200 and say in plain text that
 * it did not work, with the status that they were given themselves.  0: the
 * body says no such thing.
 */
static int
connector_failure(const Response *response)
{
	char	   *text = response_text(response);
	const char *at;
	int			status = 0;

	if (text == NULL)
		return 0;
	if (strstr(text, "Webhook message delivery failed with error") != NULL)
	{
		at = strstr(text, "HTTP error ");
		status = at != NULL
			? (int) strtol(at + strlen("HTTP error "), NULL, 10)
			: response->status;
	}
	pfree(text);
	return status;
}

/* {"error": {"code", "message"}}, or what else there is. */
static char *
teams_error(const Response *response, const Jsonb *answer)
{
	char	   *code = JSON_TEXT(answer, "error", "code");
	char	   *message = JSON_TEXT(answer, "error", "message");

	if (code == NULL && message == NULL)
		return response_status_text(response);
	return psprintf("Teams: %s%s%s (HTTP %d)",
					code != NULL ? clip_text(code, 200) : "",
					code != NULL && message != NULL ? ": " : "",
					message != NULL ? clip_text(message, 500) : "",
					response->status);
}

static void
interpret_teams(const Response *response, Outcome *outcome)
{
	Jsonb	   *answer = response_json(response);
	Response	inner = *response;
	bool		well = response->status / 100 == 2;

	inner.status = connector_failure(response);
	if (well && inner.status != 0)
		outcome_of_status(&inner, response_status_text(response), outcome);
	else if (!well || JSON_TEXT(answer, "error", "code") != NULL)
		outcome_of_status(response, teams_error(response, answer), outcome);
	else
		teams_success(outcome, response->status);
}

static void
team_interpret(const Jsonb *prepare_state, const Response *response,
			   Outcome *outcome)
{
	char	   *kind = JSON_TEXT(prepare_state, "kind");

	if (response->failure != FAILURE_NONE)
		outcome_of_failure(response, outcome);
	else if (kind != NULL && strcmp(kind, "slack") == 0)
		interpret_slack(prepare_state, response, outcome);
	else if (kind != NULL && strcmp(kind, "slack_webhook") == 0)
		interpret_slack_webhook(prepare_state, response, outcome);
	else
		interpret_teams(response, outcome);
}

const Action team_notify_action = {
	.name = "team_notify",
	.kind = ACTION_HTTP,
	.default_connection = TEAM_CONNECTION,
	.needs_connection = true,
	.connection_kinds = (const char *const[])
	{
		"slack", "slack_webhook", "teams_webhook", NULL
	},
	.check = team_check,
	.escape = team_escape,
	.prepare = team_prepare,
	.interpret = team_interpret,
};
