/*
 * rerun.c
 *	  wf_rerun: an event that has run before is run once more.
 *
 * Runs in the backend that calls; stopped_run.c tells how it acts for that.
 * The new run is inserted by a statement: unlike wf_fire it is rare, so the
 * checks of the foreign keys may lock the definition's row.
 *
 * Owns nothing.
 */
#include "postgres.h"
#include "compat.h"

#include "api/fire.h"
#include "api/rerun.h"
#include "base/json_object.h"
#include "base/uuid7.h"
#include "base/uuid_list.h"
#include "config/clock.h"
#include "executor/spi.h"
#include "run/run_context.h"
#include "shared/commit_wakeup.h"
#include "store/operation.h"
#include "store/store_actions.h"
#include "store/store_place.h"

/*
 * Has the run ended, or will it never be executed here?  False: objection says
 * that it has not.
 */
static bool
check_ended(const StoppedRun *run, Objection *objection)
{
	if (run->status == RUN_STATUS_COMPLETED ||
		run->status == RUN_STATUS_FAILED ||
		run->status == RUN_STATUS_CANCELLED || !run->belongs_here)
		return true;
	*objection = (Objection)
	{
		.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			.message = psprintf("run %s is %s", id_text(&run->id),
								run_status_name(run->status)),
			.detail = "Only a run that has ended can be run again: two runs of the event would go on at the same time.",
			.hint = "Wait until it has ended, or call wf_cancel() first."
	};
	return false;
}

/* The depth of a run that is fired here; raises 54001. */
static int
depth_of_rerun(const StoppedRun *run)
{
	char	   *name;
	TimestampTz saved_at;

	if (!current_run.active)
		return 0;
	if (!store_fetch_name(&run->definition_id, run->version, &name, &saved_at))
		name = "wf_rerun";
	return firing_depth(name);
}

bool
rerun_run(const StoppedRun *run, Jsonb *payload, pg_uuid_t *new_id,
		  Objection *objection)
{
	TimestampTz now = clock_now();
	Datum		values[7];
	char		nulls[] = "       ";
	bool		inserted;

	if (!check_ended(run, objection))
		return false;
	uuid7_generate(new_id, now);
	values[0] = UUIDPGetDatum(new_id);
	values[1] = UUIDPGetDatum(&run->id);
	values[2] = PointerGetDatum(payload);
	nulls[2] = payload == NULL ? 'n' : ' ';
	values[3] = TimestampTzGetDatum(now);
	values[4] = UUIDPGetDatum(&current_run.id);
	nulls[4] = current_run.active ? ' ' : 'n';
	values[5] = Int32GetDatum(depth_of_rerun(run));
	values[6] = Int64GetDatum(store_place());
	SPI_connect();
	stopped_run_change(psprintf("running the event of run %s again",
								id_text(&run->id)),
					   STORE_RERUN, values, nulls);
	inserted = SPI_processed > 0;
	SPI_finish();
	if (!inserted)
		*objection = (Objection)
	{
		.sqlstate = ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
			.message = psprintf("run %s cannot be run again",
								id_text(&run->id)),
			.detail = "Its payload is no object: somebody has changed its row.",
			.hint = "Give wf_rerun() another payload."
	};
	wakeup_at_commit();
	return inserted;
}

PG_FUNCTION_INFO_V1(wf_rerun);

/* Raises P0002, 55000, and 22023 and 54000 for the payload. */
Datum
wf_rerun(PG_FUNCTION_ARGS)
{
	Jsonb	   *payload = PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1);
	pg_uuid_t  *new_id = palloc(sizeof(pg_uuid_t));
	StoppedRun	run;
	Objection	objection;
	ObjectBuilder detail;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	stopped_run_enter(fcinfo);
	if (payload != NULL)
		fire_check_payload(payload);
	stopped_run_require(PG_GETARG_UUID_P(0), &run);
	if (!rerun_run(&run, payload, new_id, &objection))
		objection_raise(&objection);
	object_begin(&detail);
	object_text(&detail, "new_run_id", id_text(new_id));
	object_bool(&detail, "new_payload", payload != NULL);
	operation_note("rerun", &run.tenant_id, &run.definition_id, &run.id,
				   object_end(&detail));
	PG_RETURN_UUID_P(new_id);
}
