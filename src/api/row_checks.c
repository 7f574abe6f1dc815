/*
 * row_checks.c
 *	  Checks of rows that users write: connections, mail templates, and runs
 *	  that an INSERT adds.
 *
 * Each is a trigger that runs before a row is written; one of
 * workflow_connections runs after, and records who did it.  Rows of
 * workflow_actions are checked in row_checks_action.c, definitions in
 * definition.c.
 *
 * Runs in the backend that writes, as the role that writes.  Owns, for the
 * life of the process, the name of the last version that a restore has found.
 */
#include "postgres.h"
#include "compat.h"

#include "api/trigger_row.h"
#include "base/json_object.h"
#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "connection/connection.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "shared/commit_wakeup.h"
#include "storage/latch.h"
#include "store/operation.h"
#include "store/run_columns.h"
#include "store/store_actions.h"
#include "store/store_execute.h"
#include "store/store_place.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/wait_event.h"

/* Columns of workflow_connections, in the order of the install script. */
enum
{
	CONNECTION_ID = 1,
	CONNECTION_TENANT_ID,
	CONNECTION_NAME,
	CONNECTION_KIND,
	CONNECTION_CONFIG,
	CONNECTION_CREDENTIALS
};

/* Columns of workflow_schedules. */
enum
{
	SCHEDULE_DEFINITION_ID = 1,
	SCHEDULE_PLACE = 8
};

PG_FUNCTION_INFO_V1(wf_connection_check);

/* Raises 23502 for a null, 22023 for what is wrong (connection_check). */
Datum
wf_connection_check(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	char	   *kind;
	Jsonb	   *config;
	Jsonb	   *credentials;
	bool		no_id;

	row_begin(&row, fcinfo, "workflow_connections");
	(void) row_get(&row, CONNECTION_ID, &no_id);
	kind = row_text(&row, CONNECTION_KIND);
	config = row_json(&row, CONNECTION_CONFIG);
	credentials = row_json(&row, CONNECTION_CREDENTIALS);
	/* the constraints would raise too, and show the row with its secrets */
	if (no_id || row_text(&row, CONNECTION_NAME) == NULL || kind == NULL ||
		config == NULL || credentials == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NOT_NULL_VIOLATION),
				 errmsg("id, name, kind, config and credentials of a connection must not be null")));
	connection_check(kind, config, credentials);
	return row_end(&row);
}

/* Names the columns that the UPDATE has changed, never what is in them. */
static char *
changed_columns(const TriggerRow *row)
{
	static const char *const names[] = {"tenant_id", "name", "kind", "config",
	"credentials"};
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < lengthof(names); i++)
		if (row_changed(row, CONNECTION_TENANT_ID + i))
			appendStringInfo(&list, "%s%s", list.len > 0 ? ", " : "",
							 names[i]);
	return list.data;
}

PG_FUNCTION_INFO_V1(wf_connection_saved);

Datum
wf_connection_saved(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	ObjectBuilder b;
	TriggerEvent event;
	Datum		tenant;
	bool		isnull;

	row_begin(&row, fcinfo, "workflow_connections");
	if (row_is_restored(&row))	/* the dump has the operations of its time */
		return PointerGetDatum(NULL);
	event = ((TriggerData *) fcinfo->context)->tg_event;
	tenant = row_get(&row, CONNECTION_TENANT_ID, &isnull);
	object_begin(&b);
	object_text(&b, "change", TRIGGER_FIRED_BY_INSERT(event) ? "insert" :
				row.is_update ? "update" : "delete");
	object_text(&b, "name", row_text(&row, CONNECTION_NAME));
	object_text(&b, "kind", row_text(&row, CONNECTION_KIND));
	if (row.is_update)
		object_text(&b, "columns", changed_columns(&row));
	operation_note("connection", isnull ? NULL : DatumGetUUIDP(tenant), NULL,
				   NULL, object_end(&b));
	return PointerGetDatum(NULL);
}

/*
 * Fills the tenant and the version from the definition if the INSERT leaves
 * them null; both are then those of now.  A row without a definition is left
 * as it is, since a constraint raises for it.  Raises 23503 if there is no
 * such definition, for which any caller may ask: it is read as the owner of
 * our tables.
 */
static void
fill_run(TriggerRow *row)
{
	MemoryContext caller = CurrentMemoryContext;
	Datum		id;
	bool		isnull;
	Oid			save_user;
	int			save_context;
	Datum		tenant;
	Datum		version;

	id = row_get(row, Anum_workflow_runs_definition_id, &isnull);
	if (isnull)
		return;
	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	store_execute(STORE_DEFINITION, &id, NULL, false, 1);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("there is no definition %s",
						DatumGetCString(DirectFunctionCall1(uuid_out, id)))));
	else
	{
		HeapTuple	found = SPI_tuptable->vals[0];
		MemoryContext spi;

		tenant = SPI_getbinval(found, SPI_tuptable->tupdesc, 1, &isnull);
		version = SPI_getbinval(found, SPI_tuptable->tupdesc, 2, &isnull);
		spi = MemoryContextSwitchTo(caller);
		row_get(row, Anum_workflow_runs_tenant_id, &isnull);
		if (isnull)
			row_set(row, Anum_workflow_runs_tenant_id, tenant);
		row_get(row, Anum_workflow_runs_definition_version, &isnull);
		if (isnull)
			row_set(row, Anum_workflow_runs_definition_version, version);
		MemoryContextSwitchTo(spi);
	}
	SPI_finish();
	store_leave_owner(save_user, save_context);
}

#define RESTORE_WAIT_MS 60000
#define RESTORE_POLL_MS 20

/*
 * Is the definition there, and that version of it (0: any), whichever rows the
 * current user may read?
 */
static bool
definition_is_there(const pg_uuid_t *id, int version)
{
	Oid			save_user;
	int			save_context;
	bool		found;

	store_enter_owner(&save_user, &save_context);
	if (version != 0)
		found = store_has_definition(id, version);
	else
	{
		Datum		value = UUIDPGetDatum(id);

		SPI_connect();
		store_execute(STORE_DEFINITION, &value, NULL, false, 1);
		found = SPI_processed > 0;
		SPI_finish();
	}
	store_leave_owner(save_user, save_context);
	return found;
}

/*
 * In a restore, waits until the definition that a row refers to has been
 * restored: pg_restore -j loads the tables at the same time, and the foreign
 * key would fail.  False: it has waited for a minute in vain, and the foreign
 * key will raise.
 */
static bool
wait_for_definition(const pg_uuid_t *id, int version)
{
	for (int waited = 0; waited < RESTORE_WAIT_MS; waited += RESTORE_POLL_MS)
	{
		if (definition_is_there(id, version))
			return true;
		CHECK_FOR_INTERRUPTS();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT |
						 WL_EXIT_ON_PM_DEATH, RESTORE_POLL_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	return false;
}

/* The same for the version of a run. */
static void
wait_for_version(TriggerRow *row)
{
	/* the runs of one version often come one after another in a dump */
	static pg_uuid_t last_id;
	static int32 last_version = 0;
	bool		isnull;
	Datum		datum = row_get(row, Anum_workflow_runs_definition_id,
								&isnull);
	pg_uuid_t  *id;
	int32		version;

	if (isnull)
		return;
	id = DatumGetUUIDP(datum);
	datum = row_get(row, Anum_workflow_runs_definition_version, &isnull);
	version = DatumGetInt32(datum);
	if (isnull || (version == last_version &&
				   memcmp(id, &last_id, UUID_LEN) == 0))
		return;
	if (wait_for_definition(id, version))
	{
		last_id = *id;
		last_version = version;
	}
}

/*
 * Raises 22023 if the idempotency key may not be one.  In a restore every key
 * is accepted: it was accepted once, and a restore must not fail.
 */
static void
check_key(TriggerRow *row)
{
	bool		isnull;
	Datum		key = row_get(row, Anum_workflow_runs_idempotency_key,
							  &isnull);

	if (!isnull && !row_is_restored(row))
		check_idempotency_key(TextDatumGetCString(key));
}

/*
 * Times are found by the ids of runs, so an id must tell its time.  A restore
 * is refused nothing.
 */
static void
check_id(TriggerRow *row)
{
	bool		isnull;
	Datum		id = row_get(row, Anum_workflow_runs_id, &isnull);

	if (!isnull && !row_is_restored(row) && !uuid7_is(DatumGetUUIDP(id)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the id of a run must be a UUID of version 7, not %s",
						id_text(DatumGetUUIDP(id))),
				 errhint("Leave the column out: its default is such an id.")));
}

/* Fills column "place", as store_place_of_inserted says. */
static void
fill_place(TriggerRow *row, int column)
{
	bool		isnull;
	Datum		datum = row_get(row, column, &isnull);
	int64		given = isnull ? 0 : DatumGetInt64(datum);
	int64		place = store_place_of_inserted(isnull ? NULL : &given);

	if (isnull || place != given)
		row_set(row, column, Int64GetDatum(place));
}

PG_FUNCTION_INFO_V1(wf_schedule_check);

/* Fills the place of a schedule that is inserted by hand or by a restore. */
Datum
wf_schedule_check(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	bool		isnull;
	Datum		definition;

	row_begin(&row, fcinfo, "workflow_schedules");
	fill_place(&row, SCHEDULE_PLACE);
	definition = row_get(&row, SCHEDULE_DEFINITION_ID, &isnull);
	if (!isnull && row_is_restored(&row))
		(void) wait_for_definition(DatumGetUUIDP(definition), 0);
	return row_end(&row);
}

PG_FUNCTION_INFO_V1(wf_run_check);

/* Raises 22023 and 23503 for the row; has the workers woken at commit. */
Datum
wf_run_check(PG_FUNCTION_ARGS)
{
	TriggerRow	row;
	Jsonb	   *payload;
	bool		no_tenant;
	bool		no_version;

	row_begin(&row, fcinfo, "workflow_runs");
	payload = row_json(&row, Anum_workflow_runs_trigger_payload);
	if (payload != NULL && !JB_ROOT_IS_OBJECT(payload))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the payload of an event must be a JSON object")));
	check_id(&row);
	check_key(&row);
	fill_place(&row, Anum_workflow_runs_place);
	row_get(&row, Anum_workflow_runs_tenant_id, &no_tenant);
	row_get(&row, Anum_workflow_runs_definition_version, &no_version);
	if (no_tenant || no_version)
		fill_run(&row);
	else if (row_is_restored(&row))
		wait_for_version(&row);
	wakeup_at_commit();
	return row_end(&row);
}
