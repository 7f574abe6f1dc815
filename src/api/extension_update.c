/*
 * extension_update.c
 *	  Privileges while a script of the extension is executed.
 *
 * Before and after ALTER EXTENSION workflow_engine UPDATE: who has a
 * capability has it for the new objects too.  The grants cannot be in an
 * upgrade script: PostgreSQL takes what a script grants for the extension's
 * own, which no dump carries.  So two event triggers of the extension call
 * wf_extension_update.  The first notes who holds what, before a script can
 * drop anything; the second grants it again.
 *
 *	  ddl_command_start ─► update ─► the scripts ─► ddl_command_end ─► GRANT
 *
 * A role holds a capability if it has been granted all that the capability
 * consists of.  By its groups, or as a superuser, it does not; and a role that
 * was granted one table, or had one function revoked, gets nothing.
 *
 * Runs in the backend that updates, as the superuser who does so.  Owns what
 * was noted, from one event to the other, in the transaction's memory.
 */
#include "postgres.h"
#include "compat.h"

#include "access/transam.h"
#include "access/xact.h"
#include "api/grant.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "store/store_schema.h"
#include "store/store_version.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define EXTENSION_NAME "workflow_engine"

/* What the update found; in memory of the transaction. */
typedef struct Update
{
	MemoryContextCallback forget;	/* when the transaction ends */
	CommandId	began;			/* what is older was there before */
	List	   *holders[NCAPABILITIES]; /* oids of roles, of each capability */
} Update;

static Update *update = NULL;

/* The transaction ends, and the memory goes. */
static void
forget(void *arg)
{
	update = NULL;
}

/*--- before the scripts ---*/

/*
 * The roles but the owner that have been granted every privilege of $1 on the
 * relation $2 or the routine $3, whichever is not null; null if that does not
 * exist.
 */
#define FIND_GRANTEES \
	"SELECT pg_catalog.array_agg(g.grantee) FROM (SELECT a.grantee" \
	"  FROM (SELECT c.relacl AS acl, c.relowner AS owner" \
	"    FROM pg_catalog.pg_class c" \
	"    WHERE c.oid = pg_catalog.to_regclass($2)" \
	"   UNION ALL" \
	"   SELECT p.proacl, p.proowner FROM pg_catalog.pg_proc p" \
	"    WHERE p.oid = pg_catalog.to_regprocedure($3)) o" \
	"  CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a" \
	"  JOIN pg_catalog.pg_roles r ON r.oid = a.grantee" \
	"  WHERE a.privilege_type = ANY ($1) AND a.grantee <> o.owner" \
	"  GROUP BY a.grantee HAVING" \
	"   count(DISTINCT a.privilege_type) = pg_catalog.cardinality($1)) g"

/* "SELECT, INSERT" as an array of text. */
static Datum
split(const char *what)
{
	return DirectFunctionCall2Coll(text_to_array, DEFAULT_COLLATION_OID,
								   CStringGetTextDatum(what),
								   CStringGetTextDatum(", "));
}

/* The name after "FUNCTION " or "PROCEDURE "; NULL: it is a relation. */
static const char *
routine_of(const char *on)
{
	const char *blank = strchr(on, ' ');

	if (strncmp(on, "FUNCTION ", 9) == 0 || strncmp(on, "PROCEDURE ", 10) == 0)
		return blank + 1;
	return NULL;
}

/* List of the oids of the roles that have that privilege.  Within SPI. */
static List *
grantees_of(const Privilege *privilege)
{
	Oid			types[3] = {TEXTARRAYOID, TEXTOID, TEXTOID};
	char	   *on = store_sql(privilege->on);
	const char *routine = routine_of(on);
	Datum		values[3];
	char		nulls[3] = {' ', ' ', ' '};
	List	   *roles = NIL;
	Datum		found;
	bool		isnull;

	values[0] = split(privilege->what);
	values[1] = CStringGetTextDatum(on);
	values[2] = CStringGetTextDatum(routine != NULL ? routine : "");
	nulls[routine != NULL ? 1 : 2] = 'n';
	SPI_execute_with_args(FIND_GRANTEES, 3, types, values, nulls, true, 1);
	found = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						  &isnull);
	if (!isnull)
	{
		ArrayType  *array = DatumGetArrayTypeP(found);
		Oid		   *oids = (Oid *) ARR_DATA_PTR(array);

		for (int i = 0; i < ARR_DIMS(array)[0]; i++)
			roles = lappend_oid(roles, oids[i]);
	}
	return roles;
}

static List *
common_oids(List *a, List *b)
{
	List	   *common = NIL;
	ListCell   *lc;

	foreach(lc, a)
		if (list_member_oid(b, lfirst_oid(lc)))
			common = lappend_oid(common, lfirst_oid(lc));
	return common;
}

/*
 * List of the oids of the roles that hold the capability.  What is granted on
 * columns does not decide.  Within SPI.
 */
static List *
find_holders(int capability)
{
	const Privilege *privilege = NULL;
	List	   *roles = NIL;
	bool		first = true;

	while ((privilege = grant_next(privilege, capability)) != NULL)
	{
		List	   *grantees;

		if (strchr(privilege->what, '(') != NULL)
			continue;
		grantees = grantees_of(privilege);
		roles = first ? grantees : common_oids(roles, grantees);
		first = false;
	}
	return roles;
}

static void
note_update(void)
{
	MemoryContext memory = AllocSetContextCreate(TopTransactionContext,
												 "workflow_engine update",
												 ALLOCSET_SMALL_SIZES);
	Update	   *noted = MemoryContextAllocZero(memory, sizeof(Update));

	SPI_connect();
	for (int i = 0; i < NCAPABILITIES; i++)
	{
		List	   *roles = find_holders(1 << i);
		MemoryContext caller = MemoryContextSwitchTo(memory);

		noted->holders[i] = list_copy(roles);
		MemoryContextSwitchTo(caller);
	}
	SPI_finish();
	noted->began = GetCurrentCommandId(false);
	noted->forget.func = forget;
	MemoryContextRegisterResetCallback(memory, &noted->forget);
	update = noted;
}

/*--- in a script ---*/

/*
 * A REVOKE statement for each role but the owner and PUBLIC that has a
 * privilege on a table or function which this transaction has added to the
 * extension $1, by command $2 or a later one.
 */
#define REVOKE_HELD \
	"SELECT pg_catalog.format('REVOKE ALL ON %s %s FROM %s', o.kind, o.name," \
	"  a.grantee::pg_catalog.regrole)" \
	" FROM pg_catalog.pg_depend d JOIN LATERAL" \
	"  (SELECT 'TABLE' AS kind, c.oid::pg_catalog.regclass::text AS name," \
	"   c.relacl AS acl, c.relowner AS owner FROM pg_catalog.pg_class c" \
	"   WHERE c.oid = d.objid AND c.relkind IN ('r', 'v')" \
	"    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass" \
	"  UNION ALL" \
	"  SELECT 'ROUTINE', p.oid::pg_catalog.regprocedure::text, p.proacl," \
	"   p.proowner FROM pg_catalog.pg_proc p WHERE p.oid = d.objid" \
	"    AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass) o ON true" \
	" CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a" \
	" WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass" \
	"  AND d.refobjid = $1 AND d.deptype = 'e'" \
	"  AND a.grantee NOT IN (0, o.owner)" \
	"  AND pg_catalog.age(d.xmin) <=" \
	"   pg_catalog.age(pg_catalog.pg_current_xact_id()::pg_catalog.xid)" \
	"  AND d.cmin::text::bigint >= $2" \
	" GROUP BY o.kind, o.name, a.grantee"

PG_FUNCTION_INFO_V1(wf_revoke_defaults);

/*
 * Revokes what ALTER DEFAULT PRIVILEGES has given to other roles when the
 * script created tables and functions, such as all privileges on every table,
 * TRIGGER included.  What is older keeps what it was granted.  Raises 55000
 * unless a script of an extension calls it: later it would revoke what
 * wf_grant has given.
 */
Datum
wf_revoke_defaults(PG_FUNCTION_ARGS)
{
	Oid			types[2] = {OIDOID, INT8OID};
	Datum		values[2];
	SPITupleTable *commands;
	uint64		n;
	int			level;

	if (!creating_extension)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("wf_revoke_defaults can only be called by the extension's scripts")));
	values[0] = ObjectIdGetDatum(CurrentExtensionObject);
	values[1] = Int64GetDatum(update != NULL ? update->began : FirstCommandId);
	level = store_enter_search_path();
	SPI_connect();
	SPI_execute_with_args(REVOKE_HELD, 2, types, values, NULL, false, 0);
	commands = SPI_tuptable;
	n = SPI_processed;
	for (uint64 i = 0; i < n; i++)
		grant_execute(SPI_getvalue(commands->vals[i], commands->tupdesc, 1));
	SPI_finish();
	store_leave_search_path(level);
	PG_RETURN_VOID();
}

/*--- after them ---*/

/* Grants again what was noted. */
static void
grant_again(void)
{
	SPI_connect();
	for (int i = 0; i < NCAPABILITIES; i++)
	{
		ListCell   *lc;

		foreach(lc, update->holders[i])
		{
			char	   *name = GetUserNameFromId(lfirst_oid(lc), true);

			if (name != NULL)
				grant_capabilities(quote_identifier(name), 1 << i);
		}
	}
	SPI_finish();
}

/*
 * The library that is loaded does not know the objects that the update has
 * made: it can grant nothing on them.
 */
static void
warn_of_library(void)
{
	char	   *message;
	char	   *hint;

	store_explain_sql_version(SQL_VERSION_NEWER, &message, &hint);
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg_internal("%s", message),
			 errdetail("Its functions raise errors and no run is executed until a newer library is loaded."),
			 errhint("%s Then repeat wf_grant for each role: this library does not know the new objects.",
					 hint)));
}

static void
update_ends(void)
{
	store_sql_version_changed();
	CommandCounterIncrement();
	if (store_sql_version() == SQL_VERSION_NEWER)
		warn_of_library();
	else if (update != NULL)
		grant_again();
	update = NULL;
}

PG_FUNCTION_INFO_V1(wf_extension_update);

/*
 * For the event triggers of the extension.  Does nothing if the command is not
 * about an update of this extension, which it does not raise: every ALTER
 * EXTENSION in the database comes by.
 *
 * Keeps workers from ticks while the scripts run: a tick that is under way is
 * waited for, and the next one waits for the commit.
 */
Datum
wf_extension_update(PG_FUNCTION_ARGS)
{
	EventTriggerData *event;
	AlterExtensionStmt *command;
	Oid			schema = get_func_namespace(fcinfo->flinfo->fn_oid);
	int			level;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("wf_extension_update can only be called by an event trigger")));
	event = (EventTriggerData *) fcinfo->context;
	command = (AlterExtensionStmt *) event->parsetree;
	if (!IsA(command, AlterExtensionStmt) ||
		strcmp(command->extname, EXTENSION_NAME) != 0 || !superuser())
		PG_RETURN_NULL();

	store_use_schema_of_any_version(schema);
	level = store_enter_search_path();
	if (strcmp(event->event, "ddl_command_start") == 0)
	{
		LockDatabaseObject(ExtensionRelationId,
						   get_extension_oid(EXTENSION_NAME, false), 0,
						   AccessExclusiveLock);
		note_update();
	}
	else
		update_ends();
	store_leave_search_path(level);
	PG_RETURN_NULL();
}
