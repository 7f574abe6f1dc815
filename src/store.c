/*
 * store.c
 *	  Where the extension lives, and its prepared statements.
 *
 * All SQL on the extension's tables that workers execute stands here; the
 * other store_*.c make typed results of it.  Runs in workers and in the
 * backends that call our functions.
 *
 * Owns: the schema that this process works on and one saved plan a
 * statement, in static memory.  Plans follow changes of the tables by
 * themselves; where the extension was dropped and created anew in another
 * schema, store_use_schema throws them away.  Nothing survives the process.
 *
 * Statements name every relation and operator with its schema, so that no
 * search_path changes what they mean.  They run as the worker's own user or
 * as the owner of the tables: neither is subject to row security.
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
#include "store.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define EXTENSION_NAME "workflow_engine"

typedef struct StatementText
{
	const char *sql;			/* %t is the schema */
	int			nargs;
	Oid			args[16];
} StatementText;

#define RUN_COLUMNS \
	"r.id, r.definition_id, r.definition_version, r.tenant_id, d.name," \
	" r.trigger_payload, r.step_results, r.status, r.current_step," \
	" r.attempt, r.depth, r.queued_at, r.started_at, r.run_at, v.created_at," \
	" r.attempt_at, r.failed_attempts, r.abnormal_ends, r.abnormal_step," \
	" r.previous_results"

#define JOIN_DEFINITION \
	" JOIN %t.workflow_definitions d ON d.id = r.definition_id" \
	" JOIN %t.workflow_definition_versions v" \
	" ON v.definition_id = r.definition_id AND v.version = r.definition_version"

/* Of the runs that epoch $2 owns, those ... */
#define OWNED \
	" FROM %t.workflow_runs q WHERE q.status = 'running' AND q.owner = $2 AND "

/* A run that its worker left at step $2 or before it; nobody has it. */
#define STRUCK \
	" FROM %t.workflow_runs q WHERE q.id = $1 AND q.current_step <= $2" \
	" AND q.status IN ('queued', 'waiting', 'running')" \
	" AND NOT %t.wf_worker_alive(q.owner)"

static const StatementText statements[STORE_NSTATEMENTS] = {
	[STORE_TENANTS_DUE] = {
		"WITH RECURSIVE t(tenant_id, n) AS ("
		" (SELECT r.tenant_id, 1 FROM %t.workflow_runs r"
		"   WHERE r.status IN ('queued', 'waiting')"
		"     AND ($1 IS NULL OR r.tenant_id > $1)"
		"   ORDER BY r.tenant_id LIMIT 1)"
		" UNION ALL"
		" SELECT x.tenant_id, t.n + 1 FROM t CROSS JOIN LATERAL"
		"  (SELECT r.tenant_id FROM %t.workflow_runs r"
		"    WHERE r.status IN ('queued', 'waiting')"
		"      AND r.tenant_id > t.tenant_id"
		"    ORDER BY r.tenant_id LIMIT 1) x"
		"  WHERE t.n < $2)"
		" SELECT tenant_id FROM t",
		2, {UUIDOID, INT4OID}
	},
	[STORE_CLAIM] = {
		/* priority by priority: each is one stretch of the index, which ends
		 * where the runs begin that are not due yet */
		"SELECT " RUN_COLUMNS
		" FROM pg_catalog.unnest($1) WITH ORDINALITY u(tenant_id, place)"
		" CROSS JOIN LATERAL ("
		"  WITH RECURSIVE p(priority) AS ("
		"   (SELECT q.priority FROM %t.workflow_runs q"
		"     WHERE q.tenant_id = u.tenant_id"
		"       AND q.status IN ('queued', 'waiting')"
		"     ORDER BY q.priority DESC LIMIT 1)"
		"   UNION ALL"
		"   SELECT x.priority FROM p CROSS JOIN LATERAL"
		"    (SELECT q.priority FROM %t.workflow_runs q"
		"      WHERE q.tenant_id = u.tenant_id"
		"        AND q.status IN ('queued', 'waiting')"
		"        AND q.priority < p.priority"
		"      ORDER BY q.priority DESC LIMIT 1) x)"
		"  SELECT d.* FROM p CROSS JOIN LATERAL"
		"   (SELECT * FROM %t.workflow_runs q"
		"     WHERE q.tenant_id = u.tenant_id AND q.priority = p.priority"
		"       AND q.status IN ('queued', 'waiting') AND q.run_at <= $2"
		"     ORDER BY q.run_at, q.id LIMIT $3"
		"     FOR NO KEY UPDATE SKIP LOCKED) d LIMIT $3) r"
		JOIN_DEFINITION
		" ORDER BY u.place, r.priority DESC, r.run_at, r.id LIMIT $4",
		4, {UUIDARRAYOID, TIMESTAMPTZOID, INT4OID, INT4OID}
	},
	[STORE_NEXT_DUE] = {
		"SELECT run_at FROM %t.workflow_runs"
		" WHERE status IN ('queued', 'waiting') AND run_at > queued_at"
		"  AND run_at > $1 ORDER BY run_at LIMIT 1",
		1, {TIMESTAMPTZOID}
	},
	[STORE_TAKE_OVER] = {
		"SELECT " RUN_COLUMNS
		" FROM (SELECT * FROM %t.workflow_runs q"
		"   WHERE q.status = 'running'"
		"     AND NOT %t.wf_worker_alive(q.owner)"
		"     AND NOT EXISTS (SELECT FROM %t.workflow_pauses p"
		"      WHERE p.tenant_id = q.tenant_id)"
		"   ORDER BY q.definition_id, q.id LIMIT $1"
		"   FOR NO KEY UPDATE SKIP LOCKED) r"
		JOIN_DEFINITION,
		1, {INT4OID}
	},
	[STORE_LOAD_OWNED] = {
		"SELECT " RUN_COLUMNS
		" FROM (SELECT *" OWNED "q.id = ANY ($1) FOR NO KEY UPDATE SKIP LOCKED) r"
		JOIN_DEFINITION,
		2, {UUIDARRAYOID, INT8OID}
	},
	[STORE_OWNED] = {"SELECT q.id" OWNED "q.id = ANY ($1)",
	2, {UUIDARRAYOID, INT8OID}},
	[STORE_OWNED_BUT] = {"SELECT q.id" OWNED "q.id <> ALL ($1)",
	2, {UUIDARRAYOID, INT8OID}},
	[STORE_SAVE] = {
		"UPDATE %t.workflow_runs SET status = $2, current_step = $3,"
		" step_results = $4, error_message = $5, started_at = $6,"
		" completed_at = $7, run_at = $8, attempt = $9, owner = $10,"
		" attempt_at = $11, failed_attempts = $12, abnormal_ends = $13,"
		" abnormal_step = $14,"
		" previous_results = CASE WHEN $2 = 'completed' THEN NULL"
		"  ELSE previous_results END"
		" WHERE id = $1",
		14, {UUIDOID, TEXTOID, INT4OID, JSONBOID, TEXTOID, TIMESTAMPTZOID,
			TIMESTAMPTZOID, TIMESTAMPTZOID, INT4OID, INT8OID, TIMESTAMPTZOID,
			JSONBOID, INT2OID, INT4OID}
	},
	[STORE_LOAD_STRUCK] = {
		"SELECT " RUN_COLUMNS
		" FROM (SELECT *" STRUCK " FOR NO KEY UPDATE SKIP LOCKED) r"
		JOIN_DEFINITION,
		2, {UUIDOID, INT4OID}
	},
	[STORE_IS_STRUCK] = {"SELECT" STRUCK,
	2, {UUIDOID, INT4OID}},
	[STORE_CANCELLED] = {
		"SELECT error_message, completed_at, failed_attempts"
		" FROM %t.workflow_runs WHERE id = $1 AND status = 'cancelled'",
		1, {UUIDOID}
	},
	[STORE_FAIL] = {
		"UPDATE %t.workflow_runs SET status = 'failed', error_message = $2,"
		" completed_at = $3, owner = NULL"
		" WHERE id = $1 AND status IN ('queued', 'running', 'waiting')",
		3, {UUIDOID, TEXTOID, TIMESTAMPTZOID}
	},
	[STORE_PAUSES] = {
		"SELECT tenant_id FROM %t.workflow_pauses",
		0, {0}
	},
	[STORE_VERSION] = {
		"SELECT definition, run_as FROM %t.workflow_definition_versions"
		" WHERE definition_id = $1 AND version = $2",
		2, {UUIDOID, INT4OID}
	},
	[STORE_ACTION] = {
		"SELECT handler FROM %t.workflow_actions"
		" WHERE name = $1 AND kind = 'function'",
		1, {TEXTOID}
	},
	[STORE_CONNECTION] = {
		/* no sort sees the credentials: its memory is not wiped */
		"SELECT kind, config, credentials FROM %t.workflow_connections"
		" WHERE id = (SELECT id FROM %t.workflow_connections"
		"  WHERE name = $2 AND (tenant_id = $1 OR tenant_id IS NULL)"
		"  ORDER BY tenant_id NULLS LAST LIMIT 1)",
		2, {UUIDOID, TEXTOID}
	},
	[STORE_TEMPLATE] = {
		"SELECT subject, body, html FROM %t.workflow_templates"
		" WHERE name = $2 AND (tenant_id = $1 OR tenant_id IS NULL)"
		" ORDER BY tenant_id NULLS LAST LIMIT 1",
		2, {UUIDOID, TEXTOID}
	},
	[STORE_ACTIONS] = {
		"SELECT name, kind, params FROM %t.workflow_actions ORDER BY name",
		0, {0}
	},
	[STORE_CHAIN] = {
		"WITH RECURSIVE up AS ("
		" SELECT r.parent_id, r.definition_id, 1 AS n"
		"  FROM %t.workflow_runs r WHERE r.id = $1"
		" UNION ALL"
		" SELECT r.parent_id, r.definition_id, n + 1"
		"  FROM up JOIN %t.workflow_runs r ON r.id = up.parent_id"
		"  WHERE n < 5)"
		"SELECT d.name FROM up JOIN %t.workflow_definitions d"
		" ON d.id = up.definition_id ORDER BY n DESC",
		1, {UUIDOID}
	},
	[STORE_HAS_DEFINITION] = {
		"SELECT FROM %t.workflow_definitions d"
		" JOIN %t.workflow_definition_versions v ON v.definition_id = d.id"
		" WHERE d.id = $1 AND v.version = $2",
		2, {UUIDOID, INT4OID}
	},
	[STORE_DEFINITION] = {
		"SELECT tenant_id, version FROM %t.workflow_definitions WHERE id = $1",
		1, {UUIDOID}
	},
};

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
		forget_plans();
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
	const StatementText *text = &statements[statement];
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
	bool		save_indexscan = enable_indexscan;
	bool		save_jit = jit_enabled;
	int			level = store_enter_search_path();
	int			result = 0;

	PG_TRY();
	{
		enable_seqscan = enable_bitmapscan = enable_sort = false;
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
