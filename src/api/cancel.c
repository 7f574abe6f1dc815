/*
 * cancel.c
 *	  wf_cancel and wf_cancel_many: runs end at once.
 *
 * Runs in the backend that calls; stopped_run.c tells how it acts for that.
 * Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "api/cancel.h"
#include "api/many.h"
#include "api/stopped_run.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "store/operation.h"
#include "utils/array.h"

PG_FUNCTION_INFO_V1(wf_cancel);

/* Raises P0002.  Returns false if the run has ended already. */
Datum
wf_cancel(PG_FUNCTION_ARGS)
{
	StoppedRun	run;

	stopped_run_enter(fcinfo);
	stopped_run_require(PG_GETARG_UUID_P(0), &run);
	if (!stopped_run_cancel(&run.id))
		PG_RETURN_BOOL(false);
	operation_note("cancel", &run.tenant_id, &run.definition_id, &run.id,
				   NULL);
	PG_RETURN_BOOL(true);
}

/* For many_each. */
static bool
cancel_one(const StoppedRun *run, void *arg, char **outcome)
{
	bool		cancelled = stopped_run_cancel(&run->id);

	*outcome = cancelled ? "cancelled"
		: unconstify(char *, run_status_name(run->status));
	return cancelled;
}

PG_FUNCTION_INFO_V1(wf_cancel_many);

/* Raises 22004 and 22023 for the argument, nothing for a single run. */
Datum
wf_cancel_many(PG_FUNCTION_ARGS)
{
	ObjectBuilder detail;

	many_begin(fcinfo);
	object_begin(&detail);
	many_each(fcinfo, "cancel", cancel_one, NULL, &detail);
	return (Datum) 0;
}

/* For qsort. */
static int
compare_ids(const void *a, const void *b)
{
	return memcmp(DatumGetUUIDP(*(const Datum *) a),
				  DatumGetUUIDP(*(const Datum *) b), UUID_LEN);
}

int64
cancel_runs_by_id(Datum ids)
{
	Datum	   *elements;
	int			n;
	int64		cancelled = 0;

	deconstruct_array(DatumGetArrayTypeP(ids), UUIDOID, UUID_LEN, false,
					  TYPALIGN_CHAR, &elements, NULL, &n);
	/* in the order in which every function locks runs */
	qsort(elements, n, sizeof(Datum), compare_ids);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		cancelled += stopped_run_cancel(DatumGetUUIDP(elements[i]));
	}
	return cancelled;
}
