/*
 * define.c
 *	  wf_define, which saves a definition.
 *
 * Runs in the backend that calls it, with the privileges of the role that
 * calls it.  wf_define executes an INSERT or an UPDATE of
 * workflow_definitions; the triggers of that table (definition.c, version.c)
 * do what any such statement makes them do.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/define.h"
#include "api/definition.h"
#include "api/trigger_row.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan/plan.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

/*--- wf_define ---*/

typedef enum Found
{
	FOUND_NONE,					/* no definition of that name */
	FOUND_OTHER,				/* its JSON is another */
	FOUND_SAME					/* its JSON is equal */
} Found;

/*
 * Looks for the tenant's definition of that name, and locks its row; *id is
 * set if there is one.  values are the tenant, the JSON and the name, as for
 * all statements of this file.  Within SPI.
 */
static Found
find_definition(Datum *values, Datum *id)
{
	Oid			types[3] = {UUIDOID, JSONBOID, TEXTOID};
	bool		isnull;

	SPI_execute_with_args(store_sql("SELECT id, definition = $2"
									" FROM %t.workflow_definitions"
									" WHERE tenant_id = $1 AND name = $3"
									" FOR UPDATE"),
						  3, types, values, NULL, false, 1);
	if (SPI_processed == 0)
		return FOUND_NONE;
	*id = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						&isnull);
	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, 2, &isnull))
		? FOUND_SAME : FOUND_OTHER;
}

void
define_warn_of_duplicate(Datum tenant, Datum name)
{
	Oid			types[2] = {UUIDOID, TEXTOID};
	Datum		values[2] = {tenant, name};
	char	   *other;

	SPI_execute_with_args(store_sql("SELECT o.name"
									" FROM %t.workflow_definitions d"
									" JOIN %t.workflow_definitions o"
									" ON o.tenant_id = d.tenant_id"
									"  AND o.trigger_type = d.trigger_type"
									"  AND o.id <> d.id AND o.is_active"
									"  AND o.definition->'steps' = d.definition->'steps'"
									" WHERE d.tenant_id = $1 AND d.name = $2"
									"  AND d.is_active AND NOT d.definition ? 'schedule'"
									" ORDER BY o.name"),
						  2, types, values, NULL, false, 1);
	if (SPI_processed == 0)
		return;
	other = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("workflow \"%s\" has the same trigger type and the same steps and is active too",
					other),
			 errdetail("Every event runs both."),
			 errhint("To rename a workflow, UPDATE its name and the name in its definition; to end the other one, set its is_active to false.")));
}

#define MAX_TRIES 10

/*
 * Inserts the definition or updates it; returns its id, in SPI's memory.
 * Another session may insert or delete the name at the same moment: each
 * statement waits for that session's transaction to end, and if it then finds
 * nothing to do, both are tried again.  (A lock on the table would make every
 * other writer wait until this transaction ends.)  Raises 55000 if neither
 * ever finds a row, and what the table's own triggers raise.  Within SPI.
 */
static Datum
write_definition(Datum *values)
{
	Oid			types[3] = {UUIDOID, JSONBOID, TEXTOID};
	Datum		id = 0;
	bool		isnull;

	for (int tries = 0; tries < MAX_TRIES; tries++)
	{
		Found		found = find_definition(values, &id);

		if (found == FOUND_SAME)
			return id;
		SPI_execute_with_args(store_sql(found == FOUND_OTHER
										? "UPDATE %t.workflow_definitions"
										" SET definition = $2,"
										"  trigger_type = coalesce($2->>'trigger_type', trigger_type)"
										" WHERE tenant_id = $1 AND name = $3"
										" RETURNING id"
										: "INSERT INTO %t.workflow_definitions"
										" (tenant_id, definition, name)"
										" VALUES ($1, $2, $3)"
										" ON CONFLICT (tenant_id, name)"
										" DO NOTHING RETURNING id"),
							  3, types, values, NULL, false, 0);
		if (SPI_processed > 0)
		{
			id = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
							   1, &isnull);
			define_warn_of_duplicate(values[0], values[2]);
			return id;
		}
		CHECK_FOR_INTERRUPTS();
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the definition could not be saved"),
			 errdetail("It is neither inserted nor found: a trigger or a policy that somebody added to \"workflow_definitions\" may be the reason.")));
}

static bool
has_key(Jsonb *definition, const char *key)
{
	return JB_ROOT_IS_OBJECT(definition) &&
		getKeyJsonValueFromContainer(&definition->root, key, strlen(key),
									 NULL) != NULL;
}

void
define_require_names(Jsonb *definition)
{
	static const char *const keys[] = {"name", "trigger_type"};
	Problems	problems = {0};

	if (definition_text(definition, keys[0]) &&
		(definition_text(definition, keys[1]) ||
		 has_key(definition, "schedule")))
		return;					/* wf_definition_check looks at the rest */
	plan_compile(definition, definition_catalogue(), &problems);
	for (int i = 0; i < lengthof(keys) && JB_ROOT_IS_OBJECT(definition); i++)
		if (!has_key(definition, keys[i]))
			problem_error(&problems, keys[i], "missing_key", NULL,
						  "%s is missing", keys[i]);
	problems_raise(&problems, "the definition is not valid");
}

PG_FUNCTION_INFO_V1(wf_define);

/* Raises 22004, 22023, and what the triggers of workflow_definitions raise. */
Datum
wf_define(PG_FUNCTION_ARGS)
{
	static const char *const arguments[] = {"tenant_id", "definition"};
	Datum		values[3];
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));
	int			level;

	for (int i = 0; i < lengthof(arguments); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument \"%s\" of wf_define must not be null",
							arguments[i])));
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	define_require_names(PG_GETARG_JSONB_P(1));
	values[0] = PG_GETARG_DATUM(0);
	values[1] = PG_GETARG_DATUM(1);
	values[2] = CStringGetTextDatum(definition_text(PG_GETARG_JSONB_P(1), "name"));

	level = store_enter_search_path();
	SPI_connect();
	*id = *DatumGetUUIDP(write_definition(values));
	SPI_finish();
	store_leave_search_path(level);
	PG_RETURN_UUID_P(id);
}
