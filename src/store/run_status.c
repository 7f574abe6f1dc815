/*
 * run_status.c
 *	  The names of a run's states.
 *
 * Pure.  Used by workers and by backends.  The statements of
 * store_statements.c and of api/ and the install script spell the same names.
 */
#include "postgres.h"
#include "compat.h"

#include "store/run_status.h"

static const char *const names[] = {
	[RUN_STATUS_UNKNOWN] = "unknown",
	[RUN_STATUS_QUEUED] = "queued",
	[RUN_STATUS_RUNNING] = "running",
	[RUN_STATUS_WAITING] = "waiting",
	[RUN_STATUS_COMPLETED] = "completed",
	[RUN_STATUS_FAILED] = "failed",
	[RUN_STATUS_CANCELLED] = "cancelled",
};

const char *
run_status_name(RunStatus status)
{
	Assert(status < lengthof(names));
	return names[status];
}

RunStatus
run_status_of(const text *name)
{
	int			length = VARSIZE_ANY_EXHDR(name);

	for (int i = RUN_STATUS_QUEUED; i < lengthof(names); i++)
	{
		if (strlen(names[i]) == length &&
			memcmp(names[i], VARDATA_ANY(name), length) == 0)
			return (RunStatus) i;
	}
	return RUN_STATUS_UNKNOWN;
}

bool
run_status_is_open(RunStatus status)
{
	return status == RUN_STATUS_QUEUED || status == RUN_STATUS_WAITING;
}
