/*
 * pause.c
 *	  wf_pause, wf_resume, wf_workers, and what tables and policies call.
 *
 * Runs in the backend that calls.  Pauses are rows, so they survive a
 * restart; the workers read them whenever they claim.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid7.h"
#include "base/valid_text.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "config/clock.h"
#include "config/settings.h"
#include "connection/connection.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "shared/commit_wakeup.h"
#include "shared/shared_memory.h"
#include "shared/worker_slot.h"
#include "store/store.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

/*--- internal functions ---*/

PG_FUNCTION_INFO_V1(wf_new_run_id);

Datum
wf_new_run_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));

	uuid7_generate(id, clock_now());
	PG_RETURN_UUID_P(id);
}

PG_FUNCTION_INFO_V1(wf_tenant_visible);

Datum
wf_tenant_visible(PG_FUNCTION_ARGS)
{
	pg_uuid_t	bound;

	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(settings_tenant(&bound) == TENANT_UNBOUND);
	PG_RETURN_BOOL(settings_tenant_visible(PG_GETARG_UUID_P(0)));
}

PG_FUNCTION_INFO_V1(wf_tenant_any);

Datum
wf_tenant_any(PG_FUNCTION_ARGS)
{
	pg_uuid_t	bound;

	PG_RETURN_BOOL(settings_tenant(&bound) != TENANT_NONE);
}

/*
 * A tenant's steps send with a connection that is for every tenant; its
 * credentials are not for the tenant to take home.  It does not matter who
 * asks: the privilege on the column is looked at when a query begins, and of
 * a view's owner, while the current user of the moment would be looked at
 * here.
 */
PG_FUNCTION_INFO_V1(wf_connection_visible);

Datum
wf_connection_visible(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) &&
				   !connection_holds_secret(PG_GETARG_JSONB_P(0)));
}

PG_FUNCTION_INFO_V1(wf_worker_alive);

Datum
wf_worker_alive(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) && worker_slot_epoch_alive(PG_GETARG_INT64(0)));
}

PG_FUNCTION_INFO_V1(wf_check_preload);

Datum
wf_check_preload(PG_FUNCTION_ARGS)
{
	if (!shared_memory_attached())
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("workflow_engine is not in \"shared_preload_libraries\": runs queue, and no worker executes them"),
				 errhint("Add it to \"shared_preload_libraries\" and restart the server.")));
	PG_RETURN_VOID();
}

/*--- pauses ---*/

/* A bound session may only pause its own tenant. */
static void
check_binding(FunctionCallInfo fcinfo)
{
	pg_uuid_t	bound;
	bool		allowed = PG_ARGISNULL(0)
		? settings_tenant(&bound) == TENANT_UNBOUND
		: settings_tenant_visible(PG_GETARG_UUID_P(0));

	if (!allowed)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this session may only pause and resume its own tenant"),
				 errdetail("It is bound by \"workflow_engine.tenant_id\".")));
}

static Datum
write_pause(FunctionCallInfo fcinfo, const char *sql)
{
	Oid			types[2] = {UUIDOID, NAMEOID};
	Datum		values[2];
	char		nulls[] = "  ";
	NameData	name;

	check_binding(fcinfo);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	nulls[0] = PG_ARGISNULL(0) ? 'n' : ' ';
	values[0] = PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0);
	namestrcpy(&name, GetUserNameFromId(GetOuterUserId(), false));
	values[1] = NameGetDatum(&name);
	SPI_connect();
	SPI_execute_with_args(store_sql(sql), 2, types, values, nulls, false, 0);
	SPI_finish();
	wakeup_at_commit();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(wf_pause);

Datum
wf_pause(PG_FUNCTION_ARGS)
{
	return write_pause(fcinfo,
					   "INSERT INTO %t.workflow_pauses (tenant_id, paused_by)"
					   " VALUES ($1, $2) ON CONFLICT DO NOTHING");
}

PG_FUNCTION_INFO_V1(wf_resume);

Datum
wf_resume(PG_FUNCTION_ARGS)
{
	return write_pause(fcinfo,
					   "DELETE FROM %t.workflow_pauses"
					   " WHERE tenant_id IS NOT DISTINCT FROM $1"
					   "   AND $2 IS NOT NULL");
}

/*--- wf_workers ---*/

/* An error may quote data: only of this database, or to monitors. */
static bool
may_see_errors(const WorkerStatus *worker)
{
	return worker->database == MyDatabaseId ||
		has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}

/*
 * Workers work for all tenants.  A session that is bound to one learns that
 * they live, and not what they did for the others.
 */
static void
put_worker(ReturnSetInfo *rsinfo, const WorkerStatus *worker)
{
	Datum		values[8];
	bool		nulls[8] = {0};
	char	   *database = get_database_name(worker->database);
	pg_uuid_t	tenant;
	bool		is_bound = settings_tenant(&tenant) != TENANT_UNBOUND;
	NameData	name;

	values[0] = Int32GetDatum(worker->pid);
	nulls[1] = database == NULL;
	if (database != NULL)
		namestrcpy(&name, database);
	values[1] = NameGetDatum(&name);
	values[2] = CStringGetTextDatum(worker->state);
	values[3] = Int32GetDatum(worker->in_flight);
	values[4] = Int64GetDatum(worker->runs_done);
	values[5] = Int64GetDatum(worker->steps_done);
	values[6] = TimestampTzGetDatum(worker->started_at);
	nulls[3] = nulls[4] = nulls[5] = is_bound;
	nulls[7] = is_bound || worker->last_error[0] == '\0' ||
		!may_see_errors(worker);
	/* another database's may be in another encoding */
	values[7] = CStringGetTextDatum(valid_text(worker->last_error));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(wf_list_workers);

Datum
wf_list_workers(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	WorkerStatus *workers = NULL;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	n = shared_memory_attached() ? worker_slot_list(&workers) : 0;
	for (int i = 0; i < n; i++)
		put_worker(rsinfo, &workers[i]);
	return (Datum) 0;
}
