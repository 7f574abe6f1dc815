/*
 * cron.c
 *	  Reading times in the language of cron.
 *
 * Pure: text in, sets of numbers out.  Runs in any process.  cron_next.c
 * finds the moments.
 *
 * The language is that of the usual cron (crontab(5)), but nothing is taken
 * silently that cron itself would refuse or that means something else in
 * another scheduler: six fields, "?", "L", "W", "#" and a step after a single
 * number are refused.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/cron.h"

#define MAX_CRON_BYTES 255

typedef struct CronField
{
	const char *name;
	int			min;
	int			max;			/* of what may be written */
	const char *const *words;	/* for min, min + 1 ...; or NULL */
	int			nwords;
} CronField;

static const char *const month_words[] = {
	"jan", "feb", "mar", "apr", "may", "jun",
	"jul", "aug", "sep", "oct", "nov", "dec"
};

static const char *const weekday_words[] = {
	"sun", "mon", "tue", "wed", "thu", "fri", "sat"
};

enum
{
	FIELD_MINUTE,
	FIELD_HOUR,
	FIELD_DAY,
	FIELD_MONTH,
	FIELD_WEEKDAY,
	NFIELDS
};

static const CronField fields[NFIELDS] = {
	{"minute", 0, 59, NULL, 0},
	{"hour", 0, 23, NULL, 0},
	{"day of month", 1, 31, NULL, 0},
	{"month", 1, 12, month_words, lengthof(month_words)},
	{"day of week", 0, 7, weekday_words, lengthof(weekday_words)}
};

static const struct
{
	const char *name;
	const char *meaning;
}			nicknames[] = {
	{"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
	{"@monthly", "0 0 1 * *"},
	{"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},
	{"@midnight", "0 0 * * *"},
	{"@hourly", "0 * * * *"}
};

/*
 * Reads a number, or a word of the field, at *p, and moves *p past it.
 * False: there is none, or it is not in the field's range.
 */
static bool
read_number(const CronField *field, const char **p, int *number)
{
	const char *start = *p;
	size_t		len = 0;

	if (isdigit((unsigned char) *start))
	{
		int			n = 0;

		while (isdigit((unsigned char) start[len]) && n <= field->max)
			n = n * 10 + (start[len++] - '0');
		*p = start + len;
		*number = n;
		return n >= field->min && n <= field->max;
	}

	while (isalpha((unsigned char) start[len]))
		len++;
	for (int i = 0; i < field->nwords; i++)
	{
		if (len == strlen(field->words[i]) &&
			pg_strncasecmp(start, field->words[i], len) == 0)
		{
			*p = start + len;
			*number = field->min + i;
			return true;
		}
	}
	return false;
}

/*
 * Reads "/n" at *p, if it is there.  *step is 1 without it.  False: it is
 * malformed.
 */
static bool
read_step(const CronField *field, const char **p, int *step)
{
	int			n = 0;

	*step = 1;
	if (**p != '/')
		return true;
	++*p;
	if (!isdigit((unsigned char) **p))
		return false;
	while (isdigit((unsigned char) **p) && n <= field->max)
		n = n * 10 + (*(*p)++ - '0');
	*step = n;
	return n >= 1 && n <= field->max;
}

static char *
field_problem(const CronField *field, const char *what)
{
	return psprintf("%s in the field for the %s", what, field->name);
}

/*
 * Reads one element of a list at *p into *set: "*", a number or a range, the
 * first and the last of these with a step.  Returns as parse().
 */
static char *
read_element(const CronField *field, const char **p, uint64 *set,
			 const char **hint)
{
	int			first = field->min;
	int			last = field->max;
	int			step = 1;
	bool		single = false;

	if (**p == '*')
		++* p;
	else
	{
		if (!read_number(field, p, &first))
			return psprintf("is not valid in the field for the %s, which takes %d to %d",
							field->name, field->min, field->max);
		last = first;
		single = **p != '-';
		if (!single)
		{
			++*p;
			if (!read_number(field, p, &last))
				return field_problem(field, "has a range without a valid end");

			/* "sat-sun": Sunday is 7 as well. */
			if (field == &fields[FIELD_WEEKDAY] && last == 0 && first > 0)
				last = 7;
			if (last < first)
			{
				*hint = "Write it as two ranges, separated by a comma.";
				return field_problem(field, "has a range that ends before it begins");
			}
		}
	}

	if (single && **p == '/')
	{
		*hint = "A step follows \"*\" or a range, such as 5-59/15.";
		return field_problem(field, "has a step after a single number");
	}
	if (!read_step(field, p, &step))
		return field_problem(field, "has a step that is not valid");
	for (int i = first; i <= last; i += step)
		*set |= UINT64CONST(1) << i;
	return NULL;
}

/* A whole field at *p, up to a blank or the end.  Returns as parse(). */
static char *
read_field(const CronField *field, const char **p, uint64 *set,
		   const char **hint)
{
	*set = 0;
	for (;;)
	{
		char	   *problem = read_element(field, p, set, hint);

		if (problem != NULL)
			return problem;
		if (**p == '\0' || isspace((unsigned char) **p))
			return NULL;
		if (**p != ',')
			return field_problem(field, "has a character that is not understood");
		++*p;
	}
}

/* Is there a day that the months have? */
static bool
has_date(const Cron *cron)
{
	static const int days_of_month[] = {
		31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
	};

	for (int i = 0; i < 12; i++)
	{
		uint64		up_to_last = (UINT64CONST(2) << days_of_month[i]) - 1;
		uint32		days_there = (uint32) (up_to_last & ~UINT64CONST(1));

		if ((cron->months & (1U << (i + 1))) != 0 &&
			(cron->days & days_there) != 0)
			return true;
	}
	return false;
}

static char *
nickname_problem(const char *text, const char **hint)
{
	if (pg_strcasecmp(text, "@reboot") == 0)
	{
		*hint = "A schedule belongs to the database, which goes on after a restart.";
		return pstrdup("is not supported");
	}
	*hint = "It is one of @yearly, @monthly, @weekly, @daily, @hourly.";
	return pstrdup("is not known");
}

/* The five fields that "@daily" stands for; NULL: there is no such name. */
static const char *
meaning_of(const char *nickname)
{
	for (int i = 0; i < lengthof(nicknames); i++)
	{
		if (pg_strcasecmp(nickname, nicknames[i].name) == 0)
			return nicknames[i].meaning;
	}
	return NULL;
}

/* What cron_parse() returns as its mistake; *p is where it is in the text. */
static char *
parse(const char *text, const char **p, Cron *cron, const char **hint)
{
	const char *starts[NFIELDS];
	uint64		sets[NFIELDS];

	if (strlen(text) > MAX_CRON_BYTES)
		return psprintf("has more than %d bytes", MAX_CRON_BYTES);
	if (text[0] == '@')
	{
		const char *meaning = meaning_of(text);

		if (meaning == NULL)
			return nickname_problem(text, hint);
		*p = meaning;
	}

	for (int i = 0; i < NFIELDS; i++)
	{
		char	   *problem;

		while (isspace((unsigned char) **p))
			++* p;
		if (**p == '\0')
		{
			*hint = "The fields are minute, hour, day of month, month, day of week.";
			return psprintf("has %d fields, not five", i);
		}
		starts[i] = *p;
		problem = read_field(&fields[i], p, &sets[i], hint);
		if (problem != NULL)
			return problem;
	}
	while (isspace((unsigned char) **p))
		++* p;
	if (**p != '\0')
	{
		*hint = "The fields are minute, hour, day of month, month, day of week; there are none for seconds and years.";
		return pstrdup("has more than five fields");
	}

	cron->minutes = sets[FIELD_MINUTE];
	cron->hours = (uint32) sets[FIELD_HOUR];
	cron->days = (uint32) sets[FIELD_DAY];
	cron->months = (uint32) sets[FIELD_MONTH];
	/* Sunday is 0 and 7 */
	cron->weekdays = (uint32) ((sets[FIELD_WEEKDAY] |
								sets[FIELD_WEEKDAY] >> 7) & 0x7F);
	cron->either_day = starts[FIELD_DAY][0] != '*' &&
		starts[FIELD_WEEKDAY][0] != '*';
	cron->by_elapsed_time = starts[FIELD_HOUR][0] == '*';
	if (!cron->either_day && !has_date(cron))
	{
		*p = text;
		*hint = "None of its months has such a day.";
		return pstrdup("is a date that never comes");
	}
	return NULL;
}

bool
cron_parse(const char *text, Cron *cron, Mistake *mistake)
{
	const char *p = text;

	mistake->code = "bad_cron";
	mistake->hint = NULL;
	mistake->message = parse(text, &p, cron, &mistake->hint);
	if (mistake->message == NULL)
		return true;
	mistake->offset = p - text; /* p has left text only for a known nickname */
	return false;
}
