--
-- wf_rerun: an event that has run before is run once more
--
SELECT t.clean();
\set steps '"steps": [{"name": "say", "action": "echo", "params": {"n": "{{trigger.n}}"}}]'
SELECT wf_define(t.a(), format('{"name": "w", "trigger_type": "w", %s}', :'steps')::jsonb) IS NOT NULL AS defined;
SELECT wf_fire(t.a(), 'w', '{"n": 1}', 'key', priority => 3) AS run \gset
SELECT t.wait_run(:'run');
-- On the version that the workflow has now, with the same payload, from the
-- first step; also of a run that has completed.
UPDATE workflow_definitions SET definition = definition || '{"description": "second"}' WHERE tenant_id = t.a();
SELECT wf_rerun(:'run') AS again \gset
SELECT t.wait_run(:'again');
SELECT r.rerun_of = :'run' AS of_it, definition_version, trigger_payload, priority, idempotency_key, parent_id, depth, status, tenant_id = t.a() AS mine,
	id > rerun_of AS newer
FROM workflow_runs r WHERE id = :'again';
SELECT step_name, status, output FROM wf_trace(:'again');
-- With other data.
SELECT wf_rerun(:'again', '{"n": 2}') AS third \gset
SELECT t.wait_run(:'third');
SELECT trigger_payload, rerun_of = :'again' AS of_it FROM workflow_runs WHERE id = :'third';
SELECT what, run_id = :'again' AS run, detail->>'new_run_id' = :'third' AS new, detail->'new_payload' AS new_payload
FROM workflow_operations WHERE what = 'rerun' ORDER BY id DESC LIMIT 1;
-- It goes with the transaction.
BEGIN;
SELECT wf_rerun(:'run') IS NOT NULL AS rerun;
ROLLBACK;
SELECT count(*) FROM workflow_runs WHERE rerun_of = :'run';

-- What cannot be done, and why.
SELECT wf_rerun(NULL) IS NULL AS nothing;
SELECT code, message, hint FROM t.error('SELECT wf_rerun(''00000000-0000-0000-0000-000000000000'')');
SELECT code, message FROM t.error(format('SELECT wf_rerun(%L, %L)', :'run', '[1]'));
SELECT code, message FROM t.error(format('SELECT wf_rerun(%L, jsonb_build_object(%L, repeat(%L, 1100000)))', :'run', 'x', 'x'));
SELECT wf_pause(t.a());
SELECT wf_fire(t.a(), 'w', '{"n": 4}') AS queued \gset
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message, detail, hint FROM t.error(format('SELECT wf_rerun(%L)', :'queued'));
SELECT wf_cancel(:'queued');
SELECT wf_resume(t.a());

-- A step that runs its own workflow again is stopped by the loop guard.
CREATE FUNCTION t.once_more(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN jsonb_build_object('run', wf_rerun((params->>'run')::uuid, params));
END $$;
SELECT wf_register_action('once_more', 't.once_more(jsonb, jsonb)');
SELECT wf_define(t.a(), '{"name": "w", "trigger_type": "w", "steps": [{"name": "more", "action": "once_more", "params": {"run": "{{trigger.run}}"}}]}') IS NOT NULL AS defined;
SELECT wf_fire(t.a(), 'w', jsonb_build_object('run', :'run')) IS NOT NULL AS fired;
SELECT t.wait();
SELECT count(*), max(depth), min(error_message) AS error FROM workflow_runs WHERE tenant_id = t.a() AND depth > 0;

-- Many: those that failed, or completed, and the new run of each.
SELECT t.clean();
CREATE FUNCTION t.fail(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'no %', params->>'n';
END $$;
SELECT wf_register_action('fail', 't.fail(jsonb, jsonb)');
SELECT wf_define(t.a(), '{"name": "w", "trigger_type": "w", "steps": [{"name": "s", "action": "fail", "params": {"n": "{{trigger.n}}"}}]}') IS NOT NULL AS defined;
SELECT count(*) FROM generate_series(1, 3) i, wf_fire(t.a(), 'w', jsonb_build_object('n', i));
SELECT t.wait();
SELECT wf_define(t.a(), format('{"name": "w", "trigger_type": "w", %s}', :'steps')::jsonb) IS NOT NULL AS defined;
CREATE TEMP TABLE again AS SELECT * FROM wf_rerun_runs(t.a());
SELECT count(*), bool_and(n.rerun_of = a.run_id AND n.trigger_payload = o.trigger_payload AND n.definition_version = 2) AS right
FROM again a JOIN workflow_runs o ON o.id = a.run_id JOIN workflow_runs n ON n.id = a.new_run_id;
SELECT t.wait();
SELECT status, count(*) FROM workflow_runs WHERE tenant_id = t.a() GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM wf_rerun_runs(NULL, 'w', 'completed', max_rows => 2);
SELECT t.wait();
SELECT status, count(*) FROM workflow_runs WHERE tenant_id = t.a() GROUP BY 1 ORDER BY 1;
SELECT t.clean();
DELETE FROM workflow_actions WHERE name IN ('once_more', 'fail');
DROP FUNCTION t.once_more, t.fail;
