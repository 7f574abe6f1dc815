--
-- wf_retry(…, on_version => 'current'): a run that has failed goes on with the
-- workflow as it is now
--
SELECT t.clean();
CREATE TABLE t.open_switch (open boolean NOT NULL);
INSERT INTO t.open_switch VALUES (false);
CREATE FUNCTION t.gate(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF NOT (SELECT open FROM t.open_switch) THEN
		RAISE EXCEPTION 'the switch is off for %', params->>'n' USING ERRCODE = params->>'code';
	END IF;
	RETURN params;
END $$;
SELECT wf_register_action('gate', 't.gate(jsonb, jsonb)');
-- Saves the workflow with these steps, in a short form.
CREATE FUNCTION t.save(VARIADIC steps text[]) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	PERFORM wf_define(t.a(), jsonb_build_object('name', 'w', 'trigger_type', 'w', 'steps',
		(SELECT jsonb_agg(CASE right(s, 1)
			WHEN '!' THEN jsonb_build_object('name', rtrim(s, '!'), 'action', 'gate', 'params', '{"code": "P0001"}'::jsonb)
			WHEN '?' THEN jsonb_build_object('name', rtrim(s, '?'), 'action', 'gate', 'on_error', 'continue', 'params', '{"code": "P0001"}'::jsonb)
			WHEN '~' THEN jsonb_build_object('name', rtrim(s, '~'), 'action', 'gate', 'params', '{"code": "40001"}'::jsonb,
				'retry', '{"max_attempts": 3, "initial_interval": "1 hour"}'::jsonb)
			WHEN '-' THEN jsonb_build_object('name', rtrim(s, '-'), 'action', 'echo', 'condition', '$.trigger.never == true')
			ELSE jsonb_build_object('name', s, 'action', 'echo', 'params', jsonb_build_object('seen', '{{steps}}')) END ORDER BY n)
		FROM unnest(steps) WITH ORDINALITY x (s, n))));
	RETURN (SELECT version FROM workflow_definitions WHERE tenant_id = t.a() AND name = 'w');
END $$;
CREATE PROCEDURE t.start() LANGUAGE plpgsql AS $$
BEGIN
	UPDATE t.open_switch SET open = false;
	PERFORM set_config('t.last', (SELECT f::text FROM wf_fire(t.a(), 'w') f), false);
	COMMIT;
	PERFORM t.wait_run(t.last());
END $$;
CREATE FUNCTION t.shown() RETURNS TABLE (step int, name text, status text, attempts text, repeat text, before text, previous text, array_at bigint)
LANGUAGE sql AS $$
	SELECT s.step, s.step_name, s.status, e->>'attempts', e->>'repeat', e->'previous'->>'status', r.previous_results->s.step::text->>'status', n
	FROM wf_trace(t.last()) s JOIN workflow_runs r ON r.id = t.last()
		LEFT JOIN LATERAL jsonb_array_elements(r.step_results) WITH ORDINALITY x (e, n) ON e->>'step_name' = s.step_name AND (e->>'step')::int = s.step
	ORDER BY s.step
$$;

-- The definition was wrong: the third step.  It is mended, and the run goes on
-- at it, with the results of the first two.
SELECT t.save('first', 'skipped-', 'bad!');
CALL t.start();
SELECT status, current_step, definition_version FROM workflow_runs WHERE id = t.last();
SELECT t.save('first', 'skipped-', 'bad');
-- On its own version it fails again.
SELECT wf_retry(t.last(), on_version => 'own');
SELECT t.wait_run(t.last());
SELECT wf_retry(t.last(), on_version => 'current');
SELECT t.wait_run(t.last());
SELECT status, current_step, definition_version, error_message, previous_results FROM workflow_runs WHERE id = t.last();
SELECT step, name, status, attempts, repeat, before FROM t.shown();
SELECT what, run_id = t.last() AS run, detail FROM workflow_operations WHERE what = 'retry' ORDER BY id DESC LIMIT 2;

-- Steps that were put between, taken away and moved: results are found by the
-- names of their steps.  The run goes on at the first step without one, and
-- passes later ones that have one.
SELECT t.save('a', 'b?', 'c', 'bad!', 'z');
CALL t.start();
SELECT step, name, status FROM t.shown();
SELECT t.save('new', 'c', 'a', 'new2', 'b?', 'good', 'z');
SELECT wf_pause(t.a());
SELECT wf_retry(t.last(), on_version => 'current');
SELECT status, current_step, attempt, step_results @@ 'exists($[*].step)' AS has_results FROM workflow_runs WHERE id = t.last();
SELECT step, name, status, before, array_at FROM t.shown();
SELECT wf_resume(t.a());
SELECT t.wait_run(t.last());
SELECT step, name, status, attempts, repeat, before FROM t.shown();
SELECT jsonb_object_keys(output->'seen') AS good_saw FROM wf_trace(t.last()) WHERE step_name = 'good' ORDER BY 1;
SELECT steps_completed, steps_total, status FROM wf_history(workflow => 'w', max_rows => 1);

-- It may fail on the way.  Then an ordinary retry keeps what lies ahead.
SELECT t.save('a', 'b', 'bad!');
CALL t.start();
SELECT t.save('x!', 'b', 'a', 'y!');
SELECT wf_retry(t.last(), on_version => 'current');
SELECT t.wait_run(t.last());
SELECT status, current_step, error_message FROM workflow_runs WHERE id = t.last();
UPDATE t.open_switch SET open = true;
SELECT wf_retry(t.last());
SELECT t.wait_run(t.last());
SELECT step, name, status, repeat, before FROM t.shown();

-- The step that failed may be gone; then the run goes on after it, or ends.
SELECT t.save('a', 'bad!', 'c');
CALL t.start();
SELECT t.save('a');
SELECT wf_retry(t.last(), on_version => 'current');
SELECT t.wait_run(t.last());
SELECT status, current_step, step_results->0->>'step_name' AS result FROM workflow_runs WHERE id = t.last();

-- from_step: that step and all after it are executed again, with their earlier
-- results under previous.
SELECT t.save('a', 'b', 'bad!');
CALL t.start();
SELECT t.save('a', 'more', 'b', 'bad');
-- Every step before it has a result.
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message, detail, hint
FROM t.error(format('SELECT wf_retry(%L, %L, %L)', t.last(), 'b', 'current'));
SELECT code, message, hint FROM t.error(format('SELECT wf_retry(%L, %L, %L)', t.last(), 'nowhere', 'current'));
SELECT wf_retry(t.last(), 'a', 'current');
SELECT t.wait_run(t.last());
SELECT step, name, status, repeat, before FROM t.shown();

-- Every step that the run has finished is in the new version.
SELECT t.save('a', 'b', 'bad!');
CALL t.start();
SELECT t.save('a', 'other', 'bad!');
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message, detail, hint
FROM t.error(format('SELECT wf_retry(%L, NULL, %L)', t.last(), 'current'));
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message
FROM t.error(format('SELECT wf_retry(%L, %L, %L)', t.last(), 'a', 'current'));
-- A step that has failed and is not the last has on_error continue: finished.
SELECT t.save('a?', 'bad!');
CALL t.start();
SELECT t.save('b', 'bad!');
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message
FROM t.error(format('SELECT wf_retry(%L, NULL, %L)', t.last(), 'current'));
SELECT status, current_step, definition_version = 13 AS version_13 FROM workflow_runs WHERE id = t.last();
SELECT code, message, hint FROM t.error(format('SELECT wf_retry(%L, NULL, %L)', t.last(), 'newest'));

-- A run that waits for its next attempt is tried at once, on either version.
SELECT t.save('a', 'slow~');
UPDATE t.open_switch SET open = false;
SELECT wf_fire(t.a(), 'w') AS run \gset
CREATE FUNCTION t.until_waiting(run uuid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		EXIT WHEN EXISTS (SELECT FROM workflow_runs WHERE id = run AND status = 'waiting');
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN (SELECT status FROM workflow_runs WHERE id = run);
END $$;
SELECT t.until_waiting(:'run');
UPDATE t.open_switch SET open = true;
SELECT wf_retry(:'run');
SELECT t.wait_run(:'run');
SELECT e->>'step_name' AS step, e->>'attempts' AS attempts, e->>'repeat' AS repeat, e->'previous'->>'status' AS before,
	e->'previous'->'failed_attempts'->0->>'attempt' AS failed
FROM workflow_runs r, jsonb_array_elements(r.step_results) e WHERE r.id = :'run';
UPDATE t.open_switch SET open = false;
SELECT wf_fire(t.a(), 'w') AS run \gset
SELECT t.until_waiting(:'run');
SELECT t.save('between', 'a', 'slow');
SELECT wf_retry(:'run', on_version => 'current');
SELECT t.wait_run(:'run');
SELECT step, step_name, status FROM wf_trace(:'run') ORDER BY step;

-- What has ended well, or has not stopped, is not retried.
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message, detail, hint
FROM t.error(format('SELECT wf_retry(%L, NULL, %L)', :'run', 'current'));
SELECT wf_pause(t.a());
SELECT wf_fire(t.a(), 'w') AS run \gset
SELECT code, regexp_replace(message, '[0-9a-f-]{36}', 'ID') AS message FROM t.error(format('SELECT wf_retry(%L)', :'run'));
SELECT wf_cancel(:'run');
SELECT wf_resume(t.a());

-- Several at once.  What cannot be retried says why, and stops nothing.
SELECT t.save('a', 'bad!');
CALL t.start();
SELECT t.last() AS one \gset
CALL t.start();
SELECT t.last() AS two \gset
SELECT t.save('a', 'bad');
SELECT CASE m.run_id WHEN :'one' THEN 'one' WHEN :'two' THEN 'two' WHEN :'run' THEN 'cancelled' ELSE 'unknown' END AS run,
	regexp_replace(outcome, '[0-9a-f-]{36}', 'ID') AS outcome
FROM wf_retry_many(ARRAY[:'two', :'one', :'one', t.b(), NULL, :'run']::uuid[], on_version => 'current') m ORDER BY run;
SELECT t.wait_run(:'one'), t.wait_run(:'two'), t.wait_run(:'run');
SELECT count(*), min(outcome) FROM wf_retry_many(ARRAY[:'one', :'two']::uuid[]);
SELECT what, run_id IS NULL AS many, detail - 'run_ids' AS detail,
	detail->'run_ids' = (SELECT jsonb_agg(id ORDER BY id) FROM unnest(ARRAY[:'one', :'two', :'run']) id) AS ids
FROM workflow_operations WHERE what = 'retry' ORDER BY id DESC LIMIT 1;
SELECT regexp_replace(outcome, '[0-9a-f-]{36}', 'ID') AS outcome FROM wf_cancel_many(ARRAY[:'one', t.a()]::uuid[]) ORDER BY 1;
SELECT code, message FROM t.error('SELECT wf_retry_many(NULL)');
SELECT code, message FROM t.error('SELECT wf_cancel_many(array_fill(t.a(), ARRAY[10001]))');
SELECT t.clean();
DELETE FROM workflow_actions WHERE name = 'gate';
DROP FUNCTION t.gate, t.save, t.shown, t.until_waiting;
DROP PROCEDURE t.start;
DROP TABLE t.open_switch;
