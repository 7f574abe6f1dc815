--
-- wf_validate: every problem of a definition at once, with its path and a
-- hint; no rows, and it is valid.
--
\pset format unaligned
\pset fieldsep ' | '

-- Valid, and using every key.
CREATE TABLE orders (id text PRIMARY KEY, status text);
SELECT path, severity, message, hint FROM wf_validate('{
	"name": "Everything", "trigger_type": "new_order", "description": "All that there is.",
	"steps": [
		{"name": "confirm", "action": "update_record",
		 "params": {"table": "orders", "id": "{{trigger.order_id}}",
			"fields": {"status": "confirmed"}, "id_column": "id"}},
		{"name": "tell-them", "action": "webhook",
		 "params": {"url": "https://example.com/{{trigger.order_id}}"},
		 "condition": "$.steps.confirm.status == \"completed\"",
		 "on_error": "continue", "timeout": "10 s",
		 "retry": {"max_attempts": 5, "initial_interval": "1 second",
			"backoff_coefficient": 1.5, "max_interval": "1 minute"}},
		{"name": "_3", "action": "echo", "condition":
			{"all": [{"field": "trigger.country", "op": "in", "value": ["LB", "SA"]},
				{"not": {"field": "trigger.test", "op": "exists"}}]}}]}');
DROP TABLE orders;

-- The author of this one made every mistake there is, and hears of all.
SELECT path, severity, message, hint FROM wf_validate('{
	"nmae": "Mistakes", "trigger_type": 5, "description": ["x"],
	"steps": [
		{"name": "first", "action": "update_recrod", "params": {"tabel": "orders"}},
		{"name": "first", "action": "update_record",
		 "params": {"tabel": "orders", "id": true, "fields": "x"}},
		{"name": "2nd", "action": "echo", "onerror": "stop", "on_error": "ignore"},
		{"action": "whatsapp_notify", "params": {"phone": "{{triger.phone}}"}},
		{"name": "templates", "action": "echo", "params": {
			"a": "{{trigger.a | uper}}", "b": ["x {{trigger.b"],
			"c d": {"e": "{{steps.frist.output}} and {{steps.later.output}}"}}},
		{"name": "later", "action": "echo", "condition": "$.trigger.total"},
		{"name": "last", "action": "echo",
		 "condition": {"any": [{"field": "trigger.a", "op": "equals", "value": 1},
			{"field": "trigger.b", "op": "gt"}]},
		 "timeout": "soon", "retry": {"max_attempts": 0, "initial_interval": "-1 s", "jitter": true}}]}');

-- The shape.
SELECT path, severity, message, hint FROM wf_validate('[]');
SELECT path, severity, message, hint FROM wf_validate('{}');
SELECT path, severity, message, hint FROM wf_validate('{"steps": {}}');
SELECT path, severity, message, hint FROM wf_validate('{"steps": []}');
SELECT path, severity, message, hint FROM wf_validate('{"steps": [5, {}]}');
SELECT path, severity, message, hint FROM wf_validate('{"name": "", "trigger_type": null, "steps": [{"name": "a", "action": "echo"}]}');
SELECT path, severity, message, hint FROM wf_validate('{"steps": [{"name": "a", "action": 5, "params": []}]}');
SELECT path, severity, message, hint FROM wf_validate(NULL);

-- From 1 to 1,000 steps.
SELECT n, count(v.message) AS problems, min(v.message) AS message
FROM (VALUES (1), (1000), (1001)) AS given (n)
LEFT JOIN LATERAL wf_validate(jsonb_build_object('steps',
	(SELECT jsonb_agg(jsonb_build_object('name', 's' || i, 'action', 'echo'))
	 FROM generate_series(1, n) i))) AS v ON true
GROUP BY n ORDER BY n;

-- Names of steps: unique, letters, digits, "_" and "-".
SELECT name, v.message, v.hint
FROM (VALUES (1, 'a'), (2, '_'), (3, 'A-1_b'), (4, '1a'), (5, '-a'), (6, 'a b'), (7, 'a.b'),
	(8, 'é'), (9, '')) AS given (n, name)
LEFT JOIN LATERAL wf_validate(jsonb_build_object('steps', jsonb_build_array(
	jsonb_build_object('name', name, 'action', 'echo')))) AS v ON true
ORDER BY n;

-- What is not known names the nearest known word: keys, actions, parameters.
SELECT v.path, v.message, v.hint
FROM wf_validate('{"step": [], "steps": [
	{"name": "a", "action": "send_emial"}, {"name": "b", "action": "pigeon"},
	{"name": "c", "action": "find_record", "parms": {}, "params": {"table": "x", "were": {}}}]}') AS v;

-- Parameters: those required, their types (a template may become anything),
-- and what must go together.
SELECT v.path, v.message, v.hint
FROM wf_validate('{"steps": [
	{"name": "a", "action": "update_record"},
	{"name": "b", "action": "update_record", "params": {"table": ["x"], "id": {"a": 1}, "fields": []}},
	{"name": "c", "action": "update_record",
	 "params": {"table": "{{trigger.t}}", "id": "{{trigger.id}}", "fields": "{{trigger.f}}"}},
	{"name": "d", "action": "update_record",
	 "params": {"table": "t", "id": 1, "fields": "of {{trigger.f}}"}},
	{"name": "e", "action": "webhook", "params": {"url": "https://x.y", "path": "/z"}},
	{"name": "f", "action": "webhook", "params": {"path": "/z"}},
	{"name": "g", "action": "webhook"},
	{"name": "h", "action": "send_email", "params": {"to": "a@x.y"}},
	{"name": "i", "action": "send_email",
	 "params": {"to": ["a@x.y"], "subject": "x", "body": "x", "template": "y"}},
	{"name": "j", "action": "send_email", "params": {"to": "a@x.y", "template": "y"}},
	{"name": "k", "action": "team_notify", "params": {"channel": "#ops"}}]}') AS v;

-- on_error.
SELECT word, v.message, v.hint
FROM (VALUES (1, '"stop"'), (2, '"continue"'), (3, '"contniue"'), (4, 'null'), (5, 'true')) AS given (n, word)
LEFT JOIN LATERAL wf_validate(jsonb_build_object('steps', jsonb_build_array(
	jsonb_build_object('name', 'a', 'action', 'echo', 'on_error', word::jsonb)))) AS v ON true
ORDER BY n;

-- timeout: interval text, up to a day.
SELECT timeout, v.path, v.message, v.hint
FROM (VALUES (1, '"5 minutes"'), (2, '"PT1H"'), (3, '"1 day"'), (4, '"25 hours"'), (5, '"0"'),
	(6, '"-1 s"'), (7, '"soon"'), (8, '5'), (9, '"999999999 years"')) AS given (n, timeout)
LEFT JOIN LATERAL wf_validate(jsonb_build_object('steps', jsonb_build_array(
	jsonb_build_object('name', 'a', 'action', 'echo', 'timeout', timeout::jsonb)))) AS v ON true
ORDER BY n;

-- retry: numbers and intervals with their ceilings.
SELECT retry, v.path, v.message, v.hint
FROM (VALUES (1, '{"max_attempts": 1}'), (2, '{"max_attempts": 100, "max_interval": "30 days"}'),
	(3, '{}'), (4, '[]'), (5, '{"max_attempts": 101}'), (6, '{"max_attempts": 1.5}'),
	(7, '{"max_attempts": "3"}'), (8, '{"max_attempts": 1e400}'),
	(9, '{"max_attempts": 3, "initial_interval": "31 days"}'),
	(10, '{"max_attempts": 3, "initial_interval": "1 hour", "max_interval": "1 minute"}'),
	(11, '{"max_attempts": 3, "backoff_coefficient": 0.5}'),
	(12, '{"max_attempts": 3, "backoff_coefficient": 101}'),
	(13, '{"max_attempts": 3, "initial": "1 s"}')) AS given (n, retry)
LEFT JOIN LATERAL wf_validate(jsonb_build_object('steps', jsonb_build_array(
	jsonb_build_object('name', 'a', 'action', 'echo', 'retry', retry::jsonb)))) AS v ON true
ORDER BY n;

-- Templates: unknown filters and bad syntax, with their position.
SELECT template, v.path, v.message, v.hint
FROM (VALUES (1, '{{trigger.a}}'), (2, '{{'), (3, '{{}}'), (4, 'a {{trigger.a }'),
	(5, '{{trigger.a | uper}}'), (6, '{{trigger.a | }}'), (7, '{{trigger.a | upper: 1}}'),
	(8, '{{trigger.a | default}}'), (9, '{{trigger.a | default: x}}'),
	(10, '{{trigger.a | date: "YYYY", "Moon/Base"}}'), (11, '{{trigger.a b}}'),
	(12, '{{triger.a}}'), (13, '{{secrets.a}}'), (14, '{{trigger..a}}'), (15, '{{trigger.a[x]}}'),
	(16, '{{run.nr}}'), (17, '{{workflow.nmae}}'), (18, '{{tenant.name}}'), (19, '{{now.year}}'),
	(20, 'Ünï {{oops}} {{trigger.a | bad}} {{'), (21, '\{{ is no template')) AS given (n, template)
LEFT JOIN LATERAL wf_validate(jsonb_build_object('steps', jsonb_build_array(
	jsonb_build_object('name', 's', 'action', 'echo', 'params',
		jsonb_build_object('p', template))))) AS v ON true
ORDER BY n;

-- Steps see the results of earlier ones only.
SELECT v.path, v.message, v.hint
FROM wf_validate('{"steps": [
	{"name": "a", "action": "echo", "params": {"x": "{{steps.b.output}}", "y": "{{steps.a.status}}"}},
	{"name": "b", "action": "echo", "params": {"x": "{{steps.a.output.x}}", "y": "{{steps.aa.output}}",
		"z": "{{steps.a.outputs}}"},
		"condition": "$.steps.c.status == \"failed\" || $.steps.a.error == \"x\""},
	{"name": "c", "action": "echo", "condition": {"field": "steps.c.status", "op": "exists"}}]}') AS v;

-- Conditions: what is no predicate, what is no condition.
SELECT condition, v.path, v.message, v.hint
FROM (VALUES (1, '"$.trigger.total > 500"'), (2, '"$.trigger.total"'), (3, '"$.trigger.total >"'),
	(4, '""'), (5, '"true"'), (6, '"$trigger.total > 1"'), (7, '"$.triger.total > 1"'),
	(8, '"$.trigger.a like_regex \"(\""'), (9, '"{{trigger.total}} > 1"'),
	(10, '5'), (11, '{}'), (12, '[]'), (13, '{"field": "trigger.a", "op": "exists"}'),
	(14, '{"field": "trigger.a", "op": "eqq", "value": 1}'), (15, '{"field": "trigger.a", "op": "eq"}'),
	(16, '{"field": "trigger.a", "op": "exists", "value": 1}'), (17, '{"op": "eq", "value": 1}'),
	(18, '{"field": "trigger.a", "op": "in", "value": "x"}'),
	(19, '{"field": "trigger.a", "op": "gt", "value": true}'),
	(20, '{"field": "trigger.a", "op": "matches", "value": "("}'),
	(21, '{"field": "trigger.a", "op": "eq", "value": "{{trigger.b}}"}'),
	(22, '{"feild": "trigger.a", "op": "eq", "value": 1}'),
	(23, '{"all": []}'), (24, '{"all": [{"not": {"any": [{"field": "a", "op": "b"}]}}]}'),
	(25, '{"field": "trigger.a", "op": "exists", "all": []}')) AS given (n, condition)
LEFT JOIN LATERAL wf_validate(jsonb_build_object('steps', jsonb_build_array(
	jsonb_build_object('name', 's', 'action', 'echo', 'condition', condition::jsonb)))) AS v ON true
ORDER BY n;

-- However deep or large: an answer, and the session goes on.
SELECT v.path <> '' AS has_path, v.message
FROM (VALUES (1, ('{"steps": ' || repeat('[', 5000) || repeat(']', 5000) || '}')),
	(2, '{"steps": [{"name": "a", "action": "echo", "params": {"p": ' || repeat('[', 5000) || repeat(']', 5000) || '}}]}'),
	(3, '{"steps": [{"name": "a", "action": "echo", "condition": ' || repeat('{"not":', 5000) || '""' || repeat('}', 5000) || '}]}'),
	(4, '{"steps": [{"name": "a", "action": "echo", "condition": "' || repeat('!(', 20000) || '"}]}')) AS deep (n, definition),
	wf_validate(definition::jsonb) AS v
ORDER BY n, 2;
SELECT count(*) AS problems, count(DISTINCT v.path) AS paths
FROM wf_validate(jsonb_build_object('steps',
	(SELECT jsonb_agg(jsonb_build_object('name', 's' || i, 'action', 'ecko')) FROM generate_series(1, 900) i))) AS v;
-- 10,000 deep does not even become jsonb; nor does a NUL.
SELECT code FROM t.error($$SELECT wf_validate((repeat('[', 100000) || repeat(']', 100000))::jsonb)$$);
SELECT code, message FROM t.error($$SELECT wf_validate('{"steps": [{"name": "a\u0000", "action": "echo"}]}')$$);

-- What it finds is what a write is refused for.
SELECT code, message, detail FROM t.error($$
	INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition)
	VALUES (t.tenant('validate'), 'x', 'x', '{"steps": [{"name": "a", "action": "ecko"},
		{"name": "b", "action": "echo", "params": {"phone": "{{trigger.phone | uper}}"}}]}') $$);

-- For programs: a code that stays the same, what was put into the message,
-- and the place in the text, in characters.
SELECT path, code, args, pos FROM wf_validate('{
	"trigger_type": "{{ x }}", "name": "w", "nmae": 1,
	"schedule": [{"cron": "0 25 * * *", "time_zone": "UTC"}, {"cron": "0 8 30 2 *", "time_zone": "Moon"}],
	"steps": [
		{"name": "a", "action": "echo", "timeout": "1 year", "retry": {"max_attempts": 0.5}},
		{"name": "b", "action": "echo", "params": {
			"é": "é{{ trigger.x | uper }} é{{ triger.x }} {{ trigger.x | join }}", "f": "é {trigger.x}", "g": "{{ trigger..x }}"}},
		{"name": "c", "action": "echo", "condition": "$.trigger.é = 1"},
		{"name": "d", "action": "echo", "condition": {"all": [
			{"field": "trigger.é.", "op": "exists"}, {"field": "trigger.a", "op": "gt", "value": true},
			{"field": "trigger.a", "op": "before", "value": "soon"}, {"field": "trigger.a", "op": "matches", "value": "("}]}}]}');
SELECT path, code, args FROM wf_validate('{"steps": [{"name": "%s %d %%", "action": "a\"\\%s"}], "\"%.*s": 1}');
-- None is without.
SELECT count(*) AS problems, count(*) FILTER (WHERE code <> '') AS codes, count(*) FILTER (WHERE jsonb_typeof(args) = 'array') AS args
FROM wf_validate('{"steps": [5, {}, {"name": 1, "action": 2, "on_error": 3, "condition": 4, "params": 5, "retry": 6, "timeout": 7},
	{"name": "a", "action": "b", "condition": {"all": [{}, {"field": "x"}, {"any": []}, {"op": "eq"}]}}], "schedule": [{}, 5]}');
