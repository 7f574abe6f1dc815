/*
 * wait.c
 *	  CALL wf_wait: until a run has ended.
 *
 * Runs in the backend that calls it, for scripts and tests.  It looks at the
 * run's row every few milliseconds, later less often.  Between two looks it
 * commits, so that no snapshot keeps VACUUM from its work while it waits.  In
 * the transaction of somebody else (a transaction block, a function) it cannot
 * commit, and looks with a new snapshot each time.
 *
 * A procedure that commits can be neither SECURITY DEFINER nor have settings
 * of its own: each look enters the tables' owner and leaves it again, and the
 * tenant binding of the session is applied here.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "api/run_query.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "shared/worker_slot.h"
#include "storage/latch.h"
#include "store/run_status.h"
#include "store/step_result.h"
#include "store/store_schema.h"
#include "store/store_tables.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define ERRCODE_RUN_NOT_ENDED MAKE_SQLSTATE('W', 'F', '4', '0', '8')

/* How long it waits between two looks. */
#define FIRST_PAUSE_MS 5
#define LONGEST_PAUSE_MS 250

#define MAX_ERROR_SHOWN 200		/* bytes */

/*
 * The run and, for the error after the time-out, where it stands.  Whether its
 * row is of this transaction is in xmin.
 */
#define LOOK \
	"SELECT r.status, r.xmin::text::bigint," \
	" format('It is at step %s of %s', r.current_step + 1," \
	"  CASE jsonb_typeof(v.definition->'steps') WHEN 'array'" \
	"   THEN jsonb_array_length(v.definition->'steps') END)" \
	" || coalesce(', \"' || (v.definition->'steps'" \
	"   ->r.current_step->>'name') || '\"', '')" \
	" || CASE WHEN r.attempt > 0 THEN ', attempt ' || r.attempt" \
	"  ELSE '' END" \
	" || CASE WHEN r.status <> 'running' AND r.run_at > $2" \
	"  THEN ', and goes on at ' || r.run_at ELSE '' END || '.'" \
	" || coalesce(' The last error: '" \
	"   || (r.failed_attempts->-1->>'error'), '')," \
	" EXISTS (SELECT FROM %t.workflow_pauses p" \
	"  WHERE p.tenant_id IS NULL OR p.tenant_id = r.tenant_id" \
	"   AND (p.definition_id IS NULL OR p.definition_id = r.definition_id))" \
	" FROM %t.workflow_runs r JOIN %t.workflow_definition_versions v" \
	"  ON v.definition_id = r.definition_id" \
	"  AND v.version = r.definition_version WHERE r.id = $1"

/* What a look has found; texts are in the memory of the call. */
typedef struct WaitedRun
{
	RunStatus	status;
	bool		is_ours;		/* this transaction has written the row */
	char	   *stands;			/* a sentence */
	bool		is_paused;
} WaitedRun;

/* Reads the row that LOOK has found into *run, in context. */
static void
read_look(MemoryContext context, WaitedRun *run)
{
	HeapTuple	row = SPI_tuptable->vals[0];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	MemoryContext old = MemoryContextSwitchTo(context);
	bool		isnull;
	char	   *stands = SPI_getvalue(row, desc, 3);
	TransactionId xid;

	run->status = run_status_of(DatumGetTextPP(SPI_getbinval(row, desc, 1,
															 &isnull)));
	xid = (TransactionId) DatumGetInt64(SPI_getbinval(row, desc, 2, &isnull));
	run->is_ours = TransactionIdIsCurrentTransactionId(xid);
	run->stands = stands ? pstrdup(stands) : NULL;
	run->is_paused = DatumGetBool(SPI_getbinval(row, desc, 4, &isnull));
	MemoryContextSwitchTo(old);
}

/*
 * Looks at the run as the owner of the tables, with a snapshot of this moment.
 * Raises P0002 if there is none, or none that the session may see.  Within
 * SPI.
 */
static void
look(const pg_uuid_t *id, MemoryContext context, WaitedRun *run)
{
	RunQuery	query;
	Oid			save_user;
	int			save_context;
	int			level = store_enter_search_path();
	bool		found;

	store_enter_owner(&save_user, &save_context);
	run_query_begin(&query);
	run_query_add(&query, LOOK);
	run_query_param(&query, UUIDOID, UUIDPGetDatum(id));
	run_query_param(&query, TIMESTAMPTZOID, TimestampTzGetDatum(clock_now()));
	run_query_bind_tenant(&query, "r.tenant_id = $");
	PushActiveSnapshot(GetLatestSnapshot());
	run_query_execute(&query, PLANNER_BY_INDEX);
	PopActiveSnapshot();
	found = SPI_processed > 0;
	if (found)
		read_look(context, run);
	SPI_freetuptable(SPI_tuptable);
	store_leave_owner(save_user, save_context);
	store_leave_search_path(level);
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("run %s does not exist", id_text(id)),
				 errhint("wf_search and wf_runs list the runs that this session sees.")));
}

static bool
has_ended(RunStatus status)
{
	return status == RUN_STATUS_COMPLETED || status == RUN_STATUS_FAILED ||
		status == RUN_STATUS_CANCELLED;
}

/*--- errors ---*/

/* Raises 55000: what this transaction has written nobody else can see. */
static void
raise_own(const pg_uuid_t *id)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("run %s was queued in this transaction, and cannot begin before it is committed",
					id_text(id)),
			 errhint("Commit first, and call wf_wait then.")));
}

/* What keeps a run from going on, or NULL if nothing is known of. */
static const char *
what_to_do(const WaitedRun *run)
{
	if (run->is_paused)
		return "It is paused: workflow_pauses has its workflow, its tenant or all. wf_resume with the same arguments lets it go on.";
	if (!worker_slot_database_has_any(MyDatabaseId))
		return "No worker of this database is alive. See \"shared_preload_libraries\" and the settings \"workflow_engine.databases\" and \"workflow_engine.workers\".";
	return NULL;
}

static void
raise_timeout(const pg_uuid_t *id, const WaitedRun *run, Datum timeout)
{
	const char *hint = what_to_do(run);

	ereport(ERROR,
			(errcode(ERRCODE_RUN_NOT_ENDED),
			 errmsg("run %s is still %s after %s", id_text(id),
					run_status_name(run->status),
					DatumGetCString(DirectFunctionCall1(interval_out,
														timeout))),
			 run->stands
			 ? errdetail_internal("%s", clip_text(run->stands,
												  MAX_ERROR_SHOWN)) : 0,
			 hint ? errhint("%s", hint) : 0));
}

/*--- waiting ---*/

/* Waits so long, or a little less; a signal is answered at once. */
static void
pause_for(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/*
 * The moment after which it gives up.  Raises 22004 and 22023.
 */
static TimestampTz
deadline_of(FunctionCallInfo fcinfo)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz deadline;
	Datum		sum;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("arguments \"run_id\" and \"timeout\" of wf_wait must not be null")));
	sum = DirectFunctionCall2(timestamptz_pl_interval,
							  TimestampTzGetDatum(now), PG_GETARG_DATUM(1));
	deadline = DatumGetTimestampTz(sum);
	if (deadline < now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"timeout\" of wf_wait must not be negative")));
	return deadline;
}

/* Looks until the run has ended; raises WF408 after the deadline. */
static void
wait_for_end(const pg_uuid_t *id, TimestampTz deadline, bool atomic,
			 Datum timeout, WaitedRun *run)
{
	MemoryContext context = CurrentMemoryContext;
	long		ms = FIRST_PAUSE_MS;

	for (;;)
	{
		TimestampTz now;

		look(id, context, run);
		if (has_ended(run->status))
			return;
		if (run->is_ours)
			raise_own(id);
		now = GetCurrentTimestamp();
		if (now >= deadline)
			raise_timeout(id, run, timeout);
		if (run->stands != NULL)
			pfree(run->stands);
		if (!atomic)
			SPI_commit();
		pause_for(Min(ms, TimestampDifferenceMilliseconds(now, deadline) + 1));
		ms = Min(ms * 2, LONGEST_PAUSE_MS);
	}
}

/* The result of a procedure with the one INOUT argument. */
static Datum
status_row(FunctionCallInfo fcinfo, RunStatus status)
{
	TupleDesc	desc;
	Datum		value = CStringGetTextDatum(run_status_name(status));
	bool		isnull = false;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "wf_wait does not return a row");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), &value,
											 &isnull));
}

PG_FUNCTION_INFO_V1(wf_wait);

/* Raises WF408, P0002, 55000, 22004, 22023. */
Datum
wf_wait(PG_FUNCTION_ARGS)
{
	/* an exception block of PL/pgSQL is a subtransaction */
	bool		atomic = fcinfo->context == NULL ||
		!IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic || IsSubTransaction();
	TimestampTz deadline = deadline_of(fcinfo);
	pg_uuid_t	id = *PG_GETARG_UUID_P(0);
	Interval	timeout = *PG_GETARG_INTERVAL_P(1);
	WaitedRun	run = {0};

	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	store_check_tables(STORE_TABLES_OF_RUNS);
	SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC);
	wait_for_end(&id, deadline, atomic, IntervalPGetDatum(&timeout), &run);
	SPI_finish();
	return status_row(fcinfo, run.status);
}
