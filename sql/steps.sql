--
-- Steps: one after the other, what happens when one fails, and what is
-- recorded.
--
CREATE TABLE t.ledger (id int PRIMARY KEY, note text, amount numeric(8,2) CHECK (amount > 0));
CREATE FUNCTION t.raise(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO t.ledger VALUES (99, 'written by a step that fails', 1);
	RAISE EXCEPTION 'the stock is empty' USING DETAIL = 'Item A-1 has 0 left.', HINT = 'Buy some.';
END $$;
SELECT wf_register_action('raise', 't.raise(jsonb, jsonb)');

-- Steps go in order, each sees what the earlier ones gave.
CALL t.run('steps', '[
	{"name": "put", "action": "insert_record", "params": {"table": "t.ledger", "fields": {"id": 1, "note": "{{trigger.note}}", "amount": "10.5"}}},
	{"name": "get", "action": "find_record", "params": {"table": "t.ledger", "where": {"id": "{{steps.put.output.id}}"}}},
	{"name": "say", "action": "echo", "params": {"text": "{{steps.get.output.record.note}}: {{steps.get.output.record.amount}}",
		"whole": "{{steps.get.output}}"}}]', '{"note": "first"}');
SELECT step, step_name, status, output FROM t.step ORDER BY step;
SELECT status, current_step, error_message, started_at >= queued_at AS started, completed_at >= started_at AS completed,
	attempt FROM workflow_runs WHERE id = t.last();

-- Each element of step_results: all keys, their types.
SELECT key, jsonb_typeof(value) AS type, CASE WHEN key NOT IN ('started_at', 'duration_ms') THEN value END AS value
FROM workflow_runs r, jsonb_each(r.step_results->0) WHERE r.id = t.last()
ORDER BY key;
SELECT e->>'step_name' AS step,
	e->>'started_at' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)$' AS iso,
	(e->>'started_at')::timestamptz BETWEEN r.queued_at AND r.completed_at AS in_time,
	(e->>'duration_ms')::numeric BETWEEN 0 AND 60000 AS took
FROM workflow_runs r, jsonb_array_elements(r.step_results) AS e WHERE r.id = t.last();
SELECT bool_or((e->>'duration_ms')::numeric <> trunc((e->>'duration_ms')::numeric)) AS fractional
FROM workflow_runs r, jsonb_array_elements(r.step_results) AS e WHERE r.tenant_id = t.tenant('steps');

--
-- on_error
--
-- A step that fails stops the run, unless it says otherwise.  What earlier
-- steps did stays, what the failed one did is undone, later ones are not
-- executed.
CALL t.run('steps', '[
	{"name": "put", "action": "insert_record", "params": {"table": "t.ledger", "fields": {"id": 2}}},
	{"name": "take", "action": "raise"},
	{"name": "after", "action": "echo"}]');
SELECT step, step_name, status, attempts, error FROM t.step ORDER BY step;
SELECT status, current_step, jsonb_array_length(step_results) AS elements, error_message,
	completed_at IS NOT NULL AS ended
FROM workflow_runs WHERE id = t.last();
SELECT id FROM t.ledger ORDER BY id;
-- "stop" says the same in a word.
CALL t.run('steps', '[{"name": "take", "action": "raise", "on_error": "stop"}, {"name": "after", "action": "echo"}]');
SELECT status, current_step, error_message FROM workflow_runs WHERE id = t.last();
-- "continue" logs the step as failed and goes on: the run completes.
CALL t.run('steps', '[
	{"name": "take", "action": "raise", "on_error": "continue"},
	{"name": "missing", "action": "echo", "params": {"x": "{{trigger.x}}"}, "on_error": "continue"},
	{"name": "after", "action": "echo", "params": {"take": "{{steps.take.status}}", "why": "{{steps.take.error}}"}}]');
SELECT step_name, status, output, error FROM t.step ORDER BY step;
SELECT status, current_step, error_message FROM workflow_runs WHERE id = t.last();
SELECT id FROM t.ledger ORDER BY id;

--
-- What bad input gets: that step fails, with PostgreSQL's words
--
CALL t.run('steps', '[
	{"name": "no-value", "action": "update_record", "params": {"table": "t.ledger", "id": 1, "fields": {"note": "{{trigger.note}}"}}, "on_error": "continue"},
	{"name": "bad-value", "action": "update_record", "params": {"table": "t.ledger", "id": 1, "fields": {"amount": "ten"}}, "on_error": "continue"},
	{"name": "too-large", "action": "update_record", "params": {"table": "t.ledger", "id": 1, "fields": {"amount": 12345678}}, "on_error": "continue"},
	{"name": "check", "action": "update_record", "params": {"table": "t.ledger", "id": 1, "fields": {"amount": -1}}, "on_error": "continue"},
	{"name": "duplicate", "action": "insert_record", "params": {"table": "t.ledger", "fields": {"id": 1}}, "on_error": "continue"},
	{"name": "bad-id", "action": "update_record", "params": {"table": "t.ledger", "id": "A-1", "fields": {"note": "x"}}, "on_error": "continue"},
	{"name": "no-row", "action": "update_record", "params": {"table": "t.ledger", "id": 77, "fields": {"note": "x"}}, "on_error": "continue"},
	{"name": "no-table", "action": "insert_record", "params": {"table": "t.legder", "fields": {"id": 3}}, "on_error": "continue"},
	{"name": "no-column", "action": "insert_record", "params": {"table": "t.ledger", "fields": {"nr": 3}}, "on_error": "continue"},
	{"name": "no-type", "action": "update_record", "params": {"table": "{{trigger.list}}", "id": 1, "fields": {"note": "x"}}, "on_error": "continue"},
	{"name": "no-connection", "action": "webhook", "params": {"path": "/x", "connection": "nowhere"}, "on_error": "continue"},
	{"name": "no-channel", "action": "team_notify", "params": {"channel": "#ops", "message": "x"}, "on_error": "continue"},
	{"name": "handler", "action": "raise", "on_error": "continue"},
	{"name": "last", "action": "echo"}]', '{"list": [1]}');
SELECT step_name, status, error FROM t.step ORDER BY step;
SELECT status, error_message FROM workflow_runs WHERE id = t.last();
SELECT * FROM t.ledger ORDER BY id;

-- No other run is touched: of these ten, every third meets the check.
SELECT wf_define(t.tenant('steps'), '{"name": "Mixed", "trigger_type": "mixed", "steps": [
	{"name": "put", "action": "insert_record", "params": {"table": "t.ledger", "fields": {"id": "{{trigger.id}}", "amount": "{{trigger.amount}}"}}}]}') IS NOT NULL AS defined;
SELECT count(*) AS fired FROM generate_series(1, 10) n,
	wf_fire(t.tenant('steps'), 'mixed', jsonb_build_object('id', 100 + n, 'amount', CASE n % 3 WHEN 0 THEN -1 ELSE n END));
SELECT t.wait_all('steps');
SELECT r.trigger_payload->'id' AS id, status, l.amount, left(error_message, 70) AS error
FROM workflow_runs r LEFT JOIN t.ledger l ON l.id = (r.trigger_payload->>'id')::int
WHERE r.trigger_payload ? 'amount' ORDER BY 1;

--
-- Limits
--
-- A step ends after its timeout.
CREATE FUNCTION t.sleep(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS
	'SELECT to_jsonb(pg_sleep(60)::text)';
SELECT wf_register_action('sleep', 't.sleep(jsonb, jsonb)');
CALL t.run('steps', '[{"name": "slow", "action": "sleep", "timeout": "100 milliseconds", "on_error": "continue"},
	{"name": "next", "action": "echo"}]');
SELECT step_name, status, error FROM t.step ORDER BY step;
SELECT (step_results->0->>'duration_ms')::numeric BETWEEN 100 AND 50000 AS took
FROM workflow_runs WHERE id = t.last();

-- Inputs and outputs are kept up to workflow_engine.max_output, each; more is
-- cut, marked, and its full size told.
SHOW workflow_engine.max_output;
CALL t.run('steps', '[{"name": "small", "action": "echo", "params": {"text": "{{trigger.small}}"}},
	{"name": "large", "action": "echo", "params": {"text": "{{trigger.large}}"}},
	{"name": "next", "action": "echo", "params": {"from": "{{steps.large.output.truncated}}"}}]',
	jsonb_build_object('small', repeat('s', 15000), 'large', repeat('é', 20000)));
SELECT step_name, status, length(output->>'text') AS length, output->'truncated' AS truncated, output->'size' AS size,
	left(output->>'head', 20) AS head, octet_length(output->>'head') BETWEEN 15000 AND 16384 AS head_fits,
	input = output AS input_too
FROM t.step ORDER BY step;
SELECT max(pg_column_size(part)) <= 16384 AS capped
FROM t.step, LATERAL (VALUES (input), (output)) AS parts (part);

-- A run of many steps takes several transactions, and is one run all the same.
SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'echo', 'params', jsonb_build_object('n', n))) AS steps
FROM generate_series(1, 200) n \gset
CALL t.run('steps', :'steps');
SELECT status, current_step, jsonb_array_length(step_results) AS elements, step_results #> '{199,output}' AS last
FROM workflow_runs WHERE id = t.last();

DELETE FROM workflow_runs WHERE tenant_id = t.tenant('steps');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('steps');
DELETE FROM workflow_actions WHERE name IN ('raise', 'sleep');
DROP FUNCTION t.raise, t.sleep;
DROP TABLE t.ledger;
