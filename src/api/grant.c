/*
 * grant.c
 *	  wf_grant and wf_revoke: four capabilities, each a list of privileges.
 *	  And wf_revoke_defaults, which the install script calls.
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

#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "store/store.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

typedef enum Capability
{
	CAPABILITY_FIRE = 1,
	CAPABILITY_VIEW = 2,
	CAPABILITY_OPERATE = 4,
	CAPABILITY_ADMIN = 8
} Capability;

/*
 * A privilege on an object, and the capabilities that include it, as a mask;
 * %t is the extension's schema.
 */
typedef struct Privilege
{
	int			capabilities;
	const char *what;
	const char *on;
} Privilege;

#define FIRE CAPABILITY_FIRE
#define ADMIN CAPABILITY_ADMIN
#define OPERATE (CAPABILITY_OPERATE | ADMIN)
#define VIEW (CAPABILITY_VIEW | OPERATE)

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

static void
execute(const char *sql)
{
	int			result = SPI_execute(sql, false, 0);

	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
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
	execute(psprintf("GRANT USAGE ON SCHEMA %s TO %s", store_sql("%t"), role));
	for (int i = 0; i < lengthof(privileges); i++)
		if (privileges[i].capabilities & capability)
			execute(psprintf("GRANT %s ON %s TO %s", privileges[i].what,
							 store_sql(privileges[i].on), role));
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
	int			level;

	enter(fcinfo, &level);
	for (int i = 0; i < lengthof(privileges); i++)
		if (privileges[i].capabilities & revoked)
			execute(psprintf("REVOKE %s ON %s FROM %s", privileges[i].what,
							 store_sql(privileges[i].on), role));
	if (!holds_anything(NameStr(*PG_GETARG_NAME(0))))
		execute(psprintf("REVOKE USAGE ON SCHEMA %s FROM %s", store_sql("%t"),
						 role));
	leave(level);
	PG_RETURN_VOID();
}

/*--- for the install script ---*/

/*
 * A REVOKE statement for each role but the owner and PUBLIC that has a
 * privilege on one of the extension's tables or functions; $1 is the
 * extension.
 */
#define REVOKE_HELD \
	"SELECT pg_catalog.format('REVOKE ALL ON %s %s FROM %s', o.kind, o.name," \
	"  a.grantee::pg_catalog.regrole)" \
	" FROM pg_catalog.pg_depend d JOIN LATERAL" \
	"  (SELECT 'TABLE' AS kind, c.oid::pg_catalog.regclass::text AS name," \
	"   c.relacl AS acl, c.relowner AS owner FROM pg_catalog.pg_class c" \
	"   WHERE c.oid = d.objid AND c.relkind IN ('r', 'v')" \
	"    AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass" \
	"  UNION ALL" \
	"  SELECT 'ROUTINE', p.oid::pg_catalog.regprocedure::text, p.proacl," \
	"   p.proowner FROM pg_catalog.pg_proc p WHERE p.oid = d.objid" \
	"    AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass) o ON true" \
	" CROSS JOIN LATERAL pg_catalog.aclexplode(o.acl) a" \
	" WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass" \
	"  AND d.refobjid = $1 AND d.deptype = 'e'" \
	"  AND a.grantee NOT IN (0, o.owner)" \
	" GROUP BY o.kind, o.name, a.grantee"

PG_FUNCTION_INFO_V1(wf_revoke_defaults);

/*
 * Revokes what ALTER DEFAULT PRIVILEGES has given to other roles when the
 * tables and functions were created, such as all privileges on every table,
 * TRIGGER included.  Raises 55000 unless a script of an extension calls it:
 * later it would revoke what wf_grant has given.
 */
Datum
wf_revoke_defaults(PG_FUNCTION_ARGS)
{
	Oid			type = OIDOID;
	Datum		extension = ObjectIdGetDatum(CurrentExtensionObject);
	SPITupleTable *commands;
	uint64		n;
	int			level;

	if (!creating_extension)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("wf_revoke_defaults can only be called by the extension's scripts")));
	enter(fcinfo, &level);
	SPI_execute_with_args(REVOKE_HELD, 1, &type, &extension, NULL, false, 0);
	commands = SPI_tuptable;
	n = SPI_processed;
	for (uint64 i = 0; i < n; i++)
		execute(SPI_getvalue(commands->vals[i], commands->tupdesc, 1));
	leave(level);
	PG_RETURN_VOID();
}
