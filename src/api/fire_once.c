/*
 * fire_once.c
 *	  What a client is told once a statement, not once a row.
 *
 * Owns, in static memory, what was said in the client's last statement.  A
 * function that the client calls, with all statements in it, is part of the
 * client's own: a loop of a thousand INSERTs gives one warning.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "api/fire_once.h"
#include "common/hashfn.h"

#define MAX_SAID 16

static struct
{
	TimestampTz transaction;	/* when they began */
	TimestampTz statement;
	int			n;
	struct
	{
		Oid			object;
		uint32		message;	/* its hash */
	}			said[MAX_SAID];
}			last;

bool
fire_first_time(Oid object, const char *message)
{
	TimestampTz transaction = GetCurrentTransactionStartTimestamp();
	TimestampTz statement = GetCurrentStatementStartTimestamp();
	uint32		hash = hash_bytes((const unsigned char *) message,
								  (int) strlen(message));

	if (last.transaction != transaction || last.statement != statement)
	{
		last.transaction = transaction;
		last.statement = statement;
		last.n = 0;
	}
	for (int i = 0; i < last.n; i++)
	{
		if (last.said[i].object == object && last.said[i].message == hash)
			return false;
	}
	if (last.n == MAX_SAID)
		return false;
	last.said[last.n].object = object;
	last.said[last.n++].message = hash;
	return true;
}
