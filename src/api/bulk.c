/*
 * bulk.c
 *	  wf_cancel_runs, wf_retry_runs, wf_rerun_runs, wf_count_runs: what is done
 *	  to one run, done to all that a filter chooses.
 *
 * Runs in the backend that calls; stopped_run.c tells how it acts for that.
 * Rows are locked in the order of their ids, so that two sessions that choose
 * the same runs cannot deadlock.  A run that has changed since the filter
 * chose it is left out.
 *
 * A call is one operation (operation.c), whatever the number of its runs.
 * Owns nothing beyond a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/bulk_filter.h"
#include "api/rerun.h"
#include "api/retry.h"
#include "api/stopped_run.h"
#include "base/uuid_list.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "store/operation.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#define ARG_ON_VERSION 10		/* of wf_retry_runs */
#define MAX_COUNT 10000

static const RunStatus open_statuses[] = {RUN_STATUS_QUEUED,
RUN_STATUS_RUNNING, RUN_STATUS_WAITING};
static const RunStatus stopped_statuses[] = {RUN_STATUS_FAILED,
RUN_STATUS_CANCELLED, RUN_STATUS_WAITING};
static const RunStatus ended_statuses[] = {RUN_STATUS_COMPLETED,
RUN_STATUS_FAILED, RUN_STATUS_CANCELLED};
static const RunStatus all_statuses[] = {RUN_STATUS_QUEUED,
	RUN_STATUS_RUNNING, RUN_STATUS_WAITING, RUN_STATUS_COMPLETED,
RUN_STATUS_FAILED, RUN_STATUS_CANCELLED};

#define STATUSES(list) .statuses = (list), .nstatuses = lengthof(list)

/*
 * Does it to the run; false: it is left as it is, since it has changed
 * meanwhile, or objection says why.  *other is the id of a new run, if any.
 */
typedef bool (*BulkAction) (const StoppedRun *run, void *arg,
							pg_uuid_t *other, Objection *objection);

/* What a call has come to. */
typedef struct BulkResult
{
	OperationRuns runs;			/* that were changed */
	int64		nrefused;		/* runs that cannot be changed as asked for */
	Objection	refusal;		/* of the first of these */
} BulkResult;

/* Puts a row of the run's id, and of the new one's, into the result. */
static void
put_ids(FunctionCallInfo fcinfo, pg_uuid_t *id, pg_uuid_t *other)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[2] = {UUIDPGetDatum(id), UUIDPGetDatum(other)};
	bool		nulls[2] = {false, false};

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Remembers that a run was left as it is, for the warning. */
static void
count_refused(BulkResult *result, const Objection *objection,
			  MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	if (result->nrefused++ == 0)
	{
		result->refusal.message = pstrdup(objection->message);
		result->refusal.detail = objection->detail
			? pstrdup(objection->detail) : NULL;
	}
	MemoryContextSwitchTo(old);
}

/* Locks the run and acts on it, in a memory context of its own. */
static void
do_one(FunctionCallInfo fcinfo, BulkFilter *filter, pg_uuid_t *id,
	   BulkAction action, void *arg, BulkResult *result,
	   MemoryContext context)
{
	StoppedRun	run;
	Objection	objection = {0};
	pg_uuid_t	other;

	if (!stopped_run_lock(id, &run) ||
		(filter->status != RUN_STATUS_UNKNOWN &&
		 filter->status != run.status))
		return;
	if (action(&run, arg, &other, &objection))
	{
		bulk_filter_take(filter);
		operation_runs_add(&result->runs, id);
		put_ids(fcinfo, id, &other);
	}
	else if (objection.message != NULL)
		count_refused(result, &objection, context);
}

static void
warn_of_refused(const BulkResult *result, const char *what)
{
	if (result->nrefused == 0)
		return;
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg_plural(INT64_FORMAT " run was left as it is",
						   INT64_FORMAT " runs were left as they are",
						   (unsigned long) result->nrefused,
						   result->nrefused),
			 errdetail_internal("%s%s%s", result->refusal.message,
								result->refusal.detail ? ": " : ".",
								result->refusal.detail
								? result->refusal.detail : ""),
			 errhint("%s() of one of these runs says what to do about it.",
					 what)));
}

/* Records one operation on the runs of the call. */
static void
note_call(FunctionCallInfo fcinfo, const BulkFilter *filter, const char *what,
		  BulkResult *result, bool on_current)
{
	ObjectBuilder b;

	object_begin(&b);
	bulk_filter_describe(fcinfo, &b);
	if (on_current)
		object_text(&b, "on_version", "current");
	operation_runs_note(&result->runs, what,
						filter->has_tenant ? &filter->tenant : NULL,
						PG_ARGISNULL(4) ? NULL : PG_GETARG_UUID_P(4), &b);
}

/* Acts on each run that the filter chooses. */
static void
do_runs(FunctionCallInfo fcinfo, const FilterRule *rule, const char *what,
		BulkAction action, void *arg, bool on_current)
{
	MemoryContext context = CurrentMemoryContext;
	MemoryContext each = AllocSetContextCreate(context, "workflow_engine run",
											   ALLOCSET_DEFAULT_SIZES);
	BulkFilter	filter;
	BulkResult	result = {0};
	pg_uuid_t	id;

	operation_runs_begin(&result.runs);
	SPI_connect();
	bulk_filter_begin(&filter, rule, fcinfo);
	while (bulk_filter_next(&filter, &id))
	{
		MemoryContext spi = MemoryContextSwitchTo(each);

		do_one(fcinfo, &filter, &id, action, arg, &result, context);
		MemoryContextSwitchTo(spi);
		MemoryContextReset(each);
	}
	bulk_filter_end(&filter);
	note_call(fcinfo, &filter, what, &result, on_current);
	SPI_finish();
	MemoryContextDelete(each);
	warn_of_refused(&result, psprintf("wf_%s", what));
}

static void
begin_call(FunctionCallInfo fcinfo)
{
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	stopped_run_enter(fcinfo);
}

/*--- the functions ---*/

static bool
cancel_one(const StoppedRun *run, void *arg, pg_uuid_t *other,
		   Objection *objection)
{
	return stopped_run_cancel(&run->id);
}

PG_FUNCTION_INFO_V1(wf_cancel_runs);

Datum
wf_cancel_runs(PG_FUNCTION_ARGS)
{
	static const FilterRule rule = {
		STATUSES(open_statuses),
		.by_default = RUN_STATUS_UNKNOWN,
		.hint = "It is one of queued, running, waiting."
	};

	begin_call(fcinfo);
	do_runs(fcinfo, &rule, "cancel", cancel_one, NULL, false);
	return (Datum) 0;
}

/*
 * arg is Retrying *.  Runs that were not made for this database are passed
 * without a word: wf_health() counts them.
 */
static bool
retry_one(const StoppedRun *run, void *arg, pg_uuid_t *other,
		  Objection *objection)
{
	return retry_is_stopped(run->status) && run->belongs_here &&
		retry_run(arg, run, objection);
}

PG_FUNCTION_INFO_V1(wf_retry_runs);

Datum
wf_retry_runs(PG_FUNCTION_ARGS)
{
	static const FilterRule rule = {
		STATUSES(stopped_statuses),
		.by_default = RUN_STATUS_FAILED,
		.hint = "It is one of failed, cancelled, waiting."
	};
	Retrying	retrying;

	begin_call(fcinfo);
	retrying_begin(&retrying, PG_ARGISNULL(ARG_ON_VERSION) ? NULL
				   : PG_GETARG_TEXT_PP(ARG_ON_VERSION), NULL);
	do_runs(fcinfo, &rule, "retry", retry_one, &retrying,
			retrying.request.on_current);
	return (Datum) 0;
}

static bool
rerun_one(const StoppedRun *run, void *arg, pg_uuid_t *other,
		  Objection *objection)
{
	return rerun_run(run, NULL, other, objection);
}

PG_FUNCTION_INFO_V1(wf_rerun_runs);

Datum
wf_rerun_runs(PG_FUNCTION_ARGS)
{
	static const FilterRule rule = {
		STATUSES(ended_statuses),
		.by_default = RUN_STATUS_FAILED,
		.hint = "It is one of completed, failed, cancelled."
	};

	begin_call(fcinfo);
	do_runs(fcinfo, &rule, "rerun", rerun_one, NULL, false);
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(wf_count_runs);

Datum
wf_count_runs(PG_FUNCTION_ARGS)
{
	static const FilterRule rule = {
		STATUSES(all_statuses),
		.by_default = RUN_STATUS_UNKNOWN,
		.any_status = true,
		.enough = MAX_COUNT,
		.hint = "It is one of queued, running, waiting, completed, failed, cancelled."
	};
	BulkFilter	filter;
	pg_uuid_t	id;

	stopped_run_enter(fcinfo);
	SPI_connect();
	bulk_filter_begin(&filter, &rule, fcinfo);
	while (filter.nchosen < rule.enough && bulk_filter_next(&filter, &id))
		bulk_filter_take(&filter);
	bulk_filter_end(&filter);
	SPI_finish();
	PG_RETURN_INT32((int32) filter.nchosen);
}
