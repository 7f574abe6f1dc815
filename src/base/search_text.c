/*
 * search_text.c
 *	  Texts that people type to find something, in any script.
 *
 * Pure: text in, text out, in the current memory context.  Any process.
 *
 * What is typed differs from what is stored in ways that nobody sees or means:
 * digits of a keyboard's script, marks of direction that were copied with a
 * number, vowel marks, one of several letters that look alike.  It does not
 * depend on the locale of the database: letters of Latin, Greek and Cyrillic
 * are made lower case here.
 */
#include "postgres.h"
#include "compat.h"

#include "base/search_text.h"
#include "base/utf8.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#define NUMERO_SIGN 0x2116

/* Does it only say how the letter before it is pronounced or drawn? */
static bool
is_mark(uint32 c)
{
	return (c >= 0x0610 && c <= 0x061A) || c == 0x0640 ||
		(c >= 0x064B && c <= 0x065F) || c == 0x0670 ||
		(c >= 0x06D6 && c <= 0x06DC) || (c >= 0x06DF && c <= 0x06E8) ||
		(c >= 0x06EA && c <= 0x06ED) || (c >= 0x0300 && c <= 0x036F);
}

static bool
is_space(uint32 c)
{
	return utf8_is_blank(c) || utf8_is_control(c);
}

/* Does it end a word? */
static bool
is_separator(uint32 c)
{
	if (c < 0x80)
		return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
				 (c >= 'a' && c <= 'z'));
	return is_space(c) || (c >= 0x2010 && c <= 0x2027) || c == NUMERO_SIGN ||
		c == 0x060C || c == 0x061B || c == 0x061F || c == 0x066A ||
		c == 0x06D4 || (c >= 0x00A1 && c <= 0x00BF && c != 0x00AA &&
						c != 0x00B5 && c != 0x00BA);
}

static uint32
lower(uint32 c)
{
	if ((c >= 'A' && c <= 'Z') ||
		(c >= 0x00C0 && c <= 0x00DE && c != 0x00D7) ||
		(c >= 0x0391 && c <= 0x03A9) || (c >= 0x0410 && c <= 0x042F))
		return c + 32;
	if (c >= 0x0400 && c <= 0x040F)
		return c + 80;
	return c;
}

/* The letter that c is compared as. */
static uint32
fold(uint32 c)
{
	switch (c)
	{
		case 0x0622:			/* alef with madda, hamza, wasla */
		case 0x0623:
		case 0x0625:
		case 0x0671:
			return 0x0627;
		case 0x0649:			/* alef maksura, Persian yeh: yeh */
		case 0x06CC:
			return 0x064A;
		case 0x0629:			/* teh marbuta: heh */
			return 0x0647;
		case 0x06A9:			/* Persian kaf */
			return 0x0643;
		default:
			return lower(c);
	}
}

static void
append_char(StringInfo buf, uint32 c)
{
	unsigned char bytes[8];

	unicode_to_utf8(c, bytes);
	appendBinaryStringInfo(buf, (char *) bytes, pg_utf_mblen(bytes));
}

/*--- words ---*/

static const char article[] = "\xD8\xA7\xD9\x84";	/* alef, lam */

/* Appends what is in buf as a word, and empties buf. */
static List *
end_word(List *words, StringInfo buf)
{
	const char *word = buf->data;

	if (buf->len == 0)
		return words;
	/* with what is left of it a word of three letters, two bytes each */
	if (buf->len >= strlen(article) + 6 &&
		strncmp(word, article, strlen(article)) == 0)
		word += strlen(article);
	words = lappend(words, pstrdup(word));
	resetStringInfo(buf);
	return words;
}

List *
search_words(const char *text)
{
	List	   *words = NIL;
	StringInfoData buf;
	bool		after_small = false;
	int			len;

	initStringInfo(&buf);
	for (; *text; text +=len)
	{
		uint32		c = utf8_read(text, &len);
		bool		is_capital = c >= 'A' && c <= 'Z';

		if (utf8_is_invisible(c) || is_mark(c))
			continue;
		if (is_separator(c) || (is_capital && after_small))
			words = end_word(words, &buf);
		after_small = c >= 'a' && c <= 'z';
		if (is_separator(c))
			continue;
		if (utf8_digit(c) >= 0)
			appendStringInfoChar(&buf, (char) ('0' + utf8_digit(c)));
		else
			append_char(&buf, fold(c));
	}
	return end_word(words, &buf);
}

bool
search_is_filler(const char *word)
{
	static const char *const fillers[] = {
		"\xD8\xB1\xD9\x82\xD9\x85", /* number, in Arabic */
		"no", "nr", "number"
	};

	for (int i = 0; i < lengthof(fillers); i++)
	{
		if (strcmp(word, fillers[i]) == 0)
			return true;
	}
	return false;
}

/*--- values ---*/

char *
search_value(const char *text)
{
	StringInfoData buf;
	bool		blank = false;
	int			len;

	initStringInfo(&buf);
	for (; *text; text +=len)
	{
		uint32		c = utf8_read(text, &len);

		if (utf8_is_invisible(c) || is_mark(c))
			continue;
		if (is_space(c))
		{
			blank = buf.len > 0;
			continue;
		}
		if (buf.len == 0 && (c == '#' || c == NUMERO_SIGN))
			continue;
		if (blank)
			appendStringInfoChar(&buf, ' ');
		blank = false;
		if (utf8_digit(c) >= 0)
			appendStringInfoChar(&buf, (char) ('0' + utf8_digit(c)));
		else
			appendBinaryStringInfo(&buf, text, len);
	}
	return buf.data;
}

List *
search_split(const char *text)
{
	List	   *parts = NIL;
	const char *start = NULL;
	int			len;

	for (; *text; text +=len)
	{
		uint32		c = utf8_read(text, &len);

		if (!is_space(c))
			start = start != NULL ? start : text;

		else if (start != NULL)
		{
			parts = lappend(parts, pnstrdup(start, text -start));
			start = NULL;
		}
	}
	return start != NULL ? lappend(parts, pstrdup(start)) : parts;
}
