/*
 * connection_oauth.c
 *	  Connections whose requests carry an access token: OAuth 2, client
 *	  credentials (RFC 6749, 4.4).
 *
 * Runs in a worker, inside a transaction.  Here the credentials are read, and
 * the request for a token is written; token.c has the tokens.  Owns nothing:
 * the secrets in the request are overwritten by request_wipe(), or when the
 * memory context is reset.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/json_value.h"
#include "base/utf8.h"
#include "base/wipe.h"
#include "common/cryptohash.h"
#include "config/settings.h"
#include "connection/connection_internal.h"
#include "connection/secret.h"

/* Config's "oauth2", or NULL. */
static JsonbValue *
oauth2(const Connection *c)
{
	JsonbValue *object = connection_member(c->config, "oauth2");

	return object != NULL && json_is_object(object) ? object : NULL;
}

bool
connection_has_oauth2(const Connection *c)
{
	return strcmp(c->kind, "http") == 0 && oauth2(c) != NULL;
}

/*--- which token ---*/

static bool
add_to_hash(pg_cryptohash_ctx *ctx, const Jsonb *json)
{
	return json == NULL ||
		pg_cryptohash_update(ctx, (const uint8 *) json, VARSIZE(json)) >= 0;
}

/* The row, and a digest of what it holds. */
static void
fill_key(const Connection *c, TokenKey *key)
{
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);
	bool		done;

	memset(key, 0, sizeof(*key));
	key->connection = c->id;
	done = ctx != NULL && pg_cryptohash_init(ctx) >= 0 &&
		add_to_hash(ctx, c->config) && add_to_hash(ctx, c->credentials) &&
		pg_cryptohash_final(ctx, key->contents, sizeof(key->contents)) >= 0;
	pg_cryptohash_free(ctx);
	if (!done)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a digest")));
}

TokenNeed
connection_find_token(const Connection *c, int64 waited_for, TokenUse *use)
{
	memset(use, 0, sizeof(*use));
	if (!connection_has_oauth2(c))
		return TOKEN_NOT_NEEDED;
	fill_key(c, &use->key);
	return token_find(use, waited_for) ? TOKEN_THERE : TOKEN_MISSING;
}

/*--- asking for it ---*/

/*
 * A text in UTF-8 as a form spells it, in memory of secret_alloc().  Every
 * byte but the unreserved characters (RFC 3986, 2.3) is percent-encoded.
 */
static char *
encode(const char *utf8)
{
	static const char digits[] = "0123456789ABCDEF";
	char	   *encoded = secret_alloc(strlen(utf8) * 3);
	char	   *to = encoded;

	for (const unsigned char *p = (const unsigned char *) utf8; *p; p++)
	{
		if (*p < 0x80 && (isalnum(*p) || strchr("-._~", *p) != NULL))
			*to++ = *p;
		else
		{
			*to++ = '%';
			*to++ = digits[*p >> 4];
			*to++ = digits[*p & 15];
		}
	}
	return encoded;
}

/* A credential that must be there, in UTF-8, in memory of secret_alloc(). */
static char *
required_credential(const Connection *c, const char *key)
{
	char	   *text = connection_credential(c, key);
	char	   *utf8;
	char	   *kept;

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("connection \"%s\" has no credential \"%s\"",
						c->name, key)));
	utf8 = to_utf8(text);
	kept = secret_concat("", utf8);
	wipe_text(utf8);
	wipe_text(text);
	return kept;
}

/* "&name=value" of a member of config's "oauth2"; "" if there is none. */
static char *
field(const JsonbValue *object, const char *name)
{
	char	   *value = json_member_string(object, name);

	return value != NULL ? psprintf("&%s=%s", name, encode(to_utf8(value)))
		: "";
}

/* Puts the client's name and secret into the form, or beside it. */
static void
set_client(const Connection *c, Request *request, const char *form,
		   bool in_body)
{
	char	   *id = encode(required_credential(c, "client_id"));
	char	   *secret = required_credential(c, "client_secret");
	char	   *encoded = encode(secret);

	request->body_secret = secret;
	if (!in_body)
	{
		request->username = id;
		request->password = encoded;
		request->body = pstrdup(form);
	}
	else
	{
		form = psprintf("%s&client_id=%s&client_secret=", form, id);
		request->body = secret_concat(form, encoded);
		wipe_text(encoded);
	}
	request->body_len = strlen(request->body);
}

void
connection_token_request(const Connection *c, Request *request)
{
	JsonbValue *object = oauth2(c);
	char	   *auth;
	char	   *form;

	memset(request, 0, sizeof(*request));
	if (object == NULL)
		return;
	auth = json_member_string(object, "auth");
	request->protocol = TRANSFER_HTTP;
	request->url = json_member_string(object, "token_url");
	request->method = pstrdup("POST");
	request_header(request, "Content-Type",
				   "application/x-www-form-urlencoded");
	request_header(request, "Accept", "application/json");
	request->timeout_ms = wf_http_timeout;
	request->answer_secret = true;
	form = psprintf("grant_type=client_credentials%s%s",
					field(object, "scope"), field(object, "audience"));
	set_client(c, request, form, auth != NULL && strcmp(auth, "body") == 0);
}

/*--- using it ---*/

void
connection_add_token(const Connection *c, Request *request,
					 const TokenUse *use)
{
	const char *text = token_text(use);

	if (text == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("the token of connection \"%s\" is gone", c->name)));
	request_secret_header(request, "Authorization",
						  secret_concat("Bearer ", text));
}
