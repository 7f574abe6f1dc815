/*
 * tick_report.c
 *	  What a tick tells the world.
 *
 * Runs in a worker.  Neither an event nor a log line holds more of a run
 * than its ids, its workflow's name and its error.
 */
#include "postgres.h"
#include "compat.h"

#include "commands/async.h"
#include "ids.h"
#include "jsonobject.h"
#include "settings.h"
#include "step_result.h"
#include "tick_report.h"
#include "worker.h"

void
report_event(const RunRow *run)
{
	bool		failed = strcmp(run->status, "failed") == 0;
	ObjectBuilder b;
	Jsonb	   *json;

	if (wf_notify_events == NOTIFY_EVENTS_NONE ||
		(wf_notify_events == NOTIFY_EVENTS_FAILED && !failed))
		return;
	object_begin(&b);
	object_text(&b, "run_id", id_text(&run->id));
	object_text(&b, "tenant_id", id_text(&run->tenant_id));
	object_text(&b, "workflow", clip_text(run->workflow_name, 1024));
	object_text(&b, "status", run->status);
	json = object_end(&b);
	Async_Notify(CHANNEL_OUT, JsonbToCString(NULL, &json->root, 256));
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
