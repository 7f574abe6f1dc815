/*
 * whatsapp_notify.c
 *	  Action whatsapp_notify: a template message of the WhatsApp Cloud API.
 *
 * Runs in a worker.  Parameters of the template's header and body are named
 * (an object) or positional (an array), those of its buttons go by the
 * button's number (whatsapp_components.c).  The API has no idempotency key: a
 * request whose answer was lost is not repeated unless the step's author says
 * so.
 */
#include "postgres.h"
#include "compat.h"

#include "action/action.h"
#include "action/outcome.h"
#include "actions/whatsapp.h"
#include "base/calling_code.h"
#include "base/json_value.h"
#include "base/phone.h"
#include "mb/pg_wchar.h"
#include "store/step_result.h"
#include "transfer/url.h"
#include "utils/json.h"

#define API_VERSION "v23.0"

/*
 * The text of the parameter.  The point and the sign of a JSON number divide
 * no digits: 96170123456.0 ends in 6, and a number with a fraction is refused.
 */
static char *
phone_text(const Call *call)
{
	char	   *text = param_text_required(call, "phone");
	Jsonb	   *json = param_json(call, "phone");
	char	   *point = strchr(text, '.');
	JsonbValue	value;

	json_of_jsonb(json, &value);
	if (value.type != jbvNumeric)
		return text;

	if (point != NULL && strspn(point + 1, "0") == strlen(point + 1))
		*point = '\0';
	if (strspn(text, "0123456789") != strlen(text))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"phone\" is not a phone number: %s",
						clip_text(text, 60))));
	return text;
}

/* The recipient's number, as the API wants it. */
static char *
phone_param(const Call *call)
{
	char	   *text = phone_text(call);
	char	   *country = connection_config(call->connection,
											"default_country");
	char	   *wrong;
	char	   *phone;

	phone = phone_normalize(to_utf8(text),
							country != NULL ? calling_code(country) : NULL,
							&wrong);
	if (phone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"phone\" %s",
						pg_any_to_server(wrong, strlen(wrong), PG_UTF8)),
				 errhint("Use digits with the country code, such as +96170123456.")));
	return phone;
}

/* The message, as the API wants it. */
static char *
message_json(const Call *call)
{
	char	   *phone = phone_param(call);
	char	   *template = param_text_filled(call, "template");
	char	   *language = param_text(call, "language");
	StringInfoData components;
	StringInfoData json;

	initStringInfo(&components);
	whatsapp_append_components(&components, call);
	initStringInfo(&json);
	appendStringInfo(&json, "{\"messaging_product\":\"whatsapp\","
					 "\"recipient_type\":\"individual\",\"to\":\"%s\","
					 "\"type\":\"template\",\"template\":{\"name\":", phone);
	escape_json(&json, template);
	appendStringInfoString(&json, ",\"language\":{\"code\":");
	escape_json(&json, language != NULL && language[0] != '\0' ? language
				: "en_US");
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
	TOO_MANY,					/* the same: it asks to wait */
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
	{4, 4, TOO_MANY},			/* application's rate limit */
	{10, 10, PERMANENT},		/* permission */
	{33, 33, PERMANENT},		/* number deleted */
	{100, 100, PERMANENT},		/* parameter */
	{102, 102, PERMANENT},		/* session */
	{190, 190, PERMANENT},		/* access token */
	{200, 299, PERMANENT},		/* permission */
	{368, 368, PERMANENT},		/* account blocked */
	{80007, 80007, TOO_MANY},	/* account's rate limit */
	{130429, 130429, TOO_MANY}, /* throughput reached */
	{130472, 130497, PERMANENT},	/* experiment; country */
	{131005, 131009, PERMANENT},	/* access, parameters */
	{131016, 131016, TEMPORARY},	/* service overloaded */
	{131021, 131047, PERMANENT},	/* recipient, account, payment, window */
	{131048, 131048, TOO_MANY}, /* spam rate limit */
	{131049, 131053, PERMANENT},	/* marketing limit, type, media */
	{131056, 131056, TOO_MANY}, /* too many to the same recipient */
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

	outcome->maybe_delivered = false;
	outcome->throttled = verdict == TOO_MANY;
	outcome->transient = verdict != PERMANENT;
}

static void
whatsapp_interpret(const Jsonb *prepare_state, const Response *response,
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
	.connection_kinds = (const char *const[]) {"whatsapp_cloud", NULL},
	.prepare = whatsapp_prepare,
	.interpret = whatsapp_interpret,
};
