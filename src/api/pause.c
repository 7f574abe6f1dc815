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

#include "base/json_object.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "shared/commit_wakeup.h"
#include "store/operation.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

/* What is to be paused or resumed. */
typedef struct PauseTarget
{
	bool		all;			/* tenants; then the others are not set */
	pg_uuid_t	tenant;
	char	   *workflow;		/* NULL: all of the tenant */
	pg_uuid_t	definition;
} PauseTarget;

/*
 * Sets the tenant: argument 0, or, if a workflow is named, that of the
 * session.  Raises 42501 unless the session may pause it (null: all tenants,
 * which takes a session without a binding), 22004 for a workflow of no tenant.
 */
static void
find_tenant(FunctionCallInfo fcinfo, PauseTarget *target)
{
	TenantBinding binding = settings_tenant(&target->tenant);
	bool		allowed = binding == TENANT_UNBOUND;

	target->all = PG_ARGISNULL(0) &&
		(target->workflow == NULL || binding != TENANT_BOUND);
	if (!PG_ARGISNULL(0))
	{
		target->tenant = *PG_GETARG_UUID_P(0);
		allowed = settings_tenant_visible(&target->tenant);
	}
	else if (!target->all)
		allowed = true;
	if (!allowed)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this session may only pause and resume its own tenant"),
				 errdetail("It is bound by \"workflow_engine.tenant_id\".")));
	if (target->all && target->workflow != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"tenant_id\" must not be null if a workflow is named"),
				 errhint("Names of workflows are unique within a tenant.")));
}

/*
 * Sets the definition of the workflow.  Its row is locked until the end of the
 * transaction, so that it cannot be deleted, and its pauses with it, before
 * this one is there.  Within SPI.  Raises 42704.
 */
static void
find_definition(PauseTarget *target)
{
	static const Oid types[2] = {UUIDOID, TEXTOID};
	Datum		values[2] = {UUIDPGetDatum(&target->tenant),
	CStringGetTextDatum(target->workflow)};
	bool		isnull;

	SPI_execute_with_args(store_sql("SELECT id FROM %t.workflow_definitions"
									" WHERE tenant_id = $1 AND name = $2"
									" FOR KEY SHARE"),
						  2, (Oid *) types, values, NULL, false, 1);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("workflow \"%s\" does not exist", target->workflow),
				 errhint("Table workflow_definitions has the names of each tenant's workflows.")));
	target->definition =
		*DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0],
									 SPI_tuptable->tupdesc, 1, &isnull));
}

/* Records the operation. */
static void
note_pause(const char *what, const PauseTarget *target, const char *reason)
{
	ObjectBuilder b;

	object_begin(&b);
	if (target->workflow != NULL)
		object_text(&b, "workflow", target->workflow);
	if (reason != NULL)
		object_text(&b, "reason", reason);
	operation_note(what, target->all ? NULL : &target->tenant,
				   target->workflow != NULL ? &target->definition : NULL,
				   NULL, object_end(&b));
}

/*
 * Executes sql with the tenant, the definition (each may be null), the
 * caller's role and the reason as $1 to $4, and has the workers woken at
 * commit.  Records an operation if that has changed anything.
 */
static Datum
write_pause(FunctionCallInfo fcinfo, const char *what, const char *sql)
{
	static const Oid types[4] = {UUIDOID, UUIDOID, NAMEOID, TEXTOID};
	PauseTarget target = {0};
	char	   *reason = PG_ARGISNULL(2) ? NULL
		: text_to_cstring(PG_GETARG_TEXT_PP(2));
	Datum		values[4];
	char		nulls[] = "    ";
	NameData	name;

	if (!PG_ARGISNULL(1))
		target.workflow = text_to_cstring(PG_GETARG_TEXT_PP(1));
	find_tenant(fcinfo, &target);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	namestrcpy(&name, operation_role());
	SPI_connect();
	if (target.workflow != NULL)
		find_definition(&target);
	values[0] = UUIDPGetDatum(&target.tenant);
	nulls[0] = target.all ? 'n' : ' ';
	values[1] = UUIDPGetDatum(&target.definition);
	nulls[1] = target.workflow == NULL ? 'n' : ' ';
	values[2] = NameGetDatum(&name);
	values[3] = PG_GETARG_DATUM(2);
	nulls[3] = reason == NULL ? 'n' : ' ';
	SPI_execute_with_args(store_sql(sql), lengthof(types), (Oid *) types,
						  values, nulls, false, 0);
	if (SPI_processed > 0)
		note_pause(what, &target, reason);
	SPI_finish();
	wakeup_at_commit();
	wakeup_schedules_at_commit();	/* some may have come due in a pause */
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(wf_pause);

/* What is paused already keeps who and since when; a new reason is taken. */
Datum
wf_pause(PG_FUNCTION_ARGS)
{
	return write_pause(fcinfo, "pause",
					   "INSERT INTO %t.workflow_pauses AS p"
					   " (tenant_id, definition_id, paused_by, reason)"
					   " VALUES ($1, $2, $3, $4)"
					   " ON CONFLICT (tenant_id, definition_id) DO UPDATE"
					   "  SET reason = excluded.reason"
					   "  WHERE p.reason IS DISTINCT FROM"
					   "   coalesce(excluded.reason, p.reason)");
}

PG_FUNCTION_INFO_V1(wf_resume);

Datum
wf_resume(PG_FUNCTION_ARGS)
{
	return write_pause(fcinfo, "resume",
					   "DELETE FROM %t.workflow_pauses"
					   " WHERE tenant_id IS NOT DISTINCT FROM $1"
					   "  AND definition_id IS NOT DISTINCT FROM $2");
}
