/*
 * uuid7.c
 *	  Time-ordered identifiers: RFC 9562, section 5.7.
 *
 * Runs in any process.  The 48 bits of milliseconds and the 12 bits after them
 * (a fraction of the millisecond: RFC 9562, section 6.2, method 3) are used as
 * one number.  A process remembers its last number, and the next one is always
 * greater: so its ids ascend strictly, even if the clock goes back.  The other
 * 62 bits are random.  The last number is lost with the process: ids of
 * different processes, and those after a crash, ascend as the clocks do.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid7.h"
#include "datatype/timestamp.h"
#include "port/pg_bswap.h"

#define UNIX_OFFSET_US \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

#define FRACTION_BITS 12

/* The last number of this process: milliseconds since 1970, 12 bits of one. */
static uint64 last_stamp = 0;

/* The number for that time, or the next one if that is not greater. */
static uint64
next_stamp(TimestampTz now)
{
	int64		us = Max(now + UNIX_OFFSET_US, 0);
	uint64		stamp = (uint64) (us / 1000) << FRACTION_BITS;

	stamp |= ((us % 1000) << FRACTION_BITS) / 1000;
	if (stamp <= last_stamp)
		stamp = last_stamp + 1;
	last_stamp = stamp;
	return stamp;
}

#define RANDOM_LENGTH (UUID_LEN - 8)
#define RANDOM_STOCK 64

/*
 * Takes random bytes from a stock: asking the system for eight at a time costs
 * more than inserting a row.  The postmaster never fills its stock, or the
 * processes that it forks would all have the same bytes.  Raises XX000 if the
 * system has no random bytes.
 */
static void
take_random(unsigned char *bytes)
{
	static unsigned char stock[RANDOM_STOCK][RANDOM_LENGTH];
	static int	left = 0;

	if (left == 0)
	{
		if (!pg_strong_random(stock, sizeof(stock)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random values")));
		left = RANDOM_STOCK;
	}
	memcpy(bytes, stock[--left], RANDOM_LENGTH);
}

void
uuid7_generate(pg_uuid_t *uuid, TimestampTz now)
{
	uint64		stamp;
	uint64		head;

	take_random(uuid->data + 8);
	stamp = next_stamp(now);
	head = (stamp >> FRACTION_BITS) << 16;
	head |= 0x7000 | (stamp & 0x0FFF);
	head = pg_hton64(head);
	memcpy(uuid->data, &head, sizeof(head));
	uuid->data[8] = (uuid->data[8] & 0x3F) | 0x80;
}

void
uuid7_floor(pg_uuid_t *uuid, TimestampTz time)
{
	uint64		ms;
	uint64		head;

	memset(uuid->data, 0, UUID_LEN);
	if (TIMESTAMP_IS_NOBEGIN(time) || time < -UNIX_OFFSET_US)
		return;
	/* the difference of two timestamps may not fit in an int64 */
	ms = ((uint64) time + (uint64) UNIX_OFFSET_US) / 1000;
	if (TIMESTAMP_IS_NOEND(time) || ms >= UINT64CONST(1) << 48)
	{
		memset(uuid->data, 0xFF, UUID_LEN);
		return;
	}
	head = pg_hton64((ms << 16) | 0x7000);
	memcpy(uuid->data, &head, sizeof(head));
	uuid->data[8] = 0x80;
}

bool
uuid7_is(const pg_uuid_t *uuid)
{
	return (uuid->data[6] & 0xF0) == 0x70 && (uuid->data[8] & 0xC0) == 0x80;
}
