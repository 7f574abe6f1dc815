/*
 * workers.c
 *	  wf_workers, and what else SQL asks about the workers.
 *
 * Runs in the backend that calls it.  Reads shared memory, where each worker
 * keeps its own description (worker_slot.c); owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/valid_text.h"
#include "catalog/pg_authid.h"
#include "commands/dbcommands.h"
#include "config/settings.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "shared/shared_memory.h"
#include "shared/worker_slot.h"
#include "store/store_version.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(wf_worker_alive);

/* Is the worker with that epoch alive?  Null: no worker, so false. */
Datum
wf_worker_alive(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) &&
				   worker_slot_epoch_alive(PG_GETARG_INT64(0)));
}

PG_FUNCTION_INFO_V1(wf_check_preload);

/*
 * CREATE EXTENSION calls it: warns if no worker can run in this server.  An
 * extension may have been of another version before it was dropped.
 */
Datum
wf_check_preload(PG_FUNCTION_ARGS)
{
	store_sql_version_changed();
	if (!shared_memory_attached())
		ereport(WARNING,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("workflow_engine is not in \"shared_preload_libraries\": runs queue, and no worker executes them"),
				 errhint("Add it to \"shared_preload_libraries\" and restart the server.")));
	PG_RETURN_VOID();
}

/*--- wf_workers ---*/

/*
 * A worker's last error may quote data of its database: a session of another
 * database sees it only with the privileges of pg_read_all_stats.
 */
static bool
may_see_errors(const WorkerStatus *worker)
{
	return worker->database == MyDatabaseId ||
		has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS);
}

/*
 * Adds a worker's row to the result.  Workers work for all tenants: a session
 * that is bound to one learns that they are alive, and not what they did for
 * the others.
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
	/* another database's error may be in another encoding */
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
