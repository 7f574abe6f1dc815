/*
 * uuid7.c
 *	  Time-ordered identifiers: RFC 9562, section 5.7.
 *
 * The 48 bits of milliseconds and the 12 bits behind them (a fraction of the
 * millisecond: RFC 9562, section 6.2, method 3) are taken as one number.  A
 * process remembers the last it gave out and never gives out one that is not
 * greater, so its ids ascend strictly whatever the clock does.  The other 62
 * bits are random.  The memory is the process's own and is lost with it:
 * ids of different processes, and after a crash, ascend as their clocks do.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid7.h"
#include "datatype/timestamp.h"
#include "port/pg_bswap.h"

#define UNIX_OFFSET_US \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY)

#define FRACTION_BITS 12

/* Milliseconds since 1970 and 12 bits of fraction, last given out here. */
static uint64 last_stamp = 0;

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
 * Random bytes, of which a stock is kept: to ask the machine for eight at a
 * time costs more than to insert a row.  A process that is forked begins with
 * an empty stock, since only backends fill it.
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

/* Raises XX000 where the machine has no randomness to give. */
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
