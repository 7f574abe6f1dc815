--
-- Retries of steps in the database: which failures are repeated, how often,
-- after what pause, and what is recorded.
--
-- An action that fails a number of times with the SQLSTATE that it is given.
-- Sequences are not rolled back: they count its attempts.  What it writes is.
CREATE SEQUENCE t.tries;
CREATE TABLE t.effects (n int);
CREATE FUNCTION t.fail_first(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	try int := nextval('t.tries');
BEGIN
	INSERT INTO t.effects VALUES (try);
	IF try <= (params->>'times')::int THEN
		RAISE EXCEPTION 'attempt % of run.attempt %', try, params->>'attempt'
			USING ERRCODE = params->>'code';
	END IF;
	RETURN jsonb_build_object('attempt', params->'attempt');
END $$;
SELECT wf_register_action('fail_first', 't.fail_first(jsonb, jsonb)');
CREATE PROCEDURE t.fail(code text, times int, more jsonb DEFAULT '{}', after jsonb DEFAULT '[]')
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setval('t.tries', 1, false);
	DELETE FROM t.effects;
	CALL t.run('retry', jsonb_build_array(jsonb_build_object(
		'name', 'try', 'action', 'fail_first', 'params', jsonb_build_object(
			'code', code, 'times', times, 'attempt', '{{run.attempt}}')) || more) || after);
END $$;

-- A deadlock is nobody's fault: the step is tried again, and the run goes on
-- as if nothing had happened.  What the failed attempts wrote is undone.
CALL t.fail('deadlock_detected', 2);
SELECT status, attempts, output, error FROM t.step;
SELECT status, attempt, failed_attempts, abnormal_ends, owner FROM workflow_runs WHERE id = t.last();
SELECT n FROM t.effects;
-- The history keeps each attempt that failed: its error, when, how long.
SELECT a->>'attempt' AS attempt, a->>'error' AS error,
	(a->>'started_at')::timestamptz BETWEEN r.queued_at AND r.completed_at AS in_time,
	(a->>'duration_ms')::numeric >= 0 AS took
FROM workflow_runs r, jsonb_array_elements(r.step_results->0->'failed_attempts') a
WHERE r.id = t.last();
-- The pauses: a tenth of a second, then twice that, each shortened by at most
-- a quarter.
SELECT b - a >= '75 ms' AS first, c - b >= '150 ms' AS second
FROM (SELECT (step_results->0->'failed_attempts'->0->>'started_at')::timestamptz,
		(step_results->0->'failed_attempts'->1->>'started_at')::timestamptz,
		(step_results->0->>'started_at')::timestamptz
	FROM workflow_runs WHERE id = t.last()) s (a, b, c);

-- Three attempts, where the step says nothing.
CALL t.fail('deadlock_detected', 3);
SELECT status, attempts, error FROM t.step;
SELECT status, attempt, error_message, jsonb_array_length(step_results->0->'failed_attempts') AS failed_before
FROM workflow_runs WHERE id = t.last();
SELECT count(*) FROM t.effects;

-- What is repeated and what is not: errors by which PostgreSQL says that it
-- had to give up, and no others.
CREATE FUNCTION t.attempts() RETURNS text LANGUAGE sql AS $$
	SELECT status || ' after ' || attempts FROM t.step $$;
CREATE TABLE t.classes (code text, what text, result text);
INSERT INTO t.classes VALUES
	('40001', 'serialization failure'), ('40P01', 'deadlock'), ('40002', 'class 40'),
	('53000', 'class 53'), ('53100', 'disk full'), ('53200', 'out of memory'), ('53300', 'too many connections'),
	('23505', 'unique violation'), ('23503', 'foreign key violation'), ('22012', 'division by zero'),
	('42501', 'insufficient privilege'), ('57014', 'query canceled'), ('P0001', 'raised'), ('XX000', 'internal error'),
	('55000', 'not in prerequisite state'), ('54000', 'limit exceeded'), ('25006', 'read-only transaction');
-- (Lock time-outs, which are waited for first, are another suite's.)
DO $$
DECLARE
	c record;
BEGIN
	FOR c IN SELECT code FROM t.classes ORDER BY code LOOP
		CALL t.fail(c.code, 1);
		UPDATE t.classes SET result = t.attempts() WHERE code = c.code;
		COMMIT;
	END LOOP;
END $$;
SELECT code, what, result FROM t.classes ORDER BY code;

-- "retry" says how often and how fast.
CALL t.fail('40001', 4, '{"retry": {"max_attempts": 5, "initial_interval": "10 milliseconds", "backoff_coefficient": 1}}');
SELECT status, attempts, output FROM t.step;
CALL t.fail('40001', 1, '{"retry": {"max_attempts": 1}}');
SELECT status, attempts, error FROM t.step;
-- It makes no failure repeatable that is not.
CALL t.fail('23505', 1, '{"retry": {"max_attempts": 5, "initial_interval": "10 milliseconds"}}');
SELECT status, attempts, error FROM t.step;
-- When the attempts are used up, on_error decides.
CALL t.fail('40001', 9, '{"retry": {"max_attempts": 2, "initial_interval": "10 milliseconds"}, "on_error": "continue"}',
	'[{"name": "after", "action": "echo", "params": {"status": "{{steps.try.status}}", "why": "{{steps.try.error}}"}}]');
SELECT step_name, status, attempts, output, error FROM t.step ORDER BY step;
SELECT status FROM workflow_runs WHERE id = t.last();

-- Attempts are counted step by step.
CALL t.fail('40001', 2, '{"retry": {"max_attempts": 3, "initial_interval": "10 milliseconds"}}',
	'[{"name": "after", "action": "echo", "params": {"attempt": "{{run.attempt}}"}}]');
SELECT step_name, attempts, output FROM t.step ORDER BY step;

-- A condition is decided anew for each attempt.
CALL t.fail('40001', 9, '{"retry": {"max_attempts": 9, "initial_interval": "10 milliseconds"},
	"condition": {"field": "run.attempt", "op": "lt", "value": 3}}');
SELECT status, attempts, error FROM t.step;
SELECT jsonb_array_length(step_results->0->'failed_attempts') AS failed_before
FROM workflow_runs WHERE id = t.last();

--
-- Waiting is a row, for days if asked: no worker holds it.
--
CREATE PROCEDURE t.fire_and_wait(retry jsonb) LANGUAGE plpgsql AS $$
DECLARE
	run_id uuid;
BEGIN
	PERFORM setval('t.tries', 1, false);
	PERFORM wf_define(t.tenant('retry'), jsonb_build_object(
		'name', 'patient', 'trigger_type', 'patient', 'steps', jsonb_build_array(
			jsonb_build_object('name', 'say', 'action', 'echo'),
			jsonb_build_object('name', 'try', 'action', 'fail_first', 'retry', retry,
				'params', '{"code": "40001", "times": 99, "attempt": "{{run.attempt}}"}'::jsonb),
			jsonb_build_object('name', 'end', 'action', 'echo'))));
	SELECT wf_fire(t.tenant('retry'), 'patient') INTO run_id;
	PERFORM set_config('t.last', run_id::text, false);
	COMMIT;
	FOR i IN 1 .. 6000 LOOP
		EXIT WHEN EXISTS (SELECT FROM workflow_runs
			WHERE id = run_id AND status = 'waiting');
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
CALL t.fire_and_wait('{"max_attempts": 3, "initial_interval": "20 days"}');
SELECT status, current_step, attempt, owner, attempt_at, error_message,
	run_at BETWEEN now() + '14 days 23 hours' AND now() + '20 days' AS later
FROM workflow_runs WHERE id = t.last();
SELECT step_name, status, attempts, error FROM t.step ORDER BY step;
SELECT status, steps_completed, steps_total FROM wf_history(tenant_id => t.tenant('retry'), status => 'waiting');
-- No pause is longer than max_interval (the last one here would be a day),
-- nor than thirty days.
CALL t.fail('40001', 9, '{"retry": {"max_attempts": 5, "initial_interval": "1 millisecond",
	"backoff_coefficient": 100, "max_interval": "2 milliseconds"}}');
SELECT status, attempts FROM t.step;
CALL t.fire_and_wait('{"max_attempts": 5, "initial_interval": "30 days", "backoff_coefficient": 100}');
SELECT run_at <= now() + '30 days' AS within FROM workflow_runs WHERE id = t.last();

SELECT count(wf_cancel(run_id)) FROM wf_history(tenant_id => t.tenant('retry'), status => 'waiting');
SELECT step_name, status, attempts, error FROM t.step ORDER BY step;
