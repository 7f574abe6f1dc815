/*
 * policies.c
 *	  What the policies and defaults of our tables call, and the ids of runs.
 *
 * Runs in any backend that reads or writes our tables, as the role that does
 * so.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid7.h"
#include "config/clock.h"
#include "config/settings.h"
#include "connection/connection.h"
#include "fmgr.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(wf_new_run_id);

/* The default of workflow_runs.id: a UUID of version 7, of this moment. */
Datum
wf_new_run_id(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));

	uuid7_generate(id, clock_now());
	PG_RETURN_UUID_P(id);
}

PG_FUNCTION_INFO_V1(wf_run_id_floor);

/* The smallest id that a run can have which was queued in that millisecond. */
Datum
wf_run_id_floor(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = palloc(sizeof(pg_uuid_t));

	uuid7_floor(id, PG_GETARG_TIMESTAMPTZ(0));
	PG_RETURN_UUID_P(id);
}

PG_FUNCTION_INFO_V1(wf_tenant_visible);

/*
 * May the session see rows of that tenant?  Null is a row for every tenant,
 * which only a session without a binding sees.
 */
Datum
wf_tenant_visible(PG_FUNCTION_ARGS)
{
	pg_uuid_t	bound;

	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(settings_tenant(&bound) == TENANT_UNBOUND);
	PG_RETURN_BOOL(settings_tenant_visible(PG_GETARG_UUID_P(0)));
}

PG_FUNCTION_INFO_V1(wf_tenant_any);

/* May the session see rows of any tenant at all? */
Datum
wf_tenant_any(PG_FUNCTION_ARGS)
{
	pg_uuid_t	bound;

	PG_RETURN_BOOL(settings_tenant(&bound) != TENANT_NONE);
}

PG_FUNCTION_INFO_V1(wf_connection_visible);

/*
 * May a bound session see a connection for every tenant, of which argument 0
 * is the credentials?  The steps of a tenant send with such a connection, but
 * the tenant must not learn its secrets.  The current user's privilege on the
 * column does not matter here: PostgreSQL checks it once, when a query
 * begins, and through a view for the view's owner.
 */
Datum
wf_connection_visible(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!PG_ARGISNULL(0) &&
				   !connection_holds_secret(PG_GETARG_JSONB_P(0)));
}
