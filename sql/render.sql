--
-- wf_render: what the texts of a mail template become
--
\pset null '-'
\set context '{"trigger": {"id": 7, "name": "A <b> & Söhne", "lines": [{"sku": "x<1"}, {"sku": "y"}], "none": []}, "steps": {"ask": {"status": "completed", "output": {"answer": "yes"}}}}'

-- Values are escaped in the HTML alone; body and HTML have sections.
SELECT * FROM wf_render('Order {{ trigger.id }} of {{ trigger.name }}',
	E'Dear {{ trigger.name }},\n{{# trigger.lines }}\n- {{ index }} {{ item.sku }}\n{{/}}\n{{^ trigger.none }}nothing else: {{ steps.ask.output.answer }}{{/}}',
	'<p>{{ trigger.name }}</p><ul>{{# trigger.lines }}<li>{{ item.sku }}</li>{{/}}</ul>', :'context');
-- What is not given stays null, and what is empty is empty.
SELECT * FROM wf_render('x');
SELECT * FROM wf_render(NULL, '', context => :'context');
SELECT * FROM wf_render(NULL);
SELECT subject FROM wf_render('{{ run.id }} {{ workflow.name }} {{ tenant.id }} {{ now | date: "YYYY" }}',
	context => '{"run": {"id": 1}, "workflow": {"name": "w"}, "tenant": {"id": "t"}, "now": "2020-02-03T00:00:00Z"}');
SELECT subject::timestamptz BETWEEN now() - interval '1 day' AND now() + interval '1 day' AS now FROM wf_render('{{ now }}');

-- Each mistake with its place; what can be rendered is.
\x
SELECT r.subject, r.body, r.html, p.* FROM wf_render('Order {{ trigger.id | uper }}', 'ok {{ trigger.id }}',
	'<p>ä {{# trigger.lines }}{{ item.nothing }}{{/}}', :'context') r,
	jsonb_to_recordset(r.problems) AS p (path text, severity text, code text, pos int, args jsonb, message text, hint text);
\x
-- The place of what fails when it is rendered, also in a section, in
-- characters.
CREATE FUNCTION t.places(subject text, body text, html text, context jsonb)
RETURNS TABLE (path text, code text, pos int, message text) LANGUAGE sql AS $$
	SELECT p.* FROM wf_render(subject, body, html, context) r,
		jsonb_to_recordset(r.problems) AS p (path text, code text, pos int, message text)
$$;
SELECT * FROM t.places('{{ trigger.phone }}', 'ä{{ trigger.id }}ö {{ trigger.name }}{{ trigger.phone }}',
	'é{{# trigger.lines }}<b>{{ item.sku }}</b>{{ item.price }}{{/}}', :'context');
SELECT * FROM t.places('{{ trigger.name | round: 2 }}', '{{# trigger.lines.sku }}x{{/}}{{# trigger.name | sum }}{{/}}', '{{ steps.ask.output.no }}', :'context');
-- A subject has no sections and is one line.
SELECT * FROM t.places('{{# trigger.lines }}x{{/}}', NULL, NULL, :'context');
SELECT * FROM t.places(E'a\nb', 'fine', NULL, :'context');
SELECT * FROM t.places('{{ trigger.x }}', NULL, NULL, '{"trigger": {"x": "a\r\nBcc: b@example.com"}}');
-- A warning alone hides no text.
SELECT r.body, p.severity, p.code, p.pos FROM wf_render(NULL, '{{ trigger.lines.0.sku | default: "none" }}', context => :'context') r,
	jsonb_to_recordset(r.problems) AS p (severity text, code text, pos int);

-- As a mail is sent: the same texts by a preview of a step.
INSERT INTO workflow_templates (name, subject, body, html) VALUES ('rendered', 'To {{ trigger.name }}',
	'{{# trigger.lines }}{{ item.sku }};{{/}}', '{{# trigger.lines }}<i>{{ item.sku }}</i>{{/}}');
SET client_min_messages = error;
INSERT INTO workflow_connections (name, kind, config) VALUES ('rendered', 'smtp', '{"url": "smtp://mail.example", "from": "a@example.com"}');
SELECT p.request->>'text' AS body, p.request->>'html' AS html FROM wf_preview('{"name": "r", "trigger_type": "r", "steps": [
	{"name": "send", "action": "send_email", "params": {"to": "b@example.com", "template": "rendered", "connection": "rendered"}}]}',
	(:'context'::jsonb)->'trigger', t.tenant('render'), execute => false) p;
SELECT r.subject, r.body, r.html FROM workflow_templates t, wf_render(t.subject, t.body, t.html, :'context') r WHERE t.name = 'rendered';

-- Arguments.
SELECT wf_render('x', context => NULL);
SELECT wf_render('x', context => '[]');
SELECT wf_render('x', context => '{"triger": {}}');
-- Nothing renders without an end.
SET workflow_engine.max_payload = '10kB';
SELECT wf_render(NULL, '{{# trigger.x }}{{# trigger.x }}{{# trigger.x }}yyyyyyyyyy{{/}}{{/}}{{/}}', context => jsonb_build_object('trigger',
	jsonb_build_object('x', (SELECT jsonb_agg(n) FROM generate_series(1, 100) n))));
\echo :LAST_ERROR_SQLSTATE
RESET workflow_engine.max_payload;

DELETE FROM workflow_templates WHERE name = 'rendered';
DELETE FROM workflow_connections WHERE name = 'rendered';
DROP FUNCTION t.places;
