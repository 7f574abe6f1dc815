--
-- What people who know another language write: each mistake is named, with
-- the spelling that works.  What is certain to be one is an error; what may
-- be meant as it stands is a warning.
--
\pset format unaligned
\pset fieldsep ' | '
CREATE FUNCTION t.problems(step jsonb) RETURNS TABLE (problem text)
LANGUAGE sql AS $$
	SELECT v.severity || ': ' || replace(v.path, 'steps[1].', '') || ': ' || v.message || coalesce(' (' || v.hint || ')', '')
	FROM wf_validate(jsonb_build_object('steps', jsonb_build_array(
		'{"name": "send-mail", "action": "echo"}'::jsonb, '{"name": "s", "action": "echo"}' || step))) AS v
$$;

-- Conditions as text.  Whatever is recommended is a condition itself.
CREATE TABLE t.condition (n serial, condition text);
INSERT INTO t.condition (condition) VALUES
	($c$$.trigger["order-id"] == 5$c$),
	($c$$.trigger['order-id'] == 5$c$),
	($c$trigger.total > 100$c$),
	($c$$.trigger.total = 100$c$),
	($c$$.trigger.a > 1 and $.trigger.b > 2$c$),
	($c$not $.trigger.paid == true$c$),
	($c$!$.trigger.paid == true && $.trigger.a > 1$c$),
	($c$$.trigger.country == 'LB'$c$),
	($c$$.trigger.country == 'it''s'$c$),
	($c$strict $.trigger.total > 100$c$),
	($c$trigger.total = 'x' AND payload.b <> "y" or not (event.z > 5)$c$),
	($c$$.trigger.items.0.sku == "x"$c$),
	($c$$.trigger.order-id == 5$c$),
	($c$$.steps.send-mail.status == "completed"$c$),
	($c$total > 100$c$),
	($c$$.trigger.a is null$c$),
	($c$$.trigger.a is not null$c$),
	($c$$.trigger.a in ("x", "y")$c$),
	($c$$.trigger.a === 1$c$),
	($c$$.trigger.a == True$c$),
	($c$$.trigger.a == "{{ trigger.b }}"$c$),
	($c$($.trigger.a == 1$c$),
	($c$lower($.trigger.a) == "x"$c$),
	($c$@.trigger.a == 1$c$),
	($c$$.trigger.vip$c$),
	($c$$.trigger.items[*] ? (@.q > 5)$c$),
	($c$$.trigger.a == 1 || 2$c$),
	($c$$.trigger.a > "x$c$),
	($c$$[trigger].a > 1$c$),
	($c$$.trigger.a == “x”$c$),
	($c$$.trigger.total > 100;$c$),
	($c$$.trigger.a > 1 && $.trigger.vip$c$),
	($c$$.trigger.items[*].q > 2 && exists($.trigger.x ? (@ > 1 && @ < 3)) && $.trigger.a like_regex "^a" flag "i" && ($.trigger.b starts with "x") is unknown$c$),
	($c$$.trigger.a == .4é$c$),
	($c$$payload.x == 1$c$),
	($c$$.payload.x == 1$c$),
	($c$$.trigger.a > 5 /* x and y */$c$),
	($c$$.trigger.items["a", 1] == 5$c$),
	($c$$.trigger.a eq 5$c$),
	($c$"x" in $.trigger.tags$c$),
	($c$$.trigger.tags contains "x"$c$),
	($c$$.steps["send"].status == "x"$c$),
	($c$if $.trigger.a > 5$c$),
	($c$$.trigger.total>100&$.trigger.b<5$c$),
	($c${{ trigger.total }} > 100 and "{{ trigger.b }}" == "x"$c$),
	($c$$.trigger.total => 100$c$),
	($c$$.trigger.a.datetime() < now()$c$),
	($c$trigger.created_at.datetime() < now.datetime()$c$),
	($c${{ trigger.paid }}$c$), ($c$trigger.paid$c$), ($c$not trigger.paid$c$), ($c$$.trigger.a == "trigger.b" || $.trigger.a == "$.trigger.c"$c$), ($c$$.trigger.a =~ "x"$c$), ($c$$.trigger.a NOT IN (1)$c$),
	($c$$.trigger.a == NULL and $.trigger.b == None$c$), ($c$$json.total > 5$c$), ($c$$.trigger.total >$c$), ($c$$.$c$), ($c$'$c$), ($c$"$c$), ($c${{$c$), ($c$!$c$),
	($c$($c$), ($c$)$c$), ($c$[$c$), ($c$@$c$), ($c$\$c$), ($c$.5 > $.trigger.a$c$), ($c$is$c$), ($c$is not$c$), ($c$$[$c$), ($c$é$c$);
SELECT condition, problem FROM t.condition LEFT JOIN LATERAL t.problems(jsonb_build_object('condition', condition)) ON true
ORDER BY n;
SELECT count(*) AS recommended, count(*) FILTER (WHERE EXISTS (
	SELECT FROM t.problems(jsonb_build_object('condition', substring(problem FROM '\(Write: (.*)\)$'))))) AS not_valid
FROM t.condition, t.problems(jsonb_build_object('condition', condition)) WHERE problem LIKE '%(Write: %';

-- Conditions as objects.
SELECT condition, problem
FROM unnest(ARRAY[
	'{"field": "$.trigger.x", "op": "=", "value": "{trigger.x}"}', '{"field": "{{ trigger.x }}", "op": "is_empty"}',
	'{"field": "trigger.items.0.x", "op": "eq", "value_field": "trigger.items.1", "ignore_case": true}',
	'{"field": "trigger.x", "op": "before", "value": "soon"}', '{"field": "trigger.x", "op": "before", "value": "2026-02-30"}',
	'{"field": "trigger.x", "op": "after", "value": "2026-03-01 10:00"}', '{"field": "trigger.x", "op": "after", "value": 5}',
	'{"field": "trigger.x", "op": "eq", "value": 5, "value_field": "trigger.b"}',
	'{"field": "trigger.x", "op": "eq", "value_field": "{{ trigger.b }}"}', '{"field": "trigger.x", "op": "eq", "value_field": 5}',
	'{"field": "trigger.x", "op": "gt", "value": 5, "ignore_case": true}', '{"field": "trigger.x", "op": "gt", "value": 5, "ignore_case": false}',
	'{"field": "trigger.x", "op": "empty", "value_field": "trigger.b"}', '{"field": "trigger.x", "op": "not_empty", "value": null}',
	'{"field": "trigger.x", "op": "eq", "value_field": "event.b", "ignore_case": "yes"}', '{"field": "trigger.x", "operator": "eq", "value": 1}',
	'{"field": "trigger.x", "op": ">", "value": 1}', '{"field": "trigger.x", "op": "greater_than", "value": 1}',
	'{"field": "trigger.x", "op": "startsWith", "value": "a"}', '{"and": [{"field": "trigger.x", "op": "empty"}]}',
	'{"field": "trigger.x", "op": "eq", "value": "trigger.b"}', '{"field": "trigger.x", "op": "in", "value": ["trigger.b"]}',
	'{"field": "x", "op": "empty"}', '{"ignore_case": true}', '{"value_field": "trigger.x", "all": []}']::jsonb[]) WITH ORDINALITY AS given (condition, n)
LEFT JOIN LATERAL t.problems(jsonb_build_object('condition', condition)) ON true ORDER BY n;

-- Templates.
SELECT template, problem
FROM unnest(ARRAY['{trigger.x}','${x}','${trigger.x}','#{trigger.x}','Hi {% if trigger.x %}a{% endif %}','{{ trigger.items.0.sku }}','{{trigger.x}','{{ $.trigger.x }}','{{ payload.x }}','{{ event.x }}',
	'{{ trigger.x | Upper }}','{{ trigger.x | UPPER }}','{{ trigger.x | upcase }}','{{ trigger.x | date_format: "%Y" }}','{{ trigger.x | default("y") }}','{{ trigger.x | default "y" }}','{{ trigger.x or "y" }}','{{ trigger.x || "y" }}',
	'{{ trigger.x == 1 }}','{{ trigger.a + trigger.b }}','{{ trigger.x ? "a" : "b" }}','{{#if trigger.x}}a{{/if}}','{{ if trigger.x }}','{{{ trigger.x }}}','{{ now() }}','{{ "x" }}','{{ .trigger.x }}','{{ $json.x }}','{{ trigger.order-id }}','{{ trigger.odd key }}',
	'trigger.order_id','$.trigger.order_id','steps.send-mail.output.id','steps.zzz.output.id','run.jobs','workflow.orders','now','tenant.id','trigger','<%= trigger.x %>','{"a": {"b": 1}}','body { color: red }','{name}','{ trigger.x } and {steps.send-mail.output}','\{{ x }}','{{trigger.x} and {{trigger.y}}','{{ trigger.x | upper | }}','{{ trigger.x | trim() }}','{{ trigger.x, trigger.y }}','{{ trigger["x"] }}','{{ trigger.x | number: FM99 }}', 'é${x}é{trigger.é}','{{ step.a.output }}','{{ steps.send-mail.result }}','{{ steps[0].output }}', '{{ trigger.x | default: trigger.y }}','{{ Trigger.x }}','{{ trigger }}','{{trigger.a}}{trigger.a}']) WITH ORDINALITY AS given (template, n)
LEFT JOIN LATERAL t.problems(jsonb_build_object('params', jsonb_build_object('p', template))) ON true ORDER BY n;
-- Keys are no templates.
SELECT problem FROM t.problems('{"params": {"a": {"{{ trigger.k }}": 1, "\\{{ trigger.k }}": 2, "{trigger.k}": 3, "k": 4}}}');

-- Literals that cannot work, and some that can.
SELECT step, problem
FROM unnest(ARRAY[
	'{"action": "webhook", "on_error": "skip", "params": {"url": "/orders", "method": "FETCH"}}',
	'{"action": "webhook", "on_error": "Ignore", "params": {"url": "example.com/x", "method": "post"}}',
	'{"action": "webhook", "on_error": "retry", "params": {"url": "ftp://example.com/x", "method": "{{ trigger.m }}"}}',
	'{"action": "webhook", "params": {"url": "https://me:secret@example.com/x", "method": ""}}',
	'{"action": "webhook", "params": {"url": "https://example.com/{{ trigger.x }}", "method": "PSOT"}}',
	'{"action": "webhook", "params": {"url": "{{ trigger.url }}", "method": "GET"}}',
	'{"action": "webhook", "params": {"url": "{{ payload.url }}/x", "method": "{{ trigger.m"}}',
	'{"action": "send_email", "params": {"to": "not an address", "subject": "s", "body": "b", "cc": "", "bcc": ["a@b.c", "", "x"],
		"reply_to": "Joe <joe@x.y>", "from": "\"Doe, J\" <j@x.y>"}}',
	'{"action": "send_email", "params": {"to": "a@x.y; b@x.y,", "subject": "s", "body": "b"}}',
	'{"action": "send_email", "params": {"to": "Doe, J <j@x.y>", "subject": "s", "body": "b"}}',
	'{"action": "send_email", "params": {"to": "{{ trigger.to }}", "subject": "{trigger.x}", "body": "b"}}',
	'{"action": "send_email", "params": {"to": ["trigger.to", "{{ trigger.to }}"], "subject": "x", "body": "b"}}']::jsonb[]) WITH ORDINALITY AS given (step, n)
LEFT JOIN LATERAL t.problems(step) ON true ORDER BY n;

-- Names are no templates either.
SELECT path, severity, message, hint FROM wf_validate('{"name": "Order {{ trigger.id }}", "trigger_type": "{{ x }}", "description": "{{ x }}",
	"steps": [{"name": "a", "action": "echo", "retry": 3}, {"name": "{{ trigger.n }}", "action": "{{ trigger.a }}", "timeout": "{{ trigger.t }}"}]}');

-- A warning is no error: it is saved, and one WARNING says all.
SELECT t.tenant('spelling') AS tenant \gset
SELECT wf_define(:'tenant', '{"name": "Warned", "trigger_type": "warned", "steps": [
	{"name": "a", "action": "echo", "params": {"x": "Order {trigger.id}", "{{ trigger.k }}": "${name}"}}]}') IS NOT NULL AS saved;
SELECT count(*) FROM workflow_definitions WHERE tenant_id = :'tenant';
-- The same JSON again writes nothing, and warns of nothing.
SELECT wf_define(:'tenant', definition) = id AS same FROM workflow_definitions WHERE tenant_id = :'tenant';
UPDATE workflow_definitions SET definition = jsonb_set(definition, '{steps,0,params}', '{"x": "trigger.id"}') WHERE tenant_id = :'tenant';
-- With an error among them, the errors alone are told.
SELECT code, detail FROM t.error(format('SELECT wf_define(%L, %L)', :'tenant', '{"name": "Warned", "trigger_type": "warned", "steps": [
	{"name": "a", "action": "echo", "params": {"x": "Order {trigger.id}", "y": "{{ payload.id }}"}}]}'));
-- Mail templates.
INSERT INTO workflow_templates (tenant_id, name, subject, html)
VALUES (:'tenant', 'warned', 'Order ${id}', '<style>p { color: red }</style><p>{{ trigger.id }}</p>');

-- A restore, whose scripts turn check_function_bodies off, is not warned.
SET check_function_bodies = off;
UPDATE workflow_templates SET subject = 'Order #{id}' WHERE tenant_id = :'tenant';
RESET check_function_bodies;

DELETE FROM workflow_templates WHERE tenant_id = :'tenant';
DELETE FROM workflow_definitions WHERE tenant_id = :'tenant';
DROP FUNCTION t.problems;
DROP TABLE t.condition;
