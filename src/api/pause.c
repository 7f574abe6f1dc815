/*
 * pause.c
 *	  wf_pause and wf_resume: the rows of workflow_pauses.
 *
 * Runs in the backend that calls it, as the owner of our tables, since the
 * functions are SECURITY DEFINER: the session's tenant binding is applied
 * here.  Pauses are rows, so they survive a crash; the workers read them each
 * time they claim runs.
 */
#include "postgres.h"
#include "compat.h"

#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "shared/commit_wakeup.h"
#include "store/operation.h"
#include "store/store.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

/*
 * Raises 42501 unless the session may pause the tenant of argument 0 (null:
 * all tenants, which takes a session without a binding).
 */
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

/*
 * Executes sql, with the tenant (or null) as $1 and the caller's role as $2,
 * and has the workers woken at commit.
 */
static Datum
write_pause(FunctionCallInfo fcinfo, const char *what, const char *sql)
{
	Oid			types[2] = {UUIDOID, NAMEOID};
	Datum		values[2];
	char		nulls[] = "  ";
	NameData	name;

	check_binding(fcinfo);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	nulls[0] = PG_ARGISNULL(0) ? 'n' : ' ';
	values[0] = PG_ARGISNULL(0) ? (Datum) 0 : PG_GETARG_DATUM(0);
	namestrcpy(&name, operation_role());
	values[1] = NameGetDatum(&name);
	SPI_connect();
	SPI_execute_with_args(store_sql(sql), 2, types, values, nulls, false, 0);
	if (SPI_processed > 0)
		operation_note(what, PG_ARGISNULL(0) ? NULL : PG_GETARG_UUID_P(0),
					   NULL, NULL, NULL);
	SPI_finish();
	wakeup_at_commit();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(wf_pause);

Datum
wf_pause(PG_FUNCTION_ARGS)
{
	return write_pause(fcinfo, "pause",
					   "INSERT INTO %t.workflow_pauses (tenant_id, paused_by)"
					   " VALUES ($1, $2) ON CONFLICT DO NOTHING");
}

PG_FUNCTION_INFO_V1(wf_resume);

Datum
wf_resume(PG_FUNCTION_ARGS)
{
	return write_pause(fcinfo, "resume",
					   "DELETE FROM %t.workflow_pauses"
					   " WHERE tenant_id IS NOT DISTINCT FROM $1"
					   "   AND $2 IS NOT NULL");
}
