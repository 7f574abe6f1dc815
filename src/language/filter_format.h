/*
 * filter_format.h
 *	  Numbers and times as text, by pictures of to_char: the work of the
 *	  filters "number" and "date".
 */
#ifndef WF_FILTER_FORMAT_H
#define WF_FILTER_FORMAT_H

#include "postgres.h"
#include "utils/numeric.h"

/*
 * The number by that picture; palloc'd.  Raises 22023 if the picture is none
 * of a number, or if the number does not fit it or is not finite.
 */
extern text *format_number(Numeric number, const char *picture);

/*
 * The time by that picture, in the time zone of that name or offset (NULL: the
 * session's); palloc'd.  moment is a text that PostgreSQL reads as a time; a
 * day without a time of day is that day in every zone.  Raises 22023 for a
 * picture or a zone that is not valid, 22008 for infinity, and what
 * timestamptz_in raises.
 */
extern text *format_moment(const char *moment, const char *picture,
						   const char *zone);

/* The same for seconds since 1970, or (from 10^11 on) milliseconds. */
extern text *format_epoch(Numeric epoch, const char *picture,
						  const char *zone);

#endif							/* WF_FILTER_FORMAT_H */
