/*
 * store_schema.c
 *	  Where the extension lives, and as whom its statements are executed.
 *
 * Runs in workers and in the backends that call our functions.
 *
 * Owns: the schema that this process works on, in static memory.  If the
 * extension was dropped and created anew in another schema, store_use_schema
 * counts that, and whoever keeps something of the old schema compares the
 * number (store_schema_generation).  Nothing survives the process.
 *
 * Statements are executed as the worker's own user or as the owner of the
 * tables: neither is subject to row security.
 */
#include "postgres.h"
#include "compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "store/store_schema.h"
#include "store/store_units.h"
#include "store/store_version.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define EXTENSION_NAME "workflow_engine"

static Oid	extension_schema = InvalidOid;
static uint64 generation = 0;	/* counts how often it became another one */

/*--- where the extension lives ---*/

/* Reads pg_extension; *oid becomes the extension's. */
static Oid
find_extension(Oid *oid)
{
	Oid			schema = InvalidOid;
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber,
				F_NAMEEQ, CStringGetDatum(EXTENSION_NAME));
	scan = systable_beginscan(rel, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_extension form = (Form_pg_extension) GETSTRUCT(tuple);

		*oid = form->oid;
		schema = form->extnamespace;
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return schema;
}

Oid
store_find_schema(void)
{
	Oid			oid;

	return find_extension(&oid);
}

void
store_use_schema_of_any_version(Oid schema)
{
	if (schema != extension_schema)
		generation++;
	extension_schema = schema;
}

void
store_use_schema(Oid schema)
{
	store_require_sql_version();
	store_use_schema_of_any_version(schema);
}

uint64
store_schema_generation(void)
{
	return generation;
}

bool
store_hold_extension(void)
{
	Oid			oid = InvalidOid;
	Oid			schema = find_extension(&oid);

	if (!OidIsValid(schema))
		return false;

	/* DROP EXTENSION takes this lock first: it waits, or we see it done */
	LockDatabaseObject(ExtensionRelationId, oid, 0, AccessShareLock);
	schema = find_extension(&oid);
	if (!OidIsValid(schema))
		return false;
	store_use_schema_of_any_version(schema);
	return true;
}

char *
store_schema_name(void)
{
	char	   *name;

	if (!OidIsValid(extension_schema))
		extension_schema = store_find_schema();
	name = OidIsValid(extension_schema) ? get_namespace_name(extension_schema)
		: NULL;
	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"%s\" is not installed in this database",
						EXTENSION_NAME)));
	return name;
}

Oid
store_relation(const char *relation)
{
	Oid			oid;

	pfree(store_schema_name()); /* finds extension_schema, or raises */
	oid = get_relname_relid(relation, extension_schema);
	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" of extension \"%s\" does not exist",
						relation, EXTENSION_NAME)));
	return oid;
}

void
store_enter_owner(Oid *save_user, int *save_context)
{
	Oid			relid = store_relation("workflow_runs");
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);

	GetUserIdAndSecContext(save_user, save_context);
	SetUserIdAndSecContext(owner,
						   *save_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
}

void
store_leave_owner(Oid save_user, int save_context)
{
	SetUserIdAndSecContext(save_user, save_context);
}

/*--- texts of statements ---*/

char *
store_sql_on(UnitTable table, const char *sql)
{
	const char *schema = quote_identifier(store_schema_name());
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = sql; *p; p++)
	{
		if (p[0] == '%' && (p[1] == 't' || p[1] == 'r'))
		{
			p++;
			appendStringInfoString(&buf, schema);
			if (*p == 'r')
				appendStringInfo(&buf, ".%s", store_unit_tables[table].name);
		}
		else
			appendStringInfoChar(&buf, *p);
	}
	return buf.data;
}

char *
store_sql(const char *sql)
{
	return store_sql_on(UNIT_RUN, sql);
}

#define SAFE_SEARCH_PATH "pg_catalog, pg_temp"

/*
 * Fixes what the operators of our statements mean, whatever search_path the
 * caller has.  Returns the settings' nest level to go back to, 0: none.
 */
int
store_enter_search_path(void)
{
	int			level;

	if (strcmp(namespace_search_path, SAFE_SEARCH_PATH) == 0)
		return 0;
	level = NewGUCNestLevel();
	(void) set_config_option("search_path", SAFE_SEARCH_PATH, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return level;
}

void
store_leave_search_path(int level)
{
	if (level != 0)
		AtEOXact_GUC(true, level);
}
