/*
 * filter_text.c
 *	  The filters that take a text.
 *
 * They take a scalar as the text that interpolation would print, and count
 * characters, never bytes.  Pure; a text is in the database's encoding unless
 * it is said to be UTF-8.
 */
#include "postgres.h"
#include "compat.h"

#include "base/escape.h"
#include "base/utf8.h"
#include "base/valid_text.h"
#include "catalog/pg_collation_d.h"
#include "language/filter_node.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"

/* A scalar as palloc'd text.  Raises 22023 for a container. */
static char *
scalar_text(const FilterCall *call, const JsonbValue *value)
{
	if (value->type == jbvBinary)
		filter_refuse(call, value, call->filter->subject);
	return json_text(value);
}

JsonbValue *
filter_upper(const FilterCall *call, JsonbValue *value)
{
	char	   *text = scalar_text(call, value);
	char	   *upper = str_toupper(text, strlen(text), DEFAULT_COLLATION_OID);

	return filter_string(upper, strlen(upper));
}

JsonbValue *
filter_lower(const FilterCall *call, JsonbValue *value)
{
	char	   *text = scalar_text(call, value);
	char	   *lower = str_tolower(text, strlen(text), DEFAULT_COLLATION_OID);

	return filter_string(lower, strlen(lower));
}

JsonbValue *
filter_json(const FilterCall *call, JsonbValue *value)
{
	StringInfoData buf;

	initStringInfo(&buf);
	json_append(&buf, value);
	return filter_string(buf.data, buf.len);
}

JsonbValue *
filter_urlencode(const FilterCall *call, JsonbValue *value)
{
	StringInfoData plain;
	StringInfoData buf;

	initStringInfo(&plain);
	initStringInfo(&buf);
	json_append_text(&plain, value);
	escape_append(&buf, plain.data, plain.len, ESCAPE_URL);
	return filter_string(buf.data, buf.len);
}

/*--- trim ---*/

/* How many bytes has the blank with which text[0..len) begins?  0: none. */
static int
blank_at(const char *text, int len)
{
	/* in UTF-8: Unicode's White_Space, and two characters without width */
	static const char *const blanks[] = {
		" ", "\t", "\n", "\v", "\f", "\r", "\xC2\x85", "\xC2\xA0",
		"\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82",
		"\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86",
		"\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
		"\xE2\x80\x8B", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
		"\xE2\x81\x9F", "\xE3\x80\x80", "\xEF\xBB\xBF"
	};

	for (int i = 0; i < lengthof(blanks); i++)
	{
		int			size = strlen(blanks[i]);

		if (size <= len && memcmp(text, blanks[i], size) == 0)
			return size;
	}
	return 0;
}

const char *
filter_trimmed(const char *text, int *len)
{
	int			rest = *len;
	int			size;

	while ((size = blank_at(text, rest)) > 0)
	{
		text += size;
		rest -= size;
	}
	*len = rest;
	for (int end = rest; end > 0;)
	{
		int			start = end - 1;

		/* to the first byte of a character */
		while (start > 0 && ((unsigned char) text[start] & 0xC0) == 0x80)
			start--;
		if (blank_at(text + start, end - start) == 0)
			break;
		*len = end = start;
	}
	return text;
}

JsonbValue *
filter_trim(const FilterCall *call, JsonbValue *value)
{
	char	   *text = to_utf8(scalar_text(call, value));
	int			len = strlen(text);
	const char *rest = filter_trimmed(text, &len);

	text = pg_any_to_server(pnstrdup(rest, len), len, PG_UTF8);
	return filter_string(text, strlen(text));
}

/*--- split, replace ---*/

/* A text that is searched for another one, from the beginning to its end. */
typedef struct Search
{
	const char *text;
	int			len;
	int			pos;			/* where to go on */
	const JsonbValue *what;		/* a string that is not empty */
} Search;

/*
 * The next place where the other text begins, after setting pos to where it
 * ends; -1, with pos at the end, if there is none.  It goes character by
 * character: in some encodings a character's bytes are within another's.
 */
static int
find_next(Search *s)
{
	int			size = s->what->val.string.len;

	while (s->len - s->pos >= size)
	{
		int			at = s->pos;

		CHECK_FOR_INTERRUPTS();
		if (memcmp(s->text + at, s->what->val.string.val, size) == 0)
		{
			s->pos += size;
			return at;
		}
		s->pos += valid_character(s->text + at, s->len - at);
	}
	s->pos = s->len;
	return -1;
}

/* A list takes much more memory than its text. */
#define MAX_PARTS 100000

/* A text that is empty has no parts. */
JsonbValue *
filter_split(const FilterCall *call, JsonbValue *value)
{
	char	   *text = scalar_text(call, value);
	Search		s = {text, strlen(text), 0, &call->args[0]};
	int			nmax = 16;
	JsonbValue **parts = palloc(sizeof(JsonbValue *) * nmax);
	int			n = 0;
	int			end = s.len > 0 ? 0 : -1;

	while (end >= 0)
	{
		int			start = s.pos;

		end = find_next(&s);
		if (n == MAX_PARTS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("filter \"split\" makes more than %d parts",
							MAX_PARTS)));
		if (n == nmax)
		{
			nmax *= 2;
			parts = repalloc(parts, sizeof(JsonbValue *) * nmax);
		}
		parts[n++] = filter_string(text + start,
								   (end < 0 ? s.len : end) - start);
	}
	return filter_array_value(parts, n);
}

JsonbValue *
filter_replace(const FilterCall *call, JsonbValue *value)
{
	char	   *text = scalar_text(call, value);
	const JsonbValue *with = &call->args[1];
	Search		s = {text, strlen(text), 0, &call->args[0]};
	StringInfoData buf;
	int			start;
	int			end;

	initStringInfo(&buf);
	for (start = 0; (end = find_next(&s)) >= 0; start = s.pos)
	{
		appendBinaryStringInfo(&buf, text + start, end - start);
		json_append_text(&buf, with);
		filter_check_size(call, buf.len);
	}
	appendBinaryStringInfo(&buf, text + start, s.len - start);
	return filter_string(buf.data, buf.len);
}

/*--- slice, truncate ---*/

JsonbValue *
filter_slice_text(const FilterCall *call, JsonbValue *value)
{
	char	   *text = scalar_text(call, value);
	int			len = strlen(text);
	int64		from = filter_int(call, 0);
	int64		count = call->filter->nargs > 1 ? filter_int(call, 1) : 1;
	int			characters = pg_mbstrlen_with_len(text, len);
	int			start;

	if (from < 0)
		from += characters;
	if (from < 0 || from >= characters)
		return filter_string("", 0);
	count = Min(count, characters - from);
	start = pg_mbcharcliplen(text, len, from);
	return filter_string(text + start,
						 pg_mbcharcliplen(text + start, len - start, count));
}

#define DEFAULT_ENDING "..."

/* What "truncate" puts at the end, in UTF-8. */
static char *
ending_of(const FilterCall *call)
{
	return call->filter->nargs < 2 ? pstrdup(DEFAULT_ENDING)
		: to_utf8(json_cstring(&call->args[1]));
}

/* How many characters has a text in UTF-8? */
static int
count_characters(const char *text)
{
	int			n = 0;
	int			len;

	for (; *text; text += len)
	{
		utf8_read(text, &len);
		n++;
	}
	return n;
}

char *
filter_truncate_wrong(const FilterCall *call)
{
	int			room = filter_int(call, 0);
	char	   *ending = ending_of(call);

	if (count_characters(ending) <= room)
		return NULL;
	ending = utf8_quote(ending, 40);
	return psprintf("filter \"truncate\" cannot end a text of %d characters with \"%s\"",
					room, pg_any_to_server(ending, strlen(ending), PG_UTF8));
}

#define ZERO_WIDTH_JOINER 0x200D

/* Is it one of the two letters of which a flag is made? */
static bool
is_flag_letter(uint32 c)
{
	return c >= 0x1F1E6 && c <= 0x1F1FF;
}

/*
 * Is the character at text drawn as one with the character before?  Marks are,
 * colours of skin, what is joined, and the second letter of a flag.
 */
static bool
joins(const char *text, uint32 before)
{
	int			len;
	uint32		c = utf8_read(text, &len);
	bool		is_skin = c >= 0x1F3FB && c <= 0x1F3FF;

	return c == ZERO_WIDTH_JOINER || before == ZERO_WIDTH_JOINER || is_skin ||
		(is_flag_letter(c) && is_flag_letter(before)) ||
		pg_encoding_dsplen(PG_UTF8, text) == 0;
}

/*
 * n counts what is put at the end, as in Liquid.  Where the text would be cut
 * between a letter and its mark, it is cut before the letter.
 */
JsonbValue *
filter_truncate(const FilterCall *call, JsonbValue *value)
{
	char	   *text = to_utf8(scalar_text(call, value));
	char	   *ending = ending_of(call);
	char	   *wrong = filter_truncate_wrong(call);
	int			room = filter_int(call, 0);
	int			left;
	uint32		before = 0;
	const char *cut = text;

	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s", wrong)));
	if (count_characters(text) <= room)
		return filter_string(json_text(value), strlen(json_text(value)));
	left = room - count_characters(ending);
	for (const char *at = text; left >= 0; left--)
	{
		int			len;

		if (at == text || !joins(at, before))
			cut = at;
		before = utf8_read(at, &len);
		at += len;
	}
	text = psprintf("%.*s%s", (int) (cut - text), text, ending);
	text = pg_any_to_server(text, strlen(text), PG_UTF8);
	return filter_string(text, strlen(text));
}
