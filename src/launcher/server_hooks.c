/*
 * server_hooks.c
 *	  What the engine wants to know of commands that the server executes.
 *
 * Runs in any backend of a server that has the library preloaded.  Notices
 * - CREATE EXTENSION, which the launcher is told, and DROP EXTENSION, which
 *	 the workers are told;
 * - commands that fail while sessions are connected to a database: before the
 *	 server counts the sessions, the workers of that database are asked to
 *	 leave, and none starts until the transaction ends (database_block.c), so
 *	 if the command fails they come back;
 * - ALTER DATABASE and ALTER ROLE ... SET, for the workers to read what it
 *	 changed;
 * - SET CONSTRAINTS, whose effect lasts to the end of the transaction: a
 *	 worker ends its transaction after a step that executed it.
 *
 * DROP DATABASE is seen through the object access hook, which comes after
 * the server's own check of privileges.  The others are seen before they are
 * executed, so the same privileges are checked here: nobody can send workers
 * away by a command that the server would refuse.  The server's own check
 * follows all the same.
 *
 * Owns nothing but the hooks that it calls next.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "launcher/server_hooks.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "run/step_sandbox.h"
#include "shared/commit_wakeup.h"
#include "shared/database_block.h"
#include "shared/worker_leave.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define EXTENSION_NAME "workflow_engine"

/* The hooks that were there before ours. */
static object_access_hook_type prev_object_access_hook = NULL;
static ProcessUtility_hook_type prev_process_utility_hook = NULL;

/*--- objects that come and go ---*/

/*
 * Is it our extension?  Its row was written by the command under way, so
 * only SnapshotSelf sees it.
 */
static bool
is_our_extension(Oid extension)
{
	Relation	relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		ours = false;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(relation, ExtensionOidIndexId, true,
							  SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_extension row = (Form_pg_extension) GETSTRUCT(tuple);

		ours = strcmp(NameStr(row->extname), EXTENSION_NAME) == 0;
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return ours;
}

static void
on_extension(ObjectAccessType access, Oid extension)
{
	if (access == OAT_POST_CREATE && is_our_extension(extension))
		wakeup_check_extension_at_commit();
	else if (access == OAT_DROP && is_our_extension(extension))
		wakeup_at_commit();
}

static void
on_object_access(ObjectAccessType access, Oid classId, Oid objectId,
				 int subId, void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, classId, objectId, subId, arg);
	if (classId == ExtensionRelationId)
		on_extension(access, objectId);
	else if (classId == DatabaseRelationId && access == OAT_DROP &&
			 objectId != MyDatabaseId)
		database_block(objectId, LEAVE_AT_ONCE);
}

/*--- commands on databases ---*/

/* May the current user create databases? */
static bool
may_create_databases(void)
{
	HeapTuple	tuple;
	bool		may;

	if (superuser())
		return true;
	tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	if (!HeapTupleIsValid(tuple))
		return false;
	may = ((Form_pg_authid) GETSTRUCT(tuple))->rolcreatedb;
	ReleaseSysCache(tuple);
	return may;
}

/* InvalidOid if there is no such database, or the user does not own it. */
static Oid
find_own_database(const char *name)
{
	Oid			database = get_database_oid(name, true);

	if (OidIsValid(database) &&
		compat_database_ownercheck(database, GetUserId()))
		return database;
	return InvalidOid;
}

/* The argument of that option, or NULL: not given, or given as DEFAULT. */
static char *
find_option(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0 && option->arg != NULL)
			return defGetString(option);
	}
	return NULL;
}

/*
 * CREATE DATABASE copies its template, so no session may be in it.  The
 * template is the caller's own, or must be marked as one; in those no worker
 * runs.
 */
static void
before_create_database(CreatedbStmt *statement)
{
	char	   *source = find_option(statement->options, "template");

	if (may_create_databases())
		database_block(find_own_database(source ? source : "template1"),
					   LEAVE_SOON);
}

/* Of the current database, the server refuses the command anyway. */
static void
block_other_database(const char *name)
{
	Oid			database = find_own_database(name);

	if (database != MyDatabaseId)
		database_block(database, LEAVE_SOON);
}

static void
before_rename(RenameStmt *statement)
{
	if (statement->renameType == OBJECT_DATABASE && may_create_databases())
		block_other_database(statement->subname);
}

static void
before_alter_database(AlterDatabaseStmt *statement)
{
	if (find_option(statement->options, "tablespace") != NULL)
		block_other_database(statement->dbname);
}

static void
before_command(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreatedbStmt:
			before_create_database((CreatedbStmt *) statement);
			break;
		case T_RenameStmt:
			before_rename((RenameStmt *) statement);
			break;
		case T_AlterDatabaseStmt:
			before_alter_database((AlterDatabaseStmt *) statement);
			break;
		default:
			break;
	}
}

/*--- all commands ---*/

/* ALTER DATABASE or ALTER ROLE ... SET or RESET. */
static bool
changes_settings(Node *statement)
{
	return IsA(statement, AlterDatabaseSetStmt) ||
		IsA(statement, AlterRoleSetStmt);
}

/* COMMIT PREPARED: its transaction may have created the extension. */
static bool
is_commit_prepared(Node *statement)
{
	return IsA(statement, TransactionStmt) &&
		((TransactionStmt *) statement)->kind == TRANS_STMT_COMMIT_PREPARED;
}

static void
on_utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
		   ProcessUtilityContext context, ParamListInfo params,
		   QueryEnvironment *queryEnv, DestReceiver *dest,
		   QueryCompletion *qc)
{
	ProcessUtility_hook_type next = prev_process_utility_hook ?
		prev_process_utility_hook : standard_ProcessUtility;
	Node	   *statement = pstmt->utilityStmt;
	bool		set_constraints = IsA(statement, ConstraintsSetStmt);
	bool		settings = changes_settings(statement);
	bool		commit_prepared = is_commit_prepared(statement);

	before_command(statement);
	next(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest,
		 qc);

	/* A procedure's COMMIT may have freed the statement. */
	if (set_constraints)
		sandbox_note_constraints_set();
	else if (settings)
		wakeup_settings_at_commit();
	else if (commit_prepared && wakeup_lost_by_prepare())
	{
		wakeup_check_extension_at_commit();
		wakeup_settings_at_commit();
	}
}

void
server_hooks_install(void)
{
	prev_object_access_hook = object_access_hook;
	object_access_hook = on_object_access;
	prev_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = on_utility;
}
