/*
 * version.c
 *	  workflow_definition_versions: every version ever saved, immutable.
 *
 * Runs in the backend that writes a definition.  Versions are inserted as the
 * owner of the table, by a trigger of workflow_definitions; users need no
 * privilege on the table.  The name of that trigger sorts before those of the
 * foreign key of workflow_definitions, so that the check finds the row.
 *
 * A restore writes both tables.  An ordinary one writes the versions first,
 * and then the trigger has nothing to save.  pg_restore -j writes the tables
 * at the same time (it does not look at the foreign keys of an extension's
 * tables): then the trigger may save a version before the restore inserts it,
 * and restore_onto gives that row the values of the dump.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "api/definition.h"
#include "api/role.h"
#include "api/schedule.h"
#include "api/version.h"
#include "base/json_object.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "store/operation.h"
#include "store/store_actions.h"
#include "store/store_schema.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"

/* Columns of workflow_definition_versions. */
enum
{
	VERSION_DEFINITION_ID = 1,
	VERSION_VERSION,
	VERSION_DEFINITION,
	VERSION_RUN_AS,
	VERSION_CREATED_AT,
	VERSION_CREATED_BY,
	VERSION_NOTE
};

/* Of the version that is saved next, or NULL; wf_save's. */
static const char *next_note = NULL;

void
version_set_note(const char *note)
{
	next_note = note;
}

bool
version_is_saved(const TriggerRow *row, const Jsonb *definition)
{
	bool		isnull;
	Datum		id = row_get(row, DEF_ID, &isnull);
	Datum		version;
	Jsonb	   *saved;
	Oid			run_as;
	Datum		role;
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
	role = row_get(row, DEF_RUN_AS, &isnull);
	return found && run_as == DatumGetObjectId(role) &&
		compareJsonbContainers(&saved->root,
							   unconstify(JsonbContainer *,
										  &definition->root)) == 0;
}

/*--- saving ---*/

/*
 * Waits until no other transaction holds this lock, and holds it until the
 * end of this one.  A parallel restore saves a version from two sessions; the
 * second one must see the row of the first.
 */
static void
lock_versions(void)
{
	LockRelationOid(store_relation("workflow_definition_versions"),
					ShareUpdateExclusiveLock);
}

/*
 * Inserts the version, of the values id, version, definition and run_as (with
 * room for the writer and the note after them); false if it exists.
 */
static bool
insert_version(Datum *values, const char *writer)
{
	Oid			types[6] = {UUIDOID, INT4OID, JSONBOID, REGROLEOID, NAMEOID,
	TEXTOID};
	char		nulls[] = {' ', ' ', ' ', ' ', ' ', next_note ? ' ' : 'n',
	'\0'};
	NameData	name;
	uint64		inserted;

	namestrcpy(&name, writer);
	values[4] = NameGetDatum(&name);
	if (next_note != NULL)
		values[5] = CStringGetTextDatum(next_note);
	next_note = NULL;			/* a trigger may save another definition */
	SPI_connect();
	SPI_execute_with_args(store_sql("INSERT INTO %t.workflow_definition_versions AS v"
									" (definition_id, version, definition,"
									"  run_as, created_by, note)"
									" SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS"
									" (SELECT FROM %t.workflow_definition_versions"
									"  WHERE definition_id = $1 AND version = $2)"),
						  6, types, values, nulls, false, 0);
	inserted = SPI_processed;
	SPI_finish();
	return inserted > 0;
}

/*--- who did that ---*/

/* Does the UPDATE change more than whether the definition is active? */
static bool
changes_definition(const TriggerRow *row)
{
	return row_changed(row, DEF_VERSION) || row_changed(row, DEF_NAME) ||
		row_changed(row, DEF_TRIGGER_TYPE);
}

/* Records an operation on the definition; detail may be NULL. */
static void
note_definition(const TriggerRow *row, const char *what, Jsonb *detail)
{
	bool		isnull;
	Datum		tenant = row_get(row, DEF_TENANT_ID, &isnull);
	Datum		id = row_get(row, DEF_ID, &isnull);

	operation_note(what, DatumGetUUIDP(tenant), DatumGetUUIDP(id), NULL,
				   detail);
}

/* Records that the row was saved, switched on or off, or both. */
static void
note_saved(const TriggerRow *row)
{
	bool		isnull;
	int			version = DatumGetInt32(row_get(row, DEF_VERSION, &isnull));
	bool		active = DatumGetBool(row_get(row, DEF_IS_ACTIVE, &isnull));
	ObjectBuilder b;

	if (row_is_restored(row))
		return;					/* the dump has the operations of its time */
	if (!row->is_update || changes_definition(row))
	{
		object_begin(&b);
		object_text(&b, "name", row_text(row, DEF_NAME));
		object_number(&b, "version", version);
		note_definition(row, "save", object_end(&b));
	}
	if (row->is_update ? row_changed(row, DEF_IS_ACTIVE) : !active)
	{
		object_begin(&b);
		object_text(&b, "name", row_text(row, DEF_NAME));
		object_bool(&b, "active", active);
		note_definition(row, "switch", object_end(&b));
	}
}

void
version_note_deleted(const TriggerRow *row)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "name", row_text(row, DEF_NAME));
	note_definition(row, "delete", object_end(&b));
}

PG_FUNCTION_INFO_V1(wf_definition_saved);

/*
 * AFTER INSERT OR UPDATE of workflow_definitions, for each row: saves the
 * version.  Raises 23505 if another definition is saved under that number.
 */
Datum
wf_definition_saved(PG_FUNCTION_ARGS)
{
	static const int columns[] = {DEF_ID, DEF_VERSION, DEF_DEFINITION,
	DEF_RUN_AS};
	TriggerRow	row;
	Datum		values[6];
	Oid			save_user;
	int			save_context;
	int			level;
	char	   *writer = GetUserNameFromId(GetUserId(), false);
	bool		restored;
	bool		inserted;
	bool		isnull;

	row_begin(&row, fcinfo, "workflow_definitions");
	note_saved(&row);
	restored = row_is_restored(&row);
	if (row.is_update && !row_changed(&row, DEF_VERSION))
		return row_end(&row);
	for (int i = 0; i < lengthof(columns); i++)
		values[i] = row_get(&row, columns[i], &isnull);

	level = store_enter_search_path();
	store_enter_owner(&save_user, &save_context);
	if (restored)
		lock_versions();
	inserted = insert_version(values, writer);
	if (!inserted && !version_is_saved(&row, DatumGetJsonbP(values[2])))
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("version %d of this definition exists and differs",
						DatumGetInt32(values[1]))));
	role_forget_missing();		/* the insertion of the version has warned */

	/* The schedules come with the dump, and so may have the version. */
	if (inserted && !restored)
		schedules_sync(&row);
	store_leave_owner(save_user, save_context);
	store_leave_search_path(level);
	return row_end(&row);
}

/*--- restoring ---*/

/* Is this UPDATE one that restore_onto may have executed? */
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
 * If the trigger of workflow_definitions has saved this version already, gives
 * its row the time, the writer and the note of the dump; false if there is no
 * such row.
 */
static bool
restore_onto(const TriggerRow *row)
{
	Oid			types[6] = {UUIDOID, INT4OID, JSONBOID, TIMESTAMPTZOID,
	NAMEOID, TEXTOID};
	static const int columns[] = {VERSION_DEFINITION_ID, VERSION_VERSION,
		VERSION_DEFINITION, VERSION_CREATED_AT, VERSION_CREATED_BY,
	VERSION_NOTE};
	Datum		values[6];
	char		nulls[] = "      ";
	uint64		updated;
	int			level = store_enter_search_path();

	lock_versions();
	for (int i = 0; i < lengthof(columns); i++)
	{
		bool		isnull;

		values[i] = row_get(row, columns[i], &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
	SPI_connect();
	SPI_execute_with_args(store_sql("UPDATE %t.workflow_definition_versions"
									" SET created_at = $4, created_by = $5, note = $6"
									" WHERE definition_id = $1 AND version = $2"
									" AND definition = $3"),
						  6, types, values, nulls, false, 0);
	updated = SPI_processed;
	SPI_finish();
	store_leave_search_path(level);
	return updated > 0;
}

/*
 * Raises 42501 unless the current user owns the table.  A version says which
 * role its steps run as, and only the triggers of workflow_definitions check
 * that the writer may use that role.  So a privilege on this table, such as
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

/*
 * BEFORE INSERT OR UPDATE of workflow_definition_versions, for each row.
 * Raises 42501 (check_writer), 55000 if a saved version would be changed.
 */
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
	if (!isnull && !role_exists(DatumGetObjectId(role)))
		row_set(&row, VERSION_RUN_AS, ObjectIdGetDatum(InvalidOid));
	if (row.is_update)
		return row_end(&row);
	if (row_is_restored(&row) && restore_onto(&row))
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
 * AFTER DELETE of workflow_definitions and workflow_definition_versions, for
 * each row.  Waits until every transaction that has fired so far has ended;
 * transactions that fire later wait for this one.  fire.c says why.
 *
 * As an AFTER trigger for each row it takes no lock if the DELETE finds no
 * row, and a long DELETE takes the lock as late as possible: PostgreSQL's
 * check of the foreign keys comes right after it.  The deleting transaction
 * then holds the row's lock and waits for the table's.  It can deadlock with a
 * transaction that has fired and then locks that row; PostgreSQL resolves
 * that.  To lock the table first, it would have to be locked before it is
 * known whether a row will be deleted.
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
