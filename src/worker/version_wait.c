/*
 * version_wait.c
 *	  A worker waits while library and SQL objects are of two versions.
 *
 * That is so between the restart that loads a new library and ALTER EXTENSION
 * UPDATE; or if the update comes before the restart.  The runs wait in the
 * table, and wf_fire adds to them.
 *
 * Runs in a worker.  Owns whether this worker waits, and whether it has said
 * so.
 * Nothing survives the process.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "base/transaction.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "shared/worker_slot.h"
#include "store/store_version.h"
#include "utils/inval.h"
#include "worker/version_wait.h"

static bool is_waiting = true;	/* until a first look */
static bool is_told = false;	/* that it waits */

/* Says why this worker waits; within a transaction. */
static void
tell(SqlVersion version)
{
	char	   *message;
	char	   *hint;
	char	   *database = get_database_name(MyDatabaseId);

	store_explain_sql_version(version, &message, &hint);
	if (worker_slot_first_to_say(message))
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no run is executed in database \"%s\": %s",
						database != NULL ? database : "?", message),
				 errhint("%s", hint)));
}

bool
version_look(void)
{
	SqlVersion	version;

	AcceptInvalidationMessages();
	version = store_sql_version();
	is_waiting = version != SQL_VERSION_CURRENT;
	if (is_waiting && !is_told)
		tell(version);
	else if (!is_waiting && is_told)
		worker_slot_set_error("");
	is_told = is_waiting;
	return !is_waiting;
}

bool
version_fits(void)
{
	if (!is_waiting)
		return true;
	HOLD_INTERRUPTS();			/* no tick is there to catch an error */
	begin_transaction();
	store_forget_sql_version(); /* nobody says that it was dropped */
	(void) version_look();
	CommitTransactionCommand();
	RESUME_INTERRUPTS();
	return !is_waiting;
}
