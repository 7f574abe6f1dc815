/*
 * transaction.h
 *	  How a process of the engine begins a transaction.
 */
#ifndef WF_TRANSACTION_H
#define WF_TRANSACTION_H

#include "postgres.h"
#include "access/xact.h"

/*
 * Begins a transaction whose now() is this moment.
 *
 * now() is the time at which the current statement arrived.  The main loop of
 * a backend notes it for each message of its client.  A background worker has
 * no client: without this call now() stays the moment at which the process
 * started.
 */
static inline void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
}

#endif							/* WF_TRANSACTION_H */
