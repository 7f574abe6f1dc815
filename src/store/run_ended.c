/*
 * run_ended.c
 *	  What follows from the end of a run.
 *
 * Runs in a worker that ends a run, and in a backend that cancels one.  All
 * that the end of a run brings about begins here, so that no way to end a run
 * leaves a part of it out: a run that has come to its end, a failure, a run
 * that no tick could process, one that has ended too many workers, wf_cancel.
 *
 * Owns nothing: what it queues goes with the transaction.
 */
#include "postgres.h"
#include "compat.h"

#include "base/json_object.h"
#include "base/uuid_list.h"
#include "commands/async.h"
#include "config/settings.h"
#include "store/run_ended.h"

#define EVENT_CHANNEL "workflow_events"

/*
 * LISTEN asks for no privilege, so an event says nothing that its reader
 * could not be told: the rest is in the run's row, under row security.
 */
static void
announce(const pg_uuid_t *run_id, RunStatus status)
{
	ObjectBuilder b;
	Jsonb	   *json;

	if (wf_notify_events == NOTIFY_EVENTS_NONE ||
		(wf_notify_events == NOTIFY_EVENTS_FAILED &&
		 status != RUN_STATUS_FAILED))
		return;
	object_begin(&b);
	object_text(&b, "run_id", id_text(run_id));
	object_text(&b, "status", run_status_name(status));
	json = object_end(&b);
	Async_Notify(EVENT_CHANNEL, JsonbToCString(NULL, &json->root, 128));
}

void
run_ended(const Unit *unit, RunStatus status)
{
	Assert(unit->table == UNIT_RUN);
	Assert(status == RUN_STATUS_COMPLETED || status == RUN_STATUS_FAILED ||
		   status == RUN_STATUS_CANCELLED);
	announce(&unit->id, status);
}
