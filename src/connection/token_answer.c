/*
 * token_answer.c
 *	  Reading what a server of OAuth 2 answers: a flat JSON object.
 *
 * Runs in a worker, outside of transactions, where PostgreSQL's own JSON
 * functions are of no use: they raise errors, and leave copies of the token in
 * memory that cannot be overwritten.  Reads the members that it knows and
 * steps over the others, without recursion.  The bytes may be anything.  Owns
 * nothing.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>
#include <math.h>

#include "base/wipe.h"
#include "connection/token.h"
#include "mb/pg_wchar.h"

#define MAX_NUMBER 40			/* bytes of a number */

/* What is still to be read. */
typedef struct Reader
{
	const char *at;
	const char *end;
} Reader;

static void
skip_blanks(Reader *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at)
		r->at++;
}

/* Steps over that character and the blanks around it; false: it is missing. */
static bool
take(Reader *r, char c)
{
	skip_blanks(r);
	if (r->at >= r->end || *r->at != c)
		return false;
	r->at++;
	skip_blanks(r);
	return true;
}

/* The value of four hexadecimal digits, or -1. */
static int
hex4(const Reader *r)
{
	int			value = 0;

	if (r->end - r->at < 4)
		return -1;
	for (int i = 0; i < 4; i++)
	{
		char		c = pg_ascii_tolower((unsigned char) r->at[i]);

		if (c >= '0' && c <= '9')
			value = value * 16 + c - '0';
		else if (c >= 'a' && c <= 'f')
			value = value * 16 + c - 'a' + 10;
		else
			return -1;
	}
	return value;
}

/* What follows "\u"; appends the character at *to.  False: it is none. */
static bool
read_code(Reader *r, char **to)
{
	int			code = hex4(r);
	int			low;

	if (code <= 0)
		return false;
	r->at += 4;
	if (code >= 0xd800 && code < 0xdc00)
	{
		if (r->end - r->at < 6 || r->at[0] != '\\' || r->at[1] != 'u')
			return false;
		r->at += 2;
		low = hex4(r);
		if (low < 0xdc00 || low > 0xdfff)
			return false;
		r->at += 4;
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
	}
	else if (code >= 0xdc00 && code < 0xe000)
		return false;
	unicode_to_utf8((pg_wchar) code, (unsigned char *) *to);
	*to += pg_utf_mblen((const unsigned char *) *to);
	return true;
}

/* What follows a backslash; appends the character at *to. */
static bool
read_escape(Reader *r, char **to)
{
	static const char plain[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	const char *found;

	if (r->at >= r->end)
		return false;
	if (*r->at == 'u')
	{
		r->at++;
		return read_code(r, to);
	}
	found = *r->at != '\0' ? strchr(plain, *r->at) : NULL;
	if (found == NULL)
		return false;
	r->at++;
	*(*to)++ = meant[found - plain];
	return true;
}

/*
 * Reads a string into *text, palloc'd.  False if there is none; what was read
 * of it is overwritten.
 */
static bool
read_string(Reader *r, char **text)
{
	const char *stop;
	char	   *start;
	char	   *to;

	*text = NULL;
	if (r->at >= r->end || *r->at != '"')
		return false;
	/* no escape is shorter than what it stands for */
	for (stop = r->at + 1; stop < r->end && *stop != '"'; stop++)
	{
		if (*stop == '\\')
			stop++;
	}
	if (stop >= r->end)
		return false;
	to = start = palloc0(stop - r->at + 1);
	r->at++;
	while (r->at < stop)
	{
		if ((unsigned char) *r->at < ' ')
			break;
		if (*r->at != '\\')
			*to++ = *r->at++;
		else
		{
			r->at++;
			if (!read_escape(r, &to))
				break;
		}
	}
	if (r->at != stop)
	{
		explicit_bzero(start, to - start);
		pfree(start);
		return false;
	}
	r->at++;
	*text = start;
	return true;
}

/* Steps over a string. */
static bool
skip_string(Reader *r)
{
	char	   *text;

	if (!read_string(r, &text))
		return false;
	wipe_text(text);
	pfree(text);
	return true;
}

/* Steps over a number, true, false or null. */
static bool
skip_word(Reader *r)
{
	const char *from = r->at;

	while (r->at < r->end &&
		   (isalnum((unsigned char) *r->at) || *r->at == '-' ||
			*r->at == '+' || *r->at == '.'))
		r->at++;
	return r->at > from;
}

/* Steps over any value.  What is in an object or an array is not checked. */
static bool
skip_value(Reader *r)
{
	int			depth = 0;

	do
	{
		if (r->at >= r->end)
			return false;
		if (*r->at == '"')
		{
			if (!skip_string(r))
				return false;
			continue;
		}
		if (*r->at == '{' || *r->at == '[')
			depth++;
		else if (*r->at == '}' || *r->at == ']')
			depth--;
		else if (depth == 0)
			return skip_word(r);
		r->at++;
	} while (depth > 0);
	return depth == 0;
}

/* A number, also as a text; -1: it is none. */
static double
read_seconds(Reader *r)
{
	char		digits[MAX_NUMBER + 1];
	Reader		value = *r;
	char	   *stop;
	double		seconds;
	size_t		len;

	if (!skip_value(r))
		return -1;
	if (*value.at == '"')
		value.at++;
	len = Min(r->at - value.at, MAX_NUMBER);
	memcpy(digits, value.at, len);
	digits[len] = '\0';
	seconds = strtod(digits, &stop);
	return stop == digits || !isfinite(seconds) ? -1 : Max(seconds, 0);
}

/* Reads the value of a member, if it is one that is wanted. */
static bool
read_member(Reader *r, const char *name, TokenAnswer *answer)
{
	struct
	{
		const char *name;
		char	  **text;
	}			wanted[] = {
		{"access_token", &answer->access_token},
		{"token_type", &answer->token_type},
		{"error", &answer->error},
		{"error_description", &answer->error_description}
	};

	if (strcmp(name, "expires_in") == 0)
	{
		Reader		before = *r;

		answer->expires_in = read_seconds(r);
		return r->at > before.at;
	}
	for (int i = 0; i < lengthof(wanted); i++)
	{
		if (strcmp(name, wanted[i].name) != 0 || *r->at != '"')
			continue;
		wipe_text(*wanted[i].text);
		return read_string(r, wanted[i].text);
	}
	return skip_value(r);
}

static bool
read_object(Reader *r, TokenAnswer *answer)
{
	char	   *name;

	if (!take(r, '{'))
		return false;
	if (take(r, '}'))
		return r->at == r->end;
	do
	{
		bool		read;

		if (!read_string(r, &name))
			return false;
		read = take(r, ':') && r->at < r->end &&
			read_member(r, name, answer);
		pfree(name);
		if (!read)
			return false;
	} while (take(r, ','));
	return take(r, '}') && r->at == r->end;
}

bool
token_answer_read(const char *body, size_t len, TokenAnswer *answer)
{
	Reader		r = {body, body + len};

	memset(answer, 0, sizeof(*answer));
	answer->expires_in = -1;
	/* a byte order mark */
	if (len >= 3 && memcmp(body, "\xef\xbb\xbf", 3) == 0)
		r.at += 3;
	if (read_object(&r, answer))
		return true;
	token_answer_wipe(answer);
	memset(answer, 0, sizeof(*answer));
	return false;
}

void
token_answer_wipe(TokenAnswer *answer)
{
	wipe_text(answer->access_token);
}
