/*
 * whatsapp_notify.c
 *	  Action whatsapp_notify: a template message of the WhatsApp Cloud API.
 *
 * Runs in a worker.  Parameters of the template's header and body are named
 * (an object) or positional (an array), those of its buttons go by the
 * button's number.  The API has no idempotency key: a request whose answer
 * was lost is not repeated unless the step's author says so.
 */
#include "postgres.h"
#include "compat.h"

#include "step_result.h"
#include "action.h"
#include "jsonvalue.h"
#include "outcome.h"
#include "url.h"
#include "utils/json.h"

#define API_VERSION "v23.0"
#define MAX_DIGITS 15			/* E.164 */

static void
bad_value(const char *param, const char *key, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" in parameter \"%s\" %s", key, param, what)));
}

/* The phone number's digits, with the plus sign where it has one. */
static char *
normal_phone(const char *phone)
{
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = phone; *p; p++)
	{
		if ((*p >= '0' && *p <= '9') || (*p == '+' && buf.len == 0))
			appendStringInfoChar(&buf, *p);
		else if (strchr(" -()\t", *p) == NULL)
			break;
		if (p[1] == '\0' && buf.len >= 5 &&
			buf.len - (buf.data[0] == '+') <= MAX_DIGITS)
			return buf.data;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("parameter \"phone\" is not a phone number: \"%s\"",
					phone),
			 errhint("Use digits with the country code, such as +96170123456.")));
	return NULL;				/* keep compiler quiet */
}

/* One parameter of a component. */
static void
append_value(StringInfo json, const char *param, const JsonMember *member,
			 const char *key, bool named)
{
	StringInfoData text;

	if (member->value.type == jbvNull)
		bad_value(param, key, "is null");
	if (json_is_object(&member->value))
	{
		/* {"type": "image", "image": {...}}: the API's own form */
		if (json_member(&member->value, "type") == NULL)
			bad_value(param, key, "is an object without \"type\"");
		json_append(json, &member->value);
		return;
	}
	if (member->value.type == jbvBinary)
		bad_value(param, key, "is an array");
	initStringInfo(&text);
	json_append_text(&text, &member->value);
	appendStringInfoString(json, "{\"type\":\"text\",");
	if (named)
	{
		appendStringInfoString(json, "\"parameter_name\":");
		escape_json(json, key);
		appendStringInfoChar(json, ',');
	}
	appendStringInfoString(json, "\"text\":");
	escape_json(json, text.data);
	appendStringInfoChar(json, '}');
}

/*
 * The members of an object or array parameter; false where it is absent or
 * empty.
 */
static bool
get_members(const Call *call, const char *param, bool *named,
			JsonMember **members, int *n)
{
	Jsonb	   *json = param_json(call, param);
	JsonbValue	value;

	if (json == NULL)
		return false;
	json_of_jsonb(json, &value);
	*named = json_is_object(&value);
	if (!*named && !json_is_array(&value))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be an object or an array, not %s",
						param, json_a_type(&value))));
	*members = json_members(&value, n);
	return *n > 0;
}

/* A header or body component. */
static void
append_component(StringInfo json, const Call *call, const char *param,
				 const char *type)
{
	JsonMember *members;
	bool		named;
	int			n;

	if (!get_members(call, param, &named, &members, &n))
		return;
	appendStringInfo(json, "%s{\"type\":\"%s\",\"parameters\":[",
					 json->len > 0 ? "," : "", type);
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(json, ',');
		append_value(json, param, &members[i],
					 named ? members[i].key : psprintf("%d", i), named);
	}
	appendStringInfoString(json, "]}");
}

/* One component for each button that has a variable part. */
static void
append_buttons(StringInfo json, const Call *call)
{
	JsonMember *members;
	bool		named;
	int			n;

	if (!get_members(call, "button_vars", &named, &members, &n))
		return;
	for (int i = 0; i < n; i++)
	{
		const char *index = named ? members[i].key : psprintf("%d", i);

		if (strspn(index, "0123456789") != strlen(index) ||
			index[0] == '\0' || strlen(index) > 2)
			bad_value("button_vars", index, "is not the number of a button");
		if (!named && members[i].value.type == jbvNull)
			continue;
		appendStringInfo(json, "%s{\"type\":\"button\",\"sub_type\":\"url\","
						 "\"index\":\"%s\",\"parameters\":[",
						 json->len > 0 ? "," : "", index);
		append_value(json, "button_vars", &members[i], index, false);
		appendStringInfoString(json, "]}");
	}
}

/* The message, as the API wants it. */
static char *
message_json(const Call *call)
{
	char	   *phone = normal_phone(param_text_required(call, "phone"));
	char	   *template = param_text_required(call, "template");
	char	   *language = param_text(call, "language");
	StringInfoData components;
	StringInfoData json;

	initStringInfo(&components);
	append_component(&components, call, "header_vars", "header");
	append_component(&components, call, "template_vars", "body");
	append_buttons(&components, call);

	initStringInfo(&json);
	appendStringInfo(&json, "{\"messaging_product\":\"whatsapp\","
					 "\"recipient_type\":\"individual\",\"to\":\"%s\","
					 "\"type\":\"template\",\"template\":{\"name\":", phone);
	escape_json(&json, template);
	appendStringInfoString(&json, ",\"language\":{\"code\":");
	escape_json(&json, language != NULL ? language : "en_US");
	appendStringInfoChar(&json, '}');
	if (components.len > 0)
		appendStringInfo(&json, ",\"components\":[%s]", components.data);
	appendStringInfoString(&json, "}}");
	return json.data;
}

static Jsonb *
whatsapp_prepare(Call *call, Request *request)
{
	char	   *version;
	char	   *number;

	connection_require_kind(call->connection, "whatsapp_cloud",
							"whatsapp_notify");
	version = connection_config(call->connection, "api_version");
	number = connection_config(call->connection, "phone_number_id");
	if (number == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("connection \"%s\" has no phone_number_id",
						connection_name(call->connection))));
	request->url = url_join(connection_base_url(call->connection),
							psprintf("%s/%s/messages",
									 version != NULL ? version : API_VERSION,
									 number));
	request_post_json(call, request, message_json(call));
	request->once = true;
	return NULL;
}

typedef enum Verdict
{
	BY_STATUS,					/* the code says nothing: HTTP's status does */
	TEMPORARY,
	PERMANENT
} Verdict;

/* What the API's documentation says of a code, or of a range of them. */
typedef struct CodeRange
{
	int			first;
	int			last;
	Verdict		verdict;
} CodeRange;

static const CodeRange code_ranges[] = {
	{2, 2, TEMPORARY},			/* service unavailable */
	{3, 3, PERMANENT},			/* no capability or permission */
	{4, 4, TEMPORARY},			/* application's rate limit */
	{10, 10, PERMANENT},		/* permission */
	{33, 33, PERMANENT},		/* number deleted */
	{100, 100, PERMANENT},		/* parameter */
	{102, 102, PERMANENT},		/* session */
	{190, 190, PERMANENT},		/* access token */
	{200, 299, PERMANENT},		/* permission */
	{368, 368, PERMANENT},		/* account blocked */
	{80007, 80007, TEMPORARY},	/* account's rate limit */
	{130429, 130429, TEMPORARY},	/* throughput reached */
	{130472, 130497, PERMANENT},	/* experiment; country */
	{131005, 131009, PERMANENT},	/* access, parameters */
	{131016, 131016, TEMPORARY},	/* service overloaded */
	{131021, 131047, PERMANENT},	/* recipient, account, payment, window */
	{131048, 131048, TEMPORARY},	/* spam rate limit */
	{131049, 131053, PERMANENT},	/* marketing limit, type, media */
	{131056, 131056, TEMPORARY},	/* too many to the same recipient */
	{131057, 131057, TEMPORARY},	/* account in maintenance */
	{132000, 132999, PERMANENT},	/* template, flow */
	{133004, 133004, TEMPORARY},	/* server temporarily unavailable */
	{133005, 133015, PERMANENT},	/* registration */
	{134000, 139999, PERMANENT} /* features, user, flows */
};

static Verdict
verdict_of(const char *text)
{
	long		code = strtol(text, NULL, 10);

	for (int i = 0; i < lengthof(code_ranges); i++)
	{
		if (code >= code_ranges[i].first && code <= code_ranges[i].last)
			return code_ranges[i].verdict;
	}
	return BY_STATUS;
}

/* "WhatsApp error 131026: message: details (subcode 1, HTTP 400)" */
static char *
error_text(const Response *response, const Jsonb *answer, const char *code)
{
	char	   *message = JSON_TEXT(answer, "error", "message");
	char	   *details = JSON_TEXT(answer, "error", "error_data", "details");
	char	   *subcode = JSON_TEXT(answer, "error", "error_subcode");
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "WhatsApp error %s: %s", clip_text(code, 20),
					 message != NULL ? clip_text(message, 500) : "no message");
	if (details != NULL)
		appendStringInfo(&text, ": %s", clip_text(details, 500));
	appendStringInfoString(&text, " (");
	if (subcode != NULL)
		appendStringInfo(&text, "subcode %s, ", clip_text(subcode, 20));
	appendStringInfo(&text, "HTTP %d)", response->status);
	return text.data;
}

/* The code stands above the status that it comes with. */
static void
api_error(const Response *response, const Jsonb *answer, const char *code,
		  Outcome *outcome)
{
	char	   *text = error_text(response, answer, code);
	Verdict		verdict = verdict_of(code);

	outcome_of_status(response, text, outcome);
	if (verdict == BY_STATUS)
		return;
	outcome->error = text;
	outcome->unsure = false;
	outcome->transient = verdict == TEMPORARY;
}

static void
whatsapp_interpret(const Jsonb *carry, const Response *response,
				   Outcome *outcome)
{
	Jsonb	   *answer;
	char	   *id;
	char	   *code;
	ObjectBuilder b;

	if (response->failure != FAILURE_NONE)
	{
		outcome_of_failure(response, outcome);
		return;
	}
	answer = response_json(response);
	id = JSON_TEXT(answer, "messages", "0", "id");
	code = JSON_TEXT(answer, "error", "code");
	if (code != NULL)
		api_error(response, answer, code, outcome);
	else if (response->status / 100 != 2)
		outcome_of_status(response, response_status_text(response), outcome);
	else if (id == NULL)
		outcome_error(outcome,
					  psprintf("delivery unknown: no message id in %s",
							   response_status_text(response)));
	else
	{
		object_begin(&b);
		object_text(&b, "message_id", id);
		outcome_success(outcome, object_end(&b));
	}
}

const Action whatsapp_notify_action = {
	.name = "whatsapp_notify",
	.kind = ACTION_HTTP,
	.default_connection = "whatsapp",
	.needs_connection = true,
	.prepare = whatsapp_prepare,
	.interpret = whatsapp_interpret,
};
