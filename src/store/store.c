/*
 * store.c
 *	  Where the extension lives, and its prepared statements.
 *
 * The statements themselves are in store_statements.c.  Runs in workers and
 * in the backends that call our functions.
 *
 * Owns: the schema that this process works on and one saved plan a
 * statement, in static memory.  Plans follow changes of the tables by
 * themselves; where the extension was dropped and created anew in another
 * schema, store_use_schema throws them away.  Nothing survives the process.
 *
 * Statements run as the worker's own user or as the owner of the tables:
 * neither is subject to row security.
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
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "jit/jit.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "storage/lmgr.h"
#include "store/store.h"
#include "store/store_statements.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define EXTENSION_NAME "workflow_engine"

static Oid	extension_schema = InvalidOid;
static SPIPlanPtr plans[STORE_NSTATEMENTS];
static NameData planned_name;	/* of the schema, as the plans spell it */

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

static void
forget_plans(void)
{
	for (int i = 0; i < STORE_NSTATEMENTS; i++)
	{
		if (plans[i] != NULL)
			SPI_freeplan(plans[i]);
		plans[i] = NULL;
	}
}

void
store_use_schema(Oid schema)
{
	if (schema != extension_schema)
	{
		forget_plans();
		store_forget_tables();
	}
	extension_schema = schema;
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
	store_use_schema(schema);
	return true;
}

static const char *
schema_name(void)
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
	return quote_identifier(name);
}

Oid
store_relation(const char *relation)
{
	Oid			oid;

	schema_name();
	oid = get_relname_relid(relation, extension_schema);
	if (!OidIsValid(oid))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation \"%s\" of extension \"%s\" does not exist",
						relation, EXTENSION_NAME)));
	return oid;
}

/*
 * One number for all, so far.  Every statement that searches for runs to
 * execute and every fire asks here.
 */
int64
store_place(void)
{
	return 0;
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
	SetUserIdAndSecContext(owner, *save_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_NOFORCE_RLS);
}

void
store_leave_owner(Oid save_user, int save_context)
{
	SetUserIdAndSecContext(save_user, save_context);
}

/*--- statements ---*/

char *
store_sql(const char *sql)
{
	const char *schema = schema_name();
	StringInfoData buf;

	initStringInfo(&buf);
	for (const char *p = sql; *p; p++)
	{
		if (p[0] == '%' && p[1] == 't')
		{
			appendStringInfoString(&buf, schema);
			p++;
		}
		else
			appendStringInfoChar(&buf, *p);
	}
	return buf.data;
}

/*
 * A plan's text names the schema.  After ALTER SCHEMA ... RENAME that name
 * may be somebody else's, and the plan would be analysed anew with it.
 */
static void
follow_rename(void)
{
	char	   *name = get_namespace_name(extension_schema);

	if (name != NULL && strcmp(name, NameStr(planned_name)) != 0)
	{
		forget_plans();
		namestrcpy(&planned_name, name);
	}
	if (name != NULL)
		pfree(name);
}

static SPIPlanPtr
prepare(StoreStatement statement)
{
	const StatementText *text = &store_statements[statement];
	SPIPlanPtr	plan;

	follow_rename();
	if (plans[statement] != NULL)
		return plans[statement];

	plan = SPI_prepare(store_sql(text->sql), text->nargs,
					   (Oid *) text->args);
	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s",
			 SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	plans[statement] = plan;
	return plan;
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

/*
 * Plans for these statements must not depend on statistics: they are made
 * while the tables are empty and used when a million runs are queued.  So
 * the planner is told to keep to the indexes while it may plan them; and
 * where it still cannot, the cost of what it was told not to do must not
 * bring on the JIT compiler, which takes longer than the statement.
 */
int
store_execute(StoreStatement statement, Datum *values, const char *nulls,
			  bool read_only, long limit)
{
	bool		save_seqscan = enable_seqscan;
	bool		save_bitmapscan = enable_bitmapscan;
	bool		save_sort = enable_sort;
	bool		save_incremental_sort = enable_incremental_sort;
	bool		save_indexscan = enable_indexscan;
	bool		save_jit = jit_enabled;
	int			level;
	int			result = 0;

	store_check_tables(STORE_ALL_TABLES);	/* results are read as C types */
	level = store_enter_search_path();
	PG_TRY();
	{
		enable_seqscan = enable_bitmapscan = false;
		enable_sort = enable_incremental_sort = false;
		enable_indexscan = true;
		jit_enabled = false;
		result = SPI_execute_plan(prepare(statement), values, nulls,
								  read_only, limit);
	}
	PG_FINALLY();
	{
		enable_seqscan = save_seqscan;
		enable_bitmapscan = save_bitmapscan;
		enable_sort = save_sort;
		enable_incremental_sort = save_incremental_sort;
		enable_indexscan = save_indexscan;
		jit_enabled = save_jit;
	}
	PG_END_TRY();
	store_leave_search_path(level);

	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s",
			 SPI_result_code_string(result));
	return result;
}
