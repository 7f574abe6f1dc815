/*
 * fire_once.c
 *	  Messages that a client gets once in a statement, not once for each row.
 *
 * Runs in the backend that fires.  The statement is the one that the client
 * has sent.  If it calls a function, all statements in that function are part
 * of it: a loop of a thousand INSERTs gives one warning.
 *
 * Owns, for the life of the process, which messages the client's last
 * statement has given.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "api/fire_once.h"
#include "common/hashfn.h"

#define MAX_GIVEN 16

/*
 * The messages of the client's last statement.  A variable of the process,
 * since the calls for the rows of a statement share no memory context.
 */
static struct
{
	TimestampTz transaction;	/* when both began: they name the statement */
	TimestampTz statement;
	int			n;
	struct
	{
		Oid			object;
		uint32		message;	/* its hash */
	}			given[MAX_GIVEN];
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
		if (last.given[i].object == object && last.given[i].message == hash)
			return false;
	}
	if (last.n == MAX_GIVEN)
		return false;
	last.given[last.n].object = object;
	last.given[last.n++].message = hash;
	return true;
}
