--
-- wf_preview without execute: what a run would do, while somebody types
--
-- Nothing is executed, sent or locked; view is enough.
--
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials) VALUES
	(t.a(), 'crm', 'http', '{"base_url": "http://crm.example/api", "headers": {"X-Shop": "7"}}', '{"bearer_token": "hush-token", "headers": {"X-Key": "hush-key"}, "signing_secret": "aHVzaA=="}'),
	(t.a(), 'whatsapp', 'whatsapp_cloud', '{"phone_number_id": "1555"}', '{"access_token": "hush-access"}'),
	(t.a(), 'email', 'smtp', '{"url": "smtp://mail.example:587", "from": "shop@example.com"}', '{"username": "hush-user", "password": "hush-password"}'),
	(t.a(), 'team', 'slack', '{}', '{"bot_token": "hush-bot"}'),
	(t.a(), 'hook', 'slack_webhook', '{"url": "https://hooks.example/services/hush-path"}', '{}'),
	(t.a(), 'hidden_hook', 'teams_webhook', '{}', '{"channels": {"ops": "https://hooks.example/hush-path"}}');
INSERT INTO workflow_templates (tenant_id, name, subject, body)
VALUES (t.a(), 'receipt', 'Order {{ trigger.order_id }}', 'Thank you, {{ trigger.name }}.');

-- Requests as they would be sent, with credentials masked.
CREATE FUNCTION t.preview(steps jsonb, payload jsonb DEFAULT '{}', outputs jsonb DEFAULT '{}')
RETURNS TABLE (step_name text, status text, input jsonb, output jsonb, error text, reason text)
LANGUAGE sql AS $$
	SELECT p.step_name, p.status, p.input, p.output, p.error, p.reason
	FROM wf_preview(jsonb_build_object('name', 'try', 'trigger_type', 'try', 'steps', steps),
		payload, t.a(), execute => false, outputs => outputs) p
$$;
\set sends '[{"name": "charge", "action": "webhook", "params": {"connection": "crm", "path": "/charges/{{ trigger.order_id }}", "headers": {"X-Step": "1"}, "body": {"total": "{{ trigger.total }}"}}}, {"name": "confirm", "action": "whatsapp_notify", "params": {"phone": "+961 3 123 456", "template": "confirmed", "template_vars": ["{{ trigger.name }}"]}}, {"name": "receipt", "action": "send_email", "params": {"to": "{{ trigger.email }}", "template": "receipt"}}, {"name": "tell", "action": "team_notify", "params": {"channel": "#orders", "message": "Order <{{ trigger.order_id }}>"}}, {"name": "hook", "action": "team_notify", "params": {"connection": "hook", "channel": "any", "message": "hello"}}, {"name": "hidden", "action": "team_notify", "params": {"connection": "hidden_hook", "channel": "ops", "message": "hello"}}]'
CREATE TEMP TABLE shown AS
SELECT * FROM wf_preview(jsonb_build_object('name', 'try', 'trigger_type', 'try', 'steps', :'sends'::jsonb),
	'{"order_id": 7, "total": 12.5, "name": "Ali & Co", "email": "ali@example.com"}', t.a(), execute => false);
SELECT step, step_name, action, status, duration_ms, output, error, reason, changes FROM shown ORDER BY step;
SELECT step_name, jsonb_pretty(regexp_replace(request::text, '[0-9a-f]{8}-[0-9a-f-]{27}', 'RUN', 'g')::jsonb #- '{headers,Date}') AS request
FROM shown ORDER BY step;
SELECT count(*) AS with_credentials FROM shown WHERE shown::text LIKE '%hush%';

-- What is not sent returns nothing that anybody knows, unless it is given.
\set chain '[{"name": "charge", "action": "webhook", "params": {"connection": "crm", "path": "x"}}, {"name": "note", "action": "webhook", "params": {"url": "http://a.example/", "body": {"id": "{{ steps.charge.output.body.id }}", "order": "{{ trigger.order_id }}", "fallback": "{{ steps.charge.output.body.id | default: \\"none\\" }}"}}}, {"name": "if_paid", "action": "webhook", "params": {"url": "http://a.example/"}, "condition": "$.steps.charge.output.body.paid == true"}, {"name": "if_not", "action": "webhook", "params": {"url": "http://a.example/"}, "condition": {"field": "steps.charge.output.status", "op": "not_exists"}}, {"name": "after", "action": "webhook", "params": {"url": "http://a.example/", "body": "{{ steps.if_paid.status }}"}}, {"name": "status", "action": "webhook", "params": {"url": "http://a.example/", "body": "{{ steps.charge.status }}"}, "condition": "$.steps.charge.status == \\"completed\\""}, {"name": "either", "action": "webhook", "params": {"url": "http://a.example/"}, "condition": {"any": ["$.steps.charge.output.body.paid == true", "$.trigger.order_id == 7"]}}]'
SELECT step_name, status, input, reason FROM t.preview(:'chain', '{"order_id": 7}');
SELECT step_name, status, input, output, reason
FROM t.preview(:'chain', '{"order_id": 7}', '{"charge": {"status": 201, "body": {"id": "ch_1", "paid": false}}, "if_paid": {}}');
-- A condition may look at all of them.
SELECT step_name, status, reason FROM t.preview('[{"name": "a", "action": "webhook", "params": {"url": "http://a.example/"}}, {"name": "b", "action": "webhook", "params": {"url": "http://a.example/"}, "condition": "exists($.steps.* ? (@.output.status == 500))"}, {"name": "c", "action": "webhook", "params": {"url": "http://a.example/", "body": "{{ steps | json }}"}}]');

-- A step is skipped for a reason.
SELECT step_name, status, error, reason FROM t.preview('[{"name": "false", "action": "webhook", "params": {"url": "http://a.example/"}, "condition": "$.trigger.total > 500"}, {"name": "types", "action": "webhook", "params": {"url": "http://a.example/"}, "condition": {"field": "trigger.total", "op": "gt", "value": "high"}}, {"name": "missing", "action": "webhook", "params": {"url": "http://a.example/"}, "condition": {"field": "trigger.none", "op": "eq", "value": 1}}]',
	'{"total": 12}');

-- A step that fails ends the run; the steps after it are shown as far as they
-- are known.  With on_error continue the run goes on.
\set fails '[{"name": "a", "action": "webhook", "params": {"url": "http://a.example/{{ trigger.none }}", "body": "{{ trigger.x }}"}, "on_error": "stop"}, {"name": "b", "action": "webhook", "params": {"url": "http://a.example/", "body": "{{ trigger.x }}"}}, {"name": "c", "action": "webhook", "params": {"url": "http://a.example/", "body": "{{ steps.a.status }}", "merge_payload": false}}]'
SELECT * FROM t.preview(:'fails', '{"x": 1}');
SELECT step_name, status, input, reason FROM t.preview(replace(:'fails', '"stop"', '"continue"')::jsonb, '{"x": 1}');
SELECT step_name, status, error, reason FROM t.preview('[{"name": "a", "action": "webhook", "params": {"connection": "none", "path": "x"}}]');
SELECT step_name, status, error, reason FROM t.preview('[{"name": "a", "action": "webhook", "params": {"connection": "crm", "url": "http://elsewhere.example/"}}]');

-- Native steps are not executed, not even looked at.
SELECT step_name, status, input, output, error, reason
FROM t.preview('[{"name": "find", "action": "find_record", "params": {"table": "no_such_table", "where": {"id": "{{ trigger.id }}"}}}, {"name": "say", "action": "echo", "params": {"text": "{{ steps.find.output.record.name }}"}}]', '{"id": 5}');

-- The context has what a run of the saved definition would have.
SELECT wf_define(t.a(), '{"name": "try", "trigger_type": "try", "steps": [{"name": "s", "action": "webhook", "params": {"url": "http://a.example/"}}]}') IS NOT NULL AS defined;
SELECT (input->'body') - '{id,now}'::text[] AS body FROM t.preview('[{"name": "a", "action": "webhook", "params": {"url": "http://a.example/", "body": {"name": "{{ workflow.name }}", "version": "{{ workflow.version }}", "tenant": "{{ tenant.id }}", "attempt": "{{ run.attempt }}", "id": "{{ run.id }}", "now": "{{ now }}"}}}]');

-- On a past run: its payload, and what its steps have returned.
SELECT t.go('past', '[{"name": "first", "action": "echo", "params": {"id": "{{ trigger.order_id }}"}}, {"name": "second", "action": "echo", "params": {"id": "{{ steps.first.output.id }}"}}]', '{"order_id": 12345}');
SELECT t.wait('past');
SELECT id AS run FROM workflow_runs WHERE trigger_payload @> '{"order_id": 12345}' \gset
SELECT step_name, status, input, output FROM wf_preview_run(:'run', execute => false);
SELECT step_name, status, input, output FROM wf_preview_run(:'run', '{"steps": [{"name": "second", "action": "echo", "params": {"of": "{{ trigger.order_id }}"}}, {"name": "third", "action": "echo", "params": {"of": "{{ steps.second.output.id }}"}}]}', execute => false);
SELECT step_name, status, input, output FROM wf_preview_run(:'run', execute => false, outputs => '{"first": {"id": "other"}}');

-- What max_time leaves over is pending.
SELECT status, reason, count(*) FROM wf_preview(jsonb_build_object('steps', (
		SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'echo')) FROM generate_series(1, 1000) n)),
	'{}', execute => false, max_time => '1 ms') WHERE step = 999 GROUP BY 1, 2;

-- What is refused.
SELECT * FROM t.error('SELECT wf_preview(NULL, ''{}'', execute => false)');
SELECT * FROM t.error('SELECT wf_preview(''{"steps": []}'', NULL, execute => false)');
SELECT * FROM t.error('SELECT wf_preview(''{"steps": [{"name": "a", "action": "webhok"}]}'', ''{}'', execute => false)');
SELECT * FROM t.error('SELECT t.preview(''[{"name": "a", "action": "echo"}]'', ''[]'')');
SELECT * FROM t.error('SELECT t.preview(''[{"name": "charge", "action": "echo"}]'', ''{}'', ''{"chagre": 1}'')');
SELECT * FROM t.error('SELECT t.preview(''[{"name": "charge", "action": "echo"}]'', ''{}'', ''[]'')');
SELECT span, code, message FROM unnest('{0,-1 s,1 day,11 min,1 month}'::text[]) span,
	t.error(format('SELECT wf_preview(''{"steps": [{"name": "a", "action": "echo"}]}'', ''{}'', execute => false, max_time => %L)', span));
SELECT * FROM t.error('SELECT wf_preview_run(''00000000-0000-4000-8000-000000000000'', execute => false)');
SELECT * FROM t.error('SELECT wf_preview_run(NULL, execute => false)');
SELECT * FROM t.error('SELECT wf_preview(''{"steps": [{"name": "a", "action": "echo"}]}'', ''{}'', execute => NULL)');

-- In a transaction that has written, read only, or under way: it is all the same.
BEGIN READ ONLY;
SELECT step_name, status FROM t.preview('[{"name": "a", "action": "echo"}]');
COMMIT;
BEGIN;
CREATE TABLE t.written (a int);
SELECT step_name, status FROM t.preview('[{"name": "a", "action": "echo"}]');
ROLLBACK;

-- Who has view sees what it sees; a session of a tenant, that tenant's.
CREATE ROLE regress_preview_view;
SELECT wf_grant('regress_preview_view', 'view');
GRANT USAGE ON SCHEMA t TO regress_preview_view;
SET ROLE regress_preview_view;
SELECT step_name, status, request->'url' AS url, request->'credentials' AS credentials FROM wf_preview(jsonb_build_object('steps', :'sends'::jsonb),
	'{"order_id": 7, "total": 12.5, "name": "x", "email": "ali@example.com"}', t.a(), execute => false);
SELECT * FROM t.error('SELECT wf_preview(''{"steps": [{"name": "a", "action": "echo"}]}'', ''{}'')');
SELECT step_name, status FROM wf_preview_run(:'run', execute => false);
RESET ROLE;
INSERT INTO workflow_connections (name, kind, config, credentials) VALUES ('shared', 'http', '{"base_url": "http://shared.example"}', '{"bearer_token": "hush-shared"}');
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SET ROLE regress_preview_view;
SELECT * FROM t.error('SELECT t.preview(''[{"name": "a", "action": "echo"}]'')');
SELECT code FROM t.error(format('SELECT wf_preview_run(%L, execute => false)', :'run'));
SELECT step_name, status, error, reason FROM wf_preview('{"steps": [{"name": "a", "action": "webhook", "params": {"connection": "crm", "path": "x"}, "on_error": "continue"}, {"name": "b", "action": "webhook", "params": {"connection": "shared", "path": "x"}}, {"name": "c", "action": "echo", "params": {"tenant": "{{ tenant.id }}"}}]}', '{}', execute => false);
RESET ROLE;
SET workflow_engine.tenant_id = 'none';
SELECT * FROM t.error('SELECT wf_preview(''{"steps": [{"name": "a", "action": "echo"}]}'', ''{}'', execute => false)');
RESET workflow_engine.tenant_id;
SET ROLE regress_preview_view;
SELECT step_name, status FROM wf_preview('{"steps": [{"name": "a", "action": "echo"}]}', '{}', execute => false);
RESET ROLE;

DELETE FROM workflow_connections WHERE credentials::text LIKE '%hush%' OR config::text LIKE '%hush%';
DELETE FROM workflow_templates WHERE name = 'receipt';
DELETE FROM workflow_definitions d WHERE name = 'try';
SELECT wf_revoke('regress_preview_view', 'view');
REVOKE USAGE ON SCHEMA t FROM regress_preview_view;
DROP ROLE regress_preview_view;
