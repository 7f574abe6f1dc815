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

/* Databases to be checked; the launcher takes them all at once. */
typedef struct ExtensionChecks
{
	LWLock	   *lock;			/* that of the slots */
	int			n;
	Oid			databases[MAX_CHECKED_DATABASES];
	bool		all;			/* and all others: they were too many */
} ExtensionChecks;

/* The memory; the same address in every process. */
static ExtensionChecks *checks = NULL;

static void
attach(void *memory, LWLock *lock, bool is_new)
{
	checks = memory;
	if (is_new)
		checks->lock = lock;
}

const SharedPart extension_check_part = {
	.name = "workflow_engine extension checks",
	.size = sizeof(ExtensionChecks),
	.lock = SHARED_LOCK_SLOTS,
	.attach = attach
};

void
extension_check_ask(Oid database)
{
	int			i;

	LWLockAcquire(checks->lock, LW_EXCLUSIVE);
	for (i = 0; i < checks->n; i++)
		if (checks->databases[i] == database)
			break;
	if (i == MAX_CHECKED_DATABASES)
		checks->all = true;
	else if (i == checks->n)
		checks->databases[checks->n++] = database;
	LWLockRelease(checks->lock);
	wakeup_launcher();
}

int
extension_check_take(Oid databases[MAX_CHECKED_DATABASES], bool *all)
{
	int			n;

	LWLockAcquire(checks->lock, LW_EXCLUSIVE);
	n = checks->n;
	memcpy(databases, checks->databases, sizeof(Oid) * n);
	*all = checks->all;
	checks->n = 0;
	checks->all = false;
	LWLockRelease(checks->lock);
	return n;
}
