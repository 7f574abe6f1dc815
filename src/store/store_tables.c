/*
 * store_tables.c
 *	  Are the extension's tables still as the library needs them?
 *
 * C reads and writes these tables by column number and as values of known
 * types.  If somebody has dropped or renamed a column or changed its type,
 * that would read and write garbage, so it is an error before anything is
 * touched.  Columns that somebody has added after ours are not looked at here
 * (store_added.c).
 *
 * Runs in workers and in backends.  Owns the answer, in static memory: it
 * holds until the relation cache says that one of the tables has changed, so
 * asking costs a comparison.
 */
#include "postgres.h"
#include "compat.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "store/run_columns.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#define WF_ROLE InvalidOid		/* our own type, which has no fixed oid */

typedef struct Column
{
	const char *name;
	Oid			type;			/* or WF_ROLE */
	bool		not_null;
} Column;

typedef struct Table
{
	const char *name;
	int			ncolumns;
	const Column *columns;		/* in the order of the install script */
} Table;

static const Column runs_columns[] = {
	{"id", UUIDOID, true},
	{"definition_id", UUIDOID, true},
	{"trigger_payload", JSONBOID, true},
	{"status", TEXTOID, true},
	{"current_step", INT4OID, true},
	{"step_results", JSONBOID, true},
	{"error_message", TEXTOID, false},
	{"started_at", TIMESTAMPTZOID, true},
	{"completed_at", TIMESTAMPTZOID, false},
	{"tenant_id", UUIDOID, true},
	{"definition_version", INT4OID, true},
	{"queued_at", TIMESTAMPTZOID, true},
	{"run_at", TIMESTAMPTZOID, true},
	{"priority", INT2OID, true},
	{"idempotency_key", TEXTOID, false},
	{"attempt", INT4OID, true},
	{"place", INT8OID, false},
	{"owner", INT8OID, false},
	{"parent_id", UUIDOID, false},
	{"depth", INT4OID, true},
	{"attempt_at", TIMESTAMPTZOID, false},
	{"failed_attempts", JSONBOID, false},
	{"abnormal_ends", INT2OID, false},
	{"abnormal_step", INT4OID, false},
	{"previous_results", JSONBOID, false},
	{"rerun_of", UUIDOID, false},
};

static const Column identity_columns[] = {
	{"incarnation", UUIDOID, true},
};

static const Column places_columns[] = {
	{"here", INT8OID, true},
	{"accepted", INT8OID, true},
	{"at", TIMESTAMPTZOID, true},
	{"by", NAMEOID, true},
};

static const Column definitions_columns[] = {
	{"id", UUIDOID, true},
	{"tenant_id", UUIDOID, true},
	{"name", TEXTOID, true},
	{"trigger_type", TEXTOID, true},
	{"definition", JSONBOID, true},
	{"is_active", BOOLOID, true},
	{"version", INT4OID, true},
	{"created_at", TIMESTAMPTZOID, true},
	{"run_as", WF_ROLE, true},
	{"updated_at", TIMESTAMPTZOID, true},
	{"updated_by", NAMEOID, true},
};

static const Column versions_columns[] = {
	{"definition_id", UUIDOID, true},
	{"version", INT4OID, true},
	{"definition", JSONBOID, true},
	{"run_as", WF_ROLE, true},
	{"created_at", TIMESTAMPTZOID, true},
	{"created_by", NAMEOID, true},
	{"note", TEXTOID, false},
};

static const Column actions_columns[] = {
	{"name", TEXTOID, true},
	{"kind", TEXTOID, true},
	{"handler", TEXTOID, false},
	{"params", JSONBOID, true},
	{"description", TEXTOID, false},
};

static const Column connections_columns[] = {
	{"id", UUIDOID, true},
	{"tenant_id", UUIDOID, false},
	{"name", TEXTOID, true},
	{"kind", TEXTOID, true},
	{"config", JSONBOID, true},
	{"credentials", JSONBOID, true},
};

static const Column templates_columns[] = {
	{"id", UUIDOID, true},
	{"tenant_id", UUIDOID, false},
	{"name", TEXTOID, true},
	{"subject", TEXTOID, false},
	{"body", TEXTOID, false},
	{"html", TEXTOID, false},
	{"version", INT4OID, true},
};

static const Column pauses_columns[] = {
	{"tenant_id", UUIDOID, false},
	{"paused_at", TIMESTAMPTZOID, true},
	{"paused_by", NAMEOID, true},
	{"definition_id", UUIDOID, false},
	{"reason", TEXTOID, false},
};

#define COLUMNS(columns) lengthof(columns), columns

/* Those that wf_fire reads and writes come first: STORE_TABLES_OF_FIRE. */
static const Table tables[STORE_ALL_TABLES] = {
	{"workflow_runs", COLUMNS(runs_columns)},
	{"workflow_definitions", COLUMNS(definitions_columns)},
	{"workflow_identity", COLUMNS(identity_columns)},
	{"workflow_places", COLUMNS(places_columns)},
	{"workflow_definition_versions", COLUMNS(versions_columns)},
	{"workflow_actions", COLUMNS(actions_columns)},
	{"workflow_connections", COLUMNS(connections_columns)},
	{"workflow_templates", COLUMNS(templates_columns)},
	{"workflow_pauses", COLUMNS(pauses_columns)},
};

StaticAssertDecl(lengthof(runs_columns) == Natts_workflow_runs,
				 "runs_columns must list every column of workflow_runs");

static Oid	relids[STORE_ALL_TABLES];
static int	nwatched = 0;		/* of relids that forget() looks at */
static int	nchecked = 0;		/* the first so many tables are right */
static uint64 generation = 0;	/* counts what forget() was told of them */
static uint64 checked_schema;	/* store_schema_generation as of the check */
static bool mismatch = false;	/* the last check failed, or that of all */
static char *reported = NULL;	/* what this worker has logged since then */

/*--- one table ---*/

/* The type that the column must have. */
static Oid
expected_type(const Column *column)
{
	Oid			schema;

	if (column->type != WF_ROLE)
		return column->type;
	schema = get_rel_namespace(relids[0]);
	return GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid,
						   CStringGetDatum("wf_role"),
						   ObjectIdGetDatum(schema));
}

static void
raise_dropped(const Table *table, const Column *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column \"%s\" of table \"%s\" was dropped or renamed, but the engine needs it",
					column->name, table->name),
			 errdetail("It is of type %s. Until it is there again, no run is executed in this database.",
					   format_type_be(expected_type(column))),
			 errhint("Rename it back, or restore the table from a dump: columns are found by their order.")));
}

static void
raise_type(const Table *table, const Column *column, Oid type)
{
	const char *expected = format_type_be(expected_type(column));

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column \"%s\" of table \"%s\" is of type %s, but the engine needs %s",
					column->name, table->name, format_type_be(type),
					expected),
			 errdetail("Until that is mended, no run is executed in this database."),
			 errhint("ALTER TABLE %s ALTER COLUMN %s TYPE %s USING %s::%s",
					 table->name, column->name, expected, column->name,
					 expected)));
}

static void
raise_nullable(const Table *table, const Column *column)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("column \"%s\" of table \"%s\" may be null, but the engine needs NOT NULL",
					column->name, table->name),
			 errdetail("Until that is mended, no run is executed in this database."),
			 errhint("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL",
					 table->name, column->name)));
}

static void
check_column(const Table *table, TupleDesc desc, int i)
{
	const Column *column = &table->columns[i];
	Form_pg_attribute att = TupleDescAttr(desc, i);

	if (att->attisdropped || strcmp(NameStr(att->attname), column->name) != 0)
		raise_dropped(table, column);
	if (att->atttypid != expected_type(column))
		raise_type(table, column, att->atttypid);
	if (column->not_null && !compat_is_not_null(desc, i))
		raise_nullable(table, column);
}

static void
check_table(const Table *table, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);

	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("\"%s\" is not a table, but the engine needs one",
						table->name)));
	if (desc->natts < table->ncolumns)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is older than the library",
						table->name),
				 errhint("Run ALTER EXTENSION workflow_engine UPDATE.")));
	for (int i = 0; i < table->ncolumns; i++)
		check_column(table, desc, i);
}

bool
store_column_may_be_null(int column)
{
	return column > Natts_workflow_runs || !runs_columns[column - 1].not_null;
}

/*--- all of them ---*/

/* The relation cache forgets what it knew of relid, or (0) of every table. */
static void
forget(Datum arg, Oid relid)
{
	for (int i = 0; i < nwatched; i++)
	{
		if (OidIsValid(relid) && relid != relids[i])
			continue;
		generation++;
		nchecked = 0;
		return;
	}
}

uint64
store_tables_generation(void)
{
	return generation + store_schema_generation();
}

/* How many tables are known to be right, in the schema of today. */
static int
checked(void)
{
	if (checked_schema != store_schema_generation())
		nchecked = 0;
	return nchecked;
}

static void
watch(int n)
{
	static bool registered = false;

	if (!registered)
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	registered = true;
	for (int i = 0; i < n; i++)
		relids[i] = store_relation(tables[i].name);
	nwatched = n;
}

/* Again, if one of them changes meanwhile. */
static void
check_tables(int n)
{
	uint64		began;
	bool		was_mismatch = mismatch;

	nchecked = 0;
	mismatch = true;			/* if an error is raised */
	checked_schema = store_schema_generation();
	watch(n);
	do
	{
		CHECK_FOR_INTERRUPTS();
		began = generation;
		for (int i = 0; i < n; i++)
		{
			Relation	rel = table_open(relids[i], AccessShareLock);

			check_table(&tables[i], rel);
			table_close(rel, AccessShareLock);
		}
	} while (generation != began);
	nchecked = n;
	/* what is wrong with a table that was not looked at is still wrong */
	mismatch = n < STORE_ALL_TABLES && was_mismatch;
	if (mismatch)
		return;
	if (reported != NULL)
		pfree(reported);
	reported = NULL;
}

void
store_check_tables(StoreTables n)
{
	if (checked() < n)
		check_tables(n);
}

/* Logs the error unless this process has logged the same one before. */
static void
rethrow_once(MemoryContext context)
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	if (reported != NULL && strcmp(reported, error->message) == 0)
		error->output_to_server = false;
	else
	{
		if (reported != NULL)
			pfree(reported);
		reported = MemoryContextStrdup(TopMemoryContext, error->message);
	}
	ReThrowError(error);
}

void
store_check_tables_of_worker(void)
{
	MemoryContext context = CurrentMemoryContext;

	if (checked() == STORE_ALL_TABLES)
		return;
	PG_TRY();
	{
		check_tables(STORE_ALL_TABLES);
	}
	PG_CATCH();
	{
		rethrow_once(context);
	}
	PG_END_TRY();
}

bool
store_tables_mismatch(void)
{
	return mismatch;
}
