/*
 * definition.c
 *	  workflow_definitions and its versions: what happens when they are
 *	  written.
 *
 * Runs in the backend that writes, as the role that writes; the versions
 * table belongs to the engine, so its rows are written as its owner.
 *
 * A definition is validated before it is stored, and a version of it saved
 * after: the trigger that saves sorts before the foreign key's, so the check
 * finds the row.  In a restore the versions come first, and what was saved
 * once is taken as it is: definitions keep ids, versions and times.
 * pg_dump's scripts turn check_function_bodies off; that also tells us not
 * to ask for actions, which may be restored later.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan.h"
#include "storage/lmgr.h"
#include "store.h"
#include "trigger_row.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* Columns of workflow_definitions, in the order of the install script. */
enum
{
	DEF_ID = 1,
	DEF_TENANT_ID,
	DEF_NAME,
	DEF_TRIGGER_TYPE,
	DEF_DEFINITION,
	DEF_IS_ACTIVE,
	DEF_VERSION,
	DEF_CREATED_AT,
	DEF_RUN_AS,
	DEF_UPDATED_AT,
	DEF_UPDATED_BY
};

/* Columns of workflow_definition_versions. */
enum
{
	VERSION_RUN_AS = 4
};

/*--- name and trigger type ---*/

/* A text member of the JSON, or NULL. */
static char *
json_text(Jsonb *json, const char *key)
{
	JsonbValue	value;

	if (!JB_ROOT_IS_OBJECT(json) ||
		getKeyJsonValueFromContainer(&json->root, key, strlen(key),
									 &value) == NULL ||
		value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* Fills the column from the JSON, or sees that both agree. */
static void
agree(TriggerRow *row, int column, const char *key, Jsonb *definition)
{
	char	   *in_json = json_text(definition, key);
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
				 errhint("Write both in the same statement, or leave it out of the definition.")));
}

/*--- run_as ---*/

static bool
role_exists(Oid role)
{
	return OidIsValid(role) &&
		SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

/*
 * Must be able to SET ROLE to it.  A superuser may leave no role behind: a
 * dump carries the bare number of a role that was dropped.
 */
static void
check_run_as(Oid role)
{
	if (!role_exists(role))
	{
		if (superuser())
			return;
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("run_as must name a role"),
				 errhint("Set run_as to the role that the steps shall run as.")));
	}
	if (!compat_can_set_role(GetUserId(), role) ||
		(superuser_arg(role) && !superuser()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to run steps as role \"%s\"",
						GetUserNameFromId(role, false)),
				 errdetail("Whoever writes a definition must be able to SET ROLE to its run_as.")));
}

/* May anybody who may write the row make this change? */
static bool
only_switches_off(TriggerRow *row)
{
	bool		isnull;

	if (!row->is_update ||
		DatumGetBool(row_get(row, DEF_IS_ACTIVE, &isnull)))
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

	if (isnull || only_switches_off(row))
		return;
	check_run_as(role);
	if (!role_exists(role))
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

/* Is this version saved already, the same as in this row (a restore)? */
static bool
is_saved(TriggerRow *row, Jsonb *definition)
{
	bool		isnull;
	Datum		id = row_get(row, DEF_ID, &isnull);
	Datum		version;
	Jsonb	   *saved;
	Oid			run_as;
	Oid			save_user;
	int			save_context;
	bool		found;

	if (isnull)
		return false;
	version = row_get(row, DEF_VERSION, &isnull);
	if (isnull)
		return false;
	store_enter_owner(&save_user, &save_context);
	found = store_fetch_version(DatumGetUUIDP(id), DatumGetInt32(version),
								&saved, &run_as);
	store_leave_owner(save_user, save_context);
	return found && run_as == DatumGetObjectId(row_get(row, DEF_RUN_AS,
													   &isnull)) &&
		compareJsonbContainers(&saved->root, &definition->root) == 0;
}

static void
validate(TriggerRow *row, Jsonb *definition)
{
	Problems	problems = {0};

	if (row->is_update ? !row_changed(row, DEF_DEFINITION)
		: is_saved(row, definition))
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

/* Inserts the version; true where there was none of that number. */
static bool
insert_version(Datum *values, const char *writer)
{
	Oid			types[5] = {UUIDOID, INT4OID, JSONBOID, REGROLEOID, NAMEOID};
	NameData	name;
	uint64		inserted;

	namestrcpy(&name, writer);
	values[4] = NameGetDatum(&name);
	SPI_connect();
	SPI_execute_with_args(store_sql("INSERT INTO %t.workflow_definition_versions"
									" (definition_id, version, definition,"
									"  run_as, created_by)"
									" VALUES ($1, $2, $3, $4, $5)"
									" ON CONFLICT DO NOTHING"),
						  5, types, values, NULL, false, 0);
	inserted = SPI_processed;
	SPI_finish();
	return inserted > 0;
}

PG_FUNCTION_INFO_V1(wf_definition_saved);

Datum
wf_definition_saved(PG_FUNCTION_ARGS)
{
	static const int columns[] = {DEF_ID, DEF_VERSION, DEF_DEFINITION,
	DEF_RUN_AS};
	TriggerRow	row;
	Datum		values[5];
	Oid			save_user;
	int			save_context;
	int			level;
	char	   *writer = GetUserNameFromId(GetUserId(), false);
	bool		isnull;

	row_begin(&row, fcinfo, "workflow_definitions");
	if (row.is_update && !row_changed(&row, DEF_VERSION))
		return row_end(&row);
	for (int i = 0; i < lengthof(columns); i++)
		values[i] = row_get(&row, columns[i], &isnull);

	level = store_enter_search_path();
	store_enter_owner(&save_user, &save_context);
	if (!insert_version(values, writer) &&
		!is_saved(&row, DatumGetJsonbP(values[2])))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("version %d of this definition exists and differs",
						DatumGetInt32(values[1]))));
	store_leave_owner(save_user, save_context);
	store_leave_search_path(level);
	return row_end(&row);
}

/*
 * Before a DELETE of definitions or versions: waits for fires in flight;
 * fire.c tells why.
 */
static void
wait_for_fires(void)
{
	LockRelationOid(store_relation("workflow_runs"), ShareRowExclusiveLock);
}

PG_FUNCTION_INFO_V1(wf_definition_gone);

Datum
wf_definition_gone(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TriggerRow	row;
	Oid			type = UUIDOID;
	Datum		id;
	Oid			save_user;
	int			save_context;
	int			level;
	bool		isnull;

	row_begin(&row, fcinfo, "workflow_definitions");
	if (TRIGGER_FIRED_FOR_STATEMENT(data->tg_event))
	{
		wait_for_fires();
		return PointerGetDatum(NULL);
	}
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

PG_FUNCTION_INFO_V1(wf_version_check);

Datum
wf_version_check(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	bool		isnull;
	Datum		role;

	row_begin(&row, fcinfo, "workflow_definition_versions");
	if (TRIGGER_FIRED_FOR_STATEMENT(((TriggerData *) fcinfo->context)->tg_event))
	{
		wait_for_fires();
		return PointerGetDatum(NULL);
	}
	if (row.is_update)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a saved version of a definition cannot be changed"),
				 errhint("Update workflow_definitions: it saves a new version.")));
	role = row_get(&row, VERSION_RUN_AS, &isnull);
	if (!isnull && !role_exists(DatumGetObjectId(role)))
		row_set(&row, VERSION_RUN_AS, ObjectIdGetDatum(InvalidOid));
	return row_end(&row);
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

/* Inserts or updates; returns the id. */
static Datum
write_definition(Datum *values)
{
	Oid			types[3] = {UUIDOID, JSONBOID, TEXTOID};
	Datum		id = 0;
	bool		isnull;
	int			found = find_definition(values, &id);

	if (found == 0)
	{
		/* against another wf_define of that name */
		LockRelationOid(store_relation("workflow_definitions"),
						ShareRowExclusiveLock);
		found = find_definition(values, &id);
	}
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
									" VALUES ($1, $2, $3) RETURNING id"),
						  3, types, values, NULL, false, 0);
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						 &isnull);
}

static void
require_name(Jsonb *definition, const char *key)
{
	if (json_text(definition, key) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the definition is not valid"),
				 errdetail("%s: must be given as a text.", key)));
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
	require_name(PG_GETARG_JSONB_P(1), "name");
	require_name(PG_GETARG_JSONB_P(1), "trigger_type");
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	values[0] = PG_GETARG_DATUM(0);
	values[1] = PG_GETARG_DATUM(1);
	values[2] = CStringGetTextDatum(json_text(PG_GETARG_JSONB_P(1), "name"));

	level = store_enter_search_path();
	SPI_connect();
	*id = *DatumGetUUIDP(write_definition(values));
	SPI_finish();
	store_leave_search_path(level);
	PG_RETURN_UUID_P(id);
}
