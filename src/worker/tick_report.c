/*
 * tick_report.c
 *	  What a tick tells others of runs that have ended: an event, a log line.
 *
 * Runs in a worker, and in a backend that cancels a run.  An event holds a
 * run's id and its status; a log line its id, its workflow's name and its
 * error.  Owns nothing.  Events that were queued go with a transaction that is
 * rolled back; a crash takes those that nobody has read.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_object.h"
#include "base/uuid_list.h"
#include "commands/async.h"
#include "config/settings.h"
#include "store/step_result.h"
#include "worker/tick_report.h"
#include "worker/worker.h"

/*
 * LISTEN needs no privilege, so an event says nothing that is not for
 * everybody: all else is in the run's row, under row security.
 */
void
report_event(const pg_uuid_t *run_id, const char *status)
{
	ObjectBuilder b;
	Jsonb	   *json;

	if (wf_notify_events == NOTIFY_EVENTS_NONE ||
		(wf_notify_events == NOTIFY_EVENTS_FAILED &&
		 strcmp(status, "failed") != 0))
		return;
	object_begin(&b);
	object_text(&b, "run_id", id_text(run_id));
	object_text(&b, "status", status);
	json = object_end(&b);
	Async_Notify(CHANNEL_OUT, JsonbToCString(NULL, &json->root, 128));
}

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
