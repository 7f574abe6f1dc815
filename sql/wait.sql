--
-- CALL wf_wait: until a run has ended
--
SET client_min_messages = warning;
\pset null '-'
CREATE FUNCTION t.refuse(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE serialization_failure USING MESSAGE = 'busy';
END $$;
SELECT wf_register_action('refuse', 't.refuse(jsonb,jsonb)');
SELECT count(wf_define(t.a(), definition)) FROM (VALUES
	('{"name": "good", "trigger_type": "good", "steps": [{"name": "say", "action": "echo"}]}'::jsonb),
	('{"name": "bad", "trigger_type": "bad", "steps": [{"name": "no", "action": "refuse", "retry": {"max_attempts": 1}}]}'),
	('{"name": "slow", "trigger_type": "slow", "steps": [{"name": "first", "action": "echo"},
		{"name": "second", "action": "refuse", "retry": {"max_attempts": 3, "initial_interval": "1 day"}}]}')) d (definition);

-- It says how the run has ended; a run that has ended long ago too.
SELECT wf_fire(t.a(), 'good') AS run \gset
CALL wf_wait(:'run');
CALL wf_wait(:'run', '0');
SELECT wf_fire(t.a(), 'bad') AS run \gset
CALL wf_wait(:'run');
SELECT wf_fire(t.a(), 'good', run_at => now() + interval '1 day') AS run \gset
SELECT wf_cancel(:'run');
CALL wf_wait(run_id => :'run', timeout => '1 s');

-- Not in time: the error says where the run stands, and what may keep it.
INSERT INTO workflow_runs (id, definition_id, trigger_payload, run_at)
SELECT '01900000-0000-7000-8000-00000000000a', id, '{}', '2999-01-01 00:00:00Z'
FROM workflow_definitions WHERE tenant_id = t.a() AND name = 'good';
SET timezone = 'UTC';
SET datestyle = 'ISO';
CALL wf_wait('01900000-0000-7000-8000-00000000000a', '20 ms');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_pause(t.a());
CALL wf_wait('01900000-0000-7000-8000-00000000000a', '0');
SELECT wf_resume(t.a());
-- one that waits for its next attempt, with its last error
SELECT wf_fire(t.a(), 'slow') AS run \gset
CREATE PROCEDURE t.wait_waiting(run uuid) LANGUAGE plpgsql AS $$
DECLARE
	give_up timestamptz := clock_timestamp() + interval '30 s';
BEGIN
	WHILE (SELECT status FROM workflow_runs WHERE id = run) <> 'waiting' LOOP
		IF clock_timestamp() > give_up THEN
			RAISE EXCEPTION 'it does not wait';
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
CALL t.wait_waiting(:'run');
SELECT code, message LIKE 'run % is still waiting after %' AS message,
	regexp_replace(detail, '\d{4}-\S+ \S+', '<time>') AS detail, hint
FROM t.error(format('CALL wf_wait(%L, %L)', :'run', '20 ms'));

-- A run of this transaction has not begun and cannot: no waiting.
BEGIN;
SELECT wf_fire(t.a(), 'good') AS own \gset
SELECT code, message LIKE 'run % was queued in this transaction, and cannot begin before it is committed' AS message,
	hint FROM t.error(format('CALL wf_wait(%L)', :'own'));
-- nor one that was queued again in it; what it has cancelled has ended.
SELECT wf_retry(:'run') FROM (SELECT wf_cancel(:'run')) x;
SELECT code FROM t.error(format('CALL wf_wait(%L)', :'run'));
SELECT wf_cancel(:'run');
CALL wf_wait(:'run');
ROLLBACK;
-- In a transaction block it works all the same, also under a snapshot that
-- does not show the end, and in a subtransaction.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT status FROM workflow_runs WHERE id = '01900000-0000-7000-8000-00000000000a';
\set VERBOSITY sqlstate
CALL wf_wait(:'run', '10 ms');
\set VERBOSITY default
ROLLBACK;
SELECT wf_fire(t.a(), 'good') AS run \gset
BEGIN ISOLATION LEVEL REPEATABLE READ;
CALL wf_wait(:'run');
COMMIT;
DO $$
DECLARE
	run uuid;
	how text;
BEGIN
	SELECT wf_fire(t.a(), 'good') INTO run;
	COMMIT;
	CALL wf_wait(run, status => how);
	RAISE WARNING 'it has %', how;
	BEGIN
		CALL wf_wait('01900000-0000-7000-8000-00000000000a', '10 ms', how);
	EXCEPTION WHEN SQLSTATE 'WF408' THEN
		RAISE WARNING 'not yet';
	END;
END $$;

-- What is refused.
CALL wf_wait('00000000-0000-7000-8000-000000000000');
\echo :LAST_ERROR_SQLSTATE
CALL wf_wait(NULL);
\echo :LAST_ERROR_SQLSTATE
CALL wf_wait('00000000-0000-7000-8000-000000000000', NULL);
CALL wf_wait('00000000-0000-7000-8000-000000000000', '-1 s');
\echo :LAST_ERROR_SQLSTATE
-- view is enough, and needed; another tenant's run is none.
CREATE ROLE regress_view;
CREATE ROLE regress_none;
SELECT wf_grant('regress_view', 'view'), wf_grant('regress_none', 'fire');
GRANT SET ON PARAMETER workflow_engine.tenant_id TO regress_view;
SET ROLE regress_none;
CALL wf_wait('01900000-0000-7000-8000-00000000000a', '0');
SET ROLE regress_view;
CALL wf_wait(:'run');
SELECT current_user;
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000a';
CALL wf_wait(:'run');
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
CALL wf_wait('01900000-0000-7000-8000-00000000000a');
SET workflow_engine.tenant_id = 'none';
CALL wf_wait('01900000-0000-7000-8000-00000000000a');
RESET workflow_engine.tenant_id;
RESET ROLE;

SELECT wf_revoke('regress_view', 'view'), wf_revoke('regress_none', 'fire');
REVOKE SET ON PARAMETER workflow_engine.tenant_id FROM regress_view;
DROP ROLE regress_view;
DROP ROLE regress_none;
SELECT t.clean();
DROP FUNCTION t.refuse;
DROP PROCEDURE t.wait_waiting;
DELETE FROM workflow_actions WHERE name = 'refuse';
