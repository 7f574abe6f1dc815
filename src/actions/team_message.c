/*
 * team_message.c
 *	  The bodies of team_notify's requests, and what they may be made of.
 *
 * Runs in a worker, and in the backend that validates a definition.  What
 * Slack would refuse, and what Teams would take and not show, fails before it
 * is sent: the error says which block it is, which Slack's does not.
 *
 * Pure: owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "actions/team_message.h"
#include "base/json_object.h"
#include "base/json_value.h"
#include "base/utf8.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/step_result.h"
#include "utils/json.h"

/* docs.slack.dev/reference/block-kit: of a message, and of its texts */
#define SLACK_MAX_BLOCKS 50
#define SLACK_MAX_TEXT 3000
#define SLACK_MAX_FIELD 2000
#define SLACK_MAX_HEADER 150

#define TEAMS_MAX_BYTES (28 * 1024) /* of a whole message */

/*--- what goes with which kind ---*/

static const struct
{
	const char *name;
	bool		for_slack;
}			special[] = {
	{"blocks", true}, {"thread_ts", true}, {"card", false}
};

bool
team_is_slack(const char *kind)
{
	return strcmp(kind, "slack") == 0 || strcmp(kind, "slack_webhook") == 0;
}

static bool
has_param(const Call *call, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&call->params->root, name,
													 strlen(name), NULL);

	return value != NULL && value->type != jbvNull;
}

void
team_require_params(const Call *call)
{
	const char *kind = connection_kind(call->connection);

	for (int i = 0; i < lengthof(special); i++)
	{
		if (special[i].for_slack != team_is_slack(kind) &&
			has_param(call, special[i].name))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("a connection of kind %s takes no parameter \"%s\"",
							kind, special[i].name)));
	}
}

/*--- blocks ---*/

static const char *
text_member(const JsonbValue *object, const char *key)
{
	const char *text = json_member_string(object, key);

	return text != NULL ? text : "";
}

static void refuse_block(int number, const char *what) compat_noreturn;

static void
refuse_block(int number, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("blocks[%d]: %s", number, what)));
}

/* A text object: its text as it is sent, of at most max characters. */
static void
check_text(const JsonbValue *object, int number, int max)
{
	char	   *text = json_member_string(object, "text");
	int			length;

	if (text == NULL)
		refuse_block(number, "the text of a text object must be a string");
	length = pg_mbstrlen_with_len(text, strlen(text));
	if (length == 0)
		refuse_block(number, "a text is empty");
	if (length > max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("blocks[%d]: a text has %d characters, and Slack takes at most %d there",
						number, length, max)));
}

/* Checks the text objects in value; max is what one may have here. */
static void
check_texts(const JsonbValue *value, int number, int max)
{
	JsonMember *members;
	const char *type;
	int			n;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (value->type != jbvBinary)
		return;
	if (json_is_object(value))
	{
		type = text_member(value, "type");
		if (strcmp(type, "mrkdwn") == 0 || strcmp(type, "plain_text") == 0)
			check_text(value, number, max);
		else if (strcmp(type, "header") == 0)
			max = SLACK_MAX_HEADER;
	}
	members = json_members(value, &n);
	for (int i = 0; i < n; i++)
		check_texts(&members[i].value, number, members[i].key != NULL &&
					strcmp(members[i].key, "fields") == 0 ? SLACK_MAX_FIELD
					: max);
}

/* The blocks as JSON text; NULL if there are none. */
static char *
slack_blocks(const Call *call)
{
	Jsonb	   *blocks = param_json(call, "blocks");
	JsonbValue	array;
	JsonMember *elements;
	StringInfoData json;
	int			n;

	if (blocks == NULL)
		return NULL;
	json_of_jsonb(blocks, &array);
	if (!json_is_array(&array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be an array, not %s", "blocks",
						json_a_type(&array))));
	elements = json_members(&array, &n);
	if (n > SLACK_MAX_BLOCKS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the message has %d blocks, and Slack takes at most %d",
						n, SLACK_MAX_BLOCKS)));
	for (int i = 0; i < n; i++)
	{
		if (!json_is_object(&elements[i].value) ||
			json_member_string(&elements[i].value, "type") == NULL)
			refuse_block(i, "a block must be an object with a \"type\"");
		check_texts(&elements[i].value, i, SLACK_MAX_TEXT);
	}
	initStringInfo(&json);
	json_append(&json, &array);
	return n > 0 ? json.data : NULL;
}

/*--- a thread ---*/

/* Is it "1700000000.000100"? */
static bool
is_timestamp(const char *text)
{
	size_t		seconds = strspn(text, "0123456789");
	size_t		rest = text[seconds] == '.'
		? strspn(text + seconds + 1, "0123456789") : 0;

	return seconds > 0 && rest > 0 && text[seconds + 1 + rest] == '\0';
}

/* The message whose thread is meant, or NULL. */
static char *
slack_thread(const Call *call)
{
	char	   *ts = param_text(call, "thread_ts");

	if (ts != NULL && !is_timestamp(ts))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"thread_ts\" must be the \"ts\" of a message, as \"1700000000.000100\", not \"%s\"",
						clip_text(ts, 100))));
	return ts;
}

static void
add_text(StringInfo json, const char *key, const char *text)
{
	if (text == NULL)
		return;
	appendStringInfo(json, "%s\"%s\":", json->len > 1 ? "," : "", key);
	escape_json(json, text);
}

char *
team_slack_body(const Call *call, const char *channel, const char *text)
{
	char	   *blocks = slack_blocks(call);
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	add_text(&json, "channel", channel);
	add_text(&json, "text", text);
	if (blocks != NULL)
		appendStringInfo(&json, ",\"blocks\":%s", blocks);
	add_text(&json, "thread_ts", slack_thread(call));
	appendStringInfoChar(&json, '}');
	return json.data;
}

/*--- cards ---*/

static void
refuse_card(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("parameter \"card\" %s", what),
			 errhint("Write it as in {\"type\": \"AdaptiveCard\", \"version\": \"1.4\", \"body\": [...]}.")));
}

/* Is it "1.4"? */
static bool
is_version(const char *text)
{
	size_t		major = strspn(text, "0123456789");
	size_t		minor = text[major] == '.'
		? strspn(text + major + 1, "0123456789") : 0;

	return major > 0 && minor > 0 && text[major + 1 + minor] == '\0';
}

/* What a card says if it cannot be shown, unless it says so itself. */
static Jsonb *
with_fallback(const JsonbValue *card, const char *text)
{
	int			n;
	JsonMember *members = json_members(card, &n);
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "fallbackText", text);
	for (int i = 0; i < n; i++)
		object_value(&b, members[i].key, &members[i].value);
	return object_end(&b);
}

/* The call's card with the text as its fallback; NULL if it has none. */
static char *
given_card(const Call *call, const char *text)
{
	Jsonb	   *card = param_json(call, "card");
	JsonbValue	object;
	StringInfoData json;

	if (card == NULL)
		return NULL;
	json_of_jsonb(card, &object);
	if (!json_is_object(&object))
		refuse_card(psprintf("must be an object, not %s",
							 json_a_type(&object)));
	if (strcmp(text_member(&object, "type"), "AdaptiveCard") != 0)
		refuse_card("must have the type \"AdaptiveCard\"");
	if (!is_version(text_member(&object, "version")))
		refuse_card("must have a version");
	json_of_jsonb(with_fallback(&object, text), &object);
	initStringInfo(&json);
	json_append(&json, &object);
	return json.data;
}

static char *
default_card(const char *text)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json,
						   "{\"$schema\":\"http://adaptivecards.io/schemas/"
						   "adaptive-card.json\","
						   "\"type\":\"AdaptiveCard\",\"version\":\"1.4\","
						   "\"body\":[{\"type\":\"TextBlock\",\"wrap\":true,"
						   "\"text\":");
	escape_json(&json, text);
	appendStringInfoString(&json, "}]}");
	return json.data;
}

char *
team_card_body(const Call *call, const char *text)
{
	char	   *card = given_card(call, text);
	char	   *json;
	size_t		size;

	json = psprintf("{\"type\":\"message\",\"attachments\":[{"
					"\"contentType\":"
					"\"application/vnd.microsoft.card.adaptive\","
					"\"contentUrl\":null,\"content\":%s}]}",
					card != NULL ? card : default_card(text));
	size = strlen(to_utf8(json));
	if (size > TEAMS_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the message makes a card of %zu bytes, and Teams takes at most %d (28 kB)",
						size, TEAMS_MAX_BYTES)));
	return json;
}

/*--- what is said before a step runs ---*/

/* Is it there, and not the literal null? */
static bool
is_given(const Template *t)
{
	return t != NULL && (template_shape(t) != TEMPLATE_CONSTANT ||
						 template_constant(t)->type != jbvNull);
}

/* A member of an object that is a literal string; NULL if it is none. */
static char *
literal_member(const Template *object, const char *key)
{
	const Template *t = template_member(object, key);

	if (t == NULL || template_shape(t) != TEMPLATE_CONSTANT ||
		template_constant(t)->type != jbvString)
		return NULL;
	return json_cstring(template_constant(t));
}

/* Does the literal object certainly lack such a member? */
static bool
lacks_member(const Template *object, const char *key)
{
	const Template *t = template_member(object, key);

	return t == NULL || (template_shape(t) == TEMPLATE_CONSTANT &&
						 template_constant(t)->type != jbvString);
}

static void
check_card(const StepCheck *step)
{
	const Template *card = template_member(step->params, "card");
	const char *path = problem_path_member(step->path, "card");
	char	   *type;
	char	   *version;

	if (card == NULL || template_shape(card) != TEMPLATE_OBJECT)
		return;
	type = literal_member(card, "type");
	version = literal_member(card, "version");
	if (lacks_member(card, "type") ||
		(type != NULL && strcmp(type, "AdaptiveCard") != 0))
		problem_error(step->problems, path, "bad_card",
					  "Write it as in {\"type\": \"AdaptiveCard\", \"version\": \"1.4\", \"body\": [...]}.",
					  "a card must have the type \"AdaptiveCard\"");
	else if (lacks_member(card, "version") ||
			 (version != NULL && !is_version(version)))
		problem_error(step->problems, path, "bad_card",
					  "Write it as in {\"type\": \"AdaptiveCard\", \"version\": \"1.4\", \"body\": [...]}.",
					  "a card must have a version");
}

static void
check_blocks(const StepCheck *step)
{
	const Template *blocks = template_member(step->params, "blocks");
	const char *path = problem_path_member(step->path, "blocks");
	const Template *const *elements;
	int			n;

	if (blocks == NULL || template_shape(blocks) != TEMPLATE_ARRAY)
		return;
	elements = template_elements(blocks, &n);
	if (n > SLACK_MAX_BLOCKS)
		problem_error(step->problems, path, "number_of_blocks", NULL,
					  "the message has %d blocks, and Slack takes at most %d",
					  n, SLACK_MAX_BLOCKS);
	for (int i = 0; i < n; i++)
	{
		if (template_shape(elements[i]) != TEMPLATE_VALUE &&
			(template_shape(elements[i]) != TEMPLATE_OBJECT ||
			 lacks_member(elements[i], "type")))
			problem_error(step->problems, problem_path_element(path, i),
						  "bad_block",
						  "Write it as in {\"type\": \"section\", \"text\": {\"type\": \"mrkdwn\", \"text\": \"...\"}}.",
						  "a block must be an object with a \"type\"");
	}
}

/* The connection of the step if it is known, else NULL. */
static Connection *
step_connection(const StepCheck *step)
{
	bool		given = template_member(step->params, "connection") != NULL;
	const char *name = given ? step_check_text(step, "connection")
		: TEAM_CONNECTION;

	if (name == NULL || step->tenant_id == NULL)
		return NULL;
	return connection_find_shown(step->tenant_id, name, true);
}

void
team_check(const StepCheck *step)
{
	Connection *connection = step_connection(step);
	const char *kind = connection != NULL ? connection_kind(connection) : NULL;

	check_blocks(step);
	check_card(step);
	if (kind == NULL ||
		!(team_is_slack(kind) || strcmp(kind, "teams_webhook") == 0))
		return;					/* another kind is a problem by itself */
	for (int i = 0; i < lengthof(special); i++)
	{
		if (special[i].for_slack != team_is_slack(kind) &&
			is_given(template_member(step->params, special[i].name)))
			problem_warning(step->problems,
							problem_path_member(step->path, special[i].name),
							"param_of_kind", NULL,
							"a connection of kind %s takes no parameter \"%s\"",
							kind, special[i].name);
	}
}
