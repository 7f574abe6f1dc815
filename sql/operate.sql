--
-- Cancelling runs and starting them again.
--
\set tenant 00000000-0000-4000-8000-0000000000c1
CREATE TABLE t.switch (open boolean NOT NULL);
INSERT INTO t.switch VALUES (false);
CREATE FUNCTION t.pass(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF NOT (SELECT open FROM t.switch) THEN
		RAISE EXCEPTION 'the switch is off';
	END IF;
	RETURN '{"passed": true}';
END $$;
SELECT wf_register_action('pass', 't.pass(jsonb, jsonb)');
\set steps '[{"name": "first", "action": "echo", "params": {"who": "{{trigger.who}}"}}, {"name": "second", "action": "pass"}, {"name": "third", "action": "echo", "params": {"saw": "{{steps.second.output.passed}}"}}]'

-- A run that has failed is queued again where it failed, once the cause is
-- gone.  Steps before that are not repeated.
CALL t.run('operate', :'steps', '{"who": "Rana"}');
SELECT step_name, status, error FROM t.step ORDER BY step;
UPDATE t.switch SET open = true;
SELECT wf_retry(t.last());
SELECT t.wait_run(t.last());
SELECT step_name, status, attempts, output, error FROM t.step ORDER BY step;
SELECT status, current_step, error_message, completed_at IS NOT NULL AS ended, previous_results
FROM workflow_runs WHERE id = t.last();
-- What the step had come to before is in its element.
SELECT e->>'step_name' AS step, e->>'status' AS status, e->>'repeat' AS repeat,
	e->'previous'->>'status' AS before, e->'previous'->>'error' AS error
FROM workflow_runs r, jsonb_array_elements(r.step_results) e WHERE r.id = t.last();

-- from_step goes further back: those steps are repeated.
UPDATE t.switch SET open = false;
CALL t.run('operate', :'steps', '{"who": "Karim"}');
SELECT wf_retry(t.last(), 'first');
SELECT t.wait_run(t.last());
SELECT wf_retry(t.last(), 'first');
SELECT t.wait_run(t.last());
-- A step that had completed and is repeated counts its repetitions.
SELECT e->>'step_name' AS step, e->>'status' AS status, e->>'repeat' AS repeat,
	e->'previous'->>'status' AS before, e->'previous'->>'repeat' AS before_repeat,
	e->'previous'->'previous'->>'status' AS long_before
FROM workflow_runs r, jsonb_array_elements(r.step_results) e WHERE r.id = t.last();
-- Ten earlier results are kept, the number goes on.
DO $$
BEGIN
	FOR i IN 1 .. 12 LOOP
		PERFORM wf_retry(t.last(), 'first');
		COMMIT;
		PERFORM t.wait_run(t.last());
	END LOOP;
END $$;
WITH RECURSIVE p (n, e) AS (
	SELECT 0, step_results->0 FROM workflow_runs WHERE id = t.last()
	UNION ALL SELECT n + 1, e->'previous' FROM p WHERE e ? 'previous')
SELECT max(n) AS kept, max((e->>'repeat')::int) AS repeat FROM p;

-- A cancelled run takes no further step.  It may be started again, too.
SELECT wf_pause(:'tenant');
SELECT wf_define(:'tenant', format('{"name": "operate", "trigger_type": "go", "steps": %s}', :'steps')::jsonb) IS NOT NULL AS defined;
SELECT wf_fire(:'tenant', 'go', '{"who": "Nour"}') AS run \gset
SELECT wf_cancel(:'run');
SELECT status, current_step, error_message = 'cancelled by ' || quote_ident(current_user) AS by_me,
	completed_at IS NOT NULL AS ended FROM workflow_runs WHERE id = :'run';
SELECT step_name, status FROM wf_trace(:'run') ORDER BY step;
-- Cancelling once more says that there was nothing to cancel.
SELECT wf_cancel(:'run');
SELECT wf_resume(:'tenant');
UPDATE t.switch SET open = true;
SELECT wf_retry(:'run');
SELECT t.wait_run(:'run');
SELECT wf_cancel(:'run');

-- A step may cancel its own run: it is the last one.
CREATE FUNCTION t.cancel_me(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN jsonb_build_object('cancelled', wf_cancel((context->'run'->>'id')::uuid));
END $$;
SELECT wf_register_action('cancel_me', 't.cancel_me(jsonb, jsonb)');
CALL t.run('operate', '[{"name": "before", "action": "echo"}, {"name": "me", "action": "cancel_me"}, {"name": "after", "action": "echo"}]');
SELECT status, current_step, completed_at IS NOT NULL AS ended, owner FROM workflow_runs WHERE id = t.last();
SELECT step_name, status, output FROM t.step ORDER BY step;
CALL t.run('operate', '[{"name": "me", "action": "cancel_me"}]');
SELECT status FROM workflow_runs WHERE id = t.last();
SELECT wf_retry(t.last(), 'me');
SELECT t.wait_run(t.last());

-- What cannot be done, and why.
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message, detail
FROM t.error(format('SELECT wf_retry(%L)', :'run'));
SELECT code, message FROM t.error('SELECT wf_cancel(''00000000-0000-0000-0000-000000000000'')');
SELECT code, message FROM t.error('SELECT wf_retry(''00000000-0000-0000-0000-000000000000'')');
SELECT wf_retry(NULL) IS NULL AS nothing, wf_cancel(NULL) IS NULL AS nothing_either;
UPDATE t.switch SET open = false;
SELECT wf_fire(:'tenant', 'go', '{"who": "Maya"}') AS run \gset
SELECT t.wait_run(:'run');
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message, hint
FROM (VALUES ('nowhere'), ('third')) s (step), t.error(format('SELECT wf_retry(%L, %L)', :'run', step));
-- Nothing of that has touched it.
SELECT status, current_step FROM workflow_runs WHERE id = :'run';

-- Many at once: by workflow, status, time.
SELECT count(*) FROM generate_series(1, 5), wf_fire(:'tenant', 'go', '{"who": "all"}');
SELECT t.wait_all();
SELECT code, message, hint FROM t.error(format('SELECT wf_retry_runs(%L, ''another'')', :'tenant'));
SELECT count(*) FROM wf_retry_runs(:'tenant', since => now() + '1 hour');
UPDATE t.switch SET open = true;
SELECT count(*) FROM wf_retry_runs(:'tenant', 'operate');
SELECT t.wait_all();
SELECT status, count(*) FROM workflow_runs WHERE tenant_id = :'tenant' GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM wf_retry_runs(:'tenant');
SELECT wf_pause(:'tenant');
SELECT count(*) FROM generate_series(0, 3) i,
	wf_fire(:'tenant', 'go', '{"who": "all"}', run_at => now() + i * '1 hour'::interval);
SELECT count(*) FROM wf_cancel_runs(:'tenant', status => 'waiting');
SELECT count(*) FROM wf_cancel_runs(:'tenant');
SELECT status, count(*) FROM workflow_runs WHERE tenant_id = :'tenant' GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM wf_retry_runs(:'tenant', status => 'cancelled');
SELECT count(*) FROM wf_cancel_runs(:'tenant', 'operate', 'queued');
SELECT wf_resume(:'tenant');
SELECT code, message, hint FROM t.error(format('SELECT wf_retry_runs(%L, status => ''completed'')', :'tenant'));
SELECT code, message, hint FROM t.error(format('SELECT wf_cancel_runs(%L, status => ''failed'')', :'tenant'));
SELECT code, message FROM t.error(format('SELECT wf_cancel_runs(%L, definition_id => %L)', :'tenant', :'tenant'));
SELECT code, message FROM t.error(format('SELECT wf_cancel_runs(%L, max_rows => 0)', :'tenant'));

-- A run that is cancelled between two attempts, and started again further
-- back: those attempts stay with their step.
CREATE FUNCTION t.not_now(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF NOT (SELECT open FROM t.switch) THEN
		RAISE EXCEPTION 'not now' USING ERRCODE = '40001';
	END IF;
	RETURN '{}';
END $$;
SELECT wf_register_action('not_now', 't.not_now(jsonb, jsonb)');
UPDATE t.switch SET open = false;
SELECT wf_define(:'tenant', '{"name": "waits", "trigger_type": "waits", "steps": [{"name": "first", "action": "echo"},
	{"name": "second", "action": "not_now", "retry": {"max_attempts": 3, "initial_interval": "1 hour"}}]}') IS NOT NULL AS defined;
SELECT wf_fire(:'tenant', 'waits') AS run \gset
DO $$
BEGIN
	FOR i IN 1 .. 6000 LOOP
		EXIT WHEN EXISTS (SELECT FROM workflow_runs WHERE status = 'waiting' AND tenant_id = '00000000-0000-4000-8000-0000000000c1');
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
SELECT wf_cancel(:'run');
UPDATE t.switch SET open = true;
SELECT wf_retry(:'run', 'first');
SELECT t.wait_run(:'run');
SELECT e->>'step_name' AS step, e->>'attempts' AS attempts, e->'failed_attempts'->0->>'error' AS failed,
	e->>'repeat' AS repeat, e->'previous'->>'status' AS before, e->'previous'->>'attempts' AS attempts_before,
	e->'previous'->'failed_attempts'->0->>'error' AS failed_before
FROM workflow_runs r, jsonb_array_elements(r.step_results) e WHERE r.id = :'run';
SELECT failed_attempts FROM workflow_runs WHERE id = :'run';

-- Tenants: a bound session reaches its own runs, and others' do not exist.
SELECT id AS mine FROM workflow_runs WHERE tenant_id = :'tenant' AND status = 'cancelled' LIMIT 1 \gset
CREATE ROLE regress_operator;
GRANT USAGE ON SCHEMA t TO regress_operator;
SELECT wf_grant('regress_operator', 'operate');
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-0000000000c2';
SET ROLE regress_operator;
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message
FROM t.error(format('SELECT wf_retry(%L)', :'mine'));
SELECT code, message, detail FROM t.error(format('SELECT wf_cancel_runs(%L)', :'tenant'));
RESET ROLE;
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-0000000000c1';
SET ROLE regress_operator;
SELECT wf_retry(:'mine');
RESET ROLE;
RESET workflow_engine.tenant_id;
SELECT t.wait_run(:'mine');
-- Who was it?
SELECT wf_pause(:'tenant');
SELECT wf_fire(:'tenant', 'go', '{"who": "x"}') AS run \gset
SET ROLE regress_operator;
SELECT wf_cancel(:'run');
RESET ROLE;
SELECT error_message FROM workflow_runs WHERE id = :'run';
SELECT wf_resume(:'tenant');
DROP OWNED BY regress_operator;
DROP ROLE regress_operator;
