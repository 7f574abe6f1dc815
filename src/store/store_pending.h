/*
 * store_pending.h
 *	  The index of payloads: workers sort its new entries in.
 */
#ifndef WF_STORE_PENDING_H
#define WF_STORE_PENDING_H

#include "postgres.h"
#include "store/store_row.h"

/* An index whose list of new entries is to be cleaned, or InvalidOid. */
extern Oid	store_find_pending(RunTable *runs);

/*
 * Sorts what is on the list into the index, unless another worker is about
 * it.  In a transaction.
 */
extern void store_clean_pending(Oid index);

#endif							/* WF_STORE_PENDING_H */
