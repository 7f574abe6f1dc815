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
 * Values are parameters, never text of the statement.  A statement says by
 * which kind of index it must find rows (planner_rule.c).  So its plan is the
 * same for all values and is kept: to plan a statement takes longer than to
 * execute it.
 *
 * Owns the kept plans of the process; everything else is of one call.
 */
#include "postgres.h"
#include "compat.h"

#include "action/statement_cache.h"
#include "api/run_query.h"
#include "catalog/pg_type.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "store/store_schema.h"
#include "utils/uuid.h"

/* Each combination of filters is a statement of its own. */
#define MAX_PLANS 64

static StatementCache kept = {.max_plans = MAX_PLANS};

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

void
run_query_execute(const RunQuery *query, PlannerRule rule)
{
	Statement	statement = {.sql = query->sql.data,
		.nparams = query->nparams,.types = query->types,
	.cursor_options = CURSOR_OPT_GENERIC_PLAN};
	PlannerSettings before;
	volatile int result = 0;

	planner_rule_begin(rule, &before);
	PG_TRY();
	{
		result = SPI_execute_plan(statement_plan_of(&kept, &statement),
								  (Datum *) query->values, NULL, true, 0);
	}
	PG_FINALLY();
	{
		planner_rule_end(&before);
	}
	PG_END_TRY();
	if (result < 0)
		elog(ERROR, "SPI_execute_plan failed: %s",
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
