--
-- wf_diagram and wf_run_diagram: flowcharts in the language of Mermaid
--
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT wf_diagram('{"name": "confirm order", "trigger_type": "new_order", "steps": [
	{"name": "confirm", "action": "update_record"},
	{"name": "tell", "action": "team_notify", "condition": "$.trigger.total > 1000 && $.trigger.country == \"LB\""},
	{"name": "ask", "action": "send_email", "on_error": "continue", "condition": {"all": [
		{"field": "trigger.country", "op": "in", "value": ["LB", "SA"]},
		{"any": [{"not": {"field": "trigger.mail", "op": "empty"}},
			{"field": "trigger.a", "op": "eq", "value_field": "trigger.b"}]}]}}]}');
-- No step, no event; what is not finished yet is drawn as far as it goes.
SELECT wf_diagram('{"steps": []}');
SELECT wf_diagram('{"steps": [{}, 1, {"name": 2, "condition": {"all": 3}}, {"name": "x", "condition": {"field": "y"}}]}');
-- Texts are never read as the language of Mermaid or as HTML.
SELECT wf_diagram(jsonb_build_object('trigger_type', E'"]) --> x; end %% <b>&#`\n\t', 'steps', jsonb_build_array(
	jsonb_build_object('name', 'طلب', 'action', '<script>', 'condition', repeat('ü', 100)))));
-- What is refused.
\set VERBOSITY default
SELECT wf_diagram('[]');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_diagram('{"steps": {}}');
SELECT wf_diagram(NULL) IS NULL;

--
-- A run: what each step has come to
--
CREATE FUNCTION t.refuse(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'order "%" <is> unknown', params->>'order';
END $$;
SELECT count(wf_register_action('refuse', 't.refuse(jsonb,jsonb)'));
SELECT count(t.go('picture', '[{"name": "first", "action": "echo"},
	{"name": "never", "action": "echo", "condition": {"field": "trigger.x", "op": "eq", "value": 1}},
	{"name": "try", "action": "refuse", "on_error": "continue", "params": {"order": "17"}},
	{"name": "must", "action": "refuse", "params": {"order": "18"}},
	{"name": "last", "action": "echo"}]'));
SELECT count(t.wait('picture'));
SELECT max(run_id::text) AS run FROM wf_history(workflow => 'picture') \gset
SELECT regexp_replace(wf_run_diagram(:'run'), '\d+ ms', '<time> ms', 'g');
-- The version that it executes, not the one of today.
SELECT count(wf_define(t.a(), '{"name": "picture", "trigger_type": "picture", "steps": [
	{"name": "other", "action": "echo"}]}'));
SELECT wf_run_diagram(:'run') LIKE '%"first<br/>echo%' AS own_version;
-- One that has not begun.
SELECT count(*) FROM wf_fire(t.a(), 'picture', run_at => now() + interval '1 day');
SELECT wf_run_diagram(run_id) FROM wf_history(workflow => 'picture', status => 'queued');
SELECT wf_run_diagram('00000000-0000-7000-8000-000000000000');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_run_diagram(NULL) IS NULL;
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SELECT code FROM t.error(format('SELECT wf_run_diagram(%L)', :'run'));
RESET workflow_engine.tenant_id;

SELECT t.clean();
DROP FUNCTION t.refuse;
DELETE FROM workflow_actions WHERE name = 'refuse';
