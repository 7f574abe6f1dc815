/*
 * error_class.c
 *	  What errors have in common: an error without what differs each time.
 *
 * The text is read from left to right.  At each place the patterns are tried
 * in an order in which the longer ones go first: a uuid before a number, an
 * address before the words that it consists of.  What no pattern takes is
 * copied.  No placeholder is itself taken by a pattern, but for the quotes,
 * which are replaced by themselves: so the class of a class is itself.
 *
 * Pure: values in, values out.  Any process.
 */
#include "postgres.h"
#include "compat.h"

#include "base/error_class.h"
#include "lib/stringinfo.h"

#define UUID_TEXT_LEN 36

/* Letters of a unit that stands directly after a number: "30ms", "16kB". */
#define MAX_UNIT 3

/* Digits of an HTTP status. */
#define STATUS_DIGITS 3

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A byte of a multibyte character counts as a letter. */
static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		IS_HIGHBIT_SET(c);
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_word(char c)
{
	return is_digit(c) || is_letter(c);
}

static int
count_digits(const char *p)
{
	int			n = 0;

	while (is_digit(p[n]))
		n++;
	return n;
}

/*--- patterns: each returns how many bytes it takes at p, 0: none ---*/

static int
match_uuid(const char *p)
{
	for (int i = 0; i < UUID_TEXT_LEN; i++)
	{
		bool		dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? p[i] != '-' : !is_hex(p[i]))
			return 0;
	}
	return is_word(p[UUID_TEXT_LEN]) ? 0 : UUID_TEXT_LEN;
}

/* "...", with "" in it; '...', unless the quote is an apostrophe. */
static int
match_quoted(const char *start, const char *p)
{
	char		quote = *p;
	int			n = 1;

	if (quote != '"' && quote != '\'')
		return 0;
	if (quote == '\'' && p > start && is_word(p[-1]))
		return 0;
	for (;; n++)
	{
		if (p[n] == '\0')
			return 0;
		if (p[n] != quote)
			continue;
		if (quote == '"' && p[n + 1] == quote)
			n++;
		else if (quote == '"' || !is_word(p[n + 1]))
			return n + 1;
	}
}

/* n without the punctuation that p[0..n) ends with: the sentence's. */
static int
without_punctuation(const char *p, int n)
{
	while (n > 0 && strchr(".,;:!?)]}>'", p[n - 1]) != NULL)
		n--;
	return n;
}

/* scheme://... up to a blank or a quote. */
static int
match_url(const char *p)
{
	int			n = 0;

	while ((p[n] >= 'a' && p[n] <= 'z') || (n > 0 && is_digit(p[n])))
		n++;
	if (n == 0 || strncmp(p + n, "://", 3) != 0)
		return 0;
	while ((unsigned char) p[n] > ' ' && p[n] != '"')
		n++;
	return without_punctuation(p, n);
}

/* name@host */
static int
match_mail(const char *p)
{
	int			n = 0;
	int			at;

	while (is_word(p[n]) || (p[n] != '\0' && strchr("._%+-", p[n]) != NULL))
		n++;
	at = n;
	if (at == 0 || p[at] != '@')
		return 0;
	n++;
	while (is_word(p[n]) || p[n] == '.' || p[n] == '-')
		n++;
	n = without_punctuation(p, n);
	return n > at + 1 ? n : 0;
}

/* 10.0.0.1, 10.0.0.1:80 */
static int
match_ipv4(const char *p)
{
	int			n = 0;

	for (int part = 0; part < 4; part++)
	{
		int			digits = count_digits(p + n);

		if (digits == 0 || digits > 3)
			return 0;
		n += digits;
		if (part == 3)
			break;
		if (p[n] != '.')
			return 0;
		n++;
	}
	if (p[n] == ':' && is_digit(p[n + 1]))
		n += 1 + count_digits(p + n + 1);
	return is_word(p[n]) ? 0 : n;
}

/* fe80::1, 2001:db8:0:0:0:0:0:1: hexadecimal groups, or "::" */
static int
match_ipv6(const char *p)
{
	int			n = 0;
	int			colons = 0;
	bool		empty = false;

	while (is_hex(p[n]) || p[n] == ':')
	{
		if (p[n] == ':')
		{
			colons++;
			empty = empty || p[n + 1] == ':';
		}
		n++;
	}
	if (n < 3 || is_word(p[n]) || colons < 2 || (!empty && colons != 7))
		return 0;
	return without_punctuation(p, n);
}

/* 17, -1.5, 1,000, 2026-11-26T10:02:11.5, +96170123456 */
static int
match_number(const char *p)
{
	int			n = p[0] == '+' ? 1 : 0;
	int			digits = count_digits(p + n);

	if (digits == 0)
		return 0;
	n += digits;
	while (p[n] != '\0' && strchr(".,:/-+T", p[n]) != NULL && is_digit(p[n + 1]))
		n += 1 + count_digits(p + n + 1);
	return n;
}

/*--- what stays ---*/

/* Does the text before p end with that word and a blank? */
static bool
follows(const char *start, const char *p, const char *word)
{
	int			len = strlen(word);

	return p - start > len && p[-1] == ' ' &&
		pg_strncasecmp(p - 1 - len, word, len) == 0 &&
		(p - 1 - len == start || !is_word(p[-2 - len]));
}

/* A number that says which error it is. */
static int
match_code(const char *start, const char *p)
{
	int			n = count_digits(p);

	if (n == 0 || is_word(p[n]))
		return 0;
	if (n == STATUS_DIGITS && follows(start, p, "HTTP"))
		return n;
	return follows(start, p, "error") || follows(start, p, "code") ? n : 0;
}

/*--- words ---*/

/*
 * Appends a word: letters and digits.  Of "order17" and "30ms" the number is
 * replaced; a word that mixes them otherwise is an identifier, all of it.
 * Returns its length.
 */
static int
append_word(StringInfo out, const char *p)
{
	int			letters = 0;
	int			digits;
	int			n;

	while (is_letter(p[letters]))
		letters++;
	digits = count_digits(p + letters);
	for (n = letters + digits; is_word(p[n]);)
		n++;
	if (digits == 0)
		appendBinaryStringInfo(out, p, n);
	else if (n == letters + digits)
		appendStringInfo(out, "%.*s<number>", letters, p);
	else
		appendStringInfoString(out, "<id>");
	return n;
}

/* The same of what begins with a number. */
static int
append_number(StringInfo out, const char *p, int n)
{
	int			unit = 0;

	while (is_letter(p[n + unit]) && unit <= MAX_UNIT)
		unit++;
	if (unit <= MAX_UNIT && !is_digit(p[n + unit]))
	{
		appendStringInfo(out, "<number>%.*s", unit, p + n);
		return n + unit;
	}
	while (is_word(p[n]))
		n++;
	appendStringInfoString(out, "<id>");
	return n;
}

/*
 * Appends what stands for the pattern at p, or the character itself; returns
 * how many bytes of p that took.
 */
static int
append_next(StringInfo out, const char *start, const char *p)
{
	int			n;

	if ((n = match_quoted(start, p)) > 0)
		appendStringInfo(out, "%c...%c", *p, *p);
	else if ((n = match_uuid(p)) > 0)
		appendStringInfoString(out, "<uuid>");
	else if ((n = match_url(p)) > 0 || (n = match_mail(p)) > 0 ||
			 (n = match_ipv4(p)) > 0 || (n = match_ipv6(p)) > 0)
		appendStringInfoString(out, "<address>");
	else if ((n = match_code(start, p)) > 0)
		appendBinaryStringInfo(out, p, n);
	else if ((n = match_number(p)) > 0)
		n = append_number(out, p, n);
	else if (is_letter(*p))
		n = append_word(out, p);
	else
	{
		appendStringInfoChar(out, *p);
		n = 1;
	}
	return n;
}

/* Where the error begins: after 'step "name": ', which has no quote in it. */
static const char *
skip_step(const char *message)
{
	static const char prefix[] = "step \"";
	const char *end;

	if (strncmp(message, prefix, strlen(prefix)) != 0)
		return message;
	end = strchr(message + strlen(prefix), '"');
	return end != NULL && strncmp(end, "\": ", 3) == 0 ? end + 3 : message;
}

char *
error_class(const char *message)
{
	StringInfoData out;
	const char *start = skip_step(message);

	initStringInfo(&out);
	for (const char *p = start; *p != '\0';)
		p += append_next(&out, start, p);
	return out.data;
}
