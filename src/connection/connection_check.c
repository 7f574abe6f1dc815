/*
 * connection_check.c
 *	  What a row of workflow_connections may hold, checked on write.
 *
 * Runs in the session that writes the row, for the table's trigger.  A table
 * lists the keys of each kind: whether they are in config or in credentials,
 * and which function checks their value.  Messages name keys and never quote a
 * value, since values are secrets.
 */
#include "postgres.h"
#include "compat.h"

#include "base/calling_code.h"
#include "base/json_value.h"
#include "base/mime.h"
#include "base/problems.h"
#include "connection/connection.h"
#include "connection/connection_check_internal.h"
#include "connection/secret.h"
#include "mb/pg_wchar.h"
#include "transfer/url.h"

typedef struct Kind
{
	const char *name;
	const ConnectionKey  *keys;
	/* checks what depends on several keys; may be NULL */
	void		(*check) (const JsonbValue *config,
						  const JsonbValue *credentials, Problems *problems);
} Kind;

/*
 *--- values: NULL, or what is wrong, to stand after the key's name ---
 *
 * secret says that the value is in credentials.
 */

/*
 * It becomes a part of a URL's path, so it may not have "/", "?" or the like,
 * with which it could lead to another resource.
 */
static const char *
word_problem(const JsonbValue *value, bool secret)
{
	const char *problem = connection_text_problem(value, secret);

	if (problem == NULL && value->type == jbvString)
	{
		const char *text = json_cstring(value);

		if (text[0] == '.' ||
			strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz0123456789._-") != strlen(text))
			return "may hold only letters, digits, \".\", \"_\" and \"-\"";
	}
	return problem;
}

static const char *
smtp_url_problem(const JsonbValue *value, bool secret)
{
	if (value->type != jbvString)
		return "must be a text";
	return url_problem(json_cstring(value), "smtp", true);
}

static const char *
webhook_url_problem(const JsonbValue *value, bool secret)
{
	if (secret && value->type == jbvBinary)
		return secret_shape_valid(value) ? NULL
			: "must be a URL or {\"file\": \"name\"}";
	if (value->type != jbvString)
		return "must be a text";
	return url_problem(json_cstring(value), "http", false);
}

static const char *
channels_problem(const JsonbValue *value, bool secret)
{
	return connection_each_problem(value, secret, webhook_url_problem);
}

static const char *
starttls_problem(const JsonbValue *value, bool secret)
{
	const char *text = value->type == jbvString ? json_cstring(value) : "";

	return strcmp(text, "required") == 0 || strcmp(text, "optional") == 0 ||
		strcmp(text, "never") == 0 ? NULL
		: "must be \"required\", \"optional\" or \"never\"";
}

static const char *
from_problem(const JsonbValue *value, bool secret)
{
	List	   *addresses = NIL;
	char	   *text;

	if (value->type != jbvString)
		return "must be a text";
	text = json_cstring(value);
	text = pg_server_to_any(text, strlen(text), PG_UTF8);

	if (mime_parse_addresses(text, &addresses) != NULL ||
		list_length(addresses) != 1)
		return "must be one mail address";
	return NULL;
}

static const char *
country_problem(const JsonbValue *value, bool secret)
{
	const char *text = value->type == jbvString || value->type == jbvNumeric
		? json_text(value) : "";

	return calling_code(text) != NULL ? NULL
		: "must be a country of ISO 3166 such as \"LB\", or a calling code such as \"961\"";
}

/*--- what depends on several keys ---*/

static void
check_smtp(const JsonbValue *config, const JsonbValue *credentials,
		   Problems *problems)
{
	bool		user = json_member(credentials, "username") != NULL;
	bool		password = json_member(credentials, "password") != NULL;
	bool		bearer = json_member(credentials, "oauth_bearer") != NULL;

	if ((password || bearer) && !user)
		problem_error(problems, "credentials.username", "missing_key", NULL,
					  "is missing");
	if (user && !password && !bearer)
		problem_error(problems, "credentials", "missing_key", NULL,
					  "has neither \"password\" nor \"oauth_bearer\"");
	if (password && bearer)
		problem_error(problems, "credentials", "excluding_keys", NULL,
					  "has both \"password\" and \"oauth_bearer\"");
}

static void
check_incoming(const JsonbValue *config, const JsonbValue *credentials,
			   Problems *problems)
{
	if (json_member(config, "url") == NULL &&
		json_member(config, "channels") == NULL &&
		json_member(credentials, "url") == NULL &&
		json_member(credentials, "channels") == NULL)
		problem_error(problems, "config", "missing_key", NULL,
					  "has neither \"url\" nor \"channels\"");
}

/*--- the kinds ---*/

static const ConnectionKey whatsapp_keys[] = {
	{"phone_number_id", IN_CONFIG, true, word_problem},
	{"base_url", IN_CONFIG, false, connection_base_url_problem},
	{"api_version", IN_CONFIG, false, word_problem},
	{"default_country", IN_CONFIG, false, country_problem},
	{"access_token", IN_CREDENTIALS, true, connection_secret_problem},
	{NULL}
};

static const ConnectionKey smtp_keys[] = {
	{"url", IN_CONFIG, true, smtp_url_problem},
	{"from", IN_CONFIG, false, from_problem},
	{"starttls", IN_CONFIG, false, starttls_problem},
	{"username", IN_CREDENTIALS, false, connection_secret_problem},
	{"password", IN_CREDENTIALS, false, connection_secret_problem},
	{"oauth_bearer", IN_CREDENTIALS, false, connection_secret_problem},
	{NULL}
};

static const ConnectionKey slack_keys[] = {
	{"base_url", IN_CONFIG, false, connection_base_url_problem},
	{"bot_token", IN_CREDENTIALS, true, connection_secret_problem},
	{NULL}
};

static const ConnectionKey incoming_keys[] = {
	{"url", IN_CONFIG | IN_CREDENTIALS, false, webhook_url_problem},
	{"channels", IN_CONFIG | IN_CREDENTIALS, false, channels_problem},
	{NULL}
};

static const Kind kinds[] = {
	{"whatsapp_cloud", whatsapp_keys, NULL},
	{"smtp", smtp_keys, check_smtp},
	{"slack", slack_keys, NULL},
	{"slack_webhook", incoming_keys, check_incoming},
	{"teams_webhook", incoming_keys, check_incoming},
	{"http", connection_http_keys, connection_check_http},
};

static const Kind *
find_kind(const char *name)
{
	const char *names[lengthof(kinds)];
	char	   *hint;

	for (int i = 0; i < lengthof(kinds); i++)
	{
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
		names[i] = kinds[i].name;
	}
	hint = known_words_hint(name, names, lengthof(kinds));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("connection kind \"%s\" is not known", name),
			 hint != NULL ? errhint("%s", hint) : 0));
	return NULL;				/* keep compiler quiet */
}

/* The object in a column; an empty one if the column is NULL. */
static void
column_object(Jsonb *column, const char *name, JsonbValue *object)
{
	JsonbValue	empty = {.type = jbvObject};

	if (column == NULL)
	{
		json_of_jsonb(JsonbValueToJsonb(&empty), object);
		return;
	}
	json_of_jsonb(column, object);
	if (!json_is_object(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s of a connection must be an object", name)));
}

void
connection_check(const char *kind_name, Jsonb *config, Jsonb *credentials)
{
	const Kind *kind = find_kind(kind_name);
	JsonbValue	config_object;
	JsonbValue	credentials_object;
	Problems	problems = {0};
	StringInfoData detail;
	ListCell   *lc;

	column_object(config, "config", &config_object);
	column_object(credentials, "credentials", &credentials_object);
	connection_check_members(kind->keys, IN_CONFIG, &config_object, "config",
							 &problems);
	connection_check_members(kind->keys, IN_CREDENTIALS, &credentials_object,
							 "credentials", &problems);
	if (kind->check != NULL)
		kind->check(&config_object, &credentials_object, &problems);
	if (problems.nerrors == 0)
		return;
	initStringInfo(&detail);
	foreach(lc, problems.items)
	{
		const Problem *problem = lfirst(lc);

		appendStringInfo(&detail, "%s%s %s.", detail.len > 0 ? "\n" : "",
						 problem->path, problem->message);
		if (problem->hint != NULL)
			appendStringInfo(&detail, " %s", problem->hint);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("connection of kind %s is not valid", kind_name),
			 errdetail("%s", detail.data)));
}

void
connection_each_key(ConnectionKeyFunc each, void *arg)
{
	static const int places[] = {IN_CONFIG, IN_CREDENTIALS};

	for (int i = 0; i < lengthof(kinds); i++)
	{
		for (int p = 0; p < lengthof(places); p++)
		{
			for (const ConnectionKey *key = kinds[i].keys; key->name; key++)
			{
				if ((key->place & places[p]) != 0)
					each(kinds[i].name, key->name, places[p] == IN_CONFIG,
						 key->required, arg);
			}
		}
	}
}

/*--- literal secrets ---*/

static bool
is_key(const char *key, const char *const *keys, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

/*
 * Is a member of the object a secret?  If has_user, a user's name is none.  A
 * value of no known shape counts as a secret, to be careful.
 */
static bool
holds_secret(const JsonbValue *object, bool has_user)
{
	static const char *const groups[] = {"headers", "basic", "channels"};
	static const char *const names[] = {"username", "client_id"};
	int			n;
	JsonMember *members = json_members(object, &n);

	for (int i = 0; i < n; i++)
	{
		const char *key = members[i].key;
		const JsonbValue *value = &members[i].value;

		if (has_user && is_key(key, names, lengthof(names)))
			continue;
		if (json_is_object(value) && is_key(key, groups, lengthof(groups)))
		{
			if (holds_secret(value, strcmp(key, "basic") == 0))
				return true;
		}
		else if (value->type == jbvString || !secret_shape_valid(value))
			return true;
	}
	return false;
}

bool
connection_holds_secret(Jsonb *credentials)
{
	JsonbValue	root;

	json_of_jsonb(credentials, &root);
	return !json_is_object(&root) || holds_secret(&root, true);
}
