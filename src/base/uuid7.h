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

#endif							/* WF_UUID7_H */
