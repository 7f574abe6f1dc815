/*
 * outcome.c
 *	  What the outbound actions share: requests built, responses read.
 *
 * Runs in a worker, inside the step's subtransaction.  A response comes from
 * a server that may be hostile: whatever its bytes are, reading it ends in a
 * value or in NULL.  PostgreSQL's JSON input and encoding conversions raise
 * where they cannot take their input, so they run in a subtransaction of
 * their own; a nesting that would use up the stack is found beforehand.
 */
#include "postgres.h"
#include "compat.h"

#include <curl/curl.h>

#include "access/xact.h"
#include "clock.h"
#include "common/base64.h"
#include "jsonvalue.h"
#include "mb/pg_wchar.h"
#include "mime.h"
#include "outcome.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#define MAX_JSON_DEPTH 512
#define EXCERPT_BYTES 300
#define MAX_RETRY_AFTER_MS (24 * 3600 * INT64CONST(1000))

/*--- requests ---*/

void
request_header(Request *request, const char *name, const char *value)
{
	NameValue  *header = palloc(sizeof(NameValue));

	if (!mime_header_name_valid(name))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" cannot be the name of a header", name)));
	if (!mime_header_value_valid(value, false))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("header \"%s\" has a control character", name)));
	header->name = pstrdup(name);
	header->value = to_utf8(value);
	request->headers = lappend(request->headers, header);
}

void
request_post_json(const Call *call, Request *request, const char *json)
{
	request->protocol = TRANSFER_HTTP;
	request->method = pstrdup("POST");
	request_header(request, "Content-Type", "application/json; charset=utf-8");
	request_header(request, "Idempotency-Key", call->idempotency_key);
	request->body = to_utf8(json);
	request->body_len = strlen(request->body);
}

char *
to_utf8(const char *text)
{
	return pstrdup(pg_server_to_any(text, strlen(text), PG_UTF8));
}

/*--- JSON objects ---*/

/*--- responses ---*/

/* Conversions that may raise: what goes in, what comes out. */
typedef struct Conversion
{
	const char *bytes;
	size_t		len;
	char	   *text;
	Jsonb	   *json;
} Conversion;

static void
convert_text(Conversion *c)
{
	char	   *text = pg_any_to_server(c->bytes, (int) c->len, PG_UTF8);

	/* without a conversion it is the response's own memory */
	c->text = text == c->bytes ? pnstrdup(text, c->len) : text;
}

static void
convert_json(Conversion *c)
{
	c->json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												 CStringGetDatum(c->bytes)));
}

/*
 * Runs a conversion in a subtransaction.  False where it raised about its
 * input; an interruption or a lack of resources is raised on.
 */
static bool
attempt(void (*convert) (Conversion *), Conversion *c)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool done = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		convert(c);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;
		int			category;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		category = ERRCODE_TO_CATEGORY(error->sqlerrcode);
		if (category == ERRCODE_OPERATOR_INTERVENTION ||
			category == ERRCODE_INSUFFICIENT_RESOURCES)
			ReThrowError(error);
		FreeErrorData(error);
		done = false;
	}
	PG_END_TRY();
	return done;
}

/* Is the text nested deeper than anything we want to walk through? */
static bool
nested_too_deep(const char *text)
{
	bool		quoted = false;
	int			depth = 0;

	for (; *text; text++)
	{
		if (quoted && *text == '\\' && text[1] != '\0')
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted && (*text == '{' || *text == '['))
		{
			if (++depth > MAX_JSON_DEPTH)
				return true;
		}
		else if (!quoted && (*text == '}' || *text == ']'))
			depth--;
	}
	return false;
}

char *
response_text(const Response *response)
{
	Conversion	c = {.bytes = response->body, .len = response->body_len};

	if (c.bytes == NULL)
		return pstrdup("");
	if (c.len > MaxAllocSize / 8 || memchr(c.bytes, '\0', c.len) != NULL)
		return NULL;
	return attempt(convert_text, &c) ? c.text : NULL;
}

static Jsonb *
text_json(const char *text)
{
	Conversion	c = {.bytes = text};

	if (text == NULL || text[0] == '\0' || nested_too_deep(text))
		return NULL;
	return attempt(convert_json, &c) ? c.json : NULL;
}

Jsonb *
response_json(const Response *response)
{
	return text_json(response_text(response));
}

/* application/json, application/problem+json; charset=utf-8 ... */
static bool
says_json(const Response *response)
{
	const char *type = name_value_find(response->headers, "content-type");
	size_t		len;

	if (type == NULL)
		return false;
	len = strcspn(type, "; \t");
	return len >= 4 && pg_strncasecmp(type + len - 4, "json", 4) == 0;
}

static Jsonb *
base64_object(const char *bytes, size_t len)
{
	ObjectBuilder b;
	int			size = pg_b64_enc_len((int) len) + 1;
	char	   *encoded = palloc0(size);

	if (pg_b64_encode((const void *) bytes, (int) len, (void *) encoded,
					  size) < 0)
		elog(ERROR, "could not encode a response");
	object_begin(&b);
	object_text(&b, "base64", encoded);
	return object_end(&b);
}

Jsonb *
response_body(const Response *response)
{
	char	   *text;
	Jsonb	   *json;
	JsonbValue	value;

	if (response->body == NULL || response->body_len == 0)
		return NULL;
	text = response_text(response);
	if (text == NULL)
		return base64_object(response->body, response->body_len);
	json = says_json(response) ? text_json(text) : NULL;
	if (json != NULL)
		return json;
	json_set_string(&value, text, strlen(text));
	return JsonbValueToJsonb(&value);
}

Jsonb *
response_headers(const Response *response)
{
	ObjectBuilder b;
	ListCell   *lc;

	object_begin(&b);
	foreach(lc, response->headers)
	{
		const NameValue *header = lfirst(lc);
		StringInfoData joined;
		ListCell   *other;

		/* a later member of the same name replaces this one */
		initStringInfo(&joined);
		foreach(other, response->headers)
		{
			const NameValue *same = lfirst(other);

			if (strcmp(same->name, header->name) == 0)
				appendStringInfo(&joined, "%s%s",
								 joined.len > 0 ? ", " : "", same->value);
		}
		object_text(&b, header->name, joined.data);
	}
	return object_end(&b);
}

char *
response_status_text(const Response *response)
{
	char	   *text = response_text(response);
	int			len;

	if (text == NULL || text[0] == '\0')
		return psprintf("HTTP %d", response->status);
	len = pg_mbcliplen(text, strlen(text), EXCERPT_BYTES);
	for (int i = 0; i < len; i++)
	{
		if ((unsigned char) text[i] < ' ' || text[i] == 0x7f)
			text[i] = ' ';
	}
	return psprintf("HTTP %d: %.*s%s", response->status, len, text,
					text[len] != '\0' ? "..." : "");
}

char *
json_text_at(const Jsonb *json, const char *const *path, int npath)
{
	JsonbValue	value;
	StringInfoData buf;

	if (json == NULL)
		return NULL;
	json_of_jsonb(unconstify(Jsonb *, json), &value);
	for (int i = 0; i < npath; i++)
	{
		JsonbValue *next = NULL;

		if (json_is_object(&value))
			next = json_member(&value, path[i]);
		else if (json_is_array(&value))
			next = getIthJsonbValueFromContainer(value.val.binary.data,
												 atoi(path[i]));
		if (next == NULL)
			return NULL;
		value = *next;
	}
	if (value.type != jbvString && value.type != jbvNumeric)
		return NULL;
	initStringInfo(&buf);
	json_append_text(&buf, &value);
	return buf.data;
}

/*--- outcomes ---*/

void
outcome_success(Outcome *outcome, Jsonb *output)
{
	memset(outcome, 0, sizeof(*outcome));
	outcome->ok = true;
	outcome->output = output;
	outcome->retry_after_ms = -1;
}

void
outcome_error(Outcome *outcome, const char *error)
{
	memset(outcome, 0, sizeof(*outcome));
	outcome->error = pstrdup(error);
	outcome->retry_after_ms = -1;
}

/* Retry-After (RFC 9110, 10.2.3) in ms, at most a day; -1: none. */
static int64
retry_after(const Response *response)
{
	const char *value = name_value_find(response->headers, "retry-after");
	int64		ms;
	time_t		when;

	if (value == NULL || value[0] == '\0')
		return -1;
	if (strspn(value, "0123456789") == strlen(value))
		return strlen(value) > 6 ? MAX_RETRY_AFTER_MS
			: Min(atoi(value) * INT64CONST(1000), MAX_RETRY_AFTER_MS);
	when = curl_getdate(value, NULL);
	if (when == (time_t) -1)
		return -1;
	ms = ((int64) when - timestamptz_to_time_t(clock_now())) * 1000;
	return Min(Max(ms, 0), MAX_RETRY_AFTER_MS);
}

void
outcome_of_status(const Response *response, const char *error,
				  Outcome *outcome)
{
	outcome_error(outcome, error);
	switch (response->status)
	{
		case 408:
		case 425:
		case 429:
		case 502:
		case 503:
		case 504:
			outcome->transient = true;
			break;
		case 500:
			outcome->unsure = true;
			outcome->error = psprintf("delivery unknown: %s", error);
			break;
		default:
			break;
	}
	outcome->retry_after_ms = retry_after(response);
}

/*
 * No answer.  Where the request never left, a later try is harmless; where
 * it did, only the action (or its author) knows whether it may be repeated.
 */
void
outcome_of_failure(const Response *response, Outcome *outcome)
{
	const char *error = response->error != NULL ? response->error
		: "the request failed";
	bool		lost = response->failure == FAILURE_TIMEOUT ||
		response->failure == FAILURE_BROKEN;

	outcome_error(outcome, error);
	switch (response->failure)
	{
		case FAILURE_RESOLVE:
		case FAILURE_CONNECT:
		case FAILURE_TLS:
			outcome->transient = true;
			break;
		case FAILURE_AUTH:
			outcome->transient = response->status / 100 == 4;
			break;
		default:
			break;
	}
	if (lost && !response->request_written)
		outcome->transient = true;
	if (lost && response->request_written)
	{
		outcome->unsure = true;
		outcome->error = psprintf("delivery unknown: %s", error);
	}
}
