/*
 * schedule_times.c
 *	  wf_schedule_times: when a schedule fires, of a definition that is saved
 *	  or of one that somebody writes.
 *
 * Runs in the backend that asks, as the caller: it reads its arguments and the
 * server's time zones alone.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "api/trigger_row.h"
#include "base/json_value.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "plan/plan_schedule.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define MAX_TIMES 1000

/* The schedules of argument 0.  Raises 22023 with every mistake. */
static List *
schedules_argument(FunctionCallInfo fcinfo)
{
	Problems	problems = {0};
	JsonbValue	json;
	List	   *schedules;

	json_of_jsonb(PG_GETARG_JSONB_P(0), &json);
	schedules = plan_compile_schedules(&json, &problems);
	problems_raise(&problems, "the schedule is not valid");
	return schedules;
}

static void
put_times(ReturnSetInfo *rsinfo, const PlanSchedule *schedule, int n,
		  TimestampTz after)
{
	bool		nulls[2] = {false};

	for (int i = 0; i < n; i++)
	{
		Datum		values[2];

		CHECK_FOR_INTERRUPTS();
		after = cron_next(&schedule->cron, schedule->zone, after);
		if (after == 0)
			return;
		values[0] = CStringGetTextDatum(schedule->key);
		values[1] = TimestampTzGetDatum(after);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
}

PG_FUNCTION_INFO_V1(wf_schedule_times);

/* Strict.  Raises 22023 for the schedule, the number and the time. */
Datum
wf_schedule_times(PG_FUNCTION_ARGS)
{
	int32		n = PG_GETARG_INT32(1);
	TimestampTz after = PG_GETARG_TIMESTAMPTZ(2);
	ListCell   *lc;

	if (n < 1 || n > MAX_TIMES)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_times\" of wf_schedule_times must be 1 to %d, not %d",
						MAX_TIMES, n)));
	if (TIMESTAMP_NOT_FINITE(after))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"after\" of wf_schedule_times must be finite")));
	InitMaterializedSRF(fcinfo, 0);
	foreach(lc, schedules_argument(fcinfo))
		put_times((ReturnSetInfo *) fcinfo->resultinfo, lfirst(lc), n, after);
	return (Datum) 0;
}
