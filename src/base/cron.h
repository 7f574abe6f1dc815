/*
 * cron.h
 *	  Times in the language of cron: reading them, and when the next one is.
 *
 * Pure but for the server's time zone database.
 */
#ifndef WF_CRON_H
#define WF_CRON_H

#include "postgres.h"
#include "base/problems.h"
#include "datatype/timestamp.h"
#include "pgtime.h"

/* Sets of numbers: bit n is set if n belongs to the set. */
typedef struct Cron
{
	uint64		minutes;		/* 0 to 59 */
	uint32		hours;			/* 0 to 23 */
	uint32		days;			/* of the month, 1 to 31 */
	uint32		months;			/* 1 to 12 */
	uint32		weekdays;		/* 0 to 6, 0 is Sunday */
	bool		either_day;		/* day of month and day of week are both
								 * given: one of them is enough */
	bool		by_elapsed_time;	/* the hour field begins with "*" */
} Cron;

/*
 * Reads five fields (minute, hour, day of month, month, day of week) or one
 * of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly.
 *
 * A field is "*", or a list of numbers and ranges "a-b"; "*" and a range may
 * have a step ("/n").  Months and days of the week may be written as the
 * first three letters of their English names; day 7 is Sunday.
 *
 * False after filling *mistake, whose message is to follow the text.  A date
 * that never comes, such as 30 February, is a mistake too.
 */
extern bool cron_parse(const char *text, Cron *cron, Mistake *mistake);

/*
 * The first moment after the given one at which it is that time in that zone;
 * 0 if it never is.
 *
 * If clocks are changed: a local time that does not exist is the first moment
 * after the gap, and one that comes twice is its first.  But if the hour
 * field begins with "*", every minute that has passed counts, by what the
 * clock on the wall shows then.
 */
extern TimestampTz cron_next(const Cron *cron, pg_tz *zone,
							 TimestampTz after);

#endif							/* WF_CRON_H */
