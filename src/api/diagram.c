/*
 * diagram.c
 *	  wf_diagram and wf_run_diagram: a workflow as a picture.
 *
 * Runs in the backend that asks.  wf_run_diagram is SECURITY DEFINER: it reads
 * the run as the owner of our tables, and applies the tenant binding of the
 * session here.  What the steps have come to is what wf_trace says, which
 * applies the binding itself.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "api/run_query.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "plan/plan_diagram.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(wf_diagram);

/* Raises 22023. */
Datum
wf_diagram(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(plan_diagram(PG_GETARG_JSONB_P(0), NULL,
												  NULL, 0)));
}

/*--- of a run ---*/

#define RUN_AND_VERSION \
	"SELECT r.status, v.definition FROM %t.workflow_runs r" \
	" JOIN %t.workflow_definition_versions v" \
	"  ON v.definition_id = r.definition_id" \
	"  AND v.version = r.definition_version WHERE r.id = $1"

/* A word, and one line more: how long it took, or why it failed. */
#define STEPS \
	"SELECT t.status, concat_ws(', '," \
	"  CASE WHEN t.attempts > 1 THEN t.attempts || ' attempts' END," \
	"  CASE WHEN t.error IS NULL AND t.status <> 'skipped'" \
	"   THEN round(t.duration_ms) || ' ms' END, t.error)" \
	" FROM %t.wf_trace($1) t ORDER BY t.step"

/* Within SPI.  Raises P0002; the texts are in SPI's memory. */
static const char *
load_run(const pg_uuid_t *id, Jsonb **definition)
{
	RunQuery	query;
	bool		isnull;

	run_query_begin(&query);
	run_query_add(&query, RUN_AND_VERSION);
	run_query_param(&query, UUIDOID, UUIDPGetDatum(id));
	run_query_bind_tenant(&query, "r.tenant_id = $");
	run_query_execute(&query, PLANNER_BY_INDEX);
	if (SPI_processed == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("run %s does not exist", id_text(id)),
				 errhint("wf_search and wf_runs list the runs that this session sees.")));
	*definition = DatumGetJsonbP(SPI_getbinval(SPI_tuptable->vals[0],
											   SPI_tuptable->tupdesc, 2,
											   &isnull));
	return SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
}

/* Within SPI; *n of them, in SPI's memory. */
static DiagramMark *
load_marks(const pg_uuid_t *id, int *n)
{
	RunQuery	query;
	DiagramMark *marks;

	run_query_begin(&query);
	run_query_add(&query, STEPS);
	run_query_param(&query, UUIDOID, UUIDPGetDatum(id));
	run_query_execute(&query, PLANNER_BY_INDEX);
	*n = (int) SPI_processed;
	marks = palloc0(sizeof(DiagramMark) * (*n + 1));
	for (int i = 0; i < *n; i++)
	{
		marks[i].status = SPI_getvalue(SPI_tuptable->vals[i],
									   SPI_tuptable->tupdesc, 1);
		marks[i].note = SPI_getvalue(SPI_tuptable->vals[i],
									 SPI_tuptable->tupdesc, 2);
	}
	return marks;
}

PG_FUNCTION_INFO_V1(wf_run_diagram);

/* Raises P0002. */
Datum
wf_run_diagram(PG_FUNCTION_ARGS)
{
	pg_uuid_t  *id = PG_GETARG_UUID_P(0);
	MemoryContext caller = CurrentMemoryContext;
	Jsonb	   *definition = NULL;
	DiagramMark *marks;
	const char *status;
	char	   *diagram;
	text	   *result;
	int			n;

	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	SPI_connect();
	status = load_run(id, &definition);
	marks = load_marks(id, &n);
	diagram = plan_diagram(definition, status, marks, n);
	MemoryContextSwitchTo(caller);
	result = cstring_to_text(diagram);
	SPI_finish();
	PG_RETURN_TEXT_P(result);
}
