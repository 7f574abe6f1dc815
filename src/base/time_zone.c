/*
 * time_zone.c
 *	  Time zones by their names.
 *
 * Pure but for the server's time zone database.  Runs in any process.
 */
#include "postgres.h"
#include "compat.h"

#include <ctype.h>

#include "base/time_zone.h"

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

pg_tz *
time_zone_named(const char *name)
{
	pg_tz	   *zone = pg_tzset(name);

	if (zone == NULL || !is_named_zone(zone) || !pg_tz_acceptable(zone))
		return NULL;
	return zone;
}
