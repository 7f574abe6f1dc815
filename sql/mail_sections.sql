--
-- Sections in mail templates: {{# list }} ... {{/}} for each element, and
-- {{^ list }} ... {{/}} if there is none.
--
SET client_min_messages = warning;
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
VALUES (t.tenant('sections'), 'email', 'smtp', '{"url": "smtp://127.0.0.1:9", "from": "shop@example.com"}', '{}');
RESET client_min_messages;
INSERT INTO workflow_templates (tenant_id, name, subject, body) VALUES (t.tenant('sections'), 'mail', 's', 'x');

-- What a mail of that text and HTML is rendered to.
CREATE FUNCTION t.mail(body text, html text, payload jsonb) RETURNS TABLE (text text, html_text text, error text)
LANGUAGE plpgsql AS $$
BEGIN
	UPDATE workflow_templates SET body = mail.body, html = mail.html WHERE tenant_id = t.tenant('sections') AND name = 'mail';
	RETURN QUERY SELECT p.request->>'text', p.request->>'html', p.error
	FROM wf_preview('{"name": "sections", "trigger_type": "sections", "steps": [{"name": "go", "action": "send_email",
		"params": {"to": "a@example.com", "template": "mail"}}]}', payload, t.tenant('sections'), execute => false) p;
END $$;
CREATE FUNCTION t.mail_text(body text, payload jsonb) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT coalesce(text, error) FROM t.mail(body, NULL, payload)
$$;
-- The same with what is not to be seen in psql's table: > and < around it.
CREATE FUNCTION t.mail_shown(body text, payload jsonb) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT replace(replace(format('>%s<', m), E'\r', '\r'), E'\n', '\n') FROM t.mail_text(body, payload) m
$$;

-- The lines of an order, in text and in HTML, escaped for where they land.
SELECT * FROM t.mail(
'Order {{ trigger.id }}
{{# trigger.lines }}
- {{ item.qty }} x {{ item.sku }}: {{ item.price | number: "FM990.00" }}
{{/}}
{{^ trigger.lines }}
(nothing)
{{/}}
Thank you.',
'<ul>{{# trigger.lines }}<li title="{{ item.sku }}">{{ item.sku }}</li>{{/}}</ul>{{^ trigger.lines }}<p>none</p>{{/}}',
'{"id": 7, "lines": [{"sku": "A<b>&\"1\"", "qty": 2, "price": 3.5}, {"sku": "{{ trigger.id }}", "qty": 1, "price": 10}]}') \gx
SELECT * FROM t.mail(
'Order {{ trigger.id }}
{{# trigger.lines }}
- {{ item.sku }}
{{/}}
{{^ trigger.lines }}
(nothing)
{{/}}
Thank you.', '<ul>{{# trigger.lines }}<li>{{ item.sku }}</li>{{/}}</ul>{{^ trigger.lines }}<p>none</p>{{/}}', '{"id": 7}') \gx

-- What is none, and what is rendered once.
SELECT value, t.mail_text('{{# trigger.x }}[{{ item }}]{{/}}{{^ trigger.x }}none{{/}}', coalesce(jsonb_build_object('x', value), '{}'))
FROM unnest(ARRAY[NULL, 'null', 'false', '[]', '""', 'true', '0', '5', '"text"', '{}', '{"a": 1}', '[null]', '[false, "", []]', '[[1, 2], {"a": 1}]']::jsonb[]) value;
SELECT t.mail_text('{{# trigger.a.b.c }}x{{/}}{{^ trigger.a.b.c }}none{{/}}', payload)
FROM unnest(ARRAY['{}', '{"a": null}', '{"a": 5}', '{"a": {"b": []}}', '{"a": {"b": {"c": 1}}}']::jsonb[]) payload;
-- Filters.
SELECT t.mail_text('{{# trigger.x | default: "d" }}[{{ item | upper }}]{{/}}{{# trigger.l | first }}{{ item.k }}{{/}}', payload)
FROM unnest(ARRAY['{}', '{"x": ["a", "b"]}', '{"l": [{"k": "v"}, {"k": "w"}]}']::jsonb[]) payload;

-- index counts from 0; outer is the section around.
SELECT t.mail_text('{{# trigger.boxes }}{{ index }}:{{# item.lines }} {{ outer.index }}.{{ index }} {{ outer.item.name }}/{{ item }}{{/}};{{/}}',
	'{"boxes": [{"name": "A", "lines": [1, 2]}, {"name": "B", "lines": []}, {"name": "C", "lines": [3]}]}');
-- An object: its value is the item, and what is around it stays within reach.
SELECT t.mail_text('{{# trigger.customer }}{{ item.name }}{{# item.address }}, {{ item.city }} ({{ outer.item.name }}, {{ trigger.id }}, {{ index }}){{/}}{{/}}',
	'{"id": 7, "customer": {"name": "Nadine", "address": {"city": "Beirut"}}}');
-- An inverted section has no item of its own.
SELECT t.mail_text('{{# trigger.l }}{{^ item.paid }}{{ item.id }} at {{ index }} is not paid. {{/}}{{/}}', '{"l": [{"id": 1, "paid": true}, {"id": 2}, {"id": 3, "paid": false}]}');
-- Four levels, and a section's name at its end.
SELECT t.mail_text('{{# trigger.a }}{{# item }}{{# item }}{{# item }}{{ item }}{{ outer.index }}{{ outer.outer.index }}{{ outer.outer.outer.index }} {{/ item }}{{/item}}{{/}}{{/trigger.a}}',
	'{"a": [[[["x"], ["y"]]], [[["z"]]]]}');
-- An element that lacks something fails the step, and says which one.
SELECT t.mail_text('{{# trigger.l }}{{ item.sku }}{{/}}', '{"l": [{"sku": 1}, {"ku": 2}]}');
SELECT t.mail_text('{{# trigger.l }}{{# item.m }}{{ outer.item.sku }}{{ item.x[0] }}{{/}}{{/}}', '{"l": [{"sku": 1, "m": {"x": [1]}}, {"sku": 2, "m": {"x": []}}]}');
SELECT t.mail_text('{{# trigger.l }}{{ item.sku | default: "?" }}{{/}}', '{"l": [{"sku": 1}, {"ku": 2}, 3, null]}');

-- A line that has nothing but tags does not show.
SELECT t.mail_shown(body, '{"l": [1, 2], "e": []}')
FROM unnest(ARRAY[
	E'a\n{{# trigger.l }}\n- {{ item }}\n{{/}}\nb\n',
	E'a\r\n  {{# trigger.l }}  \r\n- {{ item }}\r\n\t{{/}}\r\nb',
	E'{{# trigger.l }}\n{{ item }}\n{{/}}',
	E'{{# trigger.e }}\nx\n{{/}}\n{{^ trigger.e }}\nnone\n{{/}}\nend',
	E'a\n{{# trigger.l }}{{# item }}\n{{ item }}\n{{/}}{{/}}\nb',
	E'a\n{{# trigger.l }}\n\n{{ item }}\n\n{{/}}\nb',
	E'  {{# trigger.l }} {{ item }} {{/}}  \n',
	E'a {{# trigger.l }}\n{{ item }}\n{{/}}.\nb',
	E'a\n{{# trigger.l }}\n{{/}}\nb',
	E'\n{{ # trigger.l}}\n{{ item }}\n{{\n/ trigger.l }}\n\n']) body;

-- Refused when the row is written, with position and hint.
CREATE FUNCTION t.mail_refused(body text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	UPDATE workflow_templates SET body = mail_refused.body WHERE tenant_id = t.tenant('sections') AND name = 'mail';
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format('%s %s | %s | %s', SQLSTATE, SQLERRM, detail, hint);
END $$;
SELECT body, t.mail_refused(body)
FROM unnest(ARRAY[
	'{{# trigger.x }}', 'é {{# trigger.x }}{{^ item.y }}{{/}}', 'x{{/}}', '{{/ trigger.x }}', '{{# trigger.x }}{{/}}{{/}}',
	'{{# trigger.x }}{{# item.y }}{{/ trigger.x }}{{/}}', '{{# trigger.x', '{{#}}{{/}}', '{{# }}x{{/}}', '{{^ steps[0] }}{{/}}',
	'{{# trigger.x }}{{# item }}{{# item }}{{# item }}{{# item }}{{# item }}{{/}}{{/}}{{/}}{{/}}{{/}}{{/}}',
	'{{# trigger.x | uper }}{{/}}', '{{# trigger.x y }}{{/}}', '{{#if trigger.x}}a{{else}}b{{/if}}', '{{# each trigger.x }}{{/}}',
	'{{ item }}', '{{ index }}', '{{ outer.item }}', '{{# trigger.x }}{{/}}{{ item.y }}', '{{^ trigger.x }}{{ item }}{{/}}',
	'{{# trigger.x }}{{ outer.item }}{{/}}', '{{# trigger.x }}{{# item }}{{ outer.outer.item }}{{ outer }}{{ outer.sku }}{{ index.x }}{{/}}{{/}}',
	'{{# trigger.x }}{{ itm }}{{/}}', '{{# trigger.x }}{{ sku }}{{/}}', '{{# trigger.x }}{% if x %}{{/}}', '\{{# trigger.x }} \{{/}}', '{{> partial }}']) body;
-- Neither a subject nor a definition has sections.
UPDATE workflow_templates SET body = 'x', subject = 'a {{# trigger.x }}b{{/}}' WHERE tenant_id = t.tenant('sections');
SELECT path, severity, code, pos, message, hint
FROM wf_validate('{"name": "w", "trigger_type": "w", "title": "{{# trigger.x }}", "steps": [
	{"name": "s", "action": "send_email", "params": {"to": "a@example.com", "subject": "{{# trigger.x }}", "body": "é{{^ trigger.x }}{{ item }}{{/}}"}}]}');

-- Paths in sections are checked for the step that takes the template.
UPDATE workflow_templates SET body = '{{# steps.find.output.rows }}{{ item.x }}{{ steps.later.status }}{{/}}{{# steps.late.output }}{{/}}', html = NULL
WHERE tenant_id = t.tenant('sections');
SELECT path, severity, message, hint
FROM wf_validate('{"name": "w", "trigger_type": "w", "steps": [
	{"name": "find", "action": "find_record", "params": {"table": "pg_catalog.pg_class", "where": {"relname": "x"}}},
	{"name": "mail", "action": "send_email", "params": {"to": "a@example.com", "template": "mail"}},
	{"name": "later", "action": "send_email", "params": {"to": "a@example.com", "subject": "s", "body": "b"}}]}', t.tenant('sections'))
WHERE path LIKE 'steps[1]%';
-- What is not known is not taken for none.
UPDATE workflow_templates SET body = '{{^ steps.ask.output.rows }}none{{/}}' WHERE tenant_id = t.tenant('sections');
SELECT step_name, status, error, reason
FROM wf_preview('{"name": "sections", "trigger_type": "sections", "steps": [
	{"name": "ask", "action": "webhook", "params": {"url": "https://example.com/"}},
	{"name": "mail", "action": "send_email", "params": {"to": "a@example.com", "template": "mail"}}]}', '{}', t.tenant('sections'), execute => false);
SELECT step_name, status, error, request->>'text' AS text
FROM wf_preview('{"name": "sections", "trigger_type": "sections", "steps": [
	{"name": "ask", "action": "webhook", "params": {"url": "https://example.com/"}},
	{"name": "mail", "action": "send_email", "params": {"to": "a@example.com", "template": "mail"}}]}', '{}', t.tenant('sections'),
	execute => false, outputs => '{"ask": {"truncated": true, "size": 20000, "head": "{\"rows\": ["}}');

-- Limits: the size of the text, the number of elements.
SELECT n, CASE WHEN m LIKE '{"head"%' THEN m::jsonb->>'size' ELSE m END FROM unnest(ARRAY[26000, 26300]) n,
	t.mail_text('{{# trigger.l }}0123456789012345678901234567890123456789{{/}}', jsonb_build_object('l', (SELECT jsonb_agg(1) FROM generate_series(1, n)))) m;
SELECT t.mail_text('{{# trigger.l }}{{# trigger.l }}{{# trigger.l }}{{# trigger.l }}{{/}}{{/}}{{/}}{{/}}',
	jsonb_build_object('l', (SELECT jsonb_agg(1) FROM generate_series(1, 1000))));

DELETE FROM workflow_templates WHERE tenant_id = t.tenant('sections');
DELETE FROM workflow_connections WHERE tenant_id = t.tenant('sections');
DROP FUNCTION t.mail_refused, t.mail_shown, t.mail_text, t.mail;
