/*
 * asked_tenant.c
 *	  Whose rows a function with an argument tenant_id tells of.
 *
 * Runs in the backend that calls such a function.  The functions are SECURITY
 * DEFINER, so that no policy keeps an index from being used: the session's
 * tenant binding is applied here.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "api/asked_tenant.h"
#include "catalog/pg_type.h"
#include "config/settings.h"

AskedTenant
asked_tenant_of_session(pg_uuid_t *tenant)
{
	switch (settings_tenant(tenant))
	{
		case TENANT_UNBOUND:
			return ASKED_ALL;
		case TENANT_BOUND:
			return ASKED_ONE;
		case TENANT_NONE:
			break;
	}
	return ASKED_NOBODY;
}

AskedTenant
asked_tenant(FunctionCallInfo fcinfo, int argument, pg_uuid_t *tenant)
{
	if (PG_ARGISNULL(argument))
		return asked_tenant_of_session(tenant);
	*tenant = *PG_GETARG_UUID_P(argument);
	return settings_tenant_visible(tenant) ? ASKED_ONE : ASKED_NOBODY;
}

void
asked_tenant_query(RunQuery *query, const char *sql, const pg_uuid_t *tenant)
{
	static const pg_uuid_t nil = {{0}};
	StringInfoData text;
	const char *mark;

	initStringInfo(&text);
	for (; (mark = strstr(sql, "%a")) != NULL; sql = mark + 2)
	{
		appendBinaryStringInfo(&text, sql, mark - sql);
		appendStringInfoString(&text, tenant == NULL ? "true" : "false");
	}
	appendStringInfoString(&text, sql);
	run_query_begin(query);
	run_query_add(query, text.data);
	run_query_param(query, UUIDOID,
					UUIDPGetDatum(tenant != NULL ? tenant : &nil));
}
