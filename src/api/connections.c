/*
 * connections.c
 *	  wf_connections: the connections without their secrets, and which
 *	  workflows use them; wf_connection_keys: what a row may hold.
 *
 * Runs in the backend that asks, as the tables' owner (SECURITY DEFINER), so
 * the tenant that the session is bound to is looked at here.  Credentials are
 * read, and only their shape (connection/connection_shape.c) goes further.
 * What was read of them is overwritten before the row is returned.
 */
#include "postgres.h"
#include "compat.h"

#include "api/asked_tenant.h"
#include "api/run_query.h"
#include "catalog/pg_type.h"
#include "connection/connection.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

/* Columns of the statement below, and of the function. */
enum
{
	CONNECTIONS_KIND = 3,
	CONNECTIONS_CONFIG,
	CONNECTIONS_CREDENTIALS,
	CONNECTIONS_COLUMNS = 9
};

/*
 * A step uses the connection that it names, else the default of its action; of
 * two with that name the tenant's own.  $1 and %a: see asked_tenant_query.
 * $2: is the session bound?  Then rows for every tenant are those that the
 * row's policy shows it.  Secrets are read row by row at the end, so that
 * no memory of a sort holds them, nor a file of one.
 */
#define FIND_CONNECTIONS \
	"WITH named AS (" \
	" SELECT DISTINCT d.id, d.name, d.tenant_id," \
	"  coalesce(s.step->'params'->>'connection'," \
	"   a.params->'connection'->>'default') AS connection" \
	" FROM %t.workflow_definitions d" \
	" CROSS JOIN LATERAL jsonb_array_elements(" \
	"  CASE jsonb_typeof(d.definition->'steps') WHEN 'array'" \
	"  THEN d.definition->'steps' ELSE '[]' END) s (step)" \
	" JOIN %t.workflow_actions a ON a.name = s.step->>'action'" \
	"  AND a.kind IN ('http', 'smtp')" \
	" WHERE %a OR d.tenant_id = $1" \
	"), used AS (" \
	" SELECT DISTINCT coalesce(own.id, every.id) AS connection_id," \
	"  n.id, n.name, n.tenant_id FROM named n" \
	" LEFT JOIN %t.workflow_connections own" \
	"  ON own.name = n.connection AND own.tenant_id = n.tenant_id" \
	" LEFT JOIN %t.workflow_connections every" \
	"  ON every.name = n.connection AND every.tenant_id IS NULL" \
	"), users AS (" \
	" SELECT u.connection_id, count(*)::int AS workflows," \
	"  jsonb_agg(jsonb_build_object('definition_id', u.id," \
	"   'workflow_name', u.name, 'tenant_id', u.tenant_id)" \
	"   ORDER BY u.name, u.id) FILTER (WHERE u.nth <= 100) AS used_by" \
	" FROM (SELECT *, row_number() OVER (PARTITION BY connection_id" \
	"  ORDER BY name, id) AS nth FROM used) u" \
	" GROUP BY u.connection_id" \
	"), found AS (" \
	" SELECT c.id, c.tenant_id, c.name, c.kind, c.config," \
	"  coalesce(u.workflows, 0) AS workflows," \
	"  coalesce(u.used_by, '[]') AS used_by, c.xmin::text AS version" \
	" FROM %t.workflow_connections c" \
	" LEFT JOIN users u ON u.connection_id = c.id" \
	" WHERE %a OR c.tenant_id = $1 OR (c.tenant_id IS NULL" \
	"  AND (NOT $2 OR %t.wf_connection_visible(c.credentials)))" \
	" ORDER BY c.name, c.tenant_id NULLS FIRST" \
	") SELECT f.id, f.tenant_id, f.name, f.kind, f.config, s.credentials," \
	" f.workflows, f.used_by, f.version FROM found f CROSS JOIN LATERAL" \
	"  (SELECT c.credentials FROM %t.workflow_connections c" \
	"    WHERE c.id = f.id OFFSET 0) s"

/* Returns a row without its secrets, and overwrites them. */
static void
put_connection(ReturnSetInfo *rsinfo, HeapTuple row, TupleDesc desc)
{
	Datum		values[CONNECTIONS_COLUMNS];
	bool		nulls[CONNECTIONS_COLUMNS];
	Jsonb	   *config;
	Jsonb	   *credentials;
	char	   *kind;

	heap_deform_tuple(row, desc, values, nulls);
	if (nulls[CONNECTIONS_KIND] || nulls[CONNECTIONS_CONFIG] ||
		nulls[CONNECTIONS_CREDENTIALS])
		return;					/* somebody dropped a NOT NULL */
	kind = TextDatumGetCString(values[CONNECTIONS_KIND]);
	config = DatumGetJsonbP(values[CONNECTIONS_CONFIG]);
	values[CONNECTIONS_CONFIG] =
		JsonbPGetDatum(connection_shown_config(kind, config));
	credentials = DatumGetJsonbPCopy(values[CONNECTIONS_CREDENTIALS]);
	values[CONNECTIONS_CREDENTIALS] =
		JsonbPGetDatum(connection_shape(credentials));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	explicit_bzero(credentials, VARSIZE(credentials));
}

/* Overwrites the rows that SPI holds, which have the secrets. */
static void
wipe_rows(SPITupleTable *rows, uint64 n)
{
	for (uint64 i = 0; i < n; i++)
		explicit_bzero(rows->vals[i]->t_data, rows->vals[i]->t_len);
}

PG_FUNCTION_INFO_V1(wf_connections);

Datum
wf_connections(PG_FUNCTION_ARGS)
{
	RunQuery	query;
	pg_uuid_t	tenant_id;
	pg_uuid_t	bound;
	bool		is_bound;
	AskedTenant asked = asked_tenant(fcinfo, 0, &tenant_id);

	InitMaterializedSRF(fcinfo, 0);
	if (asked == ASKED_NOBODY)
		return (Datum) 0;
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	SPI_connect();
	asked_tenant_query(&query, FIND_CONNECTIONS,
					   asked == ASKED_ONE ? &tenant_id : NULL);
	is_bound = asked_tenant_of_session(&bound) != ASKED_ALL;
	run_query_param(&query, BOOLOID, BoolGetDatum(is_bound));
	/* whole tables are joined: run_query_execute() would do it row by row */
	SPI_execute_with_args(query.sql.data, query.nparams, query.types,
						  query.values, NULL, true, 0);
	for (uint64 i = 0; i < SPI_processed; i++)
		put_connection((ReturnSetInfo *) fcinfo->resultinfo,
					   SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	wipe_rows(SPI_tuptable, SPI_processed);
	SPI_finish();
	return (Datum) 0;
}

/*--- wf_connection_keys ---*/

static void
put_key(const char *kind, const char *key, bool in_config, bool required,
		void *arg)
{
	ReturnSetInfo *rsinfo = arg;
	Datum		values[4];
	bool		nulls[4] = {false};

	values[0] = CStringGetTextDatum(kind);
	values[1] = CStringGetTextDatum(in_config ? "config" : "credentials");
	values[2] = CStringGetTextDatum(key);
	values[3] = BoolGetDatum(required);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(wf_connection_keys);

Datum
wf_connection_keys(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	connection_each_key(put_key, fcinfo->resultinfo);
	return (Datum) 0;
}
