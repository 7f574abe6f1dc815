/*
 * filter_format.c
 *	  Numbers and times as text, by pictures of to_char.
 *
 * to_char makes the text.  The checks here raise an error if its text would be
 * wrong: it prints "###" for a number that does not fit, and reads "THH" as an
 * ordinal.  It knows no time zone but the session's, so that is changed while
 * it runs.  POSIX zones are refused, since their sign is the opposite of ISO
 * 8601's ("UTC+3" is west).
 *
 * Pure, but for the session's TimeZone if no zone is given or a text has none,
 * and for lc_time and lc_numeric, which to_char reads.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/problems.h"
#include "base/time_zone.h"
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

/* How often does the character occur in string[0..len)? */
static int
count_character(const char *string, int len, char c)
{
	int			n = 0;

	for (int i = 0; i < len; i++)
		n += string[i] == c;
	return n;
}

/*
 * The picture in capitals, with a double quote for each byte that is within
 * double quotes or escaped; palloc'd.
 */
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

/* Raises 22023. */
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

/* For messages; palloc'd. */
static char *
number_text(Numeric number)
{
	return DatumGetCString(DirectFunctionCall1(numeric_out,
											   NumericGetDatum(number)));
}

text *
format_number(Numeric number, const char *picture)
{
	Datum		datum;
	text	   *result;

	check_number_picture(picture);
	if (numeric_is_nan(number) || numeric_is_inf(number))
		bad_argument("%s is no number to print",
					 number_text(number));
	datum = DirectFunctionCall2Coll(numeric_to_char, DEFAULT_COLLATION_OID,
									NumericGetDatum(number),
									CStringGetTextDatum(picture));
	result = DatumGetTextPP(datum);
	if (count_character(VARDATA_ANY(result), VARSIZE_ANY_EXHDR(result), '#') >
		count_character(picture, strlen(picture), '#'))
		bad_argument("%s does not fit the picture \"%s\"",
					 number_text(number),
					 picture);
	return result;
}

/*--- time zones ---*/

/* The number of two digits, if it is less than limit; else -1. */
static int
two_digits(const char *digits, int limit)
{
	int			n;

	if (!isdigit((unsigned char) digits[0]) ||
		!isdigit((unsigned char) digits[1]))
		return -1;
	n = (digits[0] - '0') * 10 + digits[1] - '0';
	return n < limit ? n : -1;
}

/* Is it +03, +0300 or +03:00?  If so, *seconds east of Greenwich are set. */
static bool
read_offset(const char *offset, int *seconds)
{
	const char *rest = offset + 1;
	int			hours;
	int			minutes = 0;

	if (*offset != '+' && *offset != '-')
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
	if (*offset == '-')
		*seconds = -*seconds;
	return true;
}

/* The zone of that name or offset.  Raises 22023. */
static pg_tz *
find_zone(const char *text)
{
	pg_tz	   *zone;
	int			east;

	if (strcmp(text, "Z") == 0)
		text = "UTC";

	if (read_offset(text, &east))
		return pg_tzset_offset(-east);	/* which counts to the west */
	zone = time_zone_named(text);
	if (zone == NULL)
		bad_argument("\"%s\" is neither the name of a time zone nor an offset such as \"+03:00\"",
					 text);
	return zone;
}

/*--- moments ---*/

/* Raises 22023. */
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

/* Raises what timestamptz_in raises. */
static TimestampTz
read_time(const char *moment)
{
	Datum		time = DirectFunctionCall3(timestamptz_in,
										   CStringGetDatum(moment),
										   ObjectIdGetDatum(InvalidOid),
										   Int32GetDatum(-1));

	return DatumGetTimestampTz(time);
}

/* The same only for the error; arg points to the text. */
static void
try_moment(void *arg)
{
	const char **moment = arg;

	(void) read_time(*moment);
}

/* The length of a date such as 2026-03-01 at the beginning of text, or 0. */
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
 * The day, if moment is a day without a time of day; else NULL.  An offset
 * after a day has no meaning and is left out.
 */
static const char *
day_of(const char *moment)
{
	int			length = iso_date_length(moment);
	int			seconds;
	const char *with_time;

	if (length > 0 && (moment[length] == '\0' ||
					   strcmp(moment + length, "Z") == 0 ||
					   read_offset(moment + length, &seconds)))
		return pnstrdup(moment, length);
	if (strchr(moment, ':') != NULL)
		return NULL;
	/* in another spelling: a day is what a time of day may follow */
	with_time = psprintf("%s 00:00:00", moment);
	return problem_catch(try_moment, &with_time) == NULL ? moment : NULL;
}

/*
 * Prints the time, or midnight of the day if day is not NULL, in the session's
 * zone.  Raises 22008 for infinity.
 */
static Datum
print(TimestampTz moment, const char *day, const char *picture)
{
	if (day != NULL)
		moment = read_time(day);
	if (TIMESTAMP_NOT_FINITE(moment))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("an infinite time cannot be printed")));
	return DirectFunctionCall2Coll(timestamptz_to_char, DEFAULT_COLLATION_OID,
								   TimestampTzGetDatum(moment),
								   CStringGetTextDatum(picture));
}

/*
 * The same in that zone, which becomes the session's while to_char runs: it
 * has no argument for a zone.
 */
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
	value = read_time(moment);
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
