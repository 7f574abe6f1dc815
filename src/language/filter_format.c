/*
 * filter_format.c
 *	  Numbers and moments as text, by pictures.
 *
 * The work is to_char's.  What is added here keeps it from making a wrong
 * text in silence: it prints "###" for a number that does not fit, knows no
 * time zone but the session's, reads "THH" as an ordinal, and takes POSIX
 * zones, whose sign is the reverse of ISO 8601's ("UTC+3" is west).
 *
 * Pure, but for the session's TimeZone if no zone is given or a text has
 * none, and lc_time and lc_numeric, as to_char does.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/problems.h"
#include "catalog/pg_collation_d.h"
#include "language/filter_format.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/formatting.h"
#include "utils/timestamp.h"

/* As seconds this is the year 5138; as milliseconds, 1973. */
#define FIRST_MILLISECONDS 1e11

#define bad_argument(...) \
	ereport(ERROR, \
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg(__VA_ARGS__)))

/*--- pictures ---*/

/* How often has text the character, within double quotes or not? */
static int
count_character(const char *text, int len, char c)
{
	int			n = 0;

	for (int i = 0; i < len; i++)
		n += text[	i] == c;

	return n;
}

/* The picture without what stands in double quotes. */
static char *
unquoted_part(const char *picture)
{
	char	   *part = palloc(strlen(picture) + 1);
	char	   *end = part;
	bool		in_quotes = false;

	for (; *picture; picture++)
	{
		if (*picture == '"')
			in_quotes = !in_quotes;
		/* an escaped character stands for itself in the quotes as well */
		if (*picture == '\\' && picture[1] != '\0')
			picture++;
		else if (*picture != '"' && !in_quotes)
			*end++ = pg_toupper((unsigned char) *picture);
		else
			*end++ = '"';
	}
	*end = '\0';
	return part;
}

/*--- numbers ---*/

static void
check_number_picture(const char *picture)
{
	char	   *part = unquoted_part(picture);

	if (strchr(part, '#') != NULL)
		bad_argument("\"%s\" is no picture of a number (a digit is 9 or 0, not #)",
					 picture);
	if (strpbrk(part, "90") == NULL && strstr(part, "RN") == NULL)
		bad_argument("\"%s\" is no picture of a number (it has no digit, 9 or 0)",
					 picture);
	pfree(part);
}

text *
format_number(Numeric number, const char *picture)
{
	Datum		datum;
	text	   *result;

	check_number_picture(picture);
	if (numeric_is_nan(number) || numeric_is_inf(number))
		bad_argument("%s is no number to print",
					 DatumGetCString(DirectFunctionCall1(numeric_out,
														 NumericGetDatum(number))));
	datum = DirectFunctionCall2Coll(numeric_to_char, DEFAULT_COLLATION_OID,
									NumericGetDatum(number),
									CStringGetTextDatum(picture));
	result = DatumGetTextPP(datum);
	if (count_character(VARDATA_ANY(result), VARSIZE_ANY_EXHDR(result), '#') >
		count_character(picture, strlen(picture), '#'))
		bad_argument("%s does not fit the picture \"%s\"",
					 DatumGetCString(DirectFunctionCall1(numeric_out,
														 NumericGetDatum(number))),
					 picture);
	return result;
}

/*--- time zones ---*/

/* Two digits below limit; -1 if there are none. */
static int
two_digits(const char *text, int limit)
{
	int			n;

	if (!isdigit((unsigned char) text[0]) || !isdigit((unsigned char) text[1]))
		return -1;
	n = (text[0] - '0') *10 + text[1] - '0';

	return n < limit ? n : -1;
}

/* Is it +03, +0300 or +03:00?  Then *seconds east of Greenwich. */
static bool
read_offset(const char *text, int *seconds)
{
	const char *rest = text +1;
	int			hours;
	int			minutes = 0;

	if (*text !='+' && *text !='-')
		return false;
	hours = two_digits(rest, MAX_TZDISP_HOUR + 1);
	if (hours < 0)
		return false;
	rest += 2;
	if (*rest != '\0')
	{
		rest += *rest == ':';
		minutes = two_digits(rest, MINS_PER_HOUR);
		if (minutes < 0 || rest[2] != '\0')
			return false;
	}
	*seconds = hours * SECS_PER_HOUR + minutes * SECS_PER_MINUTE;
	if (*text == '-')
		*seconds = -*seconds;
	return true;
}

/*
 * Is it a zone of the time zone database?  pg_tzset also takes specifications
 * as POSIX has them, and names those in capitals.
 */
static bool
is_named_zone(const pg_tz *zone)
{
	static const char *const names[] = {
		"CST6CDT", "EST5EDT", "GMT+0", "GMT-0", "GMT0", "MST7MDT", "PST8PDT"
	};
	const char *name = pg_get_timezone_name(unconstify(pg_tz *, zone));

	if (strpbrk(name, "0123456789") == NULL)
		return true;
	for (const char *c = name; *c; c++)
		if (islower((unsigned char) *c))
			return true;
	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static pg_tz *
find_zone(const char *text)
{
	pg_tz	   *zone;
	int			east;

	if (strcmp(text, "Z") == 0)
		text = "UTC";

	if (read_offset(text, &east))
		return pg_tzset_offset(-east);	/* which counts to the west */
	zone = pg_tzset(text);
	if (zone == NULL || !is_named_zone(zone) || !pg_tz_acceptable(zone))
		bad_argument("\"%s\" is neither the name of a time zone nor an offset such as \"+03:00\"",
					 text);
	return zone;
}

/*--- moments ---*/

static void
check_date_picture(const char *picture)
{
	static const char *const hours[] = {"HH:MM", "HH12:MM", "HH24:MM"};
	char	   *part = unquoted_part(picture);

	if (strstr(part, "THH") != NULL)
		bad_argument("the T of the picture \"%s\" must stand in double quotes (TH makes an ordinal)",
					 picture);
	for (int i = 0; i < lengthof(hours); i++)
		if (strstr(part, hours[i]) != NULL)
			bad_argument("MM of the picture \"%s\" is the month (minutes are MI)",
						 picture);
	pfree(part);
}

static void
read_moment(void *arg)
{
	const char **text = arg;

	(void) DirectFunctionCall3(timestamptz_in, CStringGetDatum(*text),
							   ObjectIdGetDatum(InvalidOid),
							   Int32GetDatum(-1));
}

/* 2026-03-01: the length of the date that text begins with, else 0. */
static int
iso_date_length(const char *text)
{
	static const char model[] = "9999-99-99";

	for (int i = 0; model[i]; i++)
		if (model[i] == '9' ? !isdigit((unsigned char) text[i])
			: text[i] != model[i])
			return 0;
	return sizeof(model) - 1;
}

/*
 * If text is a day without a time, the day alone (an offset after it says
 * nothing then); else NULL.
 */
static const char *
day_of(const char *text)
{
	int			length = iso_date_length(text);
	int			offset;
	const char *with_time;

	if (length > 0 && (text[length] == '\0' ||
					   strcmp(text +length, "Z") == 0 ||
					   read_offset(text +length, &offset)))
		return pnstrdup(text, length);
	if (strchr(text, ':') != NULL)
		return NULL;
	/* in other spellings: it is one that can be followed by a time */
	with_time = psprintf("%s 00:00:00", text);
	return problem_catch(read_moment, &with_time) == NULL ? text : NULL;
}

/* The moment, or midnight of the day if there is one, in the session's zone. */
static Datum
print(TimestampTz moment, const char *day, const char *picture)
{
	if (day != NULL)
		moment = DatumGetTimestampTz(DirectFunctionCall3(
														 timestamptz_in, CStringGetDatum(day),
														 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	if (TIMESTAMP_NOT_FINITE(moment))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("an infinite time cannot be printed")));
	return DirectFunctionCall2Coll(timestamptz_to_char, DEFAULT_COLLATION_OID,
								   TimestampTzGetDatum(moment),
								   CStringGetTextDatum(picture));
}

/* The same in that zone: to_char knows no other than the session's. */
static text *
print_in(pg_tz *zone, TimestampTz moment, const char *day,
		 const char *picture)
{
	pg_tz	   *volatile save_zone = session_timezone;
	Datum		result;

	PG_TRY();
	{
		session_timezone = zone;
		result = print(moment, day, picture);
	}
	PG_FINALLY();
	{
		session_timezone = save_zone;
	}
	PG_END_TRY();
	return DatumGetTextPP(result);
}

text *
format_moment(const char *moment, const char *picture, const char *zone)
{
	pg_tz	   *tz = zone ? find_zone(zone) : session_timezone;
	TimestampTz value;
	const char *day;

	check_date_picture(picture);
	value = DatumGetTimestampTz(DirectFunctionCall3(
													timestamptz_in, CStringGetDatum(moment),
													ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	day = TIMESTAMP_NOT_FINITE(value) ? NULL : day_of(moment);
	return print_in(tz, value, day, picture);
}

text *
format_epoch(Numeric epoch, const char *picture, const char *zone)
{
	pg_tz	   *tz = zone ? find_zone(zone) : session_timezone;
	float8		seconds;
	Datum		moment;

	check_date_picture(picture);
	seconds = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
												 NumericGetDatum(epoch)));
	if (seconds >= FIRST_MILLISECONDS || seconds <= -FIRST_MILLISECONDS)
		seconds /= 1000;
	moment = DirectFunctionCall1(float8_timestamptz, Float8GetDatum(seconds));
	return print_in(tz, DatumGetTimestampTz(moment), NULL, picture);
}
