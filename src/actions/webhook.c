/*
 * webhook.c
 *	  Action webhook: an HTTP request of any kind.
 *
 * Runs in a worker.  With a connection the URL is below its base_url; without
 * one it is what the step says and no credential goes with it.  The request
 * carries an idempotency key, so sending it again does no harm: time-outs,
 * resets and status 500 are transient here.
 *
 * The body is made in webhook_body.c.
 */
#include "postgres.h"
#include "compat.h"

#include "action/action.h"
#include "action/outcome.h"
#include "actions/webhook.h"
#include "base/json_value.h"
#include "store/step_result.h"
#include "transfer/url.h"
#include "utils/memutils.h"

static TemplateEscape
webhook_escape(const char *param, const Connection *connection)
{
	if (strcmp(param, "path") == 0)
		return ESCAPE_PATH;
	return strcmp(param, "url") == 0 ? ESCAPE_URL : ESCAPE_NONE;
}

static void
refuse(const char *message)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", message)));
}

/* The members of an object parameter; false if it is absent. */
static bool
object_param(const Call *call, const char *name, JsonMember **members, int *n)
{
	Jsonb	   *json = param_json(call, name);
	JsonbValue	object;

	if (json == NULL)
		return false;
	json_of_jsonb(json, &object);
	if (!json_is_object(&object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("parameter \"%s\" must be an object, not %s",
						name, json_a_type(&object))));
	*members = json_members(&object, n);
	return true;
}

/* A member's value as text; NULL for null.  Raises 22023 for no scalar. */
static char *
scalar_text(const char *param, JsonMember *member)
{
	if (member->value.type == jbvNull)
		return NULL;
	if (member->value.type == jbvBinary)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" in parameter \"%s\" must be a text, not %s",
						member->key, param, json_a_type(&member->value))));
	return json_text(&member->value);
}

/* The URL without the query parameter. */
static char *
base_of_url(const Call *call)
{
	char	   *url = param_text(call, "url");
	char	   *path = param_text(call, "path");
	char	   *base = NULL;

	if (call->connection != NULL)
		base = connection_base_url(call->connection);
	if (url != NULL && path != NULL)
		refuse("parameters \"url\" and \"path\" exclude each other");
	if (url == NULL && base == NULL)
		refuse(path != NULL ? "parameter \"path\" needs a connection"
			   : "one of parameters \"url\" and \"path\" is needed");
	if (url == NULL)
		url = path != NULL ? url_join(base, path) : base;
	return url;
}

/* Sets the URL; credentials never leave the connection's server. */
static void
set_url(const Call *call, Request *request)
{
	StringInfoData url;
	JsonMember *query;
	const char *problem;
	int			n;

	initStringInfo(&url);
	appendStringInfoString(&url, to_utf8(base_of_url(call)));
	url.len = strcspn(url.data, "#");
	url.data[url.len] = '\0';
	if (object_param(call, "query", &query, &n))
	{
		for (int i = 0; i < n; i++)
			webhook_add_pairs(&url, "query", query[i].key, &query[i].value,
							  url_add_query);
	}
	problem = url_problem(url.data, "http", false);
	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the URL of the request %s", problem)));
	if (call->connection != NULL &&
		connection_has_credentials(call->connection) &&
		!url_within(url.data, connection_base_url(call->connection)))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the URL is not below the base_url of connection \"%s\"",
						connection_name(call->connection))));
	request->url = url.data;
}

static void
set_method(const Call *call, Request *request)
{
	static const char *const methods[] = {
		"POST", "GET", "PUT", "PATCH", "DELETE", "HEAD"
	};
	char	   *method = param_text(call, "method");

	request->method = pstrdup("POST");
	if (method == NULL)
		return;
	for (int i = 0; i < lengthof(methods); i++)
	{
		if (pg_strcasecmp(method, methods[i]) == 0)
		{
			request->method = pstrdup(methods[i]);
			return;
		}
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" is not a request method", method),
			 errhint("Use GET, HEAD, POST, PUT, PATCH or DELETE.")));
}

/* The name of the header that carries the idempotency key. */
static const char *
key_header(const Call *call)
{
	char	   *name = NULL;

	if (call->connection != NULL)
		name = connection_config(call->connection, "idempotency_header");
	return name != NULL ? name : "Idempotency-Key";
}

/* Does it ask for an answer compressed, in parts, or in another encoding? */
static bool
asks_for_other_form(const char *name, const char *value)
{
	if (pg_strcasecmp(name, "Accept-Encoding") == 0 ||
		pg_strcasecmp(name, "Accept-Charset") == 0 ||
		pg_strcasecmp(name, "Range") == 0)
		return true;
	if (value == NULL || pg_strcasecmp(name, "Accept") != 0)
		return false;
	for (const char *p = value; *p; p++)
		if (pg_strncasecmp(p, "charset", 7) == 0)
			return true;
	return false;
}

/*
 * Raises 22023 for a header that asks for an answer in which a credential that
 * the server repeats would not be found.
 */
static void
check_readable(const Call *call, const char *name, const char *value)
{
	if (call->connection == NULL ||
		!connection_has_credentials(call->connection) ||
		!asks_for_other_form(name, value))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("header \"%s\" cannot be set%s by a step if connection \"%s\" has credentials",
					name, pg_strcasecmp(name, "Accept") == 0 ? " with a charset" : "",
					connection_name(call->connection)),
			 errdetail("A credential that the server repeats would not be recognized in an answer that is compressed, in pieces, or in another encoding.")));
}

/* Raises 22023 if a step cannot set the header, or has set it before. */
static void
check_header(const Request *request, const char *name)
{
	if (connection_header_reserved(name) ||
		pg_strcasecmp(name, request->key_header) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("header \"%s\" cannot be set by a step", name)));
	if (name_value_find(request->headers, name) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("header \"%s\" is given twice", name),
				 errdetail("The case of letters in a header's name does not matter.")));
}

/* Adds the step's headers and the idempotency key. */
static void
add_headers(const Call *call, Request *request)
{
	JsonMember *headers;
	int			n;

	request->key_header = key_header(call);
	if (object_param(call, "headers", &headers, &n))
	{
		for (int i = 0; i < n; i++)
		{
			char	   *value = scalar_text("headers", &headers[i]);

			check_header(request, headers[i].key);
			check_readable(call, headers[i].key, value);
			if (value != NULL)
				request_header(request, headers[i].key, value);
		}
	}
	request_header(request, request->key_header, call->idempotency_key);
}

/* The type of the body, as the step or its connection says; or NULL. */
static const char *
content_type(const Call *call, const Request *request)
{
	const char *type = name_value_find(request->headers, "Content-Type");

	if (type == NULL && call->connection != NULL)
		type = connection_header(call->connection, "Content-Type");
	return type;
}

static Jsonb *
webhook_prepare(Call *call, Request *request)
{
	request->protocol = TRANSFER_HTTP;
	request->follow_redirects = true;
	set_method(call, request);
	set_url(call, request);
	add_headers(call, request);
	webhook_set_body(call, request, content_type(call, request));
	return NULL;
}

/* {"status", "headers", "body"} */
static Jsonb *
output_of(const Response *response)
{
	ObjectBuilder b;
	Jsonb	   *headers = response_headers(response);
	Jsonb	   *body = response_body(response);
	Jsonb	   *output;
	JsonbValue	value;

	object_begin(&b);
	object_number(&b, "status", response->status);
	json_of_jsonb(headers, &value);
	object_value(&b, "headers", &value);
	if (body == NULL)
		object_text(&b, "body", NULL);
	else
	{
		json_of_jsonb(body, &value);
		object_value(&b, "body", &value);
	}
	output = object_end(&b);
	if (body != NULL)
		pfree(body);
	return output;
}

/*
 * The output, no larger than what is kept of it: a worker reads many answers
 * in one transaction.
 */
static Jsonb *
kept_output(const Response *response)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(caller, "output of a webhook",
												  ALLOCSET_DEFAULT_SIZES);
	Jsonb	   *output;
	Jsonb	   *kept;

	MemoryContextSwitchTo(scratch);
	output = step_result_cap(output_of(response));
	MemoryContextSwitchTo(caller);
	kept = memcpy(palloc(VARSIZE(output)), output, VARSIZE(output));
	MemoryContextDelete(scratch);
	return kept;
}

/* Because of the key, a request that may have arrived can be sent again. */
static void
allow_again(Outcome *outcome)
{
	if (outcome->maybe_delivered)
	{
		outcome->transient = true;
		outcome->maybe_delivered = false;
	}
}

static void
webhook_interpret(const Jsonb *prepare_state, const Response *response,
				  Outcome *outcome)
{
	if (response->failure != FAILURE_NONE)
	{
		outcome_of_failure(response, outcome);
		allow_again(outcome);
		if (response->failure == FAILURE_TOO_LARGE)
			outcome->error = pstrdup(response->error);
		return;
	}
	if (response->status / 100 == 2)
	{
		outcome_success(outcome, kept_output(response));
		return;
	}
	outcome_of_status(response, response_status_text(response), outcome);
	if (outcome->maybe_delivered)
		outcome->error = response_status_text(response);
	allow_again(outcome);
	outcome->output = kept_output(response);
}

const Action webhook_action = {
	.name = "webhook",
	.kind = ACTION_HTTP,
	.escape = webhook_escape,
	.connection_kinds = (const char *const[]) {"http", NULL},
	.prepare = webhook_prepare,
	.interpret = webhook_interpret,
};
