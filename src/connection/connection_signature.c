/*
 * connection_signature.c
 *	  The signature of a request, by which its receiver knows who has sent it.
 *
 * Runs in a worker, inside a transaction, after the action has filled the
 * request and before its intent is committed.  The bytes that are signed are
 * those of the body that goes out; of a request without a body, none.  Two
 * kinds: Standard Webhooks, which sign the key and the time too, and the
 * connection's own, in config's "signature", of the body alone.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "base/wipe.h"
#include "config/clock.h"
#include "connection/connection_internal.h"
#include "connection/secret.h"
#include "utils/timestamp.h"

/* What config's "signature" says, with the defaults. */
typedef struct Scheme
{
	char	   *header;
	char	   *prefix;
	char	   *encoding;
	char	   *algorithm;
} Scheme;

static char *
or_default(const JsonbValue *object, const char *key, const char *dflt)
{
	char	   *text = json_member_string(object, key);

	return text != NULL ? text : pstrdup(dflt);
}

/* False: config has no "signature". */
static bool
read_scheme(const Connection *c, Scheme *scheme)
{
	JsonbValue *object = connection_member(c->config, "signature");

	if (object == NULL)
		return false;
	scheme->header = or_default(object, "header", "");
	scheme->prefix = or_default(object, "prefix", "");
	scheme->encoding = or_default(object, "encoding", "hex");
	scheme->algorithm = or_default(object, "algorithm", "sha256");
	return true;
}

/*
 * Adds the headers of Standard Webhooks.  Those that a step or config has set
 * are replaced: nobody but the engine says what was signed.
 */
static void
add_standard(Request *request, const char *secret, const char *body,
			 size_t body_len)
{
	int64		now = timestamptz_to_time_t(clock_now());
	const char *id = request->key_header == NULL ? NULL
		: name_value_find(request->headers, request->key_header);

	if (id == NULL)
		id = "";
	request_replace_header(request, "webhook-id", pstrdup(id));
	request_replace_header(request, "webhook-timestamp",
						   psprintf(INT64_FORMAT, now));
	request_secret_header(request, "webhook-signature",
						  secret_sign(secret, id, now, body, body_len));
}

void
connection_add_signature(const Connection *c, Request *request)
{
	char	   *secret = connection_credential(c, "signing_secret");
	const char *body = request->body != NULL ? request->body : "";
	size_t		body_len = request->body != NULL ? request->body_len : 0;
	Scheme		scheme;

	if (secret == NULL)
		return;
	if (read_scheme(c, &scheme))
	{
		char	   *mac = secret_sign_body(secret, scheme.algorithm,
										   strcmp(scheme.encoding,
												  "base64") == 0,
										   body, body_len);

		request_secret_header(request, scheme.header,
							  psprintf("%s%s", scheme.prefix, mac));
	}
	else
		add_standard(request, secret, body, body_len);
	wipe_text(secret);
}

void
connection_show_signature(const Connection *c, Request *request)
{
	Scheme		scheme;

	if (read_scheme(c, &scheme))
		request_secret_header(request, scheme.header,
							  psprintf("%s" CONNECTION_MASK, scheme.prefix));
}
