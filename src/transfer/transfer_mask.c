/*
 * transfer_mask.c
 *	  The secrets of a transfer: known, so that no answer shows them.
 *
 * Runs in a worker, outside libcurl's callbacks.  A server may repeat what it
 * was sent, and its answer is stored, where everybody who may see runs can
 * read it.  So every secret is looked for in what came back and is
 * overwritten with asterisks.  It is found
 *
 * - as it is,
 * - as base64, also in the middle of an encoded text,
 * - with its characters spelled as JSON, HTML or a URL may spell them,
 * - if it is an address, by its parts too.
 *
 * That protects from careless servers.  One that wants to give a secret away
 * could spell it in another way, but it knows the secret anyway.
 *
 * The list is in the transfer's memory; mask_wipe() overwrites it.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "common/base64.h"
#include "mb/pg_wchar.h"
#include "transfer/transfer_mask.h"

/*
 * What is shorter is not looked for: it occurs in harmless text too, which
 * would become unreadable, and each asterisk would tell of the secret.
 */
#define MIN_SECRET 6
#define MIN_LAST_SEGMENT 8		/* of a secret address: "invoke" is harmless */
#define MIN_SEGMENT 16			/* of its other segments, and with a digit */
#define MIN_QUERY_VALUE 8

/* A character that is not spelled as itself. */
typedef struct Spelled
{
	char		bytes[MAX_MULTIBYTE_CHAR_LEN + 1];
	int			nbytes;
	int			length;			/* of its spelling */
} Spelled;

/*--- what is looked for ---*/

/* Adds a copy to the list. */
static void
remember(Transfer *t, const char *data, size_t len)
{
	TransferSecret *secret = palloc(sizeof(TransferSecret));

	Assert(CurrentMemoryContext == t->context);
	Assert(len > 0);
	secret->data = palloc(len + 1);
	memcpy(secret->data, data, len);
	secret->data[len] = '\0';
	secret->len = len;
	t->secrets = lappend(t->secrets, secret);
}

/*
 * Adds a base64 text, also in the alphabet that URLs use; changes encoded into
 * that.
 */
static void
remember_base64(Transfer *t, char *encoded, size_t len)
{
	bool		differs = false;

	remember(t, encoded, len);
	for (size_t i = 0; i < len; i++)
	{
		if (encoded[i] == '+' || encoded[i] == '/')
		{
			encoded[i] = encoded[i] == '+' ? '-' : '_';
			differs = true;
		}
	}
	if (differs)
		remember(t, encoded, len);
}

/*
 * Adds what the secret becomes in base64 if so many bytes of something else
 * are before it: only the characters that depend on nothing but the secret.
 */
static void
add_base64_after(Transfer *t, const char *data, size_t len, int before)
{
	size_t		all = len + before;
	int			size = pg_b64_enc_len(all) + 1;
	char	   *plain = palloc0(all);
	char	   *encoded = palloc0(size);
	size_t		skip = (before * 8 + 5) / 6;
	size_t		end = all * 8 / 6;

	memcpy(plain + before, data, len);
	if (pg_b64_encode((const void *) plain, all, (void *) encoded, size) > 0 &&
		end >= skip + MIN_SECRET)
		remember_base64(t, encoded + skip, end - skip);
	explicit_bzero(plain, all);
	explicit_bzero(encoded, size);
	pfree(plain);
	pfree(encoded);
}

void
mask_add(Transfer *t, const char *data, size_t len)
{
	if (len < MIN_SECRET)
		return;
	remember(t, data, len);
	/* base64 encodes three bytes at a time: so there are three ways */
	for (int before = 0; before < 3; before++)
		add_base64_after(t, data, len, before);
}

void
mask_add_encoded(Transfer *t, const char *data, size_t len)
{
	int			size = pg_b64_enc_len(len) + 1;
	char	   *encoded = palloc0(size);
	int			n = pg_b64_encode((const void *) data, len,
								  (void *) encoded, size);

	mask_add(t, data, len);
	if (n > 0)
		mask_add(t, encoded, n);
	explicit_bzero(encoded, size);
	pfree(encoded);
}

/* The value of so many hexadecimal digits, or -1 if they are none. */
static int
hex_value(const char *at, int digits)
{
	int			value = 0;

	for (int i = 0; i < digits; i++)
	{
		unsigned char c = at[i];

		if (!isascii(c) || !isxdigit(c))
			return -1;
		value = value * 16 + (isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

/*
 * Adds a part of an address: as it is, decoded, and with its escapes in upper
 * case, as newer versions of libcurl send them.
 */
static void
add_url_part(Transfer *t, const char *part, size_t len)
{
	char	   *decoded = palloc(len + 1);
	char	   *capital = palloc(len + 1);
	size_t		n = 0;

	mask_add(t, part, len);
	memcpy(capital, part, len);
	for (size_t i = 0; i < len; i++)
	{
		int			byte = part[i] == '%' && i + 2 < len
			? hex_value(part + i + 1, 2) : -1;

		decoded[n++] = byte >= 0 ? (char) byte : part[i];
		if (byte < 0)
			continue;
		capital[i + 1] = pg_ascii_toupper((unsigned char) part[i + 1]);
		capital[i + 2] = pg_ascii_toupper((unsigned char) part[i + 2]);
		i += 2;
	}
	if (n != len)
		mask_add(t, decoded, n);
	if (memcmp(capital, part, len) != 0)
		mask_add(t, capital, len);
	explicit_bzero(decoded, len);
	explicit_bzero(capital, len);
	pfree(decoded);
	pfree(capital);
}

void
mask_add_url(Transfer *t, const char *url)
{
	const char *path = strstr(url, "://");
	size_t		len;

	path = path != NULL ? path + 3 + strcspn(path + 3, "/?") : "";
	len = strcspn(path, "?");
	/* all after the host, with and without the query */
	add_url_part(t, path, strlen(path));
	add_url_part(t, path, len);
	for (const char *at = path; at < path + len;)
	{
		size_t		segment = strcspn(at, "/?");
		bool		last = at[segment] != '/' || at[segment + 1] == '\0' ||
			at[segment + 1] == '?';

		if (last ? segment >= MIN_LAST_SEGMENT
			: segment >= MIN_SEGMENT && strcspn(at, "0123456789") < segment)
			add_url_part(t, at, segment);
		at += segment + 1;
	}
	for (const char *at = path + len; *at;)
	{
		size_t		value = strcspn(at + 1, "?&=");

		if (*at == '=' && value >= MIN_QUERY_VALUE)
			add_url_part(t, at + 1, value);
		at += value + 1;
	}
}

void
mask_wipe(Transfer *t)
{
	ListCell   *lc;

	foreach(lc, t->secrets)
	{
		TransferSecret *secret = lfirst(lc);

		explicit_bzero(secret->data, secret->len);
	}
}

/*--- finding it ---*/

/*
 * Fills *s with the character of that code, whose spelling has length bytes.
 * False if there is no such character.
 */
static bool
spell(Spelled *s, int code, int length)
{
	if (code <= 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return false;
	unicode_to_utf8((pg_wchar) code, (unsigned char *) s->bytes);
	s->nbytes = pg_utf_mblen((unsigned char *) s->bytes);
	s->length = length;
	return true;
}

/* "&amp;", "&#38;", "&#x26;" */
static bool
read_entity(const char *at, size_t len, Spelled *s)
{
	static const struct
	{
		const char *name;
		char		c;
	}			names[] = {
		{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'},
		{"&apos;", '\''}
	};
	const char *end = memchr(at, ';', Min(len, 12));
	int			code = 0;

	if (end == NULL)
		return false;
	for (int i = 0; i < lengthof(names); i++)
	{
		size_t		n = strlen(names[i].name);

		if (n <= len && pg_strncasecmp(at, names[i].name, n) == 0)
			return spell(s, names[i].c, n);
	}
	if (at[1] != '#')
		return false;
	if (at[2] == 'x' || at[2] == 'X')
		return end - at - 3 <= 6 &&
			spell(s, hex_value(at + 3, end - at - 3), end - at + 1);
	for (const char *p = at + 2; p < end; p++)
	{
		if (*p < '0' || *p > '9' || code > 0x10ffff)
			return false;
		code = code * 10 + *p - '0';
	}
	return spell(s, code, end - at + 1);
}

/* "\u0026", "\x26", and a backslash before what may stand without one. */
static bool
read_backslash(const char *at, size_t len, Spelled *s)
{
	if (len >= 6 && at[1] == 'u')
		return spell(s, hex_value(at + 2, 4), 6);
	if (len >= 4 && at[1] == 'x')
		return spell(s, hex_value(at + 2, 2), 4);
	if (len >= 2 && strchr("\"\\/'", at[1]) != NULL)
		return spell(s, at[1], 2);
	return false;
}

/*
 * Reads a character at the beginning of at that is not spelled as itself.
 * False if there is none.
 */
static bool
read_spelled(const char *at, size_t len, Spelled *s)
{
	switch (*at)
	{
		case '&':
			return read_entity(at, len, s);
		case '\\':
			return read_backslash(at, len, s);
		case '+':
			return spell(s, ' ', 1);
		case '%':
			/* a byte, whatever character it is of */
			if (len < 3 || hex_value(at + 1, 2) < 0)
				return false;
			s->bytes[0] = (char) hex_value(at + 1, 2);
			s->nbytes = 1;
			s->length = 3;
			return true;
		default:
			return false;
	}
}

/* Do both begin with the same escape, such as "%2f" and "%2F"? */
static bool
same_escape(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len >= 3 && b_len >= 3 && *a == '%' && *b == '%' &&
		hex_value(a + 1, 2) >= 0 && hex_value(a + 1, 2) == hex_value(b + 1, 2);
}

/*
 * How many bytes at the beginning of text are the secret, in any spelling; 0
 * if it does not begin with the secret.
 */
static size_t
length_of(const TransferSecret *secret, const char *text, size_t len)
{
	size_t		at = 0;
	size_t		i = 0;
	Spelled		s;

	while (i < secret->len)
	{
		const char *rest = secret->data + i;

		if (at >= len)
			return 0;
		if (same_escape(rest, secret->len - i, text + at, len - at))
		{
			at += 3;
			i += 3;
		}
		else if (read_spelled(text + at, len - at, &s) &&
				 s.nbytes <= secret->len - i &&
				 memcmp(s.bytes, rest, s.nbytes) == 0)
		{
			at += s.length;
			i += s.nbytes;
		}
		else if (text[at] == *rest)
		{
			at++;
			i++;
		}
		else
			return 0;
	}
	return at;
}

void
mask_exact(char *text, size_t len, const char *needle, size_t needle_len)
{
	char	   *at = text;
	char	   *end = text + len;

	if (needle_len < MIN_SECRET)
		return;
	while (at < end &&
		   (at = memmem(at, end - at, needle, needle_len)) != NULL)
	{
		memset(at, '*', needle_len);
		at += needle_len;
	}
}

/*
 * The length of the longest secret at the beginning of text; 0 if it begins
 * with none.
 */
static size_t
secret_here(const Transfer *t, const char *text, size_t len)
{
	bool		escape = strchr("%\\&+", *text) != NULL;
	size_t		longest = 0;
	ListCell   *lc;

	foreach(lc, t->secrets)
	{
		const TransferSecret *secret = lfirst(lc);
		size_t		found = 0;

		if (!escape && *text != secret->data[0])
			continue;
		/* as it is, even if that can be read as a spelling */
		if (len >= secret->len &&
			memcmp(text, secret->data, secret->len) == 0)
			found = secret->len;
		else
			found = length_of(secret, text, len);
		longest = Max(longest, found);
	}
	return longest;
}

/*
 * Secrets may overlap: so a byte is overwritten only after a secret was looked
 * for at its place.
 */
void
mask_text(Transfer *t, char *text, size_t len)
{
	bool		begins[256] = {false};
	size_t		end = 0;
	ListCell   *lc;

	if (text == NULL || t->secrets == NIL)
		return;
	foreach(lc, t->secrets)
	{
		const TransferSecret *secret = lfirst(lc);

		begins[(unsigned char) secret->data[0]] = true;
	}
	begins['%'] = begins['\\'] = begins['&'] = begins['+'] = true;
	for (size_t at = 0; at < len; at++)
	{
		if (begins[(unsigned char) text[at]])
			end = Max(end, at + secret_here(t, text + at, len - at));
		if (at < end)
			text[at] = '*';
	}
}
