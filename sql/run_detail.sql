--
-- wf_run: all of a run in one value; wf_samples: the last payloads of an event
--
CREATE SCHEMA rd;
GRANT USAGE ON SCHEMA rd TO PUBLIC;
CREATE FUNCTION rd.fail(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'order % is unknown', params->>'order';
END $$;
SELECT wf_register_action('rd_fail', 'rd.fail(jsonb,jsonb)');
SELECT wf_define(t.tenant('detail'), '{"name": "detail", "trigger_type": "detailed", "title": "Order {{ trigger.order_id }}",
	"steps": [
	{"name": "say", "action": "echo", "params": {"order": "{{ trigger.order_id }}"}},
	{"name": "skip", "action": "echo", "condition": "$.trigger.never == true"},
	{"name": "try", "action": "rd_fail", "params": {"order": "{{ trigger.order_id }}"}, "timeout": "10 s",
	 "retry": {"max_attempts": 2, "initial_interval": "10 ms"}},
	{"name": "never", "action": "echo", "on_error": "continue"}]}') AS d \gset
SELECT wf_fire(t.tenant('detail'), 'detailed', '{"order_id": 17}', idempotency_key => 'k') AS run \gset
SELECT t.wait_run(:'run');
SELECT run - '{run_id,definition_id,tenant_id,queued_at,run_at,started_at,completed_at,run_as,steps,definition,operations}'::text[] AS run
FROM wf_run(:'run') run;
SELECT run->>'run_id' = :'run' AS run_id, run->>'definition_id' = :'d' AS definition_id,
	(run->>'tenant_id')::uuid = t.tenant('detail') AS tenant_id, run->>'run_as' = current_user AS run_as,
	(run->>'queued_at')::timestamptz <= (run->>'started_at')::timestamptz AS started,
	(run->>'completed_at')::timestamptz <= now() AS completed, run->'definition'->>'title' AS title
FROM wf_run(:'run') run;
-- A step has what wf_trace says, ...
SELECT count(*), bool_and(s @> to_jsonb(t)) AS same
FROM wf_trace(:'run') t JOIN jsonb_array_elements(wf_run(:'run')->'steps') s ON (s->>'step')::int = t.step;
-- ... what the definition says, and what went before.
SELECT s->>'step_name' AS step_name, s->>'status' AS status, s->'condition' AS condition, s->'on_error' AS on_error,
	s->'retry' AS retry, s->'timeout' AS timeout, s->'failed_attempts'->0->'error' AS failed,
	s->'previous' AS previous, s->'repeat' AS repeat
FROM jsonb_array_elements(wf_run(:'run')->'steps') s;
-- What people did to it, and what came before the retry.
SELECT wf_retry(:'run');
SELECT t.wait_run(:'run');
SELECT o->>'what' AS what, o->>'who' = current_user AS who, (o->>'at')::timestamptz <= now() AS at
FROM jsonb_array_elements(wf_run(:'run')->'operations') o;
SELECT s->>'step_name' AS step_name, s->>'status' AS status, s->'previous'->>'error' AS previous
FROM jsonb_array_elements(wf_run(:'run')->'steps') s WHERE s ? 'previous' AND s->'previous' <> 'null';
-- When the next attempt is due; a run that is held has none.
SELECT wf_fire(t.tenant('detail'), 'detailed', '{"order_id": 18}', run_at => 'infinity') AS held \gset
SELECT run->>'status' AS status, run->>'run_at' AS run_at, run->>'next_attempt_at' AS next_attempt_at, run->>'title' AS title FROM wf_run(:'held') run;
-- What its steps have fired, and whose step has fired it.
BEGIN;
INSERT INTO workflow_runs (definition_id, trigger_payload, status, parent_id, depth)
VALUES (:'d', '{"order_id": 19}', 'completed', :'run', 1) RETURNING id AS child \gset
SELECT c->>'run_id' = :'child' AS child, c->>'workflow_name' AS workflow_name, c->>'status' AS status
FROM jsonb_array_elements(wf_run(:'run')->'children') c;
SELECT run->'parent'->>'run_id' = :'run' AS parent, run->'parent'->>'status' AS status, run->>'depth' AS depth
FROM wf_run(:'child') run;
SELECT pg_stat_get_xact_numscans('workflow_runs'::regclass) AS sequential_scans,
	pg_stat_get_xact_numscans('workflow_runs_parent'::regclass) > 0 AS parent;
ROLLBACK;
-- A large payload is not shown whole, and a damaged run is shown as well as can be.
BEGIN;
INSERT INTO workflow_runs (definition_id, trigger_payload, status, step_results, failed_attempts)
VALUES (:'d', jsonb_build_object('order_id', 20, 'text', repeat('ü', 40000)), 'completed', '{"no": "array"}', '7')
RETURNING id AS large \gset
SELECT run->>'title' AS title, (run->'payload') - 'head' AS payload, octet_length(run->'payload'->>'head') AS head,
	jsonb_array_length(run->'steps') AS steps
FROM wf_run(:'large') run;
UPDATE workflow_runs SET step_results = '[7, {"step": "x"}, {"status": "completed"}, {"step": 0, "status": "completed"}, {"step": null}]'
WHERE id = :'large';
SELECT s->>'step_name' AS step_name, s->>'status' AS status FROM jsonb_array_elements(wf_run(:'large')->'steps') s;
ROLLBACK;
-- What is refused.
SELECT wf_run('00000000-0000-7000-8000-000000000000');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_run(NULL) IS NULL;
BEGIN;
SET LOCAL workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000a';
SELECT code, message = format('run %s does not exist', :'run') AS message FROM t.error(format('SELECT wf_run(%L)', :'run'));
SET LOCAL workflow_engine.tenant_id = 'none';
SELECT code FROM t.error(format('SELECT wf_run(%L)', :'run'));
SELECT set_config('workflow_engine.tenant_id', t.tenant('detail')::text, true) = t.tenant('detail')::text AS bound;
SELECT jsonb_array_length(wf_run(:'run')->'steps');
ROLLBACK;
BEGIN;
CREATE ROLE regress_detail;
SELECT wf_grant('regress_detail', 'view');
SET LOCAL ROLE regress_detail;
SELECT jsonb_array_length(wf_run(:'run')->'steps'), (SELECT count(*) FROM wf_samples('detailed', t.tenant('detail')));
ROLLBACK;

--
-- wf_samples
--
-- A payload comes once, also if its event fires two workflows.
SELECT wf_define(t.tenant('detail'), '{"name": "beside", "trigger_type": "detailed",
	"steps": [{"name": "say", "action": "echo"}]}') IS NOT NULL;
SELECT count(f) FROM generate_series(1, 25) n,
	LATERAL wf_fire(t.tenant('detail'), 'detailed', jsonb_build_object('n', n), run_at => 'infinity') f;
SELECT count(*), array_agg(payload->'n') FROM wf_samples('detailed', t.tenant('detail'));
SELECT count(*), bool_and(s.queued_at = r.queued_at AND s.payload = r.trigger_payload) FROM wf_samples('detailed') s JOIN workflow_runs r ON r.id = s.run_id;
SELECT count(*) FROM wf_samples('no such type');
SELECT count(*) FROM wf_samples('detailed', t.a());
SELECT * FROM wf_samples(NULL);
\echo :LAST_ERROR_SQLSTATE
BEGIN;
SET LOCAL workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000a';
SELECT count(*) FROM wf_samples('detailed');
ROLLBACK;

SELECT count(*) FROM wf_cancel_runs(t.tenant('detail'));
SELECT t.clean();
SET client_min_messages = warning;
DROP SCHEMA rd CASCADE;
