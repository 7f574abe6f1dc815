/*
 * fire_function.c
 *	  The SQL function wf_fire.
 *
 * Runs in the backend that calls it, in its transaction.  Owns nothing beyond
 * a call.
 */
#include "postgres.h"
#include "compat.h"

#include "api/fire.h"
#include "api/fire_unknown.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* Raises 22004 if that argument is null. */
static void
require_argument(FunctionCallInfo fcinfo, int number, const char *name)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("argument \"%s\" of wf_fire must not be null", name)));
}

/* The priority in that argument; 0 for null.  Raises 22003. */
static int
priority_argument(FunctionCallInfo fcinfo, int number)
{
	int32		priority = PG_ARGISNULL(number) ? 0 : PG_GETARG_INT32(number);

	if (priority < PG_INT16_MIN || priority > PG_INT16_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("priority %d is out of range", priority),
				 errdetail("It must be from %d to %d.", PG_INT16_MIN,
						   PG_INT16_MAX)));
	return priority;
}

PG_FUNCTION_INFO_V1(wf_fire);

/* Raises 22004, 22003, and what fire.h says. */
Datum
wf_fire(PG_FUNCTION_ARGS)
{
	List	   *ids = NIL;
	char	   *trigger_type;
	Firing	   *firing;
	TimestampTz run_at = 0;
	ListCell   *lc;

	require_argument(fcinfo, 0, "tenant_id");
	require_argument(fcinfo, 1, "trigger_type");
	require_argument(fcinfo, 2, "payload");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);

	if (!PG_ARGISNULL(4))
		run_at = PG_GETARG_TIMESTAMPTZ(4);
	trigger_type = text_to_cstring(PG_GETARG_TEXT_PP(1));
	firing = firing_begin(get_func_namespace(fcinfo->flinfo->fn_oid),
						  trigger_type,
						  PG_ARGISNULL(4) ? NULL : &run_at,
						  priority_argument(fcinfo, 5));
	firing_add(firing, PG_GETARG_UUID_P(0), PG_GETARG_JSONB_P(2),
			   PG_ARGISNULL(3) ? NULL
			   : text_to_cstring(PG_GETARG_TEXT_PP(3)), &ids);
	firing_end(firing);
	if (ids == NIL)
		fire_notice_unknown(trigger_type);

	foreach(lc, ids)
	{
		ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
		Datum		value = UUIDPGetDatum(lfirst(lc));
		bool		isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value,
							 &isnull);
	}
	return (Datum) 0;
}
