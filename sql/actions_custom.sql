--
-- Actions of one's own: a function (params jsonb, context jsonb) returning
-- jsonb, in any language, which wf_register_action makes a word of the
-- definition language.
--
CREATE FUNCTION t.refund(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF (params->>'amount')::numeric > 1000 THEN
		RAISE EXCEPTION 'refund of % needs a signature', params->>'amount'
			USING ERRCODE = 'P0409', DETAIL = 'The limit is 1000.';
	END IF;
	RETURN jsonb_build_object('refunded', params->'amount', 'order', context #> '{trigger,order_id}');
END $$;
SELECT wf_register_action('refund', 't.refund(jsonb, jsonb)', '{
	"amount": {"type": "number", "required": true, "help": "How much, in dollars."},
	"reason": {"type": "string", "help": "What the customer said."},
	"to": {"type": "string|object"}}', 'Gives money back.');
-- The library is a table; the handler in it a qualified signature.
SELECT name, kind, handler, description FROM workflow_actions WHERE name = 'refund';

-- A run calls it; what it returns is the step's output.
CALL t.run('custom', '[{"name": "back", "action": "refund", "params": {"amount": "{{trigger.total}}"}},
	{"name": "tell", "action": "echo", "params": {"text": "refunded {{steps.back.output.refunded}}"}}]',
	'{"order_id": "A-1", "total": 12.50}');
SELECT step_name, status, input, output FROM t.step ORDER BY step;
-- What it raises is the step's error.
CALL t.run('custom', '[{"name": "back", "action": "refund", "params": {"amount": "{{trigger.total}}"}}]',
	'{"order_id": "A-1", "total": 2000}');
SELECT step_name, status, output, error FROM t.step ORDER BY step;
SELECT status, error_message FROM workflow_runs WHERE id = t.last();

-- Validation reads the description of its parameters.
SELECT v.path, v.message, v.hint
FROM wf_validate('{"steps": [{"name": "a", "action": "refund"},
	{"name": "b", "action": "refund", "params": {"amount": "ten", "reson": "late", "to": 5}},
	{"name": "c", "action": "refund", "params": {"amount": "{{trigger.total}}", "to": {"iban": "x"}, "reason": null}},
	{"name": "d", "action": "refnud"}]}') AS v;

-- The context is all that templates see.
CREATE FUNCTION t.context(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('keys', (SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys(context) k),
		'trigger', context->'trigger', 'steps', context->'steps',
		'run', (SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys(context->'run') k),
		'workflow', (SELECT jsonb_agg(k ORDER BY k) FROM jsonb_object_keys(context->'workflow') k),
		'tenant', (context #>> '{tenant,id}')::uuid = t.tenant('custom'))
$$;
SELECT wf_register_action('context', 't.context(jsonb, jsonb)');
CALL t.run('custom', '[{"name": "one", "action": "echo", "params": {"n": 1}}, {"name": "two", "action": "context"}]', '{"n": 5}');
SELECT key, value FROM t.step, jsonb_each(output) WHERE step_name = 'two' ORDER BY key;

-- It may return any JSON, or null.
CREATE FUNCTION t.returns(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT params->'v' $$;
SELECT wf_register_action('returns', 't.returns(jsonb, jsonb)');
CALL t.run('custom', '[{"name": "a", "action": "returns", "params": {"v": [1, "x"]}}, {"name": "b", "action": "returns", "params": {"v": "x"}},
	{"name": "c", "action": "returns", "params": {"v": null}}, {"name": "d", "action": "returns"},
	{"name": "e", "action": "echo", "params": {"a": "{{steps.a.output[1]}}", "b": "{{steps.b.output}}", "d": "{{steps.d.output}}"}}]');
SELECT step_name, status, output FROM t.step ORDER BY step;

-- Registering a name again replaces it; replacing the function counts at once.
SELECT wf_register_action('returns', 't.echo(jsonb, jsonb)', '{"v": {"required": true}}');
SELECT handler, params, description FROM workflow_actions WHERE name = 'returns';
CREATE OR REPLACE FUNCTION t.refund(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"refunded": "all"}'::jsonb $$;
CALL t.run('custom', '[{"name": "a", "action": "returns", "params": {"v": 1}}, {"name": "b", "action": "refund", "params": {"amount": 5000}}]');
SELECT step_name, status, output FROM t.step ORDER BY step;

-- A definition keeps running when its action goes; the step says what it misses.
DROP FUNCTION t.refund;
SELECT wf_define(t.tenant('custom'), '{"name": "Orphan", "trigger_type": "orphan", "steps": [
	{"name": "a", "action": "refund", "params": {"amount": 1}, "on_error": "continue"},
	{"name": "b", "action": "context", "on_error": "continue"}, {"name": "c", "action": "echo"}]}') IS NOT NULL AS defined;
DELETE FROM workflow_actions WHERE name = 'context';
SELECT wf_fire(t.tenant('custom'), 'orphan') AS run \gset
SELECT t.wait_run(:'run');
SELECT step_name, status, error FROM wf_trace(:'run') ORDER BY step;

--
-- What is refused
--
CREATE FUNCTION t.one_argument(params jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT params';
CREATE FUNCTION t.of_json(params json, context json) RETURNS json LANGUAGE sql AS 'SELECT params';
CREATE FUNCTION t.returns_text(params jsonb, context jsonb) RETURNS text LANGUAGE sql AS 'SELECT params::text';
CREATE FUNCTION t.returns_set(params jsonb, context jsonb) RETURNS SETOF jsonb LANGUAGE sql AS 'SELECT params';
CREATE PROCEDURE t.procedure(params jsonb, context jsonb) LANGUAGE sql AS 'SELECT 1';
SELECT statement, e.code, e.message, e.detail
FROM (VALUES
	(1, $$SELECT wf_register_action('x', 't.one_argument(jsonb)')$$),
	(2, $$SELECT wf_register_action('x', 't.of_json(json, json)')$$),
	(3, $$SELECT wf_register_action('x', 't.returns_text(jsonb, jsonb)')$$),
	(4, $$SELECT wf_register_action('x', 't.returns_set(jsonb, jsonb)')$$),
	(5, $$SELECT wf_register_action('x', 't.procedure(jsonb, jsonb)')$$),
	(6, $$SELECT wf_register_action('x', 't.nowhere(jsonb, jsonb)')$$),
	(7, $$SELECT wf_register_action('x', NULL)$$),
	(8, $$SELECT wf_register_action(NULL, 't.echo(jsonb, jsonb)')$$),
	(9, $$SELECT wf_register_action('webhook', 't.echo(jsonb, jsonb)')$$),
	(10, $$SELECT wf_register_action('not a name', 't.echo(jsonb, jsonb)')$$),
	(11, $$SELECT wf_register_action('', 't.echo(jsonb, jsonb)')$$)) AS given (n, statement), t.error(statement) AS e
ORDER BY n;

-- The description of parameters is checked as a definition is: every problem.
SELECT * FROM t.error($$SELECT wf_register_action('x', 't.echo(jsonb, jsonb)', '[]')$$);
SELECT * FROM t.error($$SELECT wf_register_action('x', 't.echo(jsonb, jsonb)', '{
	"a": "number", "b": {"type": "integer"}, "c": {"typ": "string"}, "d": {"required": "yes"}, "e": {"help": 5},
	"f": {"type": "string|nubmer"}}')$$);

-- Rows written directly are checked too.
SELECT statement, e.code, e.message, e.detail
FROM (VALUES
	(1, $$INSERT INTO workflow_actions (name, kind, handler) VALUES ('x', 'function', 't.nowhere(jsonb, jsonb)')$$),
	(2, $$INSERT INTO workflow_actions (name, kind, handler) VALUES ('x', 'function', 't.returns_text(jsonb, jsonb)')$$),
	(3, $$INSERT INTO workflow_actions (name, kind) VALUES ('x', 'function')$$),
	(4, $$INSERT INTO workflow_actions (name, kind, handler) VALUES ('x', 'native', 't.echo(jsonb, jsonb)')$$),
	(5, $$INSERT INTO workflow_actions (name, kind) VALUES ('x', 'http')$$),
	(6, $$INSERT INTO workflow_actions (name, kind, handler) VALUES ('x', 'python', 't.echo(jsonb, jsonb)')$$),
	(7, $$INSERT INTO workflow_actions (name, kind, handler, params) VALUES ('x', 'function', 't.echo(jsonb, jsonb)', '{"a": 5}')$$),
	(8, $$UPDATE workflow_actions SET handler = 't.returns_set(jsonb, jsonb)' WHERE name = 'echo'$$),
	(9, $$UPDATE workflow_actions SET kind = 'function', handler = 't.echo(jsonb, jsonb)' WHERE name = 'webhook'$$),
	(10, $$UPDATE workflow_actions SET params = '{}' WHERE name = 'webhook'$$)) AS given (n, statement), t.error(statement) AS e
ORDER BY n;
-- One that fits is stored with its schema.
SET search_path = t, public;
INSERT INTO workflow_actions (name, kind, handler) VALUES ('direct', 'function', 'echo(jsonb,jsonb)') RETURNING handler;
RESET search_path;
CALL t.run('custom', '[{"name": "a", "action": "direct", "params": {"v": 1}}]');
SELECT status, output FROM t.step;

-- The library as it comes.
SELECT name, kind, string_agg(p.key || CASE WHEN p.value->'required' = 'true' THEN '*' ELSE '' END, ', ' ORDER BY p.key) AS params
FROM workflow_actions, jsonb_each(params) AS p
WHERE kind <> 'function' AND p.key NOT LIKE '$%'
GROUP BY name, kind ORDER BY name;
-- Every parameter has its line of help, every action a description.
SELECT name, p.key FROM workflow_actions, jsonb_each(params) AS p
WHERE kind <> 'function' AND (description IS NULL OR p.key NOT LIKE '$%' AND coalesce(p.value->>'help', '') = '');

DELETE FROM workflow_runs WHERE tenant_id = t.tenant('custom');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('custom');
DELETE FROM workflow_actions WHERE kind = 'function' AND name <> 'echo';
DROP FUNCTION t.context, t.returns, t.one_argument, t.of_json, t.returns_text, t.returns_set;
DROP PROCEDURE t.procedure;
