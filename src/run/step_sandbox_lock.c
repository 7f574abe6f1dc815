/*
 * step_sandbox_lock.c
 *	  Which lock a statement has waited for in vain.
 *
 * PostgreSQL's message, "canceling statement due to lock timeout", does not
 * say it, and when the error is raised the process waits no longer.  But the
 * time-out interrupts the process by SIGINT while it still waits: there the
 * lock is noted.  What waits for a transaction to end, as for a locked row,
 * has the relation in the error's context.
 *
 * Owns the note, of this process.
 */
#include "postgres.h"
#include "compat.h"

#include "access/transam.h"
#include "base/valid_text.h"
#include "run/step_sandbox_lock.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static volatile sig_atomic_t is_noted = false;
static LOCKTAG noted;

/*
 * The lock cannot go away while we wait for it.  If it is granted at this
 * very moment, the note may be wrong; then no error comes of it.
 */
void
sandbox_cancel_handler(SIGNAL_ARGS)
{
	LOCK	   *lock = MyProc != NULL ? MyProc->waitLock : NULL;

	if (lock != NULL)
	{
		noted = lock->tag;
		is_noted = true;
	}
	StatementCancelHandler(postgres_signal_arg);
}

void
sandbox_forget_lock(void)
{
	is_noted = false;
}

/* Names of the system's own tables are not looked up: one may be locked. */
static char *
relation_text(Oid relation)
{
	char	   *name = NULL;
	char	   *schema = NULL;

	if (relation >= FirstNormalObjectId)
		name = get_rel_name(relation);
	if (name != NULL)
		schema = get_namespace_name(get_rel_namespace(relation));
	if (schema == NULL)
		return psprintf("waited for relation %u", relation);
	return psprintf("waited for table %s",
					quote_qualified_identifier(schema, name));
}

/* "while updating tuple (0,1) in relation "orders"" */
static char *
first_line(const char *context)
{
	return pnstrdup(valid_text(context), strcspn(context, "\n"));
}

static char *
tag_text(const LOCKTAG *tag)
{
	StringInfoData buf;

	switch ((LockTagType) tag->locktag_type)
	{
		case LOCKTAG_RELATION:
		case LOCKTAG_RELATION_EXTEND:
		case LOCKTAG_PAGE:
		case LOCKTAG_TUPLE:
			return relation_text(tag->locktag_field2);
		default:
			initStringInfo(&buf);
			appendStringInfoString(&buf, "waited for ");
			DescribeLockTag(&buf, tag);
			return buf.data;
	}
}

char *
sandbox_lock_text(const ErrorData *error)
{
	if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE || !is_noted)
		return NULL;
	is_noted = false;
	if (noted.locktag_type == LOCKTAG_TRANSACTION && error->context != NULL)
		return first_line(error->context);
	return tag_text(&noted);
}
