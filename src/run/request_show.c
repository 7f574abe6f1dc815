/*
 * request_show.c
 *	  A request as JSON, for people who want to see what would be sent.
 *
 * Runs in the process of a preview, and in the backend that asks for one
 * without executing anything.  Pure but for the request, to which it adds
 * headers.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_object.h"
#include "base/json_value.h"
#include "base/mime.h"
#include "base/problems.h"
#include "mb/pg_wchar.h"
#include "run/request_show.h"
#include "store/step_result.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/* A text of a request, which is UTF-8, as one of the database. */
static char *
shown(const char *text)
{
	return text == NULL ? NULL
		: pg_any_to_server(unconstify(char *, text), strlen(text), PG_UTF8);
}

/* {"name": "value"} of lists of NameValue; a later list wins. */
static Jsonb *
show_headers(const List *headers, const List *over)
{
	ObjectBuilder b;
	ListCell   *lc;

	object_begin(&b);
	foreach(lc, headers)
	{
		const NameValue *header = lfirst(lc);

		if (name_value_find(over, header->name) == NULL)
			object_text(&b, header->name, shown(header->value));
	}
	foreach(lc, over)
	{
		const NameValue *header = lfirst(lc);

		object_text(&b, header->name, header->value);
	}
	return object_end(&b);
}

typedef struct BodyText
{
	char	   *text;
	Jsonb	   *json;
} BodyText;

static void
parse_body(void *arg)
{
	BodyText   *body = arg;
	Datum text = CStringGetDatum(body->text);

	body->json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, text));
}

/* JSON if its type says so and it is, else a text; cut if it is large. */
static Jsonb *
show_body(const Request *request)
{
	const char *type = name_value_find(request->headers, "Content-Type");
	BodyText	body = {0};
	JsonbValue text;

	if (request->body == NULL)
		return NULL;
	body.text = shown(pnstrdup(request->body, request->body_len));
	if (type != NULL && strstr(type, "json") != NULL &&
		problem_catch(parse_body, &body) == NULL)
		return step_result_cap(body.json);
	json_set_string(&text, body.text, strlen(body.text));
	return step_result_cap(json_to_jsonb(&text));
}

static Jsonb *
show_text(const char *utf8)
{
	char	   *text = shown(utf8);
	JsonbValue	value;

	if (text == NULL)
		return NULL;
	json_set_string(&value, text, strlen(text));
	return step_result_cap(json_to_jsonb(&value));
}

/* The envelope's recipients: an array of texts. */
static Jsonb *
show_recipients(const TransferMail *mail)
{
	JsonbParseState *state = NULL;
	ListCell   *lc;

	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, mail->recipients)
	{
		char	   *text = shown(lfirst(lc));
		JsonbValue	address;

		json_set_string(&address, text, strlen(text));
		(void) pushJsonbValue(&state, WJB_ELEM, &address);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* [{"filename", "content_type", "bytes"}] */
static Jsonb *
show_attachments(const TransferMail *mail)
{
	JsonbParseState *state = NULL;
	ListCell   *lc;

	(void) pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(lc, mail->attachments)
	{
		const MailAttachment *attachment = lfirst(lc);
		ObjectBuilder b;
		JsonbValue	value;

		object_begin(&b);
		object_text(&b, "filename", shown(attachment->filename));
		object_text(&b, "content_type", attachment->content_type);
		object_number(&b, "bytes", attachment->len);
		json_of_jsonb(object_end(&b), &value);
		(void) pushJsonbValue(&state, WJB_ELEM, &value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

static void
show_mail(ObjectBuilder *b, const TransferMail *mail)
{
	object_text(b, "from", shown(mail->from));
	object_json(b, "to", show_recipients(mail));
	object_json(b, "headers", show_headers(mail->headers, NIL));
	object_json(b, "text", show_text(mail->text));
	object_json(b, "html", show_text(mail->html));
	if (mail->attachments != NIL)
		object_json(b, "attachments", show_attachments(mail));
}

Jsonb *
request_show(Request *request, const Connection *connection, char **problem)
{
	ObjectBuilder b;

	*problem = NULL;
	if (connection != NULL)
		*problem = connection_show(connection, request);
	object_begin(&b);
	object_text(&b, "url", shown(request->url));
	if (request->protocol == TRANSFER_SMTP)
		show_mail(&b, request->mail);
	else
	{
		object_text(&b, "method", request->method);
		object_json(&b, "headers", show_headers(request->headers,
												request->secret_headers));
		object_json(&b, "body", show_body(request));
	}
	if (connection != NULL)
	{
		object_text(&b, "connection", connection_name(connection));
		object_text(&b, "credentials", CONNECTION_MASK);
	}
	return object_end(&b);
}
