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
 * Fills *uuid.  Ids of one process ascend strictly, also within a
 * millisecond and when the clock steps back.
 */
extern void uuid7_generate(pg_uuid_t *uuid, TimestampTz now);

#endif							/* WF_UUID7_H */
