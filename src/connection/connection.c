/*
 * connection.c
 *	  Connections: finding one, and adding its credentials to a request.
 *
 * Runs in a worker, inside a transaction, as the worker's own user.  Only this
 * file and secret.c read credentials.  They are in memory from the reading of
 * the row until transfer_submit() has copied the request.  That memory is
 * overwritten by connection_forget() and request_wipe(), or at the latest when
 * its memory context is reset.  Nothing survives a crash.
 *
 * A credential is sent only to URLs below the connection's own base_url.  An
 * action cannot change that: connection_authorize() compares the URL of the
 * request after the action has filled it, and transfer_redirect.c compares the
 * URLs of redirects.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "base/wipe.h"
#include "connection/connection_internal.h"
#include "connection/secret.h"
#include "store/store_actions.h"
#include "transfer/url.h"
#include "utils/memutils.h"

static void
forget_callback(void *arg)
{
	connection_forget(arg);
}

void
connection_keep(Connection *c, const pg_uuid_t *tenant_id, const char *name)
{
	c->name = pstrdup(name);
	c->tenant_id = *tenant_id;
	c->callback.func = forget_callback;
	c->callback.arg = c;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &c->callback);
}

void
connection_raise_none(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("connection \"%s\" does not exist", name),
			 errhint("Insert it into workflow_connections.")));
}

Connection *
connection_find(const pg_uuid_t *tenant_id, const char *name, bool missing_ok)
{
	Connection *c = palloc0(sizeof(Connection));

	if (!store_fetch_connection(tenant_id, name, &c->id, &c->is_shared,
								&c->kind, &c->config, &c->credentials))
	{
		pfree(c);
		if (missing_ok)
			return NULL;
		connection_raise_none(name);
	}
	connection_keep(c, tenant_id, name);
	return c;
}

/* config may have secrets too: the addresses of incoming webhooks. */
void
connection_forget(Connection *c)
{
	if (c == NULL || c->forgotten)
		return;
	c->forgotten = true;
	if (c->credentials != NULL)
		explicit_bzero(c->credentials, VARSIZE(c->credentials));
	if (c->config != NULL)
		explicit_bzero(c->config, VARSIZE(c->config));
	c->credentials = c->config = NULL;
}

const pg_uuid_t *
connection_id(const Connection *c)
{
	return &c->id;
}

const char *
connection_name(const Connection *c)
{
	return c->name;
}

const char *
connection_kind(const Connection *c)
{
	return c->kind;
}

char *
connection_config(const Connection *c, const char *key)
{
	JsonbValue *value = connection_member(c->config, key);

	if (value == NULL)
		return NULL;
	if (value->type == jbvBinary)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("config \"%s\" of connection \"%s\" must be a text",
						key, c->name)));
	return json_text(value);
}

char *
connection_header(const Connection *c, const char *name)
{
	JsonbValue *headers = connection_member(c->config, "headers");
	JsonMember *each;
	int			n;

	if (headers == NULL || !json_is_object(headers))
		return NULL;
	each = json_members(headers, &n);
	for (int i = 0; i < n; i++)
	{
		if (pg_strcasecmp(each[i].key, name) == 0)
			return json_text(&each[i].value);
	}
	return NULL;
}

bool
connection_has_credentials(const Connection *c)
{
	JsonbValue	root;

	if (c->credentials == NULL)
		return false;
	json_of_jsonb(c->credentials, &root);
	return !json_is_object(&root) || json_count(&root) > 0;
}

char *
connection_kind_problem(const char *name, const char *kind,
						const char *const *kinds, const char *action)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; kinds[i] != NULL; i++)
	{
		if (strcmp(kinds[i], kind) == 0)
			return NULL;
		appendStringInfo(&list, "%s%s", i == 0 ? "" :
						 kinds[i + 1] == NULL ? " or " : ", ", kinds[i]);
	}
	return psprintf("connection \"%s\" is of kind %s, but %s needs %s", name,
					kind, action, list.data);
}

void
connection_require_kind(const Connection *c, const char *const *kinds,
						const char *action)
{
	char	   *problem = connection_kind_problem(c->name, c->kind, kinds,
												  action);

	if (problem != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", problem)));
}

char *
connection_base_url(const Connection *c)
{
	char	   *url = connection_config(c, "base_url");

	if (url == NULL && strcmp(c->kind, "whatsapp_cloud") == 0)
		url = pstrdup("https://graph.facebook.com");
	if (url == NULL && strcmp(c->kind, "slack") == 0)
		url = pstrdup("https://slack.com/api");
	return url;
}

/* A credential's text; raises 22023 if there is none. */
static char *
credential_required(const Connection *c, const char *key)
{
	char	   *text = connection_credential(c, key);

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("connection \"%s\" has no credential \"%s\"",
						c->name, key)));
	return text;
}

/* What an object's "channels" has for the channel of that name, or NULL. */
static JsonbValue *
find_channel_url(Jsonb *object, const char *channel)
{
	JsonbValue *channels = connection_member(object, "channels");

	return channels != NULL && json_is_object(channels)
		? json_member(channels, channel) : NULL;
}

void
connection_channel_url(const Connection *c, const char *channel,
					   Request *request)
{
	JsonbValue *url = find_channel_url(c->credentials, channel);
	char	   *what;

	if (url == NULL)
		url = find_channel_url(c->config, channel);
	/* the address for every channel that has none of its own */
	if (url == NULL)
		url = connection_member(c->credentials, "url");
	if (url == NULL)
		url = connection_member(c->config, "url");
	if (c->shown)
	{
		request->url = connection_shown_url(url);
		return;
	}
	if (url == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("connection \"%s\" has no channel \"%s\" and no url",
						c->name, channel)));
	what = psprintf("the webhook address of connection \"%s\"", c->name);
	request->url = connection_read_secret(c, url, what);
	request->url_secret = true;
	request->follow_redirects = false;
}

void
connection_add_config_headers(const Connection *c, Request *request)
{
	JsonbValue *headers = connection_member(c->config, "headers");
	JsonMember *each;
	int			n;

	if (headers == NULL || !json_is_object(headers))
		return;
	each = json_members(headers, &n);
	for (int i = 0; i < n; i++)
	{
		NameValue  *header;

		if (name_value_find(request->headers, each[i].key) != NULL)
			continue;
		header = palloc(sizeof(NameValue));
		header->name = each[i].key;
		header->value = json_text(&each[i].value);
		request->headers = lappend(request->headers, header);
	}
}

/* Reads a secret that errors call by that key of credentials. */
static char *
read_credential(const Connection *c, const JsonbValue *value, const char *key)
{
	return connection_read_secret(c, value,
								  connection_credential_name(c, key));
}

/* Adds the headers of the credentials. */
static void
add_secret_headers(const Connection *c, Request *request)
{
	JsonbValue *headers = connection_member(c->credentials, "headers");
	JsonMember *each;
	int			n;

	if (headers == NULL || !json_is_object(headers))
		return;
	each = json_members(headers, &n);
	for (int i = 0; i < n; i++)
		request_secret_header(request, each[i].key,
							  read_credential(c, &each[i].value,
											  psprintf("headers.%s",
													   each[i].key)));
}

/* Takes user name and password of {"basic": {...}}. */
static void
add_basic(const Connection *c, Request *request)
{
	JsonbValue *basic = connection_member(c->credentials, "basic");
	JsonbValue *user;
	JsonbValue *password;

	if (basic == NULL || !json_is_object(basic))
		return;
	user = json_member(basic, "username");
	password = json_member(basic, "password");
	if (user != NULL)
		request->username = read_credential(c, user, "basic.username");
	if (password != NULL)
		request->password = read_credential(c, password, "basic.password");
}

/* Adds "Authorization: Bearer" with a token, and overwrites the token. */
static void
add_bearer(Request *request, char *token)
{
	request_secret_header(request, "Authorization",
						  secret_concat("Bearer ", token));
	wipe_text(token);
}

/* Adds what a connection of kind http has.  The signature covers the body. */
static void
authorize_http(const Connection *c, const TokenUse *use, Request *request)
{
	char	   *token = connection_credential(c, "bearer_token");

	connection_add_config_headers(c, request);
	add_secret_headers(c, request);
	if (token != NULL)
		add_bearer(request, token);
	add_basic(c, request);
	if (connection_has_oauth2(c))
		connection_add_token(c, request, use);
	connection_add_signature(c, request);
}

/* Adds the login of a mail server. */
static void
authorize_smtp(const Connection *c, Request *request)
{
	request->username = connection_credential(c, "username");
	request->password = connection_credential(c, "password");
	request->oauth_bearer = connection_credential(c, "oauth_bearer");
}

/*
 * Raises 42501 unless the request goes to the connection's own server.  A step
 * may name any URL: without this, its author could have the credentials sent
 * to another server, although the author may not read them.
 */
static void
check_destination(const Connection *c, const Request *request)
{
	const char *base = strcmp(c->kind, "smtp") == 0
		? connection_config(c, "url") : connection_base_url(c);

	if (base == NULL || request->url == NULL ||
		!url_within(request->url, base))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("the credentials of connection \"%s\" are only sent to its own server",
						c->name),
				 errdetail("The URL of the request is not below the connection's base_url.")));
}

void
connection_authorize(const Connection *c, const TokenUse *token,
					 Request *request)
{
	if (strcmp(c->kind, "slack_webhook") == 0 ||
		strcmp(c->kind, "teams_webhook") == 0)
		return;					/* its address is its credential */
	/* without credentials there is nothing to protect from other servers */
	if (strcmp(c->kind, "http") == 0 && !connection_has_credentials(c))
	{
		connection_add_config_headers(c, request);
		return;
	}
	check_destination(c, request);
	request->secrets_below = connection_base_url(c);
	if (strcmp(c->kind, "smtp") == 0)
		authorize_smtp(c, request);
	else if (strcmp(c->kind, "whatsapp_cloud") == 0)
		add_bearer(request, credential_required(c, "access_token"));
	else if (strcmp(c->kind, "slack") == 0)
		add_bearer(request, credential_required(c, "bot_token"));
	else
		authorize_http(c, token, request);
}
