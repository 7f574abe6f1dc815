/*
 * response.c
 *	  Reading what a server has answered.
 *
 * Runs in a worker, inside the step's subtransaction.  A response comes from
 * a server that may be hostile: whatever its bytes are, reading it ends in a
 * value or in NULL.  PostgreSQL's JSON input and encoding conversions raise
 * errors if they cannot take their input, so they run in a subtransaction of
 * their own; a nesting that would use up the stack is found beforehand.  What
 * parsing needs on the way, many times the answer's size, is freed at once:
 * a worker reads many answers in one transaction.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "action/response.h"
#include "base/json_value.h"
#include "common/base64.h"
#include "config/settings.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define MAX_JSON_DEPTH 512
#define EXCERPT_BYTES 300
#define KEPT_SHARE 8			/* times max_output */
#define MAX_PROVIDER_JSON (256 * 1024)	/* bytes: no provider says more */

/* Conversions that may raise: what goes in, what comes out. */
typedef struct Conversion
{
	const char *bytes;
	size_t		len;
	int			encoding;		/* of bytes */
	char	   *text;
	size_t		text_len;
	Jsonb	   *json;
} Conversion;

static void
convert_text(Conversion *c)
{
	c->text = pg_any_to_server(c->bytes, (int) c->len, c->encoding);
	/* without a conversion it is the response's own memory */
	c->text_len = c->text == c->bytes ? c->len : strlen(c->text);
}

static void
convert_json(Conversion *c)
{
	c->json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
												 CStringGetDatum(c->bytes)));
}

/*
 * Runs a conversion in a subtransaction.  False if it has raised an error
 * about its input; a cancelled query or a lack of resources is raised again.
 */
static bool
try_convert(void (*convert) (Conversion *), Conversion *c)
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

/* The same; only the result stays in the current memory context. */
static bool
attempt(void (*convert) (Conversion *), Conversion *c)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(caller,
												  "reading a response",
												  ALLOCSET_DEFAULT_SIZES);
	bool		done;

	MemoryContextSwitchTo(scratch);
	done = try_convert(convert, c);
	MemoryContextSwitchTo(caller);
	if (done && c->text != NULL)
		c->text = pnstrdup(c->text, c->text_len);
	if (done && c->json != NULL)
		c->json = memcpy(palloc(VARSIZE(c->json)), c->json,
						 VARSIZE(c->json));
	MemoryContextDelete(scratch);
	return done;
}

/* Is the text nested deeper than MAX_JSON_DEPTH? */
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

/* The end of "application/json" in "application/json; charset=utf-8" */
static const char *
media_type_end(const char *type)
{
	return type + strcspn(type, "; \t,");
}

bool
type_is_json(const char *type)
{
	size_t		len = media_type_end(type) - type;

	return len > 5 && pg_strncasecmp(type + len - 4, "json", 4) == 0 &&
		(type[len - 5] == '/' || type[len - 5] == '+');
}

/* The encoding that a Content-Type says, -1: none that is known here. */
static int
charset_of(const char *type)
{
	char		name[NAMEDATALEN];
	const char *p = media_type_end(type);
	size_t		len;

	for (; *p; p += strcspn(p, ";"))
	{
		p += strspn(p, "; \t");
		if (pg_strncasecmp(p, "charset=", 8) == 0)
			break;
	}
	if (*p == '\0')
		return -1;
	p += 8;
	p += *p == '"';
	len = strcspn(p, "\"; \t,");
	if (len >= sizeof(name))
		return -1;
	strlcpy(name, p, len + 1);
	return pg_char_to_encoding(name);
}

/*
 * The encodings to try, at most three; returns how many.  What is labelled
 * Latin-1 is Windows-1252 as a rule, which has letters where Latin-1 has
 * control characters; browsers read it so, too.
 */
static int
encodings_of(const Response *response, int *encodings)
{
	const char *type = name_value_find(response->headers, "content-type");
	int			said = type != NULL ? charset_of(type) : -1;
	int			n = 0;

	if (said < 0 || type_is_json(type))
		encodings[n++] = PG_UTF8;
	if (said == PG_LATIN1)
		encodings[n++] = PG_WIN1252;
	if (said >= 0)
		encodings[n++] = said;
	return n;
}

char *
response_text(const Response *response)
{
	Conversion	c = {.bytes = response->body, .len = response->body_len};
	int			encodings[3];
	int			n = encodings_of(response, encodings);

	if (c.bytes == NULL)
		return pstrdup("");
	if (c.len > MaxAllocSize / 8 || memchr(c.bytes, '\0', c.len) != NULL)
		return NULL;
	if (c.len >= 3 && memcmp(c.bytes, "\xEF\xBB\xBF", 3) == 0)
	{
		/* the mark says more surely than the type what the text is in */
		c.bytes += 3;
		c.len -= 3;
		encodings[0] = PG_UTF8;
		n = 1;
	}
	for (int i = 0; i < n; i++)
	{
		c.encoding = encodings[i];
		if (attempt(convert_text, &c))
			return c.text;
		c.text = NULL;
	}
	return NULL;
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
	char	   *text;
	Jsonb	   *json;

	if (response->body_len > MAX_PROVIDER_JSON)
		return NULL;
	text = response_text(response);
	json = text_json(text);
	if (text != NULL)
		pfree(text);
	return json;
}

static bool
says_json(const Response *response)
{
	const char *type = name_value_find(response->headers, "content-type");

	return type != NULL && type_is_json(type);
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

/*
 * Parsing takes up to forty times the text's size.  What is far larger than
 * what is kept will be cut, and the head of a text says as much.
 */
static bool
worth_parsing(const char *text)
{
	return strlen(text) / 1024 <= (size_t) wf_max_output * KEPT_SHARE;
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
	json = says_json(response) && worth_parsing(text) ? text_json(text) : NULL;
	if (json != NULL)
	{
		pfree(text);
		return json;
	}
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
	char	   *said;
	int			len;

	if (response->redirect != NULL)
		return psprintf("HTTP %d: %s", response->status, response->redirect);
	if (text == NULL || text[0] == '\0')
		return psprintf("HTTP %d", response->status);
	len = pg_mbcliplen(text, strlen(text), EXCERPT_BYTES);
	for (int i = 0; i < len; i++)
	{
		if ((unsigned char) text[i] < ' ' || text[i] == 0x7f)
			text[i] = ' ';
	}
	said = psprintf("HTTP %d: %.*s%s", response->status, len, text,
					text[len] != '\0' ? "..." : "");
	pfree(text);
	return said;
}
