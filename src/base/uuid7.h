/*
 * uuid7.h
 *	  Time-ordered identifiers (RFC 9562, version 7).
 */
#ifndef WF_UUID7_H
#define WF_UUID7_H

#include "postgres.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/*
 * Sets *uuid to a new id for the time now.  The ids of one process ascend
 * strictly, even within a millisecond and if the clock goes back.  Raises
 * XX000 if the system has no random bytes.
 */
extern void uuid7_generate(pg_uuid_t *uuid, TimestampTz now);

/*
 * Sets *uuid to the smallest id of the millisecond that time lies in.  A time
 * before 1970 gives the nil UUID, which is below every id, and one that 48
 * bits of milliseconds cannot express gives the greatest UUID.
 */
extern void uuid7_floor(pg_uuid_t *uuid, TimestampTz time);

/* Is it a UUID of version 7, of the variant of RFC 9562? */
extern bool uuid7_is(const pg_uuid_t *uuid);

#endif							/* WF_UUID7_H */
