/*
 * tick_report.c
 *	  What a tick tells the server's log.
 *
 * Runs in a worker.  A line holds a run's id, its workflow's name and its
 * error.
 */
#include "postgres.h"
#include "compat.h"

#include "base/uuid_list.h"
#include "store/step_result.h"
#include "worker/tick_report.h"

void
report_failed(List *runs)
{
	ListCell   *lc;

	foreach(lc, runs)
	{
		RunRow	   *run = lfirst(lc);

		ereport(LOG,
				(errmsg("run %s of workflow \"%s\" failed: %s",
						id_text(&run->id), run->workflow_name,
						clip_text(run->error_message, 1024))));
	}
}
