/*
 * run_filter.c
 *	  The arguments of the functions that look for runs.
 *
 * Runs in the backend that calls one of them.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "api/run_filter.h"
#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "utils/builtins.h"

RunStatus
run_status_argument(text *name)
{
	RunStatus	status = run_status_of(name);

	if (status == RUN_STATUS_UNKNOWN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown status \"%s\"", text_to_cstring(name)),
				 errhint("It is one of queued, running, waiting, completed, failed, cancelled.")));
	return status;
}

/* Does it contain a scalar, at any depth? */
static bool
has_scalar(Jsonb *json)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue	v;

	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		if (token == WJB_VALUE || token == WJB_ELEM)
			return true;
	}
	return false;
}

void
run_check_match(Jsonb *match, const char *function)
{
	if (!JB_ROOT_IS_OBJECT(match))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"match\" of %s must be a JSON object",
						function),
				 errhint("It is what the payload contains, such as '{\"order_id\": \"123\"}'.")));
	if (!has_scalar(match))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"match\" of %s contains no value to look for",
						function),
				 errdetail("The index of payloads finds strings, numbers, booleans and nulls, not empty objects and arrays."),
				 errhint("It is what the payload contains, such as '{\"order_id\": \"123\"}'.")));
}

void
run_check_max_rows(int max_rows, const char *function)
{
	if (max_rows < 1 || max_rows > RUN_FILTER_MAX_ROWS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"max_rows\" of %s must be from 1 to %d",
						function, RUN_FILTER_MAX_ROWS)));
}

void
run_filter_time(RunFilter *filter, const TimestampTz *since,
				const TimestampTz *until)
{
	if (since != NULL)
	{
		filter->from = palloc(sizeof(pg_uuid_t));
		uuid7_floor(filter->from, *since);
	}
	if (until != NULL)
	{
		pg_uuid_t	floor;

		uuid7_floor(&floor, *until);
		run_filter_before(filter, &floor);
	}
}

void
run_filter_before(RunFilter *filter, const pg_uuid_t *id)
{
	if (filter->before == NULL ||
		memcmp(id->data, filter->before->data, UUID_LEN) < 0)
		filter->before = id_copy(id);
}
