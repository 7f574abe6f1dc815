/*
 * filter_format.h
 *	  Numbers and moments as text, by pictures: what the filters "number" and
 *	  "date" do.
 */
#ifndef WF_FILTER_FORMAT_H
#define WF_FILTER_FORMAT_H

#include "postgres.h"
#include "utils/numeric.h"

/*
 * The number by a picture of to_char; palloc'd.  Raises 22023 if the picture
 * is none, or the number does not fit it, or is not finite.
 */
extern text *format_number(Numeric number, const char *picture);

/*
 * A moment by a picture of to_char, in the time zone of that name or offset
 * (NULL: the session's); palloc'd.  moment is text as PostgreSQL reads it; a
 * day without a time is that day in any zone.  Raises 22023 for a picture or
 * zone that is none, 22008 for infinity, and what timestamptz_in raises.
 */
extern text *format_moment(const char *moment, const char *picture,
						   const char *zone);

/* The same for seconds since 1970, or (from 10^11 on) milliseconds. */
extern text *format_epoch(Numeric epoch, const char *picture,
						  const char *zone);

#endif							/* WF_FILTER_FORMAT_H */
