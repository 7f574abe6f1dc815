/*
 * purge.c
 *	  wf_purge: deletes runs that ended long ago, and old operations.
 *
 * Runs in the backend that calls it.  A procedure that commits may be neither
 * SECURITY DEFINER nor have SET clauses, so each batch enters the owner of our
 * tables and leaves before it commits (purge_batch).
 *
 * Owns how far the call has come.  What was committed stays, whatever ends the
 * call; another call goes on.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_object.h"
#include "config/clock.h"
#include "config/settings.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "store/operation.h"
#include "store/step_result.h"
#include "store/store_purge.h"
#include "store/store_schema.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/*
 * A batch ends after that time; the slice under way and the commit come on
 * top.  No transaction is to last over 200 ms.
 */
#define BATCH_MS 50

#define NOTICE_US (10 * USECS_PER_SEC)	/* between two that tell how far */

/* Raises 42501, 2D000, 22004 and 22023. */
static void
check_call(FunctionCallInfo fcinfo)
{
	pg_uuid_t	tenant;
	Interval	zero = {0};

	if (settings_tenant(&tenant) != TENANT_UNBOUND)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("a session that is bound to a tenant cannot purge"),
				 errdetail("wf_purge deletes the runs of all tenants."),
				 errhint("Call it in a session in which \"workflow_engine.tenant_id\" is empty.")));
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("wf_purge cannot run inside a transaction block"),
				 errdetail("It commits each batch of runs that it deletes."),
				 errhint("CALL it by itself, outside of BEGIN and of functions.")));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"older_than\" of wf_purge must not be null")));
	if (DatumGetBool(DirectFunctionCall2(interval_lt, PG_GETARG_DATUM(0),
										 IntervalPGetDatum(&zero))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"older_than\" of wf_purge must not be negative")));
}

/* Says in an error, also that of a cancelled call, what was committed. */
static void
say_how_far(void *arg)
{
	const Purge *committed = arg;

	errcontext("wf_purge, which has deleted " UINT64_FORMAT " runs",
			   committed->deleted[PURGE_RUNS]);
}

/* Deletes batch by batch; *purge tells what was committed. */
static void
purge_all(Purge *purge)
{
	TimestampTz next_notice = GetCurrentTimestamp() + NOTICE_US;
	bool		more = true;

	while (more)
	{
		Purge		batch = *purge;
		TimestampTz began = GetCurrentTimestamp();
		TimestampTz now;

		more = purge_batch(&batch, BATCH_MS);
		SPI_commit();
		*purge = batch;
		now = GetCurrentTimestamp();
		ereport(DEBUG1,
				(errmsg_internal("a transaction of wf_purge lasted " INT64_FORMAT " us",
								 now - began)));
		if (now >= next_notice)
		{
			ereport(NOTICE,
					(errmsg("deleted " UINT64_FORMAT " runs so far",
							purge->deleted[PURGE_RUNS])));
			next_notice = now + NOTICE_US;
		}
	}
}

/* Records in workflow_operations who has deleted how many runs. */
static void
note_purge(const Purge *purge)
{
	ObjectBuilder b;

	object_begin(&b);
	object_text(&b, "before", iso_time(purge->before));
	object_number(&b, "runs", purge->deleted[PURGE_RUNS]);
	operation_note("purge", NULL, NULL, NULL, object_end(&b));
}

/* What the caller is told in the end. */
static void
report(const Purge *purge)
{
	uint64		runs = purge->deleted[PURGE_RUNS];
	uint64		operations = purge->deleted[PURGE_OPERATIONS];

	ereport(NOTICE,
			(errmsg_plural("deleted " UINT64_FORMAT " run",
						   "deleted " UINT64_FORMAT " runs",
						   (unsigned long) runs, runs)));
	if (operations > 0)
		ereport(NOTICE,
				(errmsg_plural("deleted " UINT64_FORMAT " operation",
							   "deleted " UINT64_FORMAT " operations",
							   (unsigned long) operations, operations)));
	if (purge->locked > 0)
		ereport(NOTICE,
				(errmsg_plural(UINT64_FORMAT " row was left, since it was locked",
							   UINT64_FORMAT " rows were left, since they were locked",
							   (unsigned long) purge->locked, purge->locked),
				 errhint("Call wf_purge again.")));
	if (purge->refused > 0)
		ereport(WARNING,
				(errmsg_plural(UINT64_FORMAT " row could not be deleted",
							   UINT64_FORMAT " rows could not be deleted",
							   (unsigned long) purge->refused, purge->refused),
				 errdetail("The first error: %s", purge->refusal),
				 errhint("A constraint or a trigger that was added to this database keeps them.")));
}

PG_FUNCTION_INFO_V1(wf_purge);

Datum
wf_purge(PG_FUNCTION_ARGS)
{
	Purge		purge;
	ErrorContextCallback callback;
	Datum		before;

	check_call(fcinfo);
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	before = DirectFunctionCall2(timestamptz_mi_interval,
								 TimestampTzGetDatum(clock_now()),
								 PG_GETARG_DATUM(0));
	purge_begin(&purge, DatumGetTimestampTz(before));
	callback.callback = say_how_far;
	callback.arg = &purge;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	purge_all(&purge);
	if (purge.deleted[PURGE_RUNS] > 0)
		note_purge(&purge);
	SPI_finish();
	error_context_stack = callback.previous;
	report(&purge);
	PG_RETURN_VOID();
}
