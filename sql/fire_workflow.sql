--
-- wf_fire_workflow: one workflow is run, as if its event had happened
--
SELECT t.clean();
\set steps '"steps": [{"name": "say", "action": "echo", "params": {"n": "{{trigger.n}}"}}]'
SELECT wf_define(t.a(), format('{"name": "w", "trigger_type": "w", "description": "w", %s}', :'steps')::jsonb) AS w \gset
SELECT wf_define(t.a(), format('{"name": "other", "trigger_type": "w", %s}', :'steps')::jsonb) IS NOT NULL AS defined;
-- It alone, of two that have the trigger type.
SELECT wf_fire_workflow(:'w', '{"n": 19.90}') AS run \gset
SELECT t.wait_run(:'run');
SELECT count(*) FROM workflow_runs WHERE tenant_id = t.a();
SELECT definition_id = :'w' AS of_it, definition_version, trigger_payload, priority, idempotency_key, parent_id, depth, status,
	tenant_id = t.a() AS mine, started_at >= queued_at AS started
FROM workflow_runs WHERE id = :'run';
SELECT step_name, status, output FROM wf_trace(:'run');
SELECT what, who = session_user AS me, tenant_id = t.a() AS mine, definition_id = :'w' AS of_it, run_id = :'run' AS run, detail
FROM workflow_operations WHERE what = 'fire';
-- With the version that somebody has seen, and without a payload.
SELECT wf_fire_workflow(:'w', version => 1) AS run \gset
SELECT trigger_payload FROM workflow_runs WHERE id = :'run';
SELECT t.wait_run(:'run');
-- It goes with the transaction.
BEGIN;
SELECT wf_fire_workflow(:'w') IS NOT NULL AS fired;
ROLLBACK;
SELECT count(*) FROM workflow_runs WHERE tenant_id = t.a();
-- What is held waits.
SELECT wf_pause(t.a(), 'w');
SELECT wf_fire_workflow(:'w', '{"n": 2}') AS run \gset
SELECT status FROM workflow_runs WHERE id = :'run';
SELECT wf_resume(t.a(), 'w');
SELECT t.wait_run(:'run');

-- What cannot be done, and why.
SELECT wf_fire_workflow(NULL) IS NULL AS nothing;
SELECT code, message FROM t.error(format('SELECT wf_fire_workflow(%L, NULL)', :'w'));
SELECT code, message FROM t.error(format('SELECT wf_fire_workflow(%L, %L)', :'w', '[1]'));
SELECT code, message FROM t.error(format('SELECT wf_fire_workflow(%L, jsonb_build_object(%L, repeat(%L, 1100000)))', :'w', 'x', 'x'));
SELECT code, message FROM t.error('SELECT wf_fire_workflow(''00000000-0000-0000-0000-000000000000'')');
SELECT code, message, hint FROM t.error(format('SELECT wf_fire_workflow(%L, %L, 2)', :'w', '{}'));
UPDATE workflow_definitions SET is_active = false WHERE id = :'w';
SELECT code, message, hint FROM t.error(format('SELECT wf_fire_workflow(%L)', :'w'));
UPDATE workflow_definitions SET is_active = true WHERE id = :'w';
-- Of a tenant that the session is not bound to, nothing is there.
SET workflow_engine.tenant_id = '00000000-0000-0000-0000-00000000000f';
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message FROM t.error(format('SELECT wf_fire_workflow(%L)', :'w'));
SET workflow_engine.tenant_id = 'none';
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message FROM t.error(format('SELECT wf_fire_workflow(%L)', :'w'));
RESET workflow_engine.tenant_id;

-- A step that runs its own workflow is stopped by the loop guard.
CREATE FUNCTION t.fire_again(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN jsonb_build_object('run', wf_fire_workflow((context->'workflow'->>'id')::uuid));
END $$;
SELECT wf_register_action('fire_again', 't.fire_again(jsonb, jsonb)');
SELECT wf_define(t.a(), '{"name": "w", "trigger_type": "w", "steps": [{"name": "more", "action": "fire_again"}]}') IS NOT NULL AS defined;
SELECT wf_fire_workflow(:'w') IS NOT NULL AS fired;
SELECT t.wait();
SELECT count(*), max(depth), min(error_message) AS error FROM workflow_runs WHERE tenant_id = t.a() AND depth > 0;
SELECT count(*) FROM workflow_runs r JOIN workflow_runs p ON p.id = r.parent_id WHERE r.tenant_id = t.a() AND p.depth = r.depth - 1;
