--
-- View workflow_stats: what each workflow does now, and did in the last hour
--
SET client_min_messages = warning;
\pset null '-'
CREATE FUNCTION t.slow(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF (context->'trigger'->>'fail')::boolean THEN
		RAISE EXCEPTION 'no' USING ERRCODE = 'serialization_failure';
	END IF;
	RETURN params;
END $$;
SELECT wf_register_action('slow', 't.slow(jsonb,jsonb)');
CREATE ROLE regress_gone;
SELECT t.go('order', '{"action": "slow"}');
SELECT t.go('order', '{"action": "slow", "retry": {"max_attempts": 1}}', '{"fail": true}');
SELECT t.go('order', '{"action": "slow"}');
SELECT t.go('again', '{"action": "slow",
	"retry": {"max_attempts": 2, "initial_interval": "1 day"}}', '{"fail": true}');
SELECT t.wait('order');
CREATE FUNCTION t.wait_for(condition text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	give_up timestamptz := clock_timestamp() + interval '30 s';
	holds boolean;
BEGIN
	LOOP
		EXECUTE 'SELECT ' || condition INTO holds;
		EXIT WHEN holds;
		IF clock_timestamp() > give_up THEN
			RAISE EXCEPTION 'not so after 30 s: %', condition;
		END IF;
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
SELECT t.wait_for($$EXISTS (SELECT FROM workflow_stats WHERE workflow_name = 'again' AND waiting = 1)$$);
SELECT workflow_name, version, is_active, run_as = current_user::regrole AS run_as, run_as_exists,
	queued, running, waiting, oldest_queued_age AS age, completed_1h, failed_1h,
	p50_duration > '0' AS p50, p50_duration <= p95_duration AS p95, standing_still, paused
FROM workflow_stats WHERE tenant_id = t.a() ORDER BY 1;

-- The durations are those of the runs that completed.
UPDATE workflow_runs SET completed_at = started_at + CASE status
	WHEN 'failed' THEN interval '1 h' ELSE interval '20 s' END
WHERE tenant_id = t.a() AND status IN ('completed', 'failed');
SELECT p50_duration, p95_duration FROM workflow_stats WHERE workflow_name = 'order' AND tenant_id = t.a();
-- Fired over an hour ago: not counted any more.
INSERT INTO workflow_runs (id, definition_id, trigger_payload, status, completed_at)
SELECT '01900000-0000-7000-8000-000000000001', id, '{}', 'failed', now()
FROM workflow_definitions WHERE tenant_id = t.a() AND name = 'order';
SELECT failed_1h FROM workflow_stats WHERE workflow_name = 'order' AND tenant_id = t.a();

-- What is queued, and since when it could have run; paused.
SELECT wf_pause(t.a());
SELECT count(*) FROM wf_fire(t.a(), 'order');
SELECT count(*) FROM wf_fire(t.a(), 'order', run_at => now() + interval '1 day');
UPDATE workflow_runs SET queued_at = queued_at - interval '1 hour', run_at = run_at - interval '1 hour'
WHERE tenant_id = t.a() AND status = 'queued' AND run_at < now();
SELECT queued, oldest_queued_age >= '1 hour' AND oldest_queued_age < '2 hours' AS age, paused
FROM workflow_stats WHERE workflow_name = 'order' AND tenant_id = t.a();
SELECT wf_resume(t.a());
SELECT t.wait('order');
SELECT queued, oldest_queued_age, paused FROM workflow_stats WHERE workflow_name = 'order' AND tenant_id = t.a();

-- Switched off, and a role that is gone: nothing of it runs.
UPDATE workflow_definitions SET is_active = false WHERE tenant_id = t.a() AND name = 'again';
UPDATE workflow_definitions SET run_as = 'regress_gone' WHERE tenant_id = t.a() AND name = 'again';
DROP ROLE regress_gone;
SELECT is_active, run_as::text ~ '^[0-9]+$' AS number, run_as_exists FROM workflow_stats
WHERE tenant_id = t.a() AND workflow_name = 'again';

-- A bound session sees its own.
SELECT wf_define(t.b(), '{"name": "other", "trigger_type": "other", "steps": [
	{"name": "s", "action": "echo"}]}') IS NOT NULL;
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SELECT workflow_name, queued, running, waiting, completed_1h, failed_1h, p50_duration FROM workflow_stats;
RESET workflow_engine.tenant_id;

SELECT t.clean();
DROP FUNCTION t.slow, t.wait_for;
DELETE FROM workflow_actions WHERE name = 'slow';
