/*
 * time_zone.h
 *	  Time zones by their names.
 */
#ifndef WF_TIME_ZONE_H
#define WF_TIME_ZONE_H

#include "postgres.h"
#include "pgtime.h"

/*
 * The zone of the server's time zone database that has this name
 * ("Asia/Beirut", "UTC"); NULL if there is none.  Specifications as POSIX has
 * them ("EST5EDT4,M3...") are no names.  The zone lives as long as the
 * process.
 */
extern pg_tz *time_zone_named(const char *name);

#endif							/* WF_TIME_ZONE_H */
