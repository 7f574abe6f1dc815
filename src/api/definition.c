/*
 * definition.c
 *	  workflow_definitions: what happens when it is written; wf_define.
 *
 * Runs in the backend that writes, as the role that writes.  A definition is
 * validated before it is stored; version.c saves its version after.  What is
 * saved already is taken as it is (a restore), and pg_dump's scripts turn
 * check_function_bodies off: then actions, which may be restored later, are
 * not asked for.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "api/role.h"
#include "api/trigger_row.h"
#include "api/version.h"
#include "base/json_value.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan/plan.h"
#include "store/store.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/*--- name and trigger type ---*/

/* A member that is a string, as text; else NULL. */
static char *
text_member(Jsonb *json, const char *key)
{
	JsonbValue	root;

	json_of_jsonb(json, &root);
	return json_member_string(&root, key);
}

/* Fills the column from the JSON, or sees that both agree. */
static void
agree(TriggerRow *row, int column, const char *key, Jsonb *definition)
{
	char	   *in_json = text_member(definition, key);
	bool		isnull;
	Datum		datum = row_get(row, column, &isnull);

	if (in_json == NULL)
		return;
	if (isnull && !row->is_update)
		row_set(row, column, CStringGetTextDatum(in_json));
	else if (!isnull && strcmp(TextDatumGetCString(datum), in_json) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" and \"%s\" of the definition do not agree",
						key, key),
				 errdetail("The column is \"%s\", the definition says \"%s\".",
						   TextDatumGetCString(datum), in_json),
				 row->is_update ?
				 errhint("Change both in the same statement: SET %s = 'x', definition = jsonb_set(definition, '{%s}', '\"x\"').",
						 key, key) :
				 errhint("Write the same in both, or leave the column out.")));
}

/*--- run_as ---*/

/*
 * Must be able to SET ROLE to it.  A superuser may leave no role behind: a
 * dump carries the bare number of a role that was dropped.
 */
static void
check_run_as(Oid role)
{
	if (!version_role_exists(role))
	{
		if (superuser())
			return;
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("run_as must name a role"),
				 errhint("Set run_as to the role that the steps shall run as.")));
	}
	if (role_is_allowed(role))
		return;
	if (superuser_arg(role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to run steps as role \"%s\"",
						GetUserNameFromId(role, false)),
				 errdetail("Only a superuser may have steps run as a superuser."),
				 errhint("Name in run_as a role that is no superuser.")));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied to run steps as role \"%s\"",
					GetUserNameFromId(role, false)),
			 errdetail("Whoever writes a definition must be able to SET ROLE to its run_as."),
			 errhint("Name a role of yours in run_as, or have the role granted: GRANT %s TO %s.",
					 quote_identifier(GetUserNameFromId(role, false)),
					 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

/*
 * Does the UPDATE change nothing but is_active?  Then the steps and their role
 * stay what somebody with the right to that role has saved, so whoever may
 * write the row may make the change.  Columns after run_as do not matter: they
 * are set below, or somebody has added them, and no step reads them.
 */
static bool
only_switches(TriggerRow *row)
{
	if (!row->is_update)
		return false;
	for (int column = DEF_ID; column <= DEF_RUN_AS; column++)
		if (column != DEF_IS_ACTIVE && row_changed(row, column))
			return false;
	return true;
}

static void
check_role_of_row(TriggerRow *row)
{
	bool		isnull;
	Oid			role = DatumGetObjectId(row_get(row, DEF_RUN_AS, &isnull));

	if (isnull)
		return;
	if (only_switches(row))
	{
		if (DatumGetBool(row_get(row, DEF_IS_ACTIVE, &isnull)) &&
			!version_role_exists(role))
			ereport(WARNING,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("the role that this workflow runs as does not exist"),
					 errdetail("Its runs fail."),
					 errhint("Set run_as to the role that the steps shall run as.")));
		return;
	}
	check_run_as(role);
	if (!version_role_exists(role))
		row_set(row, DEF_RUN_AS, ObjectIdGetDatum(InvalidOid));
}

/*--- validation ---*/

static ActionCatalogue *
catalogue(void)
{
	ActionCatalogue *result;
	Oid			save_user;
	int			save_context;

	store_enter_owner(&save_user, &save_context);
	result = store_catalogue();
	store_leave_owner(save_user, save_context);
	return result;
}

static void
validate(TriggerRow *row, Jsonb *definition)
{
	Problems	problems = {0};

	if (row->is_update ? !row_changed(row, DEF_DEFINITION)
		: version_is_saved(row, definition))
		return;
	plan_compile(definition, check_function_bodies ? catalogue() : NULL,
				 &problems);
	problems_raise(&problems, "the definition is not valid");
}

/*--- versions ---*/

static void
count_version(TriggerRow *row)
{
	bool		isnull;
	Datum		version = row_get_old(row, DEF_VERSION, &isnull);

	if (row_changed(row, DEF_VERSION))
		ereport(ERROR,
				(errcode(ERRCODE_GENERATED_ALWAYS),
				 errmsg("column \"version\" cannot be updated"),
				 errdetail("The engine counts it.")));
	if (row_changed(row, DEF_ID) || row_changed(row, DEF_TENANT_ID))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("columns \"id\" and \"tenant_id\" of a definition cannot be updated"),
				 errhint("Insert a new definition.")));
	if (row_changed(row, DEF_DEFINITION) || row_changed(row, DEF_RUN_AS))
		row_set(row, DEF_VERSION, Int32GetDatum(DatumGetInt32(version) + 1));
	row_set(row, DEF_UPDATED_AT,
			TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	row_set(row, DEF_UPDATED_BY,
			DirectFunctionCall1(namein,
								CStringGetDatum(GetUserNameFromId(GetUserId(), false))));
}

PG_FUNCTION_INFO_V1(wf_definition_check);

Datum
wf_definition_check(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	bool		isnull;
	Datum		datum;

	row_begin(&row, fcinfo, "workflow_definitions");
	datum = row_get(&row, DEF_DEFINITION, &isnull);
	if (isnull)
		return row_end(&row);	/* NOT NULL will say so */
	agree(&row, DEF_NAME, "name", DatumGetJsonbP(datum));
	agree(&row, DEF_TRIGGER_TYPE, "trigger_type", DatumGetJsonbP(datum));
	check_role_of_row(&row);
	validate(&row, DatumGetJsonbP(datum));
	if (row.is_update)
		count_version(&row);
	return row_end(&row);
}

PG_FUNCTION_INFO_V1(wf_definition_gone);

Datum
wf_definition_gone(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	Oid			type = UUIDOID;
	Datum		id;
	Oid			save_user;
	int			save_context;
	int			level;
	bool		isnull;

	row_begin(&row, fcinfo, "workflow_definitions");
	id = row_get(&row, DEF_ID, &isnull);
	level = store_enter_search_path();
	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	SPI_execute_with_args(store_sql("DELETE FROM %t.workflow_definition_versions"
									" WHERE definition_id = $1"),
						  1, &type, &id, NULL, false, 0);
	SPI_finish();
	store_leave_owner(save_user, save_context);
	store_leave_search_path(level);
	return PointerGetDatum(NULL);
}

/*--- wf_define ---*/

/* The definition of that name: 0 none, 1 differs, 2 the same. */
static int
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
		return 0;
	*id = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						&isnull);
	return DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
									  SPI_tuptable->tupdesc, 2, &isnull))
		? 2 : 1;
}

/*
 * A definition that was saved under another name is a second one: every event
 * runs both.  Warns if an active one of the same tenant and trigger type has
 * the same steps.
 */
static void
warn_of_sibling(Datum *values)
{
	Oid			types[3] = {UUIDOID, JSONBOID, TEXTOID};
	char	   *sibling;

	SPI_execute_with_args(store_sql("SELECT o.name"
									" FROM %t.workflow_definitions d"
									" JOIN %t.workflow_definitions o"
									" ON o.tenant_id = d.tenant_id"
									"  AND o.trigger_type = d.trigger_type"
									"  AND o.id <> d.id AND o.is_active"
									"  AND o.definition->'steps' = d.definition->'steps'"
									" WHERE d.tenant_id = $1 AND d.name = $3"
									"  AND d.is_active ORDER BY o.name"),
						  3, types, values, NULL, false, 1);
	if (SPI_processed == 0)
		return;
	sibling = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	ereport(WARNING,
			(errcode(ERRCODE_WARNING),
			 errmsg("workflow \"%s\" has the same trigger type and the same steps and is active too",
					sibling),
			 errdetail("Every event runs both."),
			 errhint("To rename a workflow, UPDATE its name and the name in its definition; to end the other one, set its is_active to false.")));
}

#define MAX_TRIES 10

/*
 * Inserts or updates; returns the id.  Another session may insert the name, or
 * delete it, at the same moment: its end is waited for, then both are tried
 * again.  (A lock on the table would make everybody else wait for as long as
 * this transaction stays open.)
 */
static Datum
write_definition(Datum *values)
{
	Oid			types[3] = {UUIDOID, JSONBOID, TEXTOID};
	Datum		id = 0;
	bool		isnull;

	for (int tries = 0; tries < MAX_TRIES; tries++)
	{
		int			found = find_definition(values, &id);

		if (found == 2)
			return id;
		SPI_execute_with_args(store_sql(found == 1
										? "UPDATE %t.workflow_definitions"
										" SET definition = $2,"
										"  trigger_type = $2->>'trigger_type'"
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
			warn_of_sibling(values);
			return id;
		}
		CHECK_FOR_INTERRUPTS();
	}
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the definition could not be saved"),
			 errdetail("It is neither inserted nor found: a trigger or a policy that somebody added to \"workflow_definitions\" may be the reason.")));
}

/* wf_define has no columns to take them from: the JSON must have both. */
static void
require_names(Jsonb *definition)
{
	static const char *const keys[] = {"name", "trigger_type"};
	Problems	problems = {0};

	if (text_member(definition, keys[0]) && text_member(definition, keys[1]))
		return;					/* the trigger checks the rest */
	plan_compile(definition, catalogue(), &problems);
	for (int i = 0; i < lengthof(keys) && JB_ROOT_IS_OBJECT(definition); i++)
		if (getKeyJsonValueFromContainer(&definition->root, keys[i],
										 strlen(keys[i]), NULL) == NULL)
			problem_error(&problems, keys[i], NULL, "%s is missing", keys[i]);
	problems_raise(&problems, "the definition is not valid");
}

PG_FUNCTION_INFO_V1(wf_define);

Datum
wf_define(PG_FUNCTION_ARGS)
{
	Datum		values[3];
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));
	int			level;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("arguments of wf_define must not be null")));
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	require_names(PG_GETARG_JSONB_P(1));
	values[0] = PG_GETARG_DATUM(0);
	values[1] = PG_GETARG_DATUM(1);
	values[2] = CStringGetTextDatum(text_member(PG_GETARG_JSONB_P(1), "name"));

	level = store_enter_search_path();
	SPI_connect();
	*id = *DatumGetUUIDP(write_definition(values));
	SPI_finish();
	store_leave_search_path(level);
	PG_RETURN_UUID_P(id);
}
