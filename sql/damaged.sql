--
-- Rows of workflow_runs that somebody has changed by hand
--
-- A run whose columns do not have the shape that the engine writes fails with
-- the name of the column; no worker and no session ends of it.
--
SET client_min_messages = warning;
-- Runs that nobody has are found by the next sweep.
ALTER SYSTEM SET workflow_engine.poll_interval = '100ms';
SELECT pg_reload_conf();
CREATE SCHEMA m;
SELECT wf_define(t.tenant('damaged'), '{"name": "damaged", "trigger_type": "damaged", "steps": [
	{"name": "a", "action": "echo", "params": {"x": 1}},
	{"name": "b", "action": "echo", "params": {"x": "{{ steps.a.output.x | default: 0 }}"}},
	{"name": "c", "action": "echo", "params": {"x": "{{ trigger.x | default: 0 }}"}}]}') IS NOT NULL;
-- What each run is to be damaged by, and what came of it.
CREATE TABLE m.damage (
	n int GENERATED ALWAYS AS IDENTITY, col text, value text, state text, run uuid);
-- One run for each; the tenant is paused meanwhile.
CREATE PROCEDURE m.execute() LANGUAGE plpgsql AS $$
DECLARE
	d m.damage;
BEGIN
	PERFORM wf_pause(t.tenant('damaged'));
	COMMIT;
	FOR d IN SELECT * FROM m.damage WHERE run IS NULL ORDER BY n LOOP
		SELECT wf_fire(t.tenant('damaged'), 'damaged', '{"x": 1}') INTO d.run;
		UPDATE m.damage SET run = d.run WHERE n = d.n;
		EXECUTE format('UPDATE workflow_runs SET status = %L, %I = %L WHERE id = %L',
			d.state, d.col, d.value, d.run);
	END LOOP;
	PERFORM wf_resume(t.tenant('damaged'));
	COMMIT;
	PERFORM t.wait_all('damaged');
END $$;

--
-- Shapes
--
INSERT INTO m.damage (col, value, state)
SELECT col, value, state FROM unnest(ARRAY['trigger_payload', 'step_results',
	'failed_attempts', 'previous_results']) col,
	unnest(ARRAY['5', '"x"', 'null', 'true', '[]', '{}', '[1]', '[null]', '[[]]',
		'[{}]', '[{"step": "x"}]', '[{"step": 1.5e300}]', '[{"step": -1}]',
		'[1, null, "x"]', '{"0": 5}', '{"0": null}', '{"0": [1]}', '{"0": {}}',
		'{"0": {"repeat": "x"}}', '{"0": {"repeat": 1e10}}', '{"0": {"repeat": -3}}',
		'{"0": {"previous": 5, "status": {"a": 1}}}',
		'{"0": {"repeat": 2147483646, "status": "completed"}}']) value,
	unnest(ARRAY['queued', 'waiting', 'running']) state;
CALL m.execute();
SELECT r.status, r.error_message, string_agg(value, '  ' ORDER BY n) AS values
FROM m.damage d JOIN workflow_runs r ON r.id = d.run WHERE state = 'queued'
GROUP BY 1, 2, col ORDER BY col, min(n);
-- The state makes no difference.
SELECT count(*) FROM (SELECT FROM m.damage d JOIN workflow_runs r ON r.id = d.run
	GROUP BY col, value HAVING count(DISTINCT (r.status, r.error_message)) > 1) differ;
-- Sessions that look at them, and that would start them again.
SELECT count(*) AS traced FROM m.damage d, wf_trace(d.run);
SELECT count(*) AS listed, count(steps_completed) < count(*) AS some_unknown
FROM wf_history(tenant_id => t.tenant('damaged'), max_rows => 1000);
SELECT DISTINCT e.code, e.message ~ 'cannot be retried$' AS refused, e.detail
FROM m.damage d JOIN workflow_runs r ON r.id = d.run,
	t.error(format('SELECT wf_retry(%L)', d.run)) e
WHERE r.status = 'failed' AND e.code IS NOT NULL ORDER BY 3;
SELECT t.wait_all('damaged');
-- All at once: those that cannot be retried are left out, with a warning.
SET client_min_messages = error;
SELECT count(*) FROM wf_retry_runs(t.tenant('damaged'));
SET client_min_messages = warning;
SELECT t.wait_all('damaged');
SELECT count(*) FROM m.damage d JOIN workflow_runs r ON r.id = d.run,
	t.error(format('SELECT wf_retry(%L)', d.run)) e
WHERE r.status = 'failed' AND e.code IS NULL AND col <> 'trigger_payload';
DELETE FROM workflow_runs WHERE tenant_id = t.tenant('damaged');
TRUNCATE m.damage;
-- wf_cancel takes any of them.
INSERT INTO m.damage (col, value, state)
SELECT col, value, 'queued' FROM unnest(ARRAY['step_results', 'failed_attempts',
	'previous_results']) col, unnest(ARRAY['5', '"x"', '[1]', '{"0": 5}']) value;
INSERT INTO m.damage (col, value, state) VALUES ('attempt_at', 'infinity', 'running'),
	('attempt_at', '-infinity', 'running');
DO $$
DECLARE
	d m.damage;
BEGIN
	PERFORM wf_pause(t.tenant('damaged'));
	FOR d IN SELECT * FROM m.damage LOOP
		SELECT wf_fire(t.tenant('damaged'), 'damaged', '{"x": 1}') INTO d.run;
		EXECUTE format('UPDATE workflow_runs SET status = %L, %I = %L WHERE id = %L',
			d.state, d.col, d.value, d.run);
		IF NOT wf_cancel(d.run) THEN
			RAISE EXCEPTION 'not cancelled';
		END IF;
	END LOOP;
	PERFORM wf_resume(t.tenant('damaged'));
END $$;
SELECT status, failed_attempts IS NOT NULL AS attempts, count(*) FROM workflow_runs
WHERE tenant_id = t.tenant('damaged') GROUP BY 1, 2 ORDER BY 1, 2;
DELETE FROM workflow_runs WHERE tenant_id = t.tenant('damaged');
TRUNCATE m.damage;

--
-- Numbers and times
--
INSERT INTO m.damage (col, value, state)
SELECT col, value, state FROM (VALUES
	('current_step', '-1'), ('current_step', '3'), ('current_step', '4'),
	('current_step', '5000'), ('current_step', '-2147483648'),
	('attempt', '-5'), ('attempt', '2147483647'), ('attempt', '2'),
	('depth', '-1'), ('depth', '2147483647'),
	('abnormal_ends', '-32768'), ('abnormal_ends', '32767'), ('abnormal_ends', '2'),
	('abnormal_step', '-7'), ('owner', '-1'),
	('attempt_at', 'infinity'), ('attempt_at', '-infinity'),
	('started_at', '-infinity'), ('queued_at', '-infinity'), ('queued_at', 'infinity'),
	('run_at', '-infinity'), ('completed_at', 'infinity')) v (col, value),
	unnest(ARRAY['queued', 'running']) state;
CALL m.execute();
SELECT col, value, state, r.status, r.error_message
FROM m.damage d JOIN workflow_runs r ON r.id = d.run ORDER BY n;
SELECT count(*) AS traced FROM m.damage d, wf_trace(d.run);
SELECT count(*) AS listed FROM wf_history(tenant_id => t.tenant('damaged'), max_rows => 1000);
DELETE FROM workflow_runs WHERE tenant_id = t.tenant('damaged');

--
-- What wf_trace reads of results
--
SELECT wf_fire(t.tenant('damaged'), 'damaged', '{"x": 1}') AS run \gset
SELECT t.wait_run(:'run');
UPDATE workflow_runs SET step_results = '[
	{"step": 0, "status": 5, "attempts": 1e10, "duration_ms": "long", "error": {"a": 1}},
	{"step": 1, "attempts": "x", "input": null}, {"step": 1.5}]' WHERE id = :'run';
SELECT step, step_name, status, attempts, duration_ms, input, error FROM wf_trace(:'run');
UPDATE workflow_runs SET step_results = '[{"step": 0, "started_at": "soon"}]' WHERE id = :'run';
SELECT step FROM wf_trace(:'run');

ALTER SYSTEM RESET workflow_engine.poll_interval;
SELECT pg_reload_conf();
DELETE FROM workflow_runs WHERE tenant_id = t.tenant('damaged');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('damaged');
DROP SCHEMA m CASCADE;
