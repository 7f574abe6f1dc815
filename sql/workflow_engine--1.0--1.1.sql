/*
 * workflow_engine 1.1: what the console shows and edits.
 *
 * Who may execute what: wf_grant (src/api/grant.c).
 */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION workflow_engine UPDATE" to load this file. \quit

CREATE FUNCTION wf_render(INOUT subject text, INOUT body text DEFAULT NULL,
	INOUT html text DEFAULT NULL, context jsonb DEFAULT '{}',
	OUT problems jsonb)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL RESTRICTED;
COMMENT ON FUNCTION wf_render(text, text, text, jsonb) IS
'What the texts of a mail template become: subject, body and html as a step would send them, values in html escaped. context has what the templates see: {"trigger": {…}, "steps": {"name": {"output": …}}, "run", "workflow", "tenant", "now"}; what it leaves out is empty, and now is this moment. A text with an error is null, and problems, an array, has every problem: path (subject, body, html), severity (error, warning), message, hint, code, args, pos, as wf_validate has them. Nothing is sent. Errors: 22004, 22023 (context), 54000 (a text becomes too long).';

CREATE FUNCTION wf_connections(tenant_id uuid DEFAULT NULL)
RETURNS TABLE (id uuid, tenant_id uuid, name text, kind text, config jsonb,
	credentials jsonb, workflows int, used_by jsonb, version text)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL UNSAFE ROWS 20
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_connections(uuid) IS
'The connections without their secrets: of credentials the shape, {"password": "file:smtp_password", "username": "set"}, of config the host of what is the address of an incoming webhook; workflows, how many definitions have a step that uses it, and used_by, the first 100 of them by name ({"definition_id", "workflow_name", "tenant_id"}); version, a word that another UPDATE of the row changes: it is the row''s xmin, and UPDATE … WHERE xmin::text = version changes nothing if somebody else has changed the row meanwhile. Of all, or those that a tenant''s steps may use: its own and the ones for every tenant. A session bound to a tenant sees its own and those for every tenant that hold no literal secret.';

CREATE FUNCTION wf_connection_keys()
RETURNS TABLE (kind text, part text, key text, required boolean)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE PARALLEL SAFE ROWS 40;
COMMENT ON FUNCTION wf_connection_keys() IS
'The keys that a connection of each kind may have, in part config or credentials, and whether it must have it. A key of both parts comes twice.';

CREATE FUNCTION wf_schedule_times(schedule jsonb, max_times int DEFAULT 5,
	after timestamptz DEFAULT now())
RETURNS TABLE (schedule text, at timestamptz)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE STRICT PARALLEL RESTRICTED ROWS 5;
COMMENT ON FUNCTION wf_schedule_times(jsonb, int, timestamptz) IS
'When a schedule fires: the value of "schedule" in a definition, an object or an array of them; of each its name (else its cron and zone) and its next times after that moment, in order. max_times: 1 to 1000. A schedule that never fires: no rows. Errors: 22023 (the schedule, max_times, after).';

CREATE FUNCTION wf_fire_workflow(definition_id uuid, payload jsonb DEFAULT '{}',
	version int DEFAULT NULL) RETURNS uuid
AS 'MODULE_PATHNAME' LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION wf_fire_workflow(uuid, jsonb, int) IS
'Queues one run of that workflow alone, with this payload, as if its event had happened, and returns its id: for people who try a workflow for real. (wf_fire queues a run of every workflow of the trigger type.) version: it must have that version. workflow_operations says who did it. Errors: 22004 (null), 22023 and 54000 (payload), P0002 (no such definition, or one of a tenant this session is not bound to), WF409 (another version), 55000 (it is switched off), 54001 (as wf_fire).';

COMMENT ON COLUMN workflow_operations.what IS 'cancel, retry, rerun: runs; fire: a workflow was run by wf_fire_workflow; pause, resume: a tenant, a workflow or all; save, switch (is_active), delete: a definition; connection: a connection was inserted, updated or deleted; accept place, discard place: runs that came in with a copy; purge: runs were deleted by wf_purge.';

REVOKE ALL ON FUNCTION
	wf_render(text, text, text, jsonb), wf_connections(uuid),
	wf_connection_keys(), wf_schedule_times(jsonb, int, timestamptz),
	wf_fire_workflow(uuid, jsonb, int)
FROM PUBLIC;
SELECT wf_revoke_defaults();

COMMENT ON FUNCTION wf_health(uuid) IS
'Is everything all right? One row, of one tenant or of all: runs that are due and since when the oldest (of those whose workflow and tenant are not paused, unless all that is asked for is paused), later (fired for a later time), waiting (for their next attempt), running, failed of those that were fired in the last hour and day; paused: all that is asked for is; completed_per_minute: in the last minute, looked for among the newest runs and those just before the oldest that is due; standing_still: runs of another place, which are not executed here; workers: alive in this database, and the last error of one; workflow_engine.notify_events. Each count stops at 10001, which is to be shown as 10,000+. A session bound to a tenant learns that tenant''s only, and no last_error.';

-- what people did to this run by a call about several
CREATE INDEX workflow_operations_runs
	ON workflow_operations USING gin ((detail->'run_ids'))
	WHERE detail ? 'run_ids';
COMMENT ON COLUMN workflow_operations.detail IS 'More about it, an object: the filter, the count and the first 10000 ids (run_ids) of a call that was about several runs, the reason of a pause, the version that was saved.';
