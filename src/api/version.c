/*
 * version.c
 *	  workflow_definition_versions: every version ever saved, immutable.
 *
 * Runs in the backend that writes a definition.  The table belongs to the
 * engine, so its rows are written as its owner.  The trigger that saves a
 * version sorts before the foreign key's of workflow_definitions, so that
 * the check finds the row.
 *
 * A restore brings both tables.  In order, versions come first, and nothing
 * is left to save.  pg_restore -j loads them side by side (it does not look
 * at the foreign keys of an extension's tables): then the trigger may save a
 * version that is yet to come, which is then put in its place.  That a
 * restore is under way is told by check_function_bodies, which pg_dump's
 * scripts turn off; only the owner can write here at all.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "api/role.h"
#include "api/version.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "store/store.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* Columns of workflow_definition_versions. */
enum
{
	VERSION_DEFINITION_ID = 1,
	VERSION_VERSION,
	VERSION_DEFINITION,
	VERSION_RUN_AS,
	VERSION_CREATED_AT,
	VERSION_CREATED_BY
};

bool
version_role_exists(Oid role)
{
	return OidIsValid(role) &&
		SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role));
}

bool
version_is_saved(const TriggerRow *row, const Jsonb *definition)
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
		compareJsonbContainers(&saved->root, unconstify(JsonbContainer *, &definition->root)) == 0;
}

/*--- saving ---*/

/* Of the tables that a parallel restore loads, one at a time. */
static void
take_turns(void)
{
	LockRelationOid(store_relation("workflow_definition_versions"),
					ShareUpdateExclusiveLock);
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
	SPI_execute_with_args(store_sql("INSERT INTO %t.workflow_definition_versions AS v"
									" (definition_id, version, definition,"
									"  run_as, created_by)"
									" SELECT $1, $2, $3, $4, $5 WHERE NOT EXISTS"
									" (SELECT FROM %t.workflow_definition_versions"
									"  WHERE definition_id = $1 AND version = $2)"),
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
	if (!check_function_bodies)
		take_turns();
	if (!insert_version(values, writer) &&
		!version_is_saved(&row, DatumGetJsonbP(values[2])))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("version %d of this definition exists and differs",
						DatumGetInt32(values[1]))));
	role_forget_missing();		/* the version has warned */
	store_leave_owner(save_user, save_context);
	store_leave_search_path(level);
	return row_end(&row);
}

/*--- restoring ---*/

/* May this UPDATE pass: restore_onto's? */
static bool
is_restoring(const TriggerRow *row)
{
	return !check_function_bodies &&
		!row_changed(row, VERSION_DEFINITION_ID) &&
		!row_changed(row, VERSION_VERSION) &&
		!row_changed(row, VERSION_DEFINITION) &&
		!row_changed(row, VERSION_RUN_AS);
}

/*
 * Where the trigger of workflow_definitions has saved this version already,
 * gives it the time and the name that it had.  False: it is not there yet.
 */
static bool
restore_onto(const TriggerRow *row)
{
	Oid			types[5] = {UUIDOID, INT4OID, JSONBOID, TIMESTAMPTZOID, NAMEOID};
	static const int columns[] = {VERSION_DEFINITION_ID, VERSION_VERSION,
	VERSION_DEFINITION, VERSION_CREATED_AT, VERSION_CREATED_BY};
	Datum		values[5];
	bool		isnull;
	uint64		updated;
	int			level = store_enter_search_path();

	take_turns();
	for (int i = 0; i < lengthof(columns); i++)
		values[i] = row_get(row, columns[i], &isnull);
	SPI_connect();
	SPI_execute_with_args(store_sql("UPDATE %t.workflow_definition_versions"
									" SET created_at = $4, created_by = $5"
									" WHERE definition_id = $1 AND version = $2"
									" AND definition = $3"),
						  5, types, values, NULL, false, 0);
	updated = SPI_processed;
	SPI_finish();
	store_leave_search_path(level);
	return updated > 0;
}

/*
 * A version says who its steps are, and only the trigger that saves it has
 * asked whether its writer may be that.  So a privilege on the table, such as
 * pg_write_all_data has, is not enough.
 */
static void
check_writer(const TriggerRow *row)
{
	if (!compat_table_ownercheck(RelationGetRelid(row->rel), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of table \"workflow_definition_versions\""),
				 errhint("Insert or update a row of workflow_definitions: it saves a new version.")));
}

PG_FUNCTION_INFO_V1(wf_version_check);

Datum
wf_version_check(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	bool		isnull;
	Datum		role;

	row_begin(&row, fcinfo, "workflow_definition_versions");
	check_writer(&row);
	if (row.is_update && !is_restoring(&row))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("a saved version of a definition cannot be changed"),
				 errhint("Update workflow_definitions: it saves a new version.")));
	role = row_get(&row, VERSION_RUN_AS, &isnull);
	if (!isnull && !version_role_exists(DatumGetObjectId(role)))
		row_set(&row, VERSION_RUN_AS, ObjectIdGetDatum(InvalidOid));
	if (row.is_update)
		return row_end(&row);
	if (!check_function_bodies && restore_onto(&row))
	{
		role_forget_missing();
		return PointerGetDatum(NULL);
	}
	role_warn_of_missing();
	return row_end(&row);
}

/*--- deleting ---*/

PG_FUNCTION_INFO_V1(wf_lock_runs);

/*
 * A definition or a version has been deleted.  Waits until every transaction
 * that has fired so far has ended; those that fire later wait for this one.
 * fire.c tells why.
 *
 * It is an AFTER trigger for each row, so a DELETE that finds no row takes no
 * lock, and a long one takes it as late as can be: PostgreSQL's check of the
 * foreign keys comes right after it.  The deleting transaction then holds the
 * row and waits for the table, so it can deadlock with one that has fired and
 * goes on to lock that row; PostgreSQL resolves that.  To take the table first
 * would mean to take it before anybody knows whether a row will be deleted.
 */
Datum
wf_lock_runs(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TriggerRow	row;
	const char *table = "workflow_definitions";

	if (CALLED_AS_TRIGGER(fcinfo) &&
		strcmp(RelationGetRelationName(data->tg_relation), table) != 0)
		table = "workflow_definition_versions";
	row_begin(&row, fcinfo, table);
	LockRelationOid(store_relation("workflow_runs"), ShareRowExclusiveLock);
	return PointerGetDatum(NULL);
}
