/*
 * schedule_fire.c
 *	  wf_fire_schedules: fires the schedules that are due.
 *
 * Workers call it, in a transaction of its own, as the superuser that they
 * are.  A run and the next time of its schedule commit together, and the row
 * of the schedule is locked meanwhile: so each time is fired exactly once,
 * however many workers there are and whatever ends one.
 *
 * Owns nothing.  What is due is in workflow_schedules.
 */
#include "postgres.h"
#include "compat.h"

#include "access/xact.h"
#include "base/json_object.h"
#include "base/uuid_list.h"
#include "catalog/pg_type.h"
#include "config/clock.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "plan/plan_schedule.h"
#include "shared/commit_wakeup.h"
#include "store/step_result.h"
#include "store/store_place.h"
#include "store/store_schema.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"

/*
 * Schedules of one transaction.  Each has a subtransaction that writes, and
 * more than 64 of those would slow down every other backend's snapshots.
 */
#define MAX_SCHEDULES 32

/*
 * Cron counts minutes: what is fired within one after its time was not
 * missed.
 */
#define LATE_US (USECS_PER_SEC * 60)

/* A schedule that is due; lives in the transaction's context. */
typedef struct DueSchedule
{
	pg_uuid_t	definition_id;
	char	   *key;
	TimestampTz next_at;
	Jsonb	   *definition;
	char	   *error;			/* of the last try; NULL: there was none */
} DueSchedule;

/*--- which times ---*/

/*
 * Times of the schedule from "from" to "to", both included: the newest of
 * them, max at most, in their order.  *n is set.  Palloc'd.
 *
 * Somebody may have been away for years of minutes, so the times are not
 * counted from the first on: a stretch before "to" is doubled until it has
 * enough of them.
 */
static TimestampTz *
newest_times(const PlanSchedule *schedule, TimestampTz from, TimestampTz to,
			 int max, int *n)
{
	int64		stretch = LATE_US;
	TimestampTz *ring = palloc(sizeof(TimestampTz) * max);

	for (;;)
	{
		TimestampTz begin = Max(from, to - stretch);
		TimestampTz t = begin - 1;
		TimestampTz *times;
		int64		count = 0;

		while ((t = cron_next(&schedule->cron, schedule->zone, t)) != 0 &&
			   t <= to)
			ring[count++ % max] = t;
		if (count < max && begin > from)
		{
			stretch *= 2;
			continue;
		}
		*n = (int) Min(count, max);
		times = palloc(sizeof(TimestampTz) * Max(*n, 1));
		for (int i = 0; i < *n; i++)
			times[i] = ring[(count - *n + i) % max];
		pfree(ring);
		return times;
	}
}

/* The times for which a run is to be made now. */
static TimestampTz *
times_to_fire(const PlanSchedule *schedule, TimestampTz from, TimestampTz now,
			  int *n)
{
	TimestampTz *times;

	times = newest_times(schedule, from, now,
						 schedule->catch_up == CATCH_UP_ALL ? MAX_CATCH_UP : 1,
						 n);
	if (schedule->catch_up == CATCH_UP_NONE && *n == 1 &&
		now - times[0] > LATE_US)
		*n = 0;
	return times;
}

/*--- firing ---*/

/* The payload of a run: the schedule's own, and the time it is for. */
static Jsonb *
payload_for(const PlanSchedule *schedule, TimestampTz when)
{
	ObjectBuilder b;

	object_begin(&b);
	if (schedule->payload != NULL)
	{
		JsonbValue	payload;
		JsonMember *members;
		int			n;

		json_of_jsonb(schedule->payload, &payload);
		members = json_members(&payload, &n);
		for (int i = 0; i < n; i++)
			object_value(&b, members[i].key, &members[i].value);
	}
	object_text(&b, SCHEDULED_FOR, iso_time(when));
	return object_end(&b);
}

/* Makes a run; returns its id. */
static pg_uuid_t *
insert_run(const DueSchedule *due, Jsonb *payload, TimestampTz now)
{
	Oid			types[4] = {UUIDOID, JSONBOID, TIMESTAMPTZOID, INT8OID};
	Datum		values[4] = {UUIDPGetDatum(&due->definition_id),
		JsonbPGetDatum(payload), TimestampTzGetDatum(now),
	Int64GetDatum(store_place())};
	bool		isnull;

	SPI_execute_with_args(store_sql("INSERT INTO %t.workflow_runs"
									" (definition_id, trigger_payload, queued_at,"
									"  started_at, run_at, place)"
									" VALUES ($1, $2, $3, $3, $3, $4) RETURNING id"),
						  4, types, values, NULL, false, 0);
	if (SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("a run was not inserted"),
				 errdetail("A trigger or rule of table \"workflow_runs\" left it out.")));
	return DatumGetUUIDP(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
}

/* Writes when the schedule is due next; fired: what was, NULL: nothing. */
static void
move_on(const DueSchedule *due, TimestampTz next, const TimestampTz *fired,
		pg_uuid_t *run_id)
{
	Oid			types[5] = {UUIDOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID,
	UUIDOID};
	Datum		values[5] = {UUIDPGetDatum(&due->definition_id),
		CStringGetTextDatum(due->key), TimestampTzGetDatum(next),
		fired != NULL ? TimestampTzGetDatum(*fired) : (Datum) 0,
	UUIDPGetDatum(run_id)};
	char		nulls[6] = "     ";

	if (next == 0)
		nulls[2] = 'n';
	if (fired == NULL)
		nulls[3] = nulls[4] = 'n';
	SPI_execute_with_args(store_sql("UPDATE %t.workflow_schedules"
									" SET next_at = $3, error = NULL,"
									" last_at = coalesce($4, last_at),"
									" last_run_id = coalesce($5, last_run_id)"
									" WHERE definition_id = $1 AND key = $2"),
						  5, types, values, nulls, false, 0);
}

static void
fire_schedule(const DueSchedule *due, TimestampTz now)
{
	List	   *schedules = plan_schedules_of(due->definition);
	PlanSchedule *schedule = NULL;
	TimestampTz *times;
	pg_uuid_t  *run_id = NULL;
	int			n;
	ListCell   *lc;

	foreach(lc, schedules)
		if (strcmp(((PlanSchedule *) lfirst(lc))->key, due->key) == 0)
		schedule = lfirst(lc);
	if (schedule == NULL)
	{
		/* Somebody has written the row by hand: it is never due. */
		move_on(due, 0, NULL, NULL);
		return;
	}
	times = times_to_fire(schedule, due->next_at, now, &n);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		run_id = insert_run(due, payload_for(schedule, times[i]), now);
	}
	move_on(due, cron_next(&schedule->cron, schedule->zone, now),
			n > 0 ? &times[n - 1] : NULL, run_id);
}

/*--- one after the other ---*/

/* Keeps the error in the row, and has it logged once. */
static void
note_error(const DueSchedule *due, const char *message)
{
	Oid			types[3] = {UUIDOID, TEXTOID, TEXTOID};
	Datum		values[3] = {UUIDPGetDatum(&due->definition_id),
	CStringGetTextDatum(due->key), CStringGetTextDatum(message)};

	if (due->error != NULL && strcmp(due->error, message) == 0)
		return;
	ereport(LOG,
			(errmsg("schedule \"%s\" of definition %s could not be fired: %s",
					due->key, id_text(&due->definition_id), message),
			 errdetail("It is tried again.")));
	SPI_execute_with_args(store_sql("UPDATE %t.workflow_schedules SET error = $3"
									" WHERE definition_id = $1 AND key = $2"),
						  3, types, values, NULL, false, 0);
}

/*
 * Fires a schedule in a subtransaction of its own, so that what somebody has
 * added to workflow_runs, and refuses a run, keeps no other schedule from its
 * time.  False: it failed, and its row says so.
 */
static bool
try_schedule(const DueSchedule *due, TimestampTz now)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	char	   *volatile message = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		fire_schedule(due, now);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* before it is raised again: outside it would stay open */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN ||
			error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			ReThrowError(error);
		message = pstrdup(error->message);
		FreeErrorData(error);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (message != NULL)
		note_error(due, message);
	return message == NULL;
}

/* Locks what is due, MAX_SCHEDULES at most. */
static List *
lock_due(TimestampTz now)
{
	Oid			types[2] = {TIMESTAMPTZOID, INT8ARRAYOID};
	Datum		values[2] = {TimestampTzGetDatum(now), store_places_array()};
	List	   *result = NIL;

	SPI_execute_with_args(store_sql("SELECT s.definition_id, s.key, s.next_at,"
									" d.definition, s.error"
									" FROM %t.workflow_schedules s"
									" JOIN %t.workflow_definitions d"
									" ON d.id = s.definition_id"
									" WHERE s.place = ANY ($2) AND s.next_at <= $1"
									" AND d.is_active AND NOT EXISTS"
									" (SELECT FROM %t.workflow_pauses p"
									"  WHERE p.tenant_id IS NULL"
									"  OR p.tenant_id = s.tenant_id AND"
									"   (p.definition_id IS NULL OR"
									"    p.definition_id = s.definition_id))"
									" ORDER BY s.error IS NOT NULL, s.next_at"
									" FOR UPDATE OF s SKIP LOCKED"),
						  2, types, values, NULL, false, MAX_SCHEDULES);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		DueSchedule *due = palloc(sizeof(DueSchedule));
		Datum		datums[5];
		bool		nulls[5];

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
						  datums, nulls);
		due->definition_id = *DatumGetUUIDP(datums[0]);
		due->key = TextDatumGetCString(datums[1]);
		due->next_at = DatumGetTimestampTz(datums[2]);
		due->definition = DatumGetJsonbPCopy(datums[3]);
		due->error = nulls[4] ? NULL : TextDatumGetCString(datums[4]);
		result = lappend(result, due);
	}
	return result;
}

/* When the next one is due after now; false: none is known. */
static bool
next_due(TimestampTz now, Datum *when)
{
	Oid			types[2] = {TIMESTAMPTZOID, INT8ARRAYOID};
	Datum		values[2] = {TimestampTzGetDatum(now), store_places_array()};
	bool		isnull;

	SPI_execute_with_args(store_sql("SELECT next_at FROM %t.workflow_schedules"
									" WHERE place = ANY ($2) AND next_at > $1"
									" ORDER BY next_at LIMIT 1"),
						  2, types, values, NULL, false, 1);
	if (SPI_processed == 0)
		return false;
	*when = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						  &isnull);
	return true;
}

PG_FUNCTION_INFO_V1(wf_fire_schedules);

Datum
wf_fire_schedules(PG_FUNCTION_ARGS)
{
	TimestampTz now = clock_now();
	List	   *due;
	ListCell   *lc;
	Datum		when;
	bool		has_next;
	int			nfired = 0;
	Oid			save_user;
	int			save_context;
	int			level;

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to fire schedules"),
				 errdetail("The workers do it.")));
	store_use_schema(get_func_namespace(fcinfo->flinfo->fn_oid));
	level = store_enter_search_path();
	store_enter_owner(&save_user, &save_context);
	SPI_connect();
	due = lock_due(now);
	foreach(lc, due)
		nfired += try_schedule(lfirst(lc), now);
	if (nfired > 0)
		wakeup_at_commit();
	has_next = next_due(now, &when);
	SPI_finish();
	store_leave_owner(save_user, save_context);
	store_leave_search_path(level);

	/*
	 * There may be more: the worker is to call again at once.  Not if all of
	 * these have failed, or it would do nothing else.
	 */
	if (list_length(due) == MAX_SCHEDULES && nfired > 0)
		PG_RETURN_TIMESTAMPTZ(now);
	if (!has_next)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(when);
}
