/*
 * extension_check.c
 *	  Shared memory: databases in which CREATE EXTENSION has committed.
 *
 * Any backend asks for a check, as the last act of its transaction; the
 * launcher takes what was asked for in its next round.  The list is bounded:
 * beyond that, all databases are checked.  Nothing here allocates or raises.
 * Nothing survives the memory: a new launcher checks all databases anyway.
 */
#include "postgres.h"
#include "compat.h"

#include "shared/extension_check.h"
#include "shared/shared.h"
#include "shared/wakeup.h"

void
extension_check_ask(Oid database)
{
	int			i;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	for (i = 0; i < shared_state->nchecked; i++)
		if (shared_state->checked[i] == database)
			break;
	if (i == MAX_CHECKED_DATABASES)
		shared_state->check_all = true;
	else if (i == shared_state->nchecked)
		shared_state->checked[shared_state->nchecked++] = database;
	LWLockRelease(shared_state->lock);
	wakeup_launcher();
}

int
extension_check_take(Oid databases[MAX_CHECKED_DATABASES], bool *all)
{
	int			n;

	LWLockAcquire(shared_state->lock, LW_EXCLUSIVE);
	n = shared_state->nchecked;
	memcpy(databases, shared_state->checked, sizeof(Oid) * n);
	*all = shared_state->check_all;
	shared_state->nchecked = 0;
	shared_state->check_all = false;
	LWLockRelease(shared_state->lock);
	return n;
}
