/*
 * definition.c
 *	  What the triggers of workflow_definitions do.
 *
 * Runs in the backend that writes, as the role that writes.  A definition is
 * validated before it is stored (wf_definition_check); afterwards the trigger
 * of version.c saves its version.
 *
 * In a restore, a row whose version is saved already is not validated again,
 * and actions are not looked up, since their rows may be restored later.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "api/catalog_check.h"
#include "api/definition.h"
#include "api/role.h"
#include "api/trigger_row.h"
#include "api/version.h"
#include "base/json_value.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/int.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan/plan.h"
#include "plan/plan_schedule.h"
#include "store/store_actions.h"
#include "store/store_schema.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/*--- name and trigger type ---*/

char *
definition_text(Jsonb *json, const char *key)
{
	JsonbValue	root;

	json_of_jsonb(json, &root);
	return json_member_string(&root, key);
}

/*
 * Fills the column from the JSON's member key if an INSERT leaves it null.
 * Raises 22023 if both have a value and differ.
 */
static void
agree(TriggerRow *row, int column, const char *key, Jsonb *definition)
{
	char	   *in_json = definition_text(definition, key);
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

/* A definition that fires by its schedule alone needs no other event. */
static void
default_trigger_type(TriggerRow *row, Jsonb *definition)
{
	bool		isnull;

	row_get(row, DEF_TRIGGER_TYPE, &isnull);
	if (isnull && !row->is_update && plan_schedules_of(definition) != NIL)
		row_set(row, DEF_TRIGGER_TYPE,
				CStringGetTextDatum(SCHEDULE_TRIGGER_TYPE));
}

/*--- run_as ---*/

/*
 * Raises 42501 unless the current user may have steps run as role, and 42704
 * if there is no such role.  A superuser may write a row without an existing
 * role, since a dump has the bare number of a role that was dropped before.
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
					 quote_identifier(GetUserNameFromId(GetUserId(),
														false)))));
}

/*
 * Does the UPDATE change nothing but is_active?  Then the steps and their role
 * stay as a role with the right to that role has saved them, so every role
 * that may update the row may make the change.  Columns after run_as do not
 * matter: count_version sets them, or a user has added them, and no step reads
 * them.
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

/*
 * Raises 42501 or 42704 if the writer may not save the row with its run_as;
 * warns if it makes a workflow active that has no role.
 */
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
			!role_exists(role))
			ereport(WARNING,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("the role that this workflow runs as does not exist"),
					 errdetail("Its runs fail."),
					 errhint("Set run_as to the role that the steps shall run as.")));
		return;
	}
	check_run_as(role);
	if (!role_exists(role))
		row_set(row, DEF_RUN_AS, ObjectIdGetDatum(InvalidOid));
}

/*--- validation ---*/

ActionCatalogue *
definition_catalogue(void)
{
	ActionCatalogue *result;
	Oid			save_user;
	int			save_context;

	store_enter_owner(&save_user, &save_context);
	result = store_catalogue();
	store_leave_owner(save_user, save_context);
	return result;
}

/* What the row's definition is compared with in the catalog. */
static void
begin_catalog_check(const TriggerRow *row, CatalogCheck *check,
					pg_uuid_t *tenant_id)
{
	bool		isnull;
	Datum		datum = row_get(row, DEF_TENANT_ID, &isnull);

	memset(check, 0, sizeof(CatalogCheck));
	if (!isnull)
	{
		*tenant_id = *DatumGetUUIDP(datum);
		check->tenant_id = tenant_id;
	}
	datum = row_get(row, DEF_RUN_AS, &isnull);
	if (!isnull && role_exists(DatumGetObjectId(datum)))
		check->role = DatumGetObjectId(datum);
}

/*
 * Raises 22023 with every error of the definition, or warns; an UPDATE that
 * changes neither the definition nor its role, and a version that is saved,
 * are accepted.  If the role alone changes, the definition is only compared
 * with the catalog: it was valid when it was saved.
 */
static void
validate(TriggerRow *row, Jsonb *definition)
{
	bool		is_saved = row->is_update ? !row_changed(row, DEF_DEFINITION)
		: version_is_saved(row, definition);
	Problems	problems = {0};
	Problems	of_saved = {0};
	ActionCatalogue *actions = NULL;
	CatalogCheck check;
	pg_uuid_t	tenant_id;

	if (is_saved && !(row->is_update && row_changed(row, DEF_RUN_AS)))
		return;
	if (!row_is_restored(row))
	{
		actions = definition_catalogue();
		begin_catalog_check(row, &check, &tenant_id);
		check.problems = &problems;
		catalog_check_add(actions, &check);
	}
	plan_compile(definition, actions, is_saved ? &of_saved : &problems);
	problems_raise(&problems, "the definition is not valid");
}

/*--- versions ---*/

/*
 * Gives a changed definition or role the next version.  Raises 428C9 if the
 * UPDATE sets version, 0A000 if it changes the id or the tenant, 22003 if
 * there is no next version.
 */
static void
count_version(TriggerRow *row)
{
	bool		isnull;
	Datum		datum = row_get_old(row, DEF_VERSION, &isnull);
	int32		version;

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
	if (!row_changed(row, DEF_DEFINITION) && !row_changed(row, DEF_RUN_AS))
		return;
	if (pg_add_s32_overflow(DatumGetInt32(datum), 1, &version))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("definition has version %d, the last one that can be counted",
						DatumGetInt32(datum)),
				 errhint("Insert it as a new definition, without a version.")));
	row_set(row, DEF_VERSION, Int32GetDatum(version));
}

/* By whom the row was written, and when: not as the statement says. */
static void
note_writer(TriggerRow *row)
{
	char	   *user = GetUserNameFromId(GetUserId(), false);

	row_set(row, DEF_UPDATED_AT,
			TimestampTzGetDatum(GetCurrentTransactionStartTimestamp()));
	row_set(row, DEF_UPDATED_BY,
			DirectFunctionCall1(namein, CStringGetDatum(user)));
}

PG_FUNCTION_INFO_V1(wf_definition_check);

/* BEFORE INSERT OR UPDATE of workflow_definitions, for each row. */
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
	default_trigger_type(&row, DatumGetJsonbP(datum));
	check_role_of_row(&row);
	validate(&row, DatumGetJsonbP(datum));
	if (row.is_update)
		count_version(&row);
	if (!row_is_restored(&row))
		note_writer(&row);
	return row_end(&row);
}

PG_FUNCTION_INFO_V1(wf_definition_gone);

/*
 * AFTER DELETE of workflow_definitions, for each row: deletes the versions of
 * that definition.  The foreign key of workflow_runs refuses that if a run of
 * one of them exists.
 */
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
	SPI_execute_with_args(store_sql("DELETE FROM %t.workflow_pauses"
									" WHERE definition_id = $1"),
						  1, &type, &id, NULL, false, 0);
	SPI_finish();
	store_leave_owner(save_user, save_context);
	store_leave_search_path(level);
	version_note_deleted(&row);
	return PointerGetDatum(NULL);
}
