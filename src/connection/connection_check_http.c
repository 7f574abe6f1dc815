/*
 * connection_check_http.c
 *	  What a row of workflow_connections of kind http may hold.
 *
 * Runs in the session that writes the row, for the table's trigger, as
 * connection_check.c does.  Messages name keys and never quote a value of
 * credentials.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "base/mime.h"
#include "common/string.h"
#include "connection/connection.h"
#include "connection/connection_check_internal.h"
#include "connection/connection_header.h"
#include "connection/secret.h"
#include "transfer/url.h"

#define MAX_PREFIX 200			/* bytes, of a signature's */

/*--- values ---*/

static const char *
headers_problem(const JsonbValue *value, bool secret)
{
	const char *wrong = header_names_problem(value);

	if (wrong != NULL)
		return wrong;
	return connection_each_problem(value, secret,
								   secret ? connection_secret_problem
								   : connection_text_problem);
}

static const char *
idempotency_header_problem(const JsonbValue *value, bool secret)
{
	return key_header_problem(value);
}

static const char *
basic_problem(const JsonbValue *value, bool secret)
{
	if (!json_is_object(value) || json_count(value) != 2 ||
		json_member(value, "username") == NULL ||
		json_member(value, "password") == NULL)
		return "must be {\"username\": ..., \"password\": ...}";
	return connection_each_problem(value, secret, connection_secret_problem);
}

static const char *
object_problem(const JsonbValue *value, bool secret)
{
	return json_is_object(value) ? NULL : "must be an object";
}

const ConnectionKey connection_http_keys[] = {
	{"base_url", IN_CONFIG, true, connection_base_url_problem},
	{"headers", IN_CONFIG | IN_CREDENTIALS, false, headers_problem},
	{"idempotency_header", IN_CONFIG, false, idempotency_header_problem},
	{"signature", IN_CONFIG, false, object_problem},
	{"oauth2", IN_CONFIG, false, object_problem},
	{"bearer_token", IN_CREDENTIALS, false, connection_secret_problem},
	{"basic", IN_CREDENTIALS, false, basic_problem},
	{"signing_secret", IN_CREDENTIALS, false, connection_secret_problem},
	{"client_id", IN_CREDENTIALS, false, connection_secret_problem},
	{"client_secret", IN_CREDENTIALS, false, connection_secret_problem},
	{NULL}
};

/*--- signature ---*/

static const char *
signature_header_problem(const JsonbValue *value, bool secret)
{
	const char *name = value->type == jbvString ? json_cstring(value) : "";

	if (!mime_header_name_valid(name))
		return "must be the name of a header";
	if (connection_header_reserved(name) ||
		pg_strcasecmp(name, "Content-Type") == 0)
		return psprintf("cannot be \"%s\"", name);
	return NULL;
}

static const char *
prefix_problem(const JsonbValue *value, bool secret)
{
	const char *text;

	if (value->type != jbvString)
		return "must be a text";
	text = json_cstring(value);
	return pg_is_ascii(text) && strlen(text) <= MAX_PREFIX &&
		mime_header_value_valid(text, false) ? NULL
		: "must be a short text of ASCII characters";
}

static const char *
encoding_problem(const JsonbValue *value, bool secret)
{
	const char *text = value->type == jbvString ? json_cstring(value) : "";

	return strcmp(text, "hex") == 0 || strcmp(text, "base64") == 0 ? NULL
		: "must be \"hex\" or \"base64\"";
}

static const char *
algorithm_problem(const JsonbValue *value, bool secret)
{
	return value->type == jbvString &&
		secret_algorithm_valid(json_cstring(value)) ? NULL
		: "must be \"sha256\", \"sha512\" or \"sha1\"";
}

static const ConnectionKey signature_keys[] = {
	{"header", IN_CONFIG, true, signature_header_problem},
	{"prefix", IN_CONFIG, false, prefix_problem},
	{"encoding", IN_CONFIG, false, encoding_problem},
	{"algorithm", IN_CONFIG, false, algorithm_problem},
	{NULL}
};

/*--- oauth2 ---*/

static const char *
token_url_problem(const JsonbValue *value, bool secret)
{
	if (value->type != jbvString)
		return "must be a text";
	return url_problem(json_cstring(value), "http", false);
}

/* A number is no scope, although it may stand in a header. */
static const char *
word_problem(const JsonbValue *value, bool secret)
{
	return value->type != jbvString ? "must be a text"
		: connection_text_problem(value, secret);
}

static const char *
auth_problem(const JsonbValue *value, bool secret)
{
	const char *text = value->type == jbvString ? json_cstring(value) : "";

	return strcmp(text, "basic") == 0 || strcmp(text, "body") == 0 ? NULL
		: "must be \"basic\" or \"body\"";
}

static const ConnectionKey oauth2_keys[] = {
	{"token_url", IN_CONFIG, true, token_url_problem},
	{"scope", IN_CONFIG, false, word_problem},
	{"audience", IN_CONFIG, false, word_problem},
	{"auth", IN_CONFIG, false, auth_problem},
	{NULL}
};

/*--- what depends on several keys ---*/

/* A member that is an object, or NULL. */
static JsonbValue *
object_member(const JsonbValue *object, const char *key)
{
	JsonbValue *value = json_member(object, key);

	return value != NULL && json_is_object(value) ? value : NULL;
}

/* Does that object of headers have the header, in any case of letters? */
static bool
sets_header(const JsonbValue *object, const char *name)
{
	JsonbValue *headers = object_member(object, "headers");
	int			n;
	JsonMember *each;

	if (headers == NULL)
		return false;
	each = json_members(headers, &n);
	for (int i = 0; i < n; i++)
	{
		if (pg_strcasecmp(each[i].key, name) == 0)
			return true;
	}
	return false;
}

/*
 * Without a scheme of its own the secret is a key of Standard Webhooks: those
 * are base64.
 */
static void
check_signing_secret(const JsonbValue *credentials, bool own_scheme,
					 Problems *problems)
{
	const JsonbValue *secret = json_member(credentials, "signing_secret");

	if (secret == NULL && own_scheme)
		problem_error(problems, "credentials.signing_secret", "missing_key",
					  NULL, "is missing, with which config.signature signs");
	if (secret == NULL || own_scheme || secret->type != jbvString ||
		!secret_shape_valid(secret) ||
		secret_key_valid(json_cstring(secret)))
		return;
	problem_error(problems, "credentials.signing_secret", "bad_value",
				  "For a scheme other than Standard Webhooks, give config.signature.",
				  "must be base64, with or without \"whsec_\" before it");
}

/* The header of the signature must have no other use. */
static void
check_signature(const JsonbValue *config, const JsonbValue *credentials,
				Problems *problems)
{
	JsonbValue *signature = object_member(config, "signature");
	char	   *header;
	char	   *key_header;

	check_signing_secret(credentials, json_member(config, "signature") != NULL,
						 problems);
	if (signature == NULL)
		return;
	connection_check_members(signature_keys, IN_CONFIG, signature,
							 "config.signature", problems);
	header = json_member_string(signature, "header");
	key_header = json_member_string(config, "idempotency_header");
	if (header == NULL)
		return;
	if (sets_header(config, header) || sets_header(credentials, header))
		problem_error(problems, "config.signature.header", "excluding_keys",
					  NULL, "is among \"headers\" too");
	if (key_header != NULL && pg_strcasecmp(header, key_header) == 0)
		problem_error(problems, "config.signature.header", "excluding_keys",
					  NULL, "is the idempotency_header too");
	if (pg_strcasecmp(header, "Authorization") == 0 &&
		(json_member(credentials, "bearer_token") != NULL ||
		 json_member(credentials, "basic") != NULL ||
		 json_member(config, "oauth2") != NULL))
		problem_error(problems, "config.signature.header", "excluding_keys",
					  NULL, "is the header of \"bearer_token\", \"basic\" and \"oauth2\"");
}

/* oauth2 and the client's name and secret are given together, or none is. */
static void
check_client(const JsonbValue *credentials, bool oauth2, Problems *problems)
{
	static const char *const names[] = {"client_id", "client_secret"};

	for (int i = 0; i < lengthof(names); i++)
	{
		bool		given = json_member(credentials, names[i]) != NULL;

		if (oauth2 && !given)
			problem_error(problems, psprintf("credentials.%s", names[i]),
						  "missing_key", NULL,
						  "is missing, which config.oauth2 needs");
		if (given && !oauth2)
			problem_error(problems, psprintf("credentials.%s", names[i]),
						  "missing_key",
						  "Its token_url says where the token comes from.",
						  "needs config.oauth2");
	}
}

/* Nothing else sets the header in which the token is. */
static void
check_oauth2(const JsonbValue *config, const JsonbValue *credentials,
			 Problems *problems)
{
	static const char *const others[] = {"bearer_token", "basic"};
	static const char hint[] =
		"The header Authorization has the token of config.oauth2.";
	JsonbValue *oauth2 = object_member(config, "oauth2");
	bool		given = json_member(config, "oauth2") != NULL;

	if (oauth2 != NULL)
		connection_check_members(oauth2_keys, IN_CONFIG, oauth2,
								 "config.oauth2", problems);
	check_client(credentials, given, problems);
	for (int i = 0; given && i < lengthof(others); i++)
	{
		if (json_member(credentials, others[i]) != NULL)
			problem_error(problems, psprintf("credentials.%s", others[i]),
						  "excluding_keys", hint, "excludes config.oauth2");
	}
	if (given && sets_header(config, "Authorization"))
		problem_error(problems, "config.headers", "excluding_keys", hint,
					  "excludes config.oauth2 by \"Authorization\"");
	if (given && sets_header(credentials, "Authorization"))
		problem_error(problems, "credentials.headers", "excluding_keys", hint,
					  "excludes config.oauth2 by \"Authorization\"");
}

void
connection_check_http(const JsonbValue *config, const JsonbValue *credentials,
					  Problems *problems)
{
	if (json_member(credentials, "bearer_token") != NULL &&
		json_member(credentials, "basic") != NULL)
		problem_error(problems, "credentials", "excluding_keys", NULL,
					  "has both \"bearer_token\" and \"basic\"");
	if (key_header_is_set(config, json_member(config, "headers")) ||
		key_header_is_set(config, json_member(credentials, "headers")))
		problem_error(problems, "config.idempotency_header", "excluding_keys",
					  NULL, "is among \"headers\" too");
	check_signature(config, credentials, problems);
	check_oauth2(config, credentials, problems);
}
