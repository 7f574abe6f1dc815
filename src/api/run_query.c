/*
 * run_query.c
 *	  Statements of the functions that look for runs, built piece by piece.
 *
 * Runs in the backend that calls such a function, as the owner of our tables,
 * since those functions are SECURITY DEFINER: no policy applies, so each
 * statement applies the session's tenant binding itself.  As a row security
 * policy the binding would keep the payload's index from being used, since @>
 * is not leakproof.
 *
 * Values are parameters, never text of the statement.  A statement that must
 * find rows by an index says so, and does not depend on statistics, which may
 * be of a time when the table was small, or all runs were queued.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/run_query.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "jit/jit.h"
#include "optimizer/cost.h"
#include "store/store.h"
#include "utils/uuid.h"

void
run_query_begin(RunQuery *query)
{
	initStringInfo(&query->sql);
	query->nparams = 0;
}

void
run_query_add(RunQuery *query, const char *sql)
{
	appendStringInfoString(&query->sql, store_sql(sql));
}

void
run_query_param(RunQuery *query, Oid type, Datum value)
{
	Assert(query->nparams < RUN_QUERY_MAX_PARAMS);
	query->types[query->nparams] = type;
	query->values[query->nparams++] = value;
}

void
run_query_add_param(RunQuery *query, const char *sql, Oid type, Datum value)
{
	const char *dollar = strchr(sql, '$');

	Assert(dollar != NULL);
	run_query_param(query, type, value);
	appendBinaryStringInfo(&query->sql, sql, dollar - sql);
	appendStringInfo(&query->sql, "$%d%s", query->nparams, dollar + 1);
}

void
run_query_bind_tenant(RunQuery *query, const char *condition)
{
	pg_uuid_t  *tenant = palloc(sizeof(pg_uuid_t));

	switch (settings_tenant(tenant))
	{
		case TENANT_UNBOUND:
			break;
		case TENANT_NONE:
			run_query_add(query, " AND false");
			break;
		case TENANT_BOUND:
			run_query_add(query, " AND ");
			run_query_add_param(query, condition, UUIDOID,
								UUIDPGetDatum(tenant));
			break;
	}
}

/*
 * The planner is told what not to do by a cost that it would never choose.
 * That cost must bring on neither the JIT compiler nor parallel workers, which
 * take longer to start than the statement takes.  Rows of one table are joined
 * to those of another one by one, through an index.
 */
void
run_query_execute(const RunQuery *query, RunQueryPlan plan)
{
	bool		save_seqscan = enable_seqscan;
	bool		save_indexscan = enable_indexscan;
	bool		save_bitmapscan = enable_bitmapscan;
	bool		save_hashjoin = enable_hashjoin;
	bool		save_mergejoin = enable_mergejoin;
	int			save_workers = max_parallel_workers_per_gather;
	bool		save_jit = jit_enabled;
	int			result = 0;

	PG_TRY();
	{
		enable_seqscan = false;
		enable_indexscan = plan == RUN_QUERY_BY_INDEX;
		enable_bitmapscan = plan == RUN_QUERY_BY_BITMAP;
		enable_hashjoin = enable_mergejoin = false;
		max_parallel_workers_per_gather = 0;
		jit_enabled = false;
		result = SPI_execute_with_args(query->sql.data, query->nparams,
									   (Oid *) query->types,
									   (Datum *) query->values, NULL, true, 0);
	}
	PG_FINALLY();
	{
		enable_seqscan = save_seqscan;
		enable_indexscan = save_indexscan;
		enable_bitmapscan = save_bitmapscan;
		enable_hashjoin = save_hashjoin;
		enable_mergejoin = save_mergejoin;
		max_parallel_workers_per_gather = save_workers;
		jit_enabled = save_jit;
	}
	PG_END_TRY();
	if (result < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s",
			 SPI_result_code_string(result));
}

void
run_query_return_rows(ReturnSetInfo *rsinfo)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);

	Assert(desc->natts == rsinfo->setDesc->natts);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		heap_deform_tuple(SPI_tuptable->vals[i], desc, values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
}
