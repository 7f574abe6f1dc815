/*
 * run_ready.c
 *	  What a run needs to go on: a plan, a role, and that nobody cancels it.
 *
 * Runs in a worker, inside a tick's transaction.  Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "base/valid_text.h"
#include "run/run_internal.h"
#include "run/step_sandbox_lock.h"
#include "store/store_save.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

const CachedPlan *
run_usable_plan(const RunRow *run, char **error)
{
	const CachedPlan *plan = plan_cache_find(run, error);

	if (plan != NULL && !SearchSysCacheExists1(AUTHOID,
											   ObjectIdGetDatum(plan->run_as)))
	{
		*error = pstrdup("the role that this workflow runs as does not exist; "
						 "set run_as of the definition to a role, "
						 "and retry the run with on_version => 'current'");
		return NULL;
	}
	return plan;
}

bool
run_was_cancelled(RunRow *run, const TickContext *tick)
{
	return (tick->cancelled || tick->alone) && store_take_cancelled(run);
}

char *
run_error_text(const ErrorData *error)
{
	const char *detail = error->detail;

	if (detail == NULL)
		detail = sandbox_lock_text(error);
	if (detail == NULL)
		return pstrdup(valid_text(error->message));
	return psprintf("%s (%s)", valid_text(error->message),
					valid_text(detail));
}
