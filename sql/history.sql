--
-- wf_history and wf_trace: what automation ran, and how each step went
--
CREATE SCHEMA h;
GRANT USAGE ON SCHEMA h TO PUBLIC;
CREATE FUNCTION h.fail(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF params ? 'detail' THEN
		RAISE EXCEPTION '%', params->>'why' USING DETAIL = params->>'detail';
	END IF;
	RAISE EXCEPTION '%', params->>'why';
END $$;
SELECT wf_register_action('fail', 'h.fail(jsonb,jsonb)');
SELECT count(wf_define(tenant, definition)) FROM (VALUES
	(t.a(), '{"name": "good", "trigger_type": "order", "steps": [
		{"name": "say", "action": "echo", "params": {"order": "{{trigger.order_id}}"}},
		{"name": "skip", "action": "echo", "condition": "$.trigger.never == true"},
		{"name": "end", "action": "echo", "params": {"n": [1, {"a": null}]}}]}'::jsonb),
	(t.a(), '{"name": "bad", "trigger_type": "order", "steps": [
		{"name": "try", "action": "fail", "on_error": "continue",
		 "params": {"why": "not so bad", "detail": "Some detail."}},
		{"name": "must", "action": "fail", "params": {"why": "no {{trigger.order_id}}"}},
		{"name": "never", "action": "echo"}]}'),
	(t.b(), '{"name": "good", "trigger_type": "order", "steps": [
		{"name": "say", "action": "echo"}]}')) d (tenant, definition);
SELECT count(f) FROM (
	SELECT wf_fire(t.a(), 'order', '{"order_id": "123", "customer": {"name": "Rana", "tags": ["vip", "new"]}}') AS f
	UNION ALL SELECT wf_fire(t.a(), 'order', '{"order_id": "124", "customer": {"name": "Sami"}}')
	UNION ALL SELECT wf_fire(t.b(), 'order', '{"order_id": "123"}')) x;
SELECT t.wait();
-- and one that waits for tomorrow
SELECT count(*) FROM wf_fire(t.a(), 'order', '{"order_id": "125"}', run_at => now() + '1 day');

--
-- What automation ran for this order?
--
\x
SELECT workflow_name, version, status, trigger_type, trigger_payload,
	run_id IS NOT NULL AS run_id, queued_at <= started_at AS started,
	started_at <= completed_at AS completed, duration = completed_at - started_at AS duration,
	steps_completed, steps_total, error_message
FROM wf_history('{"order_id": "123"}', t.a());
\x
-- A run that has not started or ended has no duration yet.
SELECT workflow_name, status, started_at = queued_at AS not_started, completed_at, duration, steps_completed
FROM wf_history('{"order_id": "125"}');
-- The seed's own query over the table says the same.
SELECT d.name, r.status, jsonb_array_length(r.step_results) AS steps_completed
FROM workflow_runs r JOIN workflow_definitions d ON d.id = r.definition_id
WHERE r.trigger_payload->>'order_id' = '124' ORDER BY 1;

-- Each argument narrows; this is what is found.
CREATE FUNCTION h.found(q text) RETURNS TABLE (tenant text, workflow text, order_id text, status text)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE 'SELECT CASE d.tenant_id WHEN t.a() THEN ''a'' ELSE ''b'' END, d.name,
		h.trigger_payload->>''order_id'', h.status
	FROM wf_history(' || q || ') h JOIN workflow_runs r ON r.id = h.run_id
	JOIN workflow_definitions d ON d.id = r.definition_id
	WHERE d.tenant_id IN (t.a(), t.b()) ORDER BY 1, 2, 3';
END $$;
-- match is containment, into objects and arrays
SELECT * FROM h.found($$'{"order_id": "123"}'$$);
SELECT * FROM h.found($$'{"customer": {"tags": ["vip"]}}'$$);
SELECT * FROM h.found($$'{"order_id": 123}'$$);
SELECT * FROM h.found($$'{"order_id": "123", "customer": {"name": "Sami"}}'$$);
-- tenant
SELECT * FROM h.found('tenant_id => t.b()');
-- workflow, by name
SELECT * FROM h.found($$workflow => 'bad'$$);
SELECT * FROM h.found($$workflow => 'no such'$$);
-- status
SELECT * FROM h.found($$status => 'queued'$$);
SELECT * FROM h.found($$'{"order_id": "123"}', status => 'failed'$$);
-- since and until: the time in the run's id, at or after and before
SELECT * FROM h.found($$since => now() + '1 hour'$$);
SELECT count(*) FROM h.found($$since => now() - interval '1 hour'$$);
SELECT min(queued_at) AS latest FROM wf_history('{"order_id": "125"}') \gset
SELECT * FROM h.found(format('since => %L', :'latest'));
SELECT * FROM h.found(format('%L, until => %L', '{"order_id": "125"}', :'latest'));
SELECT * FROM h.found(format('%L, until => %L', '{"order_id": "125"}', now() + interval '1 hour'));
SELECT count(*) FROM h.found($$until => now() - interval '1 hour'$$);
SELECT count(*) = (SELECT count(*) FROM h.found('')) AS all
FROM h.found($$since => '-infinity', until => 'infinity'$$);
-- all at once
SELECT * FROM h.found($$'{"order_id": "124"}', t.a(), 'good', 'completed', now() - interval '1 hour', 5$$);
-- null is as if it were left out
SELECT count(*) FROM h.found('NULL, NULL, NULL, NULL, NULL, NULL');

-- Newest first, and no more than max_rows; with a match and without.
SELECT count(f) FROM generate_series(1, 30) n, LATERAL wf_fire(t.b(), 'order',
	jsonb_build_object('order_id', n, 'many', true)) f;
SELECT t.wait();
SELECT array_agg(trigger_payload->'order_id')
FROM wf_history('{"many": true}', max_rows => 5);
SELECT array_agg(trigger_payload->'order_id')
FROM wf_history(tenant_id => t.b(), max_rows => 5);
SELECT count(*), bool_and(run_id < before) AS newest_first FROM
	(SELECT run_id, lag(run_id) OVER () AS before FROM wf_history(max_rows => 20)) h;
-- 100 by default, of several workflows together.
SELECT count(f) FROM generate_series(1, 110) n, LATERAL wf_fire(t.b(), 'order',
	jsonb_build_object('n', n)) f;
SELECT count(*) FROM wf_history();
SELECT t.wait();

-- What is refused.
SELECT * FROM wf_history('[1]');
\echo :LAST_ERROR_SQLSTATE
-- what the index cannot find
SELECT * FROM wf_history('{"customer": {}}');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM wf_history('{"a": [[], {"b": {}}]}');
SELECT * FROM wf_history(status => 'done');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM wf_history(max_rows => 0);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM wf_history(max_rows => 10001);

--
-- By index: how many runs there are does not matter
--
-- The payload's index answers the containment that wf_history asks.
ANALYZE workflow_runs;
BEGIN;
SET LOCAL enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM workflow_runs WHERE trigger_payload @> '{"order_id": "123"}';
ROLLBACK;
-- And wf_history uses it, whatever the planner knows of this table, which is
-- small: its scans are counted within the transaction, also for a session that
-- is bound to a tenant.
CREATE FUNCTION h.scans() RETURNS bigint LANGUAGE sql
RETURN pg_stat_get_xact_numscans('workflow_runs_payload'::regclass);
BEGIN;
SELECT h.scans() AS before \gset
SELECT count(*) FROM wf_history('{"order_id": "123"}');
SELECT h.scans() - :before AS scans;
SET LOCAL workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000a';
SELECT count(*) FROM wf_history('{"order_id": "123"}');
SELECT h.scans() - :before AS scans;
-- not where there is nothing to match
SELECT count(*) FROM wf_history(max_rows => 1);
SELECT h.scans() - :before AS scans;
ROLLBACK;

--
-- wf_trace: one row per step
--
SELECT run_id AS good FROM wf_history('{"order_id": "123"}', t.a(), 'good') \gset
SELECT run_id AS bad FROM wf_history('{"order_id": "123"}', t.a(), 'bad') \gset
SELECT run_id AS later FROM wf_history('{"order_id": "125"}', t.a(), 'good') \gset
SELECT step, step_name, action, status, attempts, started_at IS NOT NULL AS started,
	duration_ms >= 0 AS duration, input, output, error FROM wf_trace(:'good');
-- Steps that were not reached are pending.
SELECT step, step_name, status, attempts, started_at, duration_ms, input, output, error
FROM wf_trace(:'bad') WHERE status = 'pending';
SELECT step, step_name, status, input, output, error FROM wf_trace(:'bad');
SELECT current_step, status, error_message FROM workflow_runs WHERE id = :'bad';
SELECT step, step_name, status, attempts FROM wf_trace(:'later');
-- It follows the version that was fired, not the definition of today.
SELECT wf_define(t.a(), '{"name": "good", "trigger_type": "order", "steps": [
	{"name": "other", "action": "echo"}]}') IS NOT NULL;
SELECT step_name, status FROM wf_trace(:'later');
SELECT version, steps_total FROM wf_history('{"order_id": "125"}', t.a(), 'good');
-- No such run: no rows.
SELECT * FROM wf_trace('00000000-0000-7000-8000-000000000000');
SELECT * FROM wf_trace(NULL);

--
-- What is kept of a step
--
-- One element for each step passed, with all that contract and trace need.
SELECT jsonb_agg(DISTINCT k ORDER BY k) AS keys FROM workflow_runs r,
	jsonb_array_elements(step_results) e, jsonb_object_keys(e) k WHERE r.id = :'good';
SELECT e->>'step' AS step, e->>'status' AS status, e->>'attempts' AS attempts,
	jsonb_typeof(e->'duration_ms') AS duration,
	(e->>'started_at')::timestamptz BETWEEN r.started_at AND r.completed_at AS started_at
FROM workflow_runs r, jsonb_array_elements(step_results) e WHERE r.id = :'good';
-- Inputs and outputs are cut at workflow_engine.max_output (16 kB).
SHOW workflow_engine.max_output;
SELECT t.go('large', '[
	{"name": "small", "action": "echo", "params": {"x": "{{trigger.small}}"}},
	{"name": "large", "action": "echo", "params": {"x": "{{trigger.large}}"}}]',
	jsonb_build_object('small', repeat('s', 16000), 'large', repeat('ü', 20000)));
SELECT t.wait();
SELECT s.step_name, s.status, input->'truncated' AS input_truncated, input->'size' AS input_size,
	output->'truncated' AS output_truncated, output->'size' AS output_size,
	left(output->>'head', 10) AS head, pg_column_size(output) <= 16384 AS within
FROM wf_history(workflow => 'large') h, wf_trace(h.run_id) s;

SELECT t.clean();
SET client_min_messages = warning;
DROP SCHEMA h CASCADE;
