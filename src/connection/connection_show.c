/*
 * connection_show.c
 *	  Connections as they are shown to people: without their credentials.
 *
 * Runs in a backend that asks what a step would send, and in the process of a
 * preview, as the user who asks: row security and privileges decide which
 * rows there are.  The column of credentials is not read, nor is any file.
 * Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_value.h"
#include "config/settings_tenant.h"
#include "connection/connection_internal.h"
#include "language/scope.h"
#include "store/store_actions.h"
#include "transfer/url.h"

/*
 * A session that is bound to a tenant may not see each connection of all
 * tenants that a worker sees, so that it cannot say that there is none.
 */
static void
raise_hidden(const char *name)
{
	pg_uuid_t	bound;

	if (settings_tenant(&bound) == TENANT_UNBOUND)
		connection_raise_none(name);
	ereport(ERROR,
			(errcode(ERRCODE_SCOPE_UNKNOWN),
			 errmsg("connection \"%s\" is none of this tenant's; if it is one of all tenants, this session may not see it",
					name)));
}

Connection *
connection_find_shown(const pg_uuid_t *tenant_id, const char *name,
					  bool missing_ok)
{
	Connection *c = palloc0(sizeof(Connection));

	c->shown = true;
	if (store_fetch_connection_shown(tenant_id, name, &c->id, &c->is_shared,
									 &c->kind, &c->config))
	{
		connection_keep(c, tenant_id, name);
		return c;
	}
	pfree(c);
	if (!missing_ok)
		raise_hidden(name);
	return NULL;
}

char *
connection_show(const Connection *c, Request *request)
{
	const char *base = connection_base_url(c);

	Assert(c->shown);
	if (strcmp(c->kind, "whatsapp_cloud") == 0 ||
		strcmp(c->kind, "slack") == 0)
		request_secret_header(request, "Authorization",
							  pstrdup("Bearer " CONNECTION_MASK));
	if (strcmp(c->kind, "http") != 0)
		return NULL;
	connection_add_config_headers(c, request);
	if (connection_has_oauth2(c))
		request_secret_header(request, "Authorization",
							  pstrdup("Bearer " CONNECTION_MASK));
	connection_show_signature(c, request);
	if (base == NULL || !url_within(request->url, base))
		return psprintf("the URL is not below the base_url of connection \"%s\": if the connection has credentials, the step fails",
						c->name);
	return NULL;
}
