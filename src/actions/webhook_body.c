/*
 * webhook_body.c
 *	  The body of a webhook's request.
 *
 * Runs in a worker.  The type of the body decides its form: JSON, the fields
 * of a form (application/x-www-form-urlencoded), or a text that goes as it
 * stands, whatever it is.  A value that has no such form is refused: sent as
 * JSON under another name, it would be misread at the other end.
 */
#include "postgres.h"
#include "compat.h"

#include "action/outcome.h"
#include "actions/webhook.h"
#include "base/escape.h"
#include "base/json_value.h"
#include "config/settings.h"
#include "miscadmin.h"
#include "store/step_result.h"
#include "utils/builtins.h"

#define FORM_TYPE "application/x-www-form-urlencoded"

/*--- types ---*/

/* "application/json" of "Application/JSON; charset=utf-8" */
static char *
media_type(const char *type)
{
	char	   *media = pnstrdup(type, strcspn(type, "; \t,"));

	for (char *p = media; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	return media;
}

/* A body is sent in UTF-8: raises 22023 if the type says otherwise. */
static void
check_charset(const char *type)
{
	char	   *lower = pstrdup(type);
	char	   *charset;

	for (char *p = lower; *p; p++)
		*p = pg_ascii_tolower((unsigned char) *p);
	charset = strstr(lower, "charset=");
	if (charset == NULL)
		return;
	charset += strlen("charset=");
	charset += *charset == '"';
	charset[strcspn(charset, "\"; \t")] = '\0';
	if (strcmp(charset, "utf-8") != 0 && strcmp(charset, "utf8") != 0 &&
		strcmp(charset, "us-ascii") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the Content-Type says charset=%s, but a body is sent in UTF-8",
						clip_text(charset, 40))));
}

/*--- names and values ---*/

/* As text, a number may be much larger than it is: 1e131071. */
#define MAX_GROWTH 8
#define MIN_LIMIT_KB 1024

static void
add_text(StringInfo buf, const char *name, const JsonbValue *value,
		 WebhookPair add)
{
	char	   *text = json_text(value);
	Size		most = (Size) Max(wf_max_payload, MIN_LIMIT_KB) * 1024 *
		MAX_GROWTH;

	add(buf, name, text);
	pfree(text);
	if (buf->len > most)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the fields of the request have more than %zu bytes",
						most)));
}

/* name=value or name=value for each element; null is left out. */
void
webhook_add_pairs(StringInfo buf, const char *param, const char *name,
				  const JsonbValue *value, WebhookPair add)
{
	JsonMember *each;
	int			n;

	if (value->type == jbvNull)
		return;
	if (json_is_array(value))
	{
		each = json_members(value, &n);
		for (int i = 0; i < n; i++)
		{
			if (each[i].value.type == jbvBinary)
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("\"%s\" in parameter \"%s\" must hold texts, not %s",
								name, param, json_a_type(&each[i].value))));
			webhook_add_pairs(buf, param, name, &each[i].value, add);
		}
		return;
	}
	if (value->type == jbvBinary)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in parameter \"%s\" must be a text or an array of texts, not %s",
						name, param, json_a_type(value))));
	add_text(buf, name, value, add);
}

static void
add_field(StringInfo buf, const char *name, const char *value)
{
	Assert(name != NULL);		/* only the elements of arrays have none */
	if (buf->len > 0)
		appendStringInfoChar(buf, '&');
	escape_append(buf, name, strlen(name), ESCAPE_URL);
	appendStringInfoChar(buf, '=');
	escape_append(buf, value, strlen(value), ESCAPE_URL);
}

/* Has the array or object an element that is an array or object itself? */
static bool
is_nested(const JsonMember *each, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (each[i].value.type == jbvBinary)
			return true;
	}
	return false;
}

/*
 * The fields of a value.  There is no standard for what is nested; most who
 * understand it at all take name[member], and name[0] for an element of an
 * array that cannot just repeat its name.
 */
static void
add_fields(StringInfo buf, const char *name, const JsonbValue *value)
{
	int			n;
	JsonMember *each;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	each = value->type == jbvBinary ? json_members(value, &n) : NULL;
	if (each == NULL || (json_is_array(value) && !is_nested(each, n)))
	{
		webhook_add_pairs(buf, "body", name, value, add_field);
		return;
	}
	for (int i = 0; i < n; i++)
	{
		const char *key = each[i].key != NULL ? each[i].key
			: psprintf("%d", i);

		add_fields(buf, name == NULL ? key : psprintf("%s[%s]", name, key),
				   &each[i].value);
	}
}

/*--- the body ---*/

/*
 * The body to send, or NULL.  Unless merge_payload says otherwise, POST, PUT
 * and PATCH send the payload; if the body is an object, its keys replace those
 * of the payload.
 */
static Jsonb *
body_of(const Call *call, const char *method)
{
	Jsonb	   *body = param_json(call, "body");
	Jsonb	   *payload = call->scope->root[SCOPE_TRIGGER];
	bool		asked = param_bool(call, "merge_payload", false);
	bool		merge = param_bool(call, "merge_payload",
								   strcmp(method, "POST") == 0 ||
								   strcmp(method, "PUT") == 0 ||
								   strcmp(method, "PATCH") == 0);

	if (!merge || payload == NULL)
		return body;
	if (body == NULL)
		return payload;
	if (JB_ROOT_IS_OBJECT(body))
		return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
												  JsonbPGetDatum(payload),
												  JsonbPGetDatum(body)));
	if (asked)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"body\" must be an object if merge_payload is true")));
	return body;
}

/* A text in quotes, and all else as JSON too. */
static char *
full_json(const JsonbValue *body)
{
	StringInfoData buf;

	initStringInfo(&buf);
	json_append(&buf, body);
	return buf.data;
}

/* The text of a body whose type is not JSON's. */
static char *
other_text(const JsonbValue *body, const char *media)
{
	StringInfoData buf;

	initStringInfo(&buf);
	if (json_is_object(body) && strcmp(media, FORM_TYPE) == 0)
		add_fields(&buf, NULL, body);
	else if (body->type != jbvBinary)
		json_append_text(&buf, body);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a body of type \"%s\" must be a text, not %s",
						clip_text(media, 100), json_a_type(body)),
				 errhint("Give the text as \"body\"; what is sent without one, or with an object, is the payload unless \"merge_payload\" is false.")));
	return buf.data;
}

void
webhook_set_body(const Call *call, Request *request, const char *type)
{
	Jsonb	   *body = body_of(call, request->method);
	JsonbValue	value;
	char	   *text;

	if (body == NULL)
		return;
	if (strcmp(request->method, "HEAD") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a HEAD request has no body")));
	if (type == NULL)
		request_header(request, "Content-Type", "application/json");
	else
		check_charset(type);
	json_of_jsonb(body, &value);
	text = type == NULL || type_is_json(type) ? full_json(&value)
		: other_text(&value, media_type(type));

	request->body = to_utf8(text);
	request->body_len = strlen(request->body);
}
