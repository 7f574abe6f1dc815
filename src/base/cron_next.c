/*
 * cron_next.c
 *	  The moments at which a schedule is due.
 *
 * Pure but for the server's time zone database.  Runs in any process.
 *
 * Times of a schedule are local ones.  They become moments here, in seconds
 * since 1970 (pg_time_t), since that is what the server's time zone code
 * speaks.
 */
#include "postgres.h"
#include "compat.h"

#include "base/cron.h"
#include "miscadmin.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/*
 * 29 February comes at least every eight years; on a day of the week that is
 * required as well (a field that begins with "*" and has a step), every 40.
 */
#define MAX_DAYS (41 * 366)

#define SECS_A_MINUTE 60

/* The moment of a local time that is given as if the zone were UTC. */
static pg_time_t
moment_of_local(pg_time_t local, pg_tz *zone)
{
	/* no zone is as far from UTC as that */
	pg_time_t	t = local - 2 * SECS_PER_DAY;
	pg_time_t	segment = PG_INT64_MIN;

	/* one turn for each stretch of time that has the same offset */
	for (;;)
	{
		pg_time_t	boundary;
		long		offset;
		long		next_offset;
		int			is_dst;
		int			next_is_dst;
		int			found;

		CHECK_FOR_INTERRUPTS();
		found = pg_next_dst_boundary(&t, &offset, &is_dst, &boundary,
									 &next_offset, &next_is_dst, zone);
		if (found < 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("timestamp out of range")));

		/*
		 * The first stretch that has that local time is right if it comes
		 * twice.  If it is before the stretch, no stretch had it: it is in
		 * the gap, and the stretch begins right after the gap.
		 */
		if (found == 0 || local - offset < boundary)
			return Max(local - offset, segment);
		segment = boundary;
		t = boundary;
	}
}

static bool
is_day(const Cron *cron, int month, int day, int weekday)
{
	bool		by_day = (cron->days & (1U << day)) != 0;
	bool		by_weekday = (cron->weekdays & (1U << weekday)) != 0;

	if ((cron->months & (1U << month)) == 0)
		return false;
	return cron->either_day ? by_day || by_weekday : by_day && by_weekday;
}

/* The first moment of a local day; day is a Julian day. */
static pg_time_t
begin_of_day(int day, pg_tz *zone)
{
	return moment_of_local((day - UNIX_EPOCH_JDATE) * (pg_time_t) SECS_PER_DAY,
						   zone);
}

/* The first moment after "after" on that day, by what the clock shows; 0. */
static pg_time_t
next_shown(const Cron *cron, int day, pg_tz *zone, pg_time_t after)
{
	pg_time_t	end = begin_of_day(day + 1, zone);
	pg_time_t	t = Max(begin_of_day(day, zone), after + 1);

	/* offsets of today's zones are whole minutes */
	t += (SECS_A_MINUTE - t % SECS_A_MINUTE) % SECS_A_MINUTE;
	for (; t < end; t += SECS_A_MINUTE)
	{
		struct pg_tm *tm = pg_localtime(&t, zone);

		if (tm != NULL && (cron->hours & (1U << tm->tm_hour)) != 0 &&
			(cron->minutes & (UINT64CONST(1) << tm->tm_min)) != 0)
			return t;
	}
	return 0;
}

/* The same by the times that are written. */
static pg_time_t
next_written(const Cron *cron, int day, pg_tz *zone, pg_time_t after)
{
	pg_time_t	midnight = (day - UNIX_EPOCH_JDATE) * (pg_time_t) SECS_PER_DAY;

	for (int hour = 0; hour < HOURS_PER_DAY; hour++)
	{
		if ((cron->hours & (1U << hour)) == 0)
			continue;
		for (int minute = 0; minute < MINS_PER_HOUR; minute++)
		{
			pg_time_t	moment;

			if ((cron->minutes & (UINT64CONST(1) << minute)) == 0)
				continue;
			moment = moment_of_local(midnight + hour * SECS_PER_HOUR +
									 minute * SECS_A_MINUTE, zone);
			if (moment > after)
				return moment;
		}
	}
	return 0;
}

TimestampTz
cron_next(const Cron *cron, pg_tz *zone, TimestampTz after)
{
	pg_time_t	from = timestamptz_to_time_t(after);
	struct pg_tm *tm = pg_localtime(&from, zone);
	int			day;

	if (tm == NULL)
		return 0;

	/*
	 * From the day before: a time of yesterday that fell into a gap at
	 * midnight is a moment of today.
	 */
	day = date2j(tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday) - 1;
	for (int i = 0; i < MAX_DAYS; i++, day++)
	{
		int			year;
		int			month;
		int			mday;
		pg_time_t	moment;

		CHECK_FOR_INTERRUPTS();
		j2date(day, &year, &month, &mday);
		if (!is_day(cron, month, mday, j2day(day)))
			continue;
		moment = cron->by_elapsed_time ? next_shown(cron, day, zone, from)
			: next_written(cron, day, zone, from);
		if (moment != 0)
			return time_t_to_timestamptz(moment);
	}
	return 0;
}
