--
-- wf_health: one row that says whether everything is all right
--
SET client_min_messages = warning;
\pset null '-'
CREATE FUNCTION t.refuse(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF params ? 'busy' THEN
		RAISE serialization_failure;
	END IF;
	RAISE EXCEPTION 'order % is unknown', params->>'order';
END $$;
SELECT wf_register_action('refuse', 't.refuse(jsonb,jsonb)');
SELECT count(wf_define(t.tenant(tenant), definition)) FROM (VALUES
	('health', '{"name": "good", "trigger_type": "good", "steps": [
		{"name": "say", "action": "echo"}]}'::jsonb),
	('health', '{"name": "bad", "trigger_type": "bad", "steps": [
		{"name": "try", "action": "refuse", "params": {"order": "{{trigger.order_id}}"}}]}'),
	('health', '{"name": "again", "trigger_type": "again", "steps": [
		{"name": "try", "action": "refuse", "params": {"busy": true},
		 "retry": {"max_attempts": 2, "initial_interval": "1 day"}}]}'),
	('health2', '{"name": "bad", "trigger_type": "bad", "steps": [
		{"name": "try", "action": "refuse"}]}')) d (tenant, definition);

-- A tenant that has done nothing.
CREATE VIEW t.health AS
	SELECT due, oldest_due_at, later, waiting, running, failed_1h, failed_24h,
		paused, completed_per_minute AS per_minute, standing_still
	FROM wf_health(t.tenant('health'));
SELECT * FROM t.health;
-- Two completed, three failed, two for tomorrow, another tenant's failed.
SELECT count(f) FROM (
	SELECT wf_fire(t.tenant('health'), 'good') AS f FROM generate_series(1, 2)
	UNION ALL SELECT wf_fire(t.tenant('health'), 'bad',
		jsonb_build_object('order_id', n)) FROM generate_series(1, 3) n
	UNION ALL SELECT wf_fire(t.tenant('health'), 'good',
		run_at => now() + interval '1 day', priority => n) FROM generate_series(1, 2) n
	UNION ALL SELECT wf_fire(t.tenant('health2'), 'bad')) x;
SELECT t.wait_all('health'), t.wait_all('health2');
SELECT * FROM t.health;
SELECT failed_1h FROM wf_health(t.tenant('health2'));
-- What waits for its next attempt; the time limits are those of the ids.
SELECT count(*) FROM wf_fire(t.tenant('health'), 'again');
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
SELECT t.wait_for('(SELECT waiting = 1 FROM t.health)');
SELECT later, waiting FROM t.health;

-- Paused: what is fired is due, and since when.
SELECT wf_pause(t.tenant('health'));
SELECT count(*) FROM wf_fire(t.tenant('health'), 'good');
SELECT count(*) FROM wf_fire(t.tenant('health'), 'good', priority => 7);
SELECT due, h.paused, oldest_due_at = (SELECT min(queued_at) FROM workflow_runs r
		WHERE tenant_id = t.tenant('health') AND status = 'queued' AND run_at < now()) AS oldest
FROM wf_health(t.tenant('health')) h;
-- a retried one as well, which is due from the moment of the retry on
SELECT count(*) FROM wf_retry_runs(t.tenant('health'), 'bad');
SELECT due, failed_1h, h.oldest_due_at < now() AS oldest FROM wf_health(t.tenant('health')) h;
-- The other tenant is not paused, nor are all.
SELECT due, paused FROM wf_health(t.tenant('health2'));
SELECT paused FROM wf_health();
SELECT wf_resume(t.tenant('health'));
SELECT t.wait_all('health');
SELECT due, oldest_due_at, failed_1h, paused FROM wf_health(t.tenant('health'));

-- One workflow is paused: its runs are due, but wait for no worker, so the oldest
-- is none of them, be they fired for now or for a time that has come.
SELECT wf_pause(t.tenant('health'), 'good', 'the shop is closed');
SELECT count(*) FROM wf_fire(t.tenant('health'), 'good');
INSERT INTO workflow_runs (definition_id, trigger_payload, queued_at, run_at)
SELECT id, '{}', now() - interval '2 h', now() - interval '1 h'
FROM workflow_definitions WHERE tenant_id = t.tenant('health') AND name = 'good';
SELECT due, oldest_due_at, later, paused FROM wf_health(t.tenant('health'));
-- It is one of the others, here of a transaction that no worker sees yet.
BEGIN;
SELECT count(*) FROM wf_fire(t.tenant('health'), 'bad', priority => -3);
SELECT count(*) FROM wf_fire(t.tenant('health'), 'bad');
INSERT INTO workflow_runs (definition_id, trigger_payload, queued_at, run_at)
SELECT id, '{}', now() - interval '40 min', now() - interval '30 min'
FROM workflow_definitions WHERE tenant_id = t.tenant('health') AND name = 'bad';
SELECT due, now() - oldest_due_at AS oldest, paused FROM wf_health(t.tenant('health'));
-- If the tenant is paused, it is none of its, unless all that is asked for is paused.
SELECT wf_pause(t.tenant('health'));
SELECT (now() - a.oldest_due_at >= '1 h') IS NOT TRUE AS another, h.due, now() - h.oldest_due_at >= '1 h' AS oldest, h.paused
FROM wf_health() a, wf_health(t.tenant('health')) h;
SELECT wf_pause();
SELECT now() - oldest_due_at >= interval '1 h' AS oldest, paused FROM wf_health();
ROLLBACK;
SELECT wf_resume(t.tenant('health'), 'good');
SELECT t.wait_all('health');

-- Of all tenants: at least as many.
SELECT a.later >= h.later AND a.waiting >= h.waiting AND a.failed_1h >= h.failed_1h + h2.failed_1h
	AND a.completed_per_minute >= h.completed_per_minute AS all_counted
FROM wf_health() a, wf_health(t.tenant('health')) h, wf_health(t.tenant('health2')) h2;
-- The engine's own state.
SELECT workers = (SELECT count(*) FROM wf_workers() WHERE database = current_database()) AS workers,
	notify_events FROM wf_health();

-- A session that is bound to a tenant learns that tenant's, and no error of a
-- worker, which may be about others.
CREATE ROLE regress_view;
SELECT wf_grant('regress_view', 'view');
GRANT SET ON PARAMETER workflow_engine.tenant_id TO regress_view;
GRANT USAGE ON SCHEMA t TO regress_view;
SELECT t.tenant('health') AS a, t.tenant('health2') AS b \gset
SET ROLE regress_view;
SET workflow_engine.tenant_id = :'b';
SELECT later, failed_1h, last_error FROM wf_health();
SELECT later, failed_1h FROM wf_health(:'a');
SET workflow_engine.tenant_id = 'none';
SELECT due, later, waiting, failed_24h, completed_per_minute FROM wf_health();
SELECT count(*) FROM workflow_stats;
SELECT count(*) FROM wf_failures();
RESET workflow_engine.tenant_id;
RESET ROLE;

--
-- Counts stop at 10,001
--
-- Rows as a busy system has them: 10,500 of a paused tenant are due, of two
-- priorities, with the oldest among the less urgent ones.
SELECT wf_pause(t.tenant('health3'));
SELECT count(wf_define(t.tenant('health3'), jsonb_build_object('name', n, 'trigger_type', n,
	'steps', '[{"name": "say", "action": "echo"}]'::jsonb))) FROM unnest('{many,few}'::text[]) n;
INSERT INTO workflow_runs (definition_id, trigger_payload, queued_at, run_at, priority)
SELECT d.id, '{}', at, at, CASE WHEN n > 10400 THEN -1 ELSE 0 END
FROM workflow_definitions d, generate_series(1, 10500) n,
	LATERAL (SELECT now() - n * interval '1 s' AS at) x
WHERE d.tenant_id = t.tenant('health3') AND d.name = 'many';
INSERT INTO workflow_runs (definition_id, trigger_payload, priority)
SELECT d.id, '{}', -2 FROM workflow_definitions d, generate_series(1, 3) n
WHERE d.tenant_id = t.tenant('health3') AND d.name = 'few';
SELECT due, now() - oldest_due_at BETWEEN '10500 s' AND '10600 s' AS oldest
FROM wf_health(t.tenant('health3'));
SELECT due, coalesce(now() - oldest_due_at < '10500 s', true) AS passed_over FROM wf_health();
BEGIN;
SELECT wf_pause();
SELECT due, now() - oldest_due_at >= '10500 s' AS oldest FROM wf_health();
ROLLBACK;
-- So many of a paused workflow hide no others: here of a lower priority.
BEGIN;
SELECT wf_resume(t.tenant('health3'));
SELECT wf_pause(t.tenant('health3'), 'many');
SELECT due, now() - oldest_due_at < '10500 s' AS younger FROM wf_health(t.tenant('health3'));
SELECT due, now() - oldest_due_at < '10500 s' AS younger FROM wf_health();
ROLLBACK;
-- The few of another workflow of that tenant are counted all the same.
SELECT workflow_name, queued, running, waiting, paused FROM workflow_stats
WHERE tenant_id = t.tenant('health3') ORDER BY 1;
DELETE FROM workflow_runs WHERE tenant_id = t.tenant('health3');
-- More retries than are counted wait for their time: what is fired for later is told
-- from them all the same, of whatever priority it is.
SELECT h.later AS before FROM wf_health() h \gset
INSERT INTO workflow_runs (definition_id, trigger_payload, status, queued_at, run_at)
SELECT d.id, '{}', 'waiting', now() - interval '1 h', now() + interval '1 h'
FROM workflow_definitions d, generate_series(1, 9000) n
WHERE d.tenant_id = t.tenant('health3') AND d.name = 'many';
INSERT INTO workflow_runs (definition_id, trigger_payload, priority, queued_at, run_at)
SELECT d.id, '{}', n % 2, now(), now() + interval '2 days'
FROM workflow_definitions d, generate_series(1, 1200) n
WHERE d.tenant_id = t.tenant('health3') AND d.name = 'few';
SELECT h.later, h.waiting, a.later - :before AS of_all
FROM wf_health(t.tenant('health3')) h, wf_health() a;
INSERT INTO workflow_runs (definition_id, trigger_payload, status, queued_at, run_at)
SELECT d.id, '{}', 'waiting', now() - interval '1 h', now() + interval '1 h'
FROM workflow_definitions d, generate_series(1, 1100) n
WHERE d.tenant_id = t.tenant('health3') AND d.name = 'few';
SELECT h.later, h.waiting, a.later - :before AS of_all
FROM wf_health(t.tenant('health3')) h, wf_health() a;
DELETE FROM workflow_runs WHERE tenant_id = t.tenant('health3');
-- So they are if those that are counted first are due.
INSERT INTO workflow_runs (definition_id, trigger_payload, status, queued_at, run_at)
SELECT d.id, '{}', 'waiting', now() - interval '1 h', now() + CASE WHEN n > 10001 THEN 1 ELSE -0.5 END * interval '1 h'
FROM workflow_definitions d, generate_series(1, 10101) n
WHERE d.tenant_id = t.tenant('health3') AND d.name = 'many'
ORDER BY n;
SELECT h.later, h.waiting, a.later - :before AS of_all
FROM wf_health(t.tenant('health3')) h, wf_health() a;
DELETE FROM workflow_runs WHERE tenant_id = t.tenant('health3');
SELECT wf_resume(t.tenant('health3'));

--
-- By index, also if the planner knows nothing of the table: the table itself
-- is never read from end to end, and of the failed runs no more than asked.
--
CREATE FUNCTION t.scans(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := pg_stat_get_xact_numscans('workflow_runs'::regclass);
BEGIN
	EXECUTE 'SELECT count(*) FROM (' || statement || ') x';
	RETURN pg_stat_get_xact_numscans('workflow_runs'::regclass) - before;
END $$;
SELECT s, t.scans(s) AS sequential_scans FROM unnest(ARRAY[
	'SELECT * FROM wf_health()', 'SELECT * FROM wf_health(t.a())',
	'SELECT * FROM workflow_stats', 'SELECT * FROM wf_failures()',
	'SELECT * FROM wf_failures(t.a())', 'SELECT * FROM workflow_runs']) s;

-- Nobody without the capability.
CREATE ROLE regress_none;
GRANT USAGE ON SCHEMA public TO regress_none;
SET ROLE regress_none;
SELECT * FROM wf_health();
SELECT * FROM wf_failures();
SELECT * FROM workflow_stats;
RESET ROLE;

DELETE FROM workflow_runs WHERE tenant_id IN (t.tenant('health'), t.tenant('health2'));
DELETE FROM workflow_definitions WHERE tenant_id IN (t.tenant('health'), t.tenant('health2'), t.tenant('health3'));
DELETE FROM workflow_actions WHERE name = 'refuse';
DROP VIEW t.health;
DROP FUNCTION t.refuse, t.wait_for, t.scans;
SELECT wf_revoke('regress_view', 'view');
REVOKE SET ON PARAMETER workflow_engine.tenant_id FROM regress_view;
REVOKE USAGE ON SCHEMA t FROM regress_view;
REVOKE USAGE ON SCHEMA public FROM regress_none;
DROP ROLE regress_view;
DROP ROLE regress_none;
