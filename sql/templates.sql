--
-- Templates: {{ path | filter: argument | ... }} in the parameters of a step.
--
-- Every template below is rendered by a run, as the parameter of a step that
-- returns what it got.
--
CREATE PROCEDURE t.render(payload jsonb, VARIADIC templates text[]) LANGUAGE plpgsql AS $$
DECLARE
	steps jsonb := (
		SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'echo',
				'params', jsonb_build_object('v', template), 'on_error', 'continue') ORDER BY n)
		FROM unnest(templates) WITH ORDINALITY AS given (template, n));
BEGIN
	CALL t.run('templates', steps, payload);
END $$;
CREATE VIEW t.rendered AS
SELECT v.definition #>> ARRAY['steps', s.step::text, 'params', 'v'] AS template,
	s.output->'v' AS result, s.error
FROM workflow_runs r
JOIN workflow_definition_versions v ON v.definition_id = r.definition_id AND v.version = r.definition_version,
	wf_trace(r.id) AS s
WHERE r.id = t.last()
ORDER BY s.step;

--
-- Types
--
-- A string that is one template and nothing else takes the value with its
-- type...
CALL t.render('{"text": "abc", "n": 5, "big": 12345678901234567890.10, "yes": true, "none": null,
		"items": [{"sku": "a", "q": 2}, {"sku": "b"}], "o": {"k": "v"}}',
	'{{trigger.text}}', '{{ trigger.n }}', '{{trigger.big}}', '{{trigger.yes}}', '{{trigger.none}}',
	'{{trigger.items}}', '{{trigger.o}}', '{{trigger.items[0].q}}');
SELECT template, result, jsonb_typeof(result) AS type FROM t.rendered;
-- ... anything else is text: strings bare, numbers and booleans as JSON text,
-- objects and arrays as JSON, null as nothing.
CALL t.render('{"text": "abc", "n": 5, "big": 12345678901234567890.10, "yes": true, "none": null,
		"items": [{"sku": "a", "q": 2}, {"sku": "b"}], "o": {"k": "v"}}',
	'{{trigger.text}}!', ' {{trigger.n}}', '{{trigger.big}} {{trigger.yes}}', '[{{trigger.none}}]',
	'items: {{trigger.items}}', 'o: {{trigger.o}}', '{{trigger.n}}{{trigger.n}}', 'no template', '');
SELECT template, result, jsonb_typeof(result) AS type FROM t.rendered;

-- Braces that are meant themselves.
CALL t.render('{"n": 5}', '\{{trigger.n}}', '\{{ {{trigger.n}} }}', 'a } b }} c { d');
SELECT template, result, error FROM t.rendered;

-- Templates are rendered at any depth, keys are not.
CALL t.run('templates', '[{"name": "deep", "action": "echo", "params":
	{"a": [{"b": ["{{trigger.n}}", "n is {{trigger.n}}", 7, null]}], "{{trigger.n}}": "{{trigger.n}}"}}]',
	'{"n": 5}');
SELECT output FROM t.step;

--
-- Paths
--
CALL t.render('{"items": [{"sku": "a"}, {"sku": "b"}], "odd key": {"a\"b": 1, "it''s": 2}, "مرحبا": "hello",
		"tags": [["x", "y"], []], "a-b_c": 3}',
	'{{trigger.items[1].sku}}', '{{trigger.items[-1].sku}}', '{{trigger.tags[0][1]}}',
	'{{trigger["odd key"]["a\"b"]}}', '{{trigger[''odd key'']["it''s"]}}', '{{trigger.مرحبا}}',
	'{{trigger.a-b_c}}');
SELECT * FROM t.rendered;

-- A path that leads nowhere fails the step, with the first part that is
-- missing.
CALL t.render('{"customer": {"name": "Nadine", "phone": null}, "items": [1, 2], "n": 5}',
	'{{trigger.order_id}}', 'Order {{trigger.customer.address.city}}', '{{trigger.items[2]}}',
	'{{trigger.items.first}}', '{{trigger.customer[0]}}', '{{trigger.customer.phone.country}}',
	'{{trigger.n.x}}');
SELECT template, error FROM t.rendered;
-- A default allows it; null is a value that a default stands in for.
CALL t.render('{"customer": {"name": "Nadine", "phone": null}}',
	'{{trigger.order_id | default: "none"}}', '{{trigger.customer.address.city | default: "Beirut"}}',
	'{{trigger.customer.phone | default: ""}}', '{{trigger.customer.name | default: "x"}}',
	'{{trigger.x | default: 5}}', '{{trigger.x | default: -1.50}}', '{{trigger.x | default: true}}',
	'{{trigger.x | default: null}}', 'x{{trigger.x | default: null}}x', '{{trigger.x | upper | default: ''y''}}');
SELECT * FROM t.rendered;

--
-- Filters
--
CALL t.render('{"name": "  Nadine Haddad ", "items": [3, "x", null, {"a": 1}], "o": {"k": 1, "l": 2},
		"none": [], "q": "a b/c&d=é", "n": 5, "yes": true}',
	'{{trigger.name | upper}}', '{{trigger.name | lower}}', '{{trigger.name | trim}}',
	'{{trigger.name | trim | length}}', '{{trigger.items | length}}', '{{trigger.o | length}}',
	'{{trigger.items | join}}', '{{trigger.items | join: " - "}}', '{{trigger.none | join: ", "}}',
	'{{trigger.items | first}}', '{{trigger.items | last}}', '{{trigger.none | first}}',
	'{{trigger.items | json}}', '{{trigger.q | json}}', '{{trigger.q | urlencode}}',
	'{{trigger.items | last | json | upper}}', 'Dear {{ trigger.name|trim }}!');
SELECT * FROM t.rendered;
-- number and date take the pictures of to_char.
CALL t.render('{"total": 1234567.891, "text": "99.5", "zero": 0, "at": "2024-05-01T22:30:00Z",
		"day": "2024-05-01", "epoch": 86400}',
	'{{trigger.total | number: "FM9,999,990.00"}}', '{{trigger.text | number: "FM990.00"}}',
	'{{trigger.zero | number: "FM990.00"}}', 'USD {{trigger.total | number: "FM9999999"}}',
	'{{trigger.at | date: "YYYY-MM-DD HH24:MI", "UTC"}}',
	'{{trigger.at | date: "YYYY-MM-DD HH24:MI", "Asia/Beirut"}}',
	'{{trigger.at | date: "FMDay, DD FMMonth", "America/New_York"}}',
	'{{trigger.day | date: "DD/MM/YYYY"}}', '{{trigger.epoch | date: "YYYY-MM-DD", "UTC"}}');
SELECT * FROM t.rendered;
-- A number that does not fit its picture fails the step; no text has ###.
CALL t.render('{"big": 1250000.5, "edge": 999999.995, "negative": -999999.99, "n": 4000, "nan": "NaN", "zero": 0}',
	'{{trigger.big | number: "FM999,990.00"}}', '{{trigger.edge | number: "FM999,990.00"}}',
	'{{trigger.negative | number: "FM999,990.00"}}', '{{trigger.n | number: "RN"}}',
	'{{trigger.n | number: "FM9\"#\"999"}}', '{{trigger.big | number: "FM9\"#\"999"}}',
	'{{trigger.big | number: "9.99EEEE"}}', '{{trigger.nan | number: "999"}}',
	'{{trigger.zero | number: "RN"}}', '{{trigger.zero | number: "FM0.00"}}');
SELECT template, result, error FROM t.rendered;
-- The zone given is the zone printed: its offset, its abbreviation, in winter
-- and in summer, whatever the session's.
CALL t.render('{"winter": "2026-01-15T06:59:00Z", "summer": "2026-07-15T06:59:00Z",
		"before": "2026-03-08T06:59:59Z", "after": "2026-03-08T07:00:00Z",
		"back": "2026-11-01T05:59:59Z", "again": "2026-11-01T06:00:00Z"}',
	'{{trigger.winter | date: "YYYY-MM-DD\"T\"HH24:MI:SSOF", "America/New_York"}}',
	'{{trigger.summer | date: "YYYY-MM-DD\"T\"HH24:MI:SSOF", "America/New_York"}}',
	'{{trigger.winter | date: "HH24:MI TZ", "America/New_York"}}',
	'{{trigger.summer | date: "HH24:MI TZ tz TZH:TZM", "America/New_York"}}',
	'{{trigger.before | date: "HH24:MI:SS TZ", "America/New_York"}}',
	'{{trigger.after | date: "HH24:MI:SS TZ", "America/New_York"}}',
	'{{trigger.back | date: "HH24:MI:SS TZ", "America/New_York"}}',
	'{{trigger.again | date: "HH24:MI:SS TZ", "America/New_York"}}',
	'{{trigger.winter | date: "HH24:MI OF TZ", "Asia/Kolkata"}}',
	'{{trigger.winter | date: "HH24:MI OF TZ", "UTC"}}', '{{trigger.winter | date: "HH24:MI OF", "Z"}}',
	'{{trigger.winter | date: "HH24:MI OF", "+03:00"}}', '{{trigger.winter | date: "HH24:MI OF", "-0330"}}',
	'{{trigger.winter | date: "HH24:MI OF", "+14"}}', '{{trigger.winter | date: "HH24:MI OF", "Etc/GMT+3"}}',
	'{{trigger.winter | date: "HH24:MI TZ", "EST5EDT"}}', '{{trigger.winter | date: "HH24:MI", "america/new_york"}}');
SELECT template, result, error FROM t.rendered;
-- A date without a time is that day in any zone, however it is spelled.
CALL t.render('{"day": "2026-03-01", "zoned": "2026-03-01+02:00", "z": "2026-03-01Z", "words": "March 1, 2026",
		"basic": "20260301", "midnight": "2026-03-01T00:00:00Z", "packed": "20260301T120000Z", "spring": "2026-03-29"}',
	'{{trigger.day | date: "YYYY-MM-DD HH24:MI TZ", "America/New_York"}}',
	'{{trigger.day | date: "YYYY-MM-DD HH24:MI", "Pacific/Kiritimati"}}',
	'{{trigger.zoned | date: "YYYY-MM-DD", "America/New_York"}}', '{{trigger.z | date: "YYYY-MM-DD", "America/New_York"}}',
	'{{trigger.words | date: "YYYY-MM-DD", "America/New_York"}}', '{{trigger.basic | date: "YYYY-MM-DD", "America/New_York"}}',
	'{{trigger.midnight | date: "YYYY-MM-DD HH24:MI", "America/New_York"}}',
	'{{trigger.packed | date: "YYYY-MM-DD HH24:MI", "America/New_York"}}',
	'{{trigger.spring | date: "YYYY-MM-DD", "Asia/Beirut"}}');
SELECT template, result, error FROM t.rendered;
-- Numbers from 10^11 on are milliseconds.
CALL t.render('{"s": 1772366400, "ms": 1772366400000, "below": 99999999999, "first": 100000000000,
		"old": -631152000000, "frac": 1772366400.5, "end": "infinity"}',
	'{{trigger.s | date: "YYYY-MM-DD HH24:MI", "UTC"}}', '{{trigger.ms | date: "YYYY-MM-DD HH24:MI", "UTC"}}',
	'{{trigger.below | date: "YYYY", "UTC"}}', '{{trigger.first | date: "YYYY-MM-DD", "UTC"}}',
	'{{trigger.old | date: "YYYY-MM-DD", "UTC"}}', '{{trigger.frac | date: "SS.MS", "UTC"}}',
	'{{trigger.end | date: "YYYY", "UTC"}}');
SELECT template, result, error FROM t.rendered;
-- Refused on write: zones as POSIX spells them, and pictures that would print
-- something else than what is meant.
SELECT argument, message
FROM unnest(ARRAY['"HH24", "UTC+3"', '"HH24", "GMT-05:00"', '"HH24", "<+03>-3"', '"HH24", "Etc/GMT+99"', '"HH24", "AAA3BBB"',
		'"HH24", "Nowhere/Land"', '"HH24", "+3"', '"HH24", "+16:00"', '"HH24", "+03:60"', '"HH24", "PDT"',
		'"YYYY-MM-DDTHH24:MI"', '"HH24:MM"', '"HH24:MI \"HH:MM THH\""']) argument
LEFT JOIN LATERAL wf_validate(jsonb_build_object('name', 'w', 'trigger_type', 'w', 'steps', jsonb_build_array(
	jsonb_build_object('name', 's', 'action', 'echo', 'params',
		jsonb_build_object('a', format('{{ trigger.at | date: %s }}', argument)))))) ON true;
SELECT argument, message
FROM unnest(ARRAY['"#,##0.00"', '"abc"', '"FM990\" # \""', '".99"', '"RN"']) argument
LEFT JOIN LATERAL wf_validate(jsonb_build_object('name', 'w', 'trigger_type', 'w', 'steps', jsonb_build_array(
	jsonb_build_object('name', 's', 'action', 'echo', 'params',
		jsonb_build_object('a', format('{{ trigger.n | number: %s }}', argument)))))) ON true;
-- What a filter cannot take fails the step, with PostgreSQL's words where it
-- was PostgreSQL that refused.
CALL t.render('{"text": "abc", "n": 5, "yes": true, "o": {"k": 1}, "none": null}',
	'{{trigger.text | number: "9"}}', '{{trigger.yes | number: "9"}}', '{{trigger.text | date: "YYYY"}}',
	'{{trigger.o | upper}}', '{{trigger.n | join}}', '{{trigger.n | length}}', '{{trigger.text | first}}',
	'{{trigger.none | upper}}');
SELECT template, result, error FROM t.rendered;

--
-- Context: what a template sees
--
SELECT wf_define(t.tenant('templates'), '{"name": "Context", "trigger_type": "context", "steps": [
	{"name": "one", "action": "echo", "params": {"x": [1, "two"]}},
	{"name": "two", "action": "find_record", "params": {"table": "t.no_such_table", "where": {}}, "on_error": "continue"},
	{"name": "three", "action": "echo", "condition": "$.trigger.n > 5"},
	{"name": "steps", "action": "echo", "params": {
		"one": "{{steps.one}}", "x": "{{steps.one.output.x[1]}}", "two": "{{steps.two}}",
		"why": "two is {{steps.two.status}}: {{steps.two.error}}", "three": "{{steps.three.status}}"}},
	{"name": "rest", "action": "echo", "params": {"run": "{{run}}", "attempt": "{{run.attempt}}",
		"workflow": "{{workflow.name}} {{workflow.version}} {{workflow.id}}",
		"tenant": "{{tenant.id}}", "now": "{{now}}", "trigger": "{{trigger}}"}}]}') AS id \gset
SELECT wf_fire(t.tenant('templates'), 'context', '{"n": 5}') AS run \gset
SELECT t.wait_run(:'run');
SELECT key, value FROM wf_trace(:'run') AS s, jsonb_each(s.output) WHERE step_name = 'steps' ORDER BY key;
SELECT (output->'run'->>'id')::uuid = :'run' AS run_id,
	(output->'run'->>'queued_at')::timestamptz = r.queued_at AS queued_at, output->'attempt' AS attempt,
	output->>'workflow' = 'Context 1 ' || :'id' AS workflow,
	(output->>'tenant')::uuid = t.tenant('templates') AS tenant,
	(output->>'now')::timestamptz BETWEEN r.queued_at AND r.completed_at AS now,
	output->'trigger' AS trigger
FROM wf_trace(:'run') AS s, workflow_runs r
WHERE s.step_name = 'rest' AND r.id = :'run';

--
-- Escaping: values are escaped for where they land.  (Nothing listens at the
-- addresses below; the history shows what would have been sent.)
--
SET client_min_messages = warning;
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials) VALUES
(t.tenant('templates'), 'team', 'slack', '{"base_url": "http://127.0.0.1:9"}', '{"bot_token": "x"}'),
(t.tenant('templates'), 'email', 'smtp', '{"url": "smtp://127.0.0.1:9", "from": "shop@example.com", "starttls": "never"}', '{}'),
(t.tenant('templates'), 'shop', 'http', '{"base_url": "http://127.0.0.1:9/api"}', '{}');
RESET client_min_messages;
-- In a URL they are percent-encoded, but a template that begins the URL stands
-- as it is; headers and body are not touched.
CALL t.run('templates', '[
	{"name": "url", "action": "webhook", "on_error": "continue", "retry": {"max_attempts": 1},
	 "params": {"url": "http://127.0.0.1:9/{{trigger.text}}?n={{trigger.n}}&o={{trigger.o}}",
		"body": {"text": "{{trigger.text}}"}, "headers": {"X-Text": "{{trigger.text}}"}}},
	{"name": "base", "action": "webhook", "on_error": "continue", "retry": {"max_attempts": 1},
	 "params": {"url": "{{trigger.base}}/x/{{trigger.text}}", "method": "GET"}},
	{"name": "path", "action": "webhook", "on_error": "continue", "retry": {"max_attempts": 1},
	 "params": {"path": "/{{trigger.text}}", "connection": "shop", "query": {"q": "{{trigger.text}}"}}}]',
	'{"text": "a/b?c=<d> & \"é\"", "n": 5, "o": {"k": "v"}, "base": "http://127.0.0.1:9/a?b=c"}');
SELECT step_name, status, key, value FROM t.step, jsonb_each_text(input) ORDER BY step, key;
-- In the HTML of a mail they are HTML-escaped, in its text and subject not.
CALL t.run('templates', '[
	{"name": "html", "action": "send_email", "on_error": "continue", "retry": {"max_attempts": 1},
	 "params": {"to": "ops@example.com", "subject": "{{trigger.text}}", "html": "<p>{{trigger.text}}</p>"}},
	{"name": "text", "action": "send_email", "on_error": "continue", "retry": {"max_attempts": 1},
	 "params": {"to": ["ops@example.com"], "subject": "Hi", "body": "<p>{{trigger.text}}</p>"}},
	{"name": "slack", "action": "team_notify", "on_error": "continue", "retry": {"max_attempts": 1},
	 "params": {"channel": "#ops", "message": "<b> {{trigger.text}} <https://x.y|link>"}}]',
	'{"text": "<b>\"Tom\" & ''Jerry''</b>"}');
SELECT step_name, status, key, value FROM t.step, jsonb_each_text(input) ORDER BY step, key;
-- Nothing breaks out of a header or an address.
CALL t.run('templates', '[
	{"name": "header", "action": "webhook", "on_error": "continue", "retry": {"max_attempts": 1},
	 "params": {"url": "http://127.0.0.1:9/", "headers": {"X-Text": "{{trigger.text}}"}}},
	{"name": "to", "action": "send_email", "on_error": "continue", "retry": {"max_attempts": 1},
	 "params": {"to": "{{trigger.text}}", "subject": "Hi", "body": "x"}},
	{"name": "reply_to", "action": "send_email", "on_error": "continue", "retry": {"max_attempts": 1},
	 "params": {"to": "ops@example.com", "reply_to": "{{trigger.text}}", "subject": "Hi", "body": "x"}},
	{"name": "subject", "action": "send_email", "on_error": "continue", "retry": {"max_attempts": 1},
	 "params": {"to": "ops@example.com", "subject": "{{trigger.text}}", "body": "x"}}]',
	'{"text": "a@example.com\r\nBcc: b@example.com"}');
SELECT step_name, status, error FROM t.step ORDER BY step;

-- Mail templates are compiled when they are saved: every problem, with its
-- position.
INSERT INTO workflow_templates (tenant_id, name, subject, body, html) VALUES
(t.tenant('templates'), 'bad', 'Order {{trigger.id | uper}}', '{{ triger.id }} {{', '<p>{{trigger.id}}</p>');
\set VERBOSITY terse
INSERT INTO workflow_templates (tenant_id, name, subject) VALUES (t.tenant('templates'), 'empty', 'only a subject');
\set VERBOSITY default
-- One that is not there fails the step that names it.
CALL t.run('templates', '[{"name": "mail", "action": "send_email", "retry": {"max_attempts": 1},
	"params": {"to": "ops@example.com", "template": "nowhere"}}]');
SELECT status, error FROM t.step;

--
-- Bad input fails its own step only
--
-- A value that is nested as deep as jsonb allows, one that is large.
CALL t.run('templates', '[
	{"name": "deep", "action": "echo", "params": {"v": "x{{trigger.deep}}"}, "on_error": "continue"},
	{"name": "long", "action": "echo", "params": {"v": "{{trigger.long | length}}"}}]',
	jsonb_build_object('deep', (repeat('[', 5000) || repeat(']', 5000))::jsonb, 'long', repeat('x', 500000)));
SELECT step_name, status, CASE WHEN step = 1 THEN output END AS output FROM t.step;

DELETE FROM workflow_runs WHERE tenant_id = t.tenant('templates');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('templates');
DELETE FROM workflow_connections WHERE tenant_id = t.tenant('templates');
DROP VIEW t.rendered;
DROP PROCEDURE t.render;
