/*
 * phone.c
 *	  Phone numbers as people write them, made what a provider wants.
 *
 * Pure: text in, text out, in the current memory context.
 *
 * A number is read twice: first its characters become digits, plus signs and
 * brackets of ASCII, with what only divides or directs left out; then these
 * become a number of E.164.  What is neither digit nor known sign is refused
 * rather than dropped, since two numbers in one text, or an extension, would
 * make a third number that belongs to somebody else.
 */
#include "postgres.h"
#include "compat.h"

#include "base/phone.h"
#include "base/utf8.h"
#include "lib/stringinfo.h"

#define MIN_DIGITS 7			/* the shortest numbers of the ITU's list */
#define MAX_DIGITS 15			/* E.164, 6.1 */
#define QUOTED_BYTES 60

/* Does it only divide groups of digits? */
static bool
divides(uint32 c)
{
	return c == '\t' || utf8_is_blank(c) || utf8_is_invisible(c) ||
		c == '.' || c == '-' || (c >= 0x2010 && c <= 0x2015) ||
		c == 0x2212 || c == 0xFE63 || c == 0xFF0D ||	/* dashes, minus */
		c == 0x00B7 || c == 0x2024; /* dots */
}

/* The sign of ASCII that c stands for, or 0. */
static char
sign_of(uint32 c)
{
	switch (c)
	{
		case '+':
		case 0xFF0B:
			return '+';
		case '(':
		case '[':
		case 0xFF08:
			return '(';
		case ')':
		case ']':
		case 0xFF09:
			return ')';
		default:
			return '\0';
	}
}

/* Does it stand between several numbers? */
static bool
is_between_numbers(uint32 c)
{
	return c == ',' || c == ';' || c == '/' || c == '|' || c == '\n' ||
		c == '\r' || c == 0x060C || c == 0x061B;	/* Arabic , and ; */
}

/* text as digits, "+", "(" and ")"; NULL with *wrong set. */
static char *
read_signs(const char *text, char **wrong)
{
	StringInfoData signs;
	int			len;

	initStringInfo(&signs);
	for (const char *p = text; *p; p += len)
	{
		uint32		c = utf8_read(p, &len);
		int			digit = utf8_digit(c);
		char		sign = sign_of(c);

		if (digit >= 0)
			appendStringInfoChar(&signs, (char) ('0' + digit));
		else if (sign != '\0')
			appendStringInfoChar(&signs, sign);
		else if (!divides(c))
		{
			*wrong = is_between_numbers(c)
				&& strpbrk(signs.data, "0123456789") != NULL
				? pstrdup("it seems to hold several numbers")
				: psprintf("\"%s\" cannot stand in it",
						   utf8_quote(pnstrdup(p, len), 8));
			return NULL;
		}
	}
	return signs.data;
}

/*
 * The digits of the signs, without a (0) after others; *plus: one stood
 * before them.  NULL with *wrong set.
 */
static char *
read_digits(const char *signs, bool *plus, char **wrong)
{
	StringInfoData digits;

	initStringInfo(&digits);
	*plus = false;
	for (const char *p = signs; *p; p++)
	{
		if (*p == '+')
		{
			if (*plus || digits.len > 0)
			{
				*wrong = pstrdup(digits.len > 0
								 ? "\"+\" can only stand before its digits"
								 : "it has more than one \"+\"");
				return NULL;
			}
			*plus = true;
		}
		else if (digits.len > 0 && strncmp(p, "(0)", 3) == 0)
			p += 2;
		else if (*p != '(' && *p != ')')
			appendStringInfoChar(&digits, *p);
	}
	if (digits.len == 0)
		*wrong = pstrdup("it has no digit");
	return digits.len > 0 ? digits.data : NULL;
}

/*
 * What is dialled inside a country before a number and not from abroad: in
 * most it is a 0.  In these it is part of the number, or is longer.
 */
static const char *
without_trunk(const char *digits, const char *country)
{
	static const char *const kept[] = {"39", "378", "225", "242"};

	for (int i = 0; i < lengthof(kept); i++)
	{
		if (strcmp(country, kept[i]) == 0)
			return digits;
	}
	if (strcmp(country, "36") == 0 && digits[1] == '6')
		return digits + 2;
	return digits + 1;
}

/* The number with its country code, without the plus; NULL with *wrong. */
static char *
with_country(const char *digits, bool plus, const char *country, char **wrong)
{
	if (!plus && digits[0] == '0' && digits[1] == '0')
	{
		plus = true;
		digits += 2;
	}
	if (plus && digits[0] == '0')
	{
		*wrong = pstrdup("no country code begins with 0");
		return NULL;
	}
	if (digits[0] != '0')
		return pstrdup(digits);
	if (country == NULL)
	{
		*wrong = pstrdup("it begins with 0 and has no country code, and the "
						 "connection has no \"default_country\"");
		return NULL;
	}
	return psprintf("%s%s", country, without_trunk(digits, country));
}

char *
phone_normalize(const char *text, const char *country, char **wrong)
{
	char	   *why = NULL;
	char	   *number = read_signs(text, &why);
	bool		plus;
	int			n;

	if (number != NULL && number[0] == '\0')
	{
		*wrong = pstrdup("is empty");
		return NULL;
	}
	if (number != NULL)
		number = read_digits(number, &plus, &why);
	if (number != NULL)
		number = with_country(number, plus, country, &why);
	n = number != NULL ? strlen(number) : 0;
	if (number != NULL && (n < MIN_DIGITS || n > MAX_DIGITS))
		why = psprintf("with its country code it has %d digit%s, and a phone "
					   "number has %d to %d", n, n == 1 ? "" : "s",
					   MIN_DIGITS, MAX_DIGITS);
	if (why == NULL)
		return psprintf("+%s", number);
	*wrong = psprintf("is not a phone number: \"%s\" (%s)",
					  utf8_quote(text, QUOTED_BYTES), why);
	return NULL;
}
