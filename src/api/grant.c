/*
 * grant.c
 *	  wf_grant and wf_revoke: four capabilities, each a list of privileges.
 *
 * Runs in the backend that calls it, with the privileges of the role that
 * calls it: every role that may GRANT on the extension's objects (their owner,
 * usually a superuser) may grant a capability.  Nothing is recorded but
 * PostgreSQL's own privileges, so a dump has them.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/grant.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/store_schema.h"
#include "store/store_version.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define FIRE CAPABILITY_FIRE
#define ADMIN CAPABILITY_ADMIN
#define OPERATE (CAPABILITY_OPERATE | ADMIN)
#define VIEW (CAPABILITY_VIEW | OPERATE)

/*
 * What came with a later version than 1.0 says so, as its fourth part, and
 * what a version dropped, as its fifth.
 */
static const Privilege privileges[] = {
	{FIRE, "EXECUTE", "FUNCTION %t.wf_fire(uuid, text, jsonb, text, timestamptz, int)"},
	{FIRE, "EXECUTE", "FUNCTION %t.wf_fire_trigger()"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_tenant_visible(uuid)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_tenant_any()"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_connection_visible(jsonb)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_run_id_floor(timestamptz)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_history(jsonb, uuid, text, text, timestamptz, int, timestamptz)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_runs(jsonb[], uuid, uuid, text[], timestamptz, timestamptz, text, text, uuid, int)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_search(text, uuid, uuid, int)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_run(uuid)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_samples(text, uuid)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_trace(uuid)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_schedules(uuid)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_validate(jsonb, uuid)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_check(uuid)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_preview(jsonb, jsonb, uuid, regrole, boolean, boolean, jsonb, interval)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_preview_run(uuid, jsonb, regrole, boolean, boolean, jsonb, interval)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_workers()"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_run_as_roles()"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_health(uuid)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_failures(uuid, timestamptz, int)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_stats()"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_diagram(jsonb)"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_run_diagram(uuid)"},
	{VIEW, "EXECUTE", "PROCEDURE %t.wf_wait(uuid, interval, text)"},
	{VIEW, "SELECT", "%t.workflow_stats"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_count_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int)"},
	{VIEW, "SELECT", "%t.workflow_definitions"},
	{VIEW, "SELECT", "%t.workflow_definition_versions"},
	{VIEW, "SELECT", "%t.workflow_runs"},
	{VIEW, "SELECT", "%t.workflow_actions"},
	{VIEW, "SELECT", "%t.workflow_templates"},
	{VIEW, "SELECT", "%t.workflow_template_versions"},
	{VIEW, "SELECT", "%t.workflow_tenants"},
	{VIEW, "SELECT", "%t.workflow_pauses"},
	{VIEW, "SELECT", "%t.workflow_schedules"},
	{VIEW, "SELECT", "%t.workflow_operations"},
	{VIEW, "SELECT (id, tenant_id, name, kind, config)", "%t.workflow_connections"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_define(uuid, jsonb)"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_save(uuid, uuid, jsonb, regrole, int, text)"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_default_run_as()"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_cancel(uuid)"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_retry(uuid, text, text)"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_rerun(uuid, jsonb)"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_cancel_many(uuid[])"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_retry_many(uuid[], text, text)"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_cancel_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int)"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_retry_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int, text)"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_rerun_runs(uuid, text, text, timestamptz, uuid, timestamptz, text, text, uuid, int)"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_pause(uuid, text, text)"},
	{OPERATE, "EXECUTE", "FUNCTION %t.wf_resume(uuid, text, text)"},
	{OPERATE, "INSERT, UPDATE, DELETE", "%t.workflow_definitions"},
	{OPERATE, "INSERT, UPDATE, DELETE", "%t.workflow_templates"},
	{OPERATE, "INSERT, UPDATE, DELETE", "%t.workflow_tenants"},
	{ADMIN, "EXECUTE", "FUNCTION %t.wf_register_action(text, regprocedure, jsonb, text)"},
	{ADMIN, "EXECUTE", "PROCEDURE %t.wf_purge(interval)"},
	{ADMIN, "EXECUTE", "FUNCTION %t.wf_places()"},
	{ADMIN, "EXECUTE", "FUNCTION %t.wf_accept_place(bigint)"},
	{ADMIN, "EXECUTE", "FUNCTION %t.wf_discard_place(bigint)"},
	{ADMIN, "INSERT, UPDATE, DELETE", "%t.workflow_actions"},
	{ADMIN, "SELECT, INSERT, UPDATE, DELETE", "%t.workflow_connections"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_render(text, text, text, jsonb)", "1.1"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_connections(uuid)", "1.1"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_connection_keys()", "1.1"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_schedule_times(jsonb, int, timestamptz)", "1.1"},
	{FIRE, "EXECUTE", "FUNCTION %t.wf_fire_workflow(uuid, jsonb, int)", "1.1"},
};

/* The capability that argument 1 names.  Raises 22023. */
static int
capability_argument(FunctionCallInfo fcinfo)
{
	static const char *const names[] = {"fire", "view", "operate", "admin"};
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(1));

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(names[i], name) == 0)
			return 1 << i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown capability \"%s\"", name),
			 errhint("It is one of fire, view, operate, admin.")));
}

/* The role of argument 0, quoted as an identifier.  Raises 42704. */
static char *
role_argument(FunctionCallInfo fcinfo)
{
	char	   *name = NameStr(*PG_GETARG_NAME(0));

	get_role_oid(name, false);
	return pstrdup(quote_identifier(name));
}

void
grant_execute(const char *sql)
{
	int			result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
}

const Privilege *
grant_next(const Privilege *after, int capabilities)
{
	int			i = after == NULL ? 0 : (int) (after - privileges) + 1;

	for (; i < lengthof(privileges); i++)
	{
		const Privilege *privilege = &privileges[i];

		if ((privilege->capabilities & capabilities) != 0 &&
			(privilege->since == NULL || store_sql_has(privilege->since)) &&
			(privilege->until == NULL || !store_sql_has(privilege->until)))
			return privilege;
	}
	return NULL;
}

void
grant_capabilities(const char *role, int capabilities)
{
	const Privilege *privilege = NULL;

	grant_execute(psprintf("GRANT USAGE ON SCHEMA %s TO %s", store_sql("%t"), role));
	while ((privilege = grant_next(privilege, capabilities)) != NULL)
		grant_execute(psprintf("GRANT %s ON %s TO %s", privilege->what,
						 store_sql(privilege->on), role));
}

/* Opens SPI, with a search_path in which users cannot create objects. */
static void
enter(FunctionCallInfo fcinfo, int *level)
{
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	*level = store_enter_search_path();
	SPI_connect();
}

static void
leave(int level)
{
	SPI_finish();
	store_leave_search_path(level);
}

PG_FUNCTION_INFO_V1(wf_grant);

/* Raises 22023, 42704, and 42501 as GRANT does. */
Datum
wf_grant(PG_FUNCTION_ARGS)
{
	int			capability = capability_argument(fcinfo);
	char	   *role = role_argument(fcinfo);
	int			level;

	enter(fcinfo, &level);
	grant_capabilities(role, capability);
	leave(level);
	PG_RETURN_VOID();
}

/*
 * Has the role itself a function of any capability left?  Each capability
 * includes wf_fire or wf_trace.  What the role may do by its groups, or as a
 * superuser, does not count.  Within SPI.
 */
static bool
holds_anything(const char *role)
{
	Oid			types[3] = {NAMEOID, TEXTOID, TEXTOID};
	NameData	name;
	Datum		values[3];

	namestrcpy(&name, role);
	values[0] = NameGetDatum(&name);
	values[1] = CStringGetTextDatum(store_sql(privileges[0].on +
											  strlen("FUNCTION ")));
	values[2] = CStringGetTextDatum(store_sql("%t.wf_trace(uuid)"));
	SPI_execute_with_args("SELECT FROM pg_catalog.pg_proc p,"
						  " pg_catalog.aclexplode(p.proacl) a"
						  " JOIN pg_catalog.pg_roles r ON r.oid = a.grantee"
						  " WHERE r.rolname = $1 AND p.oid IN"
						  " ($2::pg_catalog.regprocedure, $3::pg_catalog.regprocedure)",
						  3, types, values, NULL, false, 1);
	return SPI_processed > 0;
}

PG_FUNCTION_INFO_V1(wf_revoke);

/*
 * operate includes view, and admin includes operate.  To revoke one of them is
 * to revoke the privileges of those that it includes; and those that include
 * it would no longer work.  So all three are revoked.  The schema's USAGE is
 * revoked with the last privilege.  Raises 22023, 42704, and 42501 as REVOKE
 * does.
 */
Datum
wf_revoke(PG_FUNCTION_ARGS)
{
	int			capability = capability_argument(fcinfo);
	char	   *role = role_argument(fcinfo);
	int			revoked = capability == FIRE ? FIRE : VIEW;
	const Privilege *privilege = NULL;
	int			level;

	enter(fcinfo, &level);
	while ((privilege = grant_next(privilege, revoked)) != NULL)
		grant_execute(psprintf("REVOKE %s ON %s FROM %s", privilege->what,
						 store_sql(privilege->on), role));
	if (!holds_anything(NameStr(*PG_GETARG_NAME(0))))
		grant_execute(psprintf("REVOKE USAGE ON SCHEMA %s FROM %s", store_sql("%t"),
						 role));
	leave(level);
	PG_RETURN_VOID();
}
