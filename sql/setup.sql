--
-- What all suites share, in a schema of its own.
--
-- The workers run in this server: a suite fires, waits here until the runs
-- have ended, and looks at what was recorded.
--
CREATE SCHEMA t;

-- A tenant of the suite's own, so that suites do not see each other.
CREATE FUNCTION t.tenant(suite text) RETURNS uuid
IMMUTABLE LANGUAGE sql AS $$ SELECT md5(suite)::uuid $$;

-- Waits until a run has ended, and says how; the fire must be committed.
-- (In a volatile function each statement has a snapshot of its own.)
CREATE FUNCTION t.wait_run(run_id uuid, seconds int DEFAULT 60) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	until timestamptz := clock_timestamp() + make_interval(secs => seconds);
	now_is text;
BEGIN
	LOOP
		SELECT r.status INTO now_is FROM workflow_runs r WHERE r.id = run_id;
		EXIT WHEN now_is IS NULL OR now_is IN ('completed', 'failed', 'cancelled');
		IF clock_timestamp() > until THEN
			RAISE EXCEPTION 'the run is still % after % seconds', now_is, seconds;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RETURN now_is;
END $$;

-- Waits until every run that is due, of the suite or of all, has ended.
CREATE FUNCTION t.wait_all(suite text DEFAULT NULL, seconds int DEFAULT 60) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	until timestamptz := clock_timestamp() + make_interval(secs => seconds);
	open_runs bigint;
BEGIN
	LOOP
		SELECT count(*) INTO open_runs FROM workflow_runs r
		WHERE (suite IS NULL OR r.tenant_id = t.tenant(suite))
			AND r.run_at <= clock_timestamp()
			AND r.status IN ('queued', 'running', 'waiting');
		EXIT WHEN open_runs = 0;
		IF clock_timestamp() > until THEN
			RAISE EXCEPTION '% runs are still open after % seconds', open_runs, seconds;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;

-- An action that returns what it was given: it shows how its parameters were
-- rendered.
CREATE FUNCTION t.echo(params jsonb, context jsonb) RETURNS jsonb
IMMUTABLE LANGUAGE sql AS $$ SELECT params $$;
SELECT wf_register_action('echo', 't.echo(jsonb, jsonb)',
	description => 'Returns its parameters.');

-- Defines, fires and waits: the definition's steps and a payload.  The run is
-- then t.last(), and t.step shows its steps.
CREATE PROCEDURE t.run(suite text, steps jsonb, payload jsonb DEFAULT '{}')
LANGUAGE plpgsql AS $$
DECLARE
	run_id uuid;
BEGIN
	PERFORM wf_define(t.tenant(suite), jsonb_build_object(
		'name', 'example', 'trigger_type', 'example', 'steps', steps));
	SELECT wf_fire(t.tenant(suite), 'example', payload) INTO run_id;
	PERFORM set_config('t.last', run_id::text, false);
	COMMIT;
	PERFORM t.wait_run(run_id);
END $$;

CREATE FUNCTION t.last() RETURNS uuid
STABLE LANGUAGE sql AS $$ SELECT current_setting('t.last')::uuid $$;

-- Without what differs from run to run (times, durations).
CREATE VIEW t.step AS
SELECT step, step_name, status, attempts, input, output, error
FROM wf_trace(t.last());

-- How a statement ends: its error's SQLSTATE and words, or nothing.  For
-- messages that psql would show with a long context, or not at all.
CREATE FUNCTION t.error(statement text,
	OUT code text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
		detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;

-- They work: an event goes in, a run comes out.
CALL t.run('setup', '[{"name": "say", "action": "echo",
	"params": {"text": "hello {{trigger.who}}"}}]', '{"who": "world"}');
SELECT step_name, status, output FROM t.step;
SELECT t.wait_run(t.last());
SELECT t.wait_all('setup');
SELECT * FROM t.error('SELECT 1/0');
SELECT * FROM t.error('SELECT 1');
