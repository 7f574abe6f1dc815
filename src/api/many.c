/*
 * many.c
 *	  Functions that act on the runs of a list of ids.
 *
 * Runs in the backend that calls; stopped_run.c tells how it acts for that.
 * What cannot be done to a run is told in its row of the result, and raises
 * nothing: it may have changed since the list was made.  Rows are locked in
 * the order of their ids, so that two sessions that want the same runs cannot
 * deadlock.
 *
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/many.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "store/operation.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#define MAX_IDS 10000

void
many_begin(FunctionCallInfo fcinfo)
{
	ArrayType  *ids;

	InitMaterializedSRF(fcinfo, 0);
	stopped_run_enter(fcinfo);
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"run_ids\" must not be null")));
	ids = PG_GETARG_ARRAYTYPE_P(0);
	if (ArrayGetNItems(ARR_NDIM(ids), ARR_DIMS(ids)) > MAX_IDS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"run_ids\" has more than %d elements",
						MAX_IDS)));
}

/* For qsort. */
static int
compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, UUID_LEN);
}

/* The ids of the first argument without nulls, ascending. */
static pg_uuid_t *
sorted_ids(FunctionCallInfo fcinfo, int *n)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;
	pg_uuid_t  *ids;

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), UUIDOID, UUID_LEN, false,
					  TYPALIGN_CHAR, &elements, &nulls, &count);
	ids = palloc(sizeof(pg_uuid_t) * (count + 1));
	*n = 0;
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			ids[(*n)++] = *DatumGetUUIDP(elements[i]);
	qsort(ids, *n, sizeof(pg_uuid_t), compare_ids);
	return ids;
}

static void
put_outcome(FunctionCallInfo fcinfo, pg_uuid_t *id, const char *outcome)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[2] = {UUIDPGetDatum(id), CStringGetTextDatum(outcome)};
	bool		nulls[2] = {false, false};

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* What the changed runs have in common. */
typedef struct Changed
{
	OperationRuns runs;
	StoppedRun	first;			/* the columns without pointers are valid */
	bool		one_tenant;
	bool		one_definition;
} Changed;

static void
count_changed(Changed *changed, const StoppedRun *run)
{
	operation_runs_add(&changed->runs, &run->id);
	if (changed->runs.count == 1)
	{
		changed->first = *run;
		changed->one_tenant = changed->one_definition = true;
		return;
	}
	changed->one_tenant &= ids_equal(&changed->first.tenant_id,
									 &run->tenant_id);
	changed->one_definition &= ids_equal(&changed->first.definition_id,
										 &run->definition_id);
}

void
many_each(FunctionCallInfo fcinfo, const char *what, ManyAction action,
		  void *arg, ObjectBuilder *detail)
{
	MemoryContext each = AllocSetContextCreate(CurrentMemoryContext,
											   "workflow_engine run",
											   ALLOCSET_DEFAULT_SIZES);
	Changed		changed = {0};
	int			n;
	pg_uuid_t  *ids = sorted_ids(fcinfo, &n);

	operation_runs_begin(&changed.runs);
	for (int i = 0; i < n; i++)
	{
		MemoryContext old;
		StoppedRun	run;
		char	   *outcome = "not found";

		CHECK_FOR_INTERRUPTS();
		if (i > 0 && ids_equal(&ids[i], &ids[i - 1]))
			continue;
		old = MemoryContextSwitchTo(each);
		if (stopped_run_lock(&ids[i], &run) && action(&run, arg, &outcome))
			count_changed(&changed, &run);
		put_outcome(fcinfo, &ids[i], outcome);
		MemoryContextSwitchTo(old);
		MemoryContextReset(each);
	}
	MemoryContextDelete(each);
	operation_runs_note(&changed.runs, what,
						changed.one_tenant ? &changed.first.tenant_id : NULL,
						changed.one_definition ? &changed.first.definition_id
						: NULL, detail);
}
