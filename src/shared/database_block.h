/*
 * database_block.h
 *	  Shared memory: databases in which no worker may be for a moment.
 */
#ifndef WF_DATABASE_BLOCK_H
#define WF_DATABASE_BLOCK_H

#include "shared/worker_leave.h"

/*
 * Workers of that database must leave, and none starts, until the current
 * transaction has ended either way.  A step that is under way is cancelled by
 * SIGTERM after a second.  Returns when the workers have left, or a moment
 * after the time that wish gives them, when those still there have been sent
 * SIGTERM once more.  No effect for InvalidOid, or if the library was not
 * preloaded.
 *
 * ERROR, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED: too many databases are blocked
 * at once.
 */
extern void database_block(Oid database, LeaveWish wish);

/* May no worker of that database start now? */
extern bool database_is_blocked(Oid database);

/* The same, for launcher_slot.c: the caller holds the lock of the slots. */
extern bool database_is_blocked_locked(Oid database);

#endif							/* WF_DATABASE_BLOCK_H */
