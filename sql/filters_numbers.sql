--
-- Filters that compute, and arguments that are paths.
--
-- Every template is rendered by a run, as the parameter of a step that returns
-- what it got.
--
CREATE PROCEDURE t.render(payload jsonb, templates text[]) LANGUAGE plpgsql AS $$
DECLARE
	steps jsonb := (
		SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'echo', 'on_error', 'continue',
				'params', jsonb_build_object('v', template)) ORDER BY n)
		FROM unnest(templates) WITH ORDINALITY AS given (template, n));
BEGIN
	CALL t.run('numbers', steps, payload);
END $$;
CREATE VIEW t.rendered AS
SELECT v.definition #>> ARRAY['steps', s.step::text, 'params', 'v'] AS template,
	s.output->'v' AS result, s.error
FROM workflow_runs r
JOIN workflow_definition_versions v ON v.definition_id = r.definition_id AND v.version = r.definition_version,
	wf_trace(r.id) AS s
WHERE r.id = t.last()
ORDER BY s.step;
-- What wf_validate says of a template.
CREATE FUNCTION t.says(template text, OUT code text, OUT pos int, OUT message text, OUT hint text)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT v.code, v.pos, v.message, v.hint
	FROM wf_validate(jsonb_build_object('name', 'w', 'trigger_type', 'w', 'steps', jsonb_build_array(
		jsonb_build_object('name', 's', 'action', 'echo', 'params', jsonb_build_object('p', template)),
		jsonb_build_object('name', 'later', 'action', 'echo')))) AS v
$$;

--
-- Arithmetic: PostgreSQL's numeric
--
CALL t.render('{"total": 19.90, "paid": 5, "n": -7, "big": 12345678901234567890.123456789, "zero": 0, "third": 3}', ARRAY[
	'{{ trigger.total | plus: 0.10 }}', '{{ trigger.total | minus: trigger.paid }}', '{{ trigger.total | times: 3 }}',
	'{{ trigger.total | divided_by: 4 }}', '{{ trigger.paid | divided_by: 2 }}', '{{ trigger.paid | divided_by: trigger.third }}',
	'{{ trigger.n | divided_by: 2 }}', '{{ trigger.n | abs }}', '{{ trigger.big | plus: 1 }}', '{{ trigger.big | times: trigger.big }}',
	'{{ trigger.zero | minus: 0.1 | minus: 0.2 }}', '{{ trigger.n | plus: -3 }}', '{{ trigger.paid | times: 1e3 }}',
	'{{ trigger.total | round }}', '{{ trigger.total | round: 1 }}', '{{ trigger.total | round: 4 }}', '{{ trigger.big | round: -3 }}',
	'{{ trigger.total | divided_by: 3 | round: 2 }}', '{{ trigger.n | divided_by: 2 | round }}',
	'To pay: {{ trigger.total | minus: trigger.paid | number: "FM990.00" }} USD', '{{ trigger.total | times: trigger.paid | json }}',
	'{{trigger.total|minus:trigger.paid|plus:1}}', '{{ trigger.total | minus : trigger.paid }}']);
SELECT * FROM t.rendered;
-- Division by zero and what is too large fail the step in PostgreSQL's words.
CALL t.render('{"n": 5, "zero": 0.00, "large": 1e100000}', ARRAY['{{ trigger.n | divided_by: trigger.zero }}', '{{ trigger.n | divided_by: 0 }}',
	'{{ trigger.large | times: trigger.large }}']);
SELECT * FROM t.rendered;
-- Nor are numbers multiplied or divided that would take seconds.
CALL t.render(jsonb_build_object('n', 5, 'long', repeat('7', 5000)::numeric, 'sparse', 1e131000), ARRAY['{{ trigger.long | times: trigger.n }}', '{{ trigger.n | times: trigger.long }}',
	'{{ trigger.long | divided_by: trigger.n }}', '{{ trigger.sparse | divided_by: trigger.long }}', '{{ trigger.sparse | divided_by: trigger.sparse }}',
	'{{ trigger.long | plus: trigger.n | json | slice: 4996, 4 }}', '{{ trigger.long | minus: trigger.long }}']);
SELECT * FROM t.rendered;
-- The same as in SQL, for each pair of these numbers.
CREATE TABLE t.number AS SELECT i, n FROM unnest(ARRAY[0, 1, -1, 3, 0.1, -0.5, 2.5, 19.90, 1e-20, 123456789012345678.9, 1e30]::numeric[])
	WITH ORDINALITY AS given (n, i);
CREATE TABLE t.pair AS
SELECT format('%s %s %s', a.i, f, b.i) AS key, a.n AS a, b.n AS b, f, format('{{ trigger.n%s | %s: trigger.n%s }}', a.i, f, b.i) AS template
FROM t.number AS a, t.number AS b, unnest(ARRAY['plus', 'minus', 'times', 'divided_by']) AS f WHERE f <> 'divided_by' OR b.n <> 0;
SELECT jsonb_build_array(jsonb_build_object('name', 'all', 'action', 'echo', 'params', jsonb_object_agg(key, template))) AS steps FROM t.pair \gset
SELECT jsonb_object_agg('n' || i, n) AS payload FROM t.number \gset
CALL t.run('numbers', :'steps', :'payload');
SELECT f, count(*) AS pairs, count(*) FILTER (WHERE (output->key)::numeric IS DISTINCT FROM
	CASE f WHEN 'plus' THEN a + b WHEN 'minus' THEN a - b WHEN 'times' THEN a * b ELSE a / b END) AS different
FROM t.pair, t.step GROUP BY f ORDER BY f;

--
-- Arguments that are paths
--
CALL t.run('numbers', '[
	{"name": "sum", "action": "echo", "params": {"total": "{{ trigger.total }}", "text": "x"}},
	{"name": "use", "action": "echo", "params": {
		"step": "{{ trigger.total | minus: steps.sum.output.total }}", "odd": "{{ trigger.total | plus: trigger[\"odd, key | x\"].n }}",
		"index": "{{ trigger.total | plus: trigger.list[-1] }}", "run": "{{ run.attempt | plus: run.attempt }}",
		"picture": "{{ trigger.total | number: trigger.picture }}", "zone": "{{ trigger.at | date: \"HH24:MI\", trigger.zone }}",
		"both": "{{ trigger.at | date: trigger.day, trigger.zone }}", "glue": "{{ trigger.list | join: trigger.glue }}",
		"arabic": "{{ trigger.total | plus: trigger.عدد }}"}}]',
	'{"total": 10, "odd, key | x": {"n": 0.5}, "list": [1, 2], "picture": "FM990.0", "at": "2026-03-01T22:30:00Z", "zone": "Asia/Beirut",
	"day": "YYYY-MM-DD", "glue": "-", "عدد": 4}');
SELECT key, value FROM t.step, jsonb_each(output) WHERE step_name = 'use' ORDER BY key;
-- A missing one fails the step, as the path of a template does.
CALL t.render('{"n": 5, "o": {"a": 1}, "null": null, "text": "5", "empty": "", "half": 1.5}', ARRAY['{{ trigger.n | plus: trigger.none }}',
	'{{ trigger.n | plus: trigger.o.b }}', '{{ trigger.n | plus: trigger.n.x }}', '{{ trigger.n | plus: trigger.list[0] }}',
	'{{ trigger.none | plus: trigger.n }}', '{{ trigger.none | plus: trigger.none | default: 0 }}', '{{ trigger.null | plus: trigger.none }}']);
SELECT template, error FROM t.rendered;
-- So does one of the wrong type; the message says what it is.
CALL t.render('{"n": 5, "o": {"a": 1}, "null": null, "text": "5", "empty": "", "half": 1.5, "yes": true, "minus": -1, "huge": 1e30, "words": "a b"}', ARRAY[
	'{{ trigger.n | plus: trigger.o }}', '{{ trigger.n | plus: trigger.null }}', '{{ trigger.n | plus: trigger.text }}',
	'{{ trigger.n | times: trigger.yes }}', '{{ trigger.n | round: trigger.half }}', '{{ trigger.n | round: trigger.huge }}',
	'{{ trigger.n | number: trigger.n }}', '{{ trigger.n | number: trigger.empty }}', '{{ trigger.n | number: trigger.words }}',
	'{{ trigger.n | date: "YYYY", trigger.words }}', '{{ trigger.words | split: trigger.empty }}', '{{ trigger.words | replace: trigger.empty, "x" }}',
	'{{ trigger.words | replace: "a", trigger.n }}', '{{ trigger.words | slice: 0, trigger.minus }}', '{{ trigger.words | truncate: trigger.minus }}',
	'{{ trigger.words | truncate: trigger.n, trigger.null }}']);
SELECT template, error FROM t.rendered;
-- default looks at its argument only if it needs it; another default may come
-- behind it.
CALL t.render('{"billing": "b", "empty": "", "shipping": "s", "n": null}', ARRAY[
	'{{ trigger.billing | default: trigger.none }}', '{{ trigger.empty | default: trigger.shipping }}', '{{ trigger.none | default: trigger.shipping }}',
	'{{ trigger.none | default: trigger.nowhere }}', '{{ trigger.none | default: trigger.nowhere | default: "x" }}',
	'{{ trigger.none | default: trigger.nowhere | upper | default: trigger.shipping | upper }}',
	'{{ trigger.none | default: trigger.n }}', '{{ trigger.none | default: trigger.n | default: "y" }}',
	'{{ trigger.none | default: "x" | default: trigger.nowhere }}', '{{ trigger.none | upper | default: trigger.empty }}',
	'{{ trigger.none | default: [] }}', '{{ trigger.none | default: [ ] | length }}', '{{ trigger.none | default: trigger }}']);
SELECT * FROM t.rendered;

--
-- What the numeric filters do not take
--
CREATE TABLE t.value (n int, kind text, value jsonb);
INSERT INTO t.value VALUES (1, 'text', '"5"'), (2, 'true', 'true'), (3, 'null', 'null'), (4, 'array', '[5]'), (5, 'object', '{"a": 5}'), (6, 'number', '-5.5');
SELECT array_agg(format('{{ trigger[%s] | %s }}', to_json(kind), f) ORDER BY f.n, v.n) AS templates
FROM t.value AS v, unnest(ARRAY['plus: 1', 'minus: 1', 'times: 2', 'divided_by: 2', 'round', 'abs', 'to_number']) WITH ORDINALITY AS f (f, n) \gset
SELECT jsonb_object_agg(kind, value) AS payload FROM t.value \gset
CALL t.render(:'payload', :'templates');
SELECT * FROM t.rendered;

-- to_number: blanks, and digits as they are written elsewhere; nothing that
-- people read in two ways, and nothing of which only the beginning is one.
SELECT array_agg(format('{{ trigger.%s | to_number }}', chr(97 + i)) ORDER BY i) AS templates FROM generate_series(0, 14) AS i \gset
CALL t.render('{"a": " 12 ", "b": "-0.50", "c": "+7", "d": "1e3", "e": ".5", "f": "5.", "g": "٤٢", "h": "۱۲۳", "i": "٣٫١٤", "j": "\u00a0٧\u200f",
	"k": "−3", "l": "１２", "m": "007", "n": "\u200e+٩٦١", "o": 2.50}',
	:'templates');
SELECT * FROM t.rendered;
SELECT array_agg(format('{{ trigger.%s | to_number }}', chr(97 + i)) ORDER BY i) AS templates FROM generate_series(0, 18) AS i \gset
CALL t.render(jsonb_build_object('a', '', 'b', ' ', 'c', '5 kg', 'd', '1,250.50', 'e', '1.250,50', 'f', 'NaN', 'g', 'Infinity', 'h', '0x10', 'i', '1_000',
	'j', '- 5', 'k', '--5', 'l', '1e', 'm', '1.2.3', 'n', '.', 'o', '$5', 'p', '١٬٢٥٠', 'q', '1e999999', 'r', repeat('9', 1001), 's', E'5\u200f5'),
	:'templates');
SELECT * FROM t.rendered;
CALL t.render('{"a": "٥", "b": "x"}', ARRAY['{{ trigger.a | to_number | plus: 1 }}', '{{ trigger.none | default: "3" | to_number }}',
	'{{ trigger.b | to_number | default: 1 }}']);
SELECT * FROM t.rendered;

--
-- Refused on write, with the position and what is right
--
SELECT given.template, says.* FROM unnest(ARRAY['{{ trigger.a | pluss: 1 }}', '{{ trigger.a | add: 1 }}', '{{ trigger.a | qqqq }}', '{{ trigger.a | plus }}',
	'{{ trigger.a | plus: 1, 2 }}', '{{ trigger.a | plus: 1, 2, 3 }}', '{{ trigger.a | abs: 1 }}', '{{ trigger.a | plus: "1" }}', '{{ trigger.a | plus: true }}',
	'{{ trigger.a | plus: null }}', '{{ trigger.a | plus: [] }}', '{{ trigger.a | round: 1.5 }}', '{{ trigger.a | round: 1e10 }}', '{{ trigger.a | round: "2" }}',
	'{{ trigger.a | plus: 1 | minus }}', '{{ trigger.a | plus: 1 | minus | abs }}', '{{ trigger.a | slice: 0, -1 }}', '{{ trigger.a | slice: "0" }}', '{{ trigger.a | split: "" }}',
	'{{ trigger.a | split: 1 }}', '{{ trigger.a | replace: "a" }}', '{{ trigger.a | replace: "", "b" }}', '{{ trigger.a | replace: "a", 1 }}',
	'{{ trigger.a | truncate: -1 }}', '{{ trigger.a | truncate: 2 }}', '{{ trigger.a | truncate: 2, "...." }}', '{{ trigger.a | map }}', '{{ trigger.a | map: 1 }}',
	'{{ trigger.a | where: "" }}', '{{ trigger.a | where: "x", "y", "z" }}', '{{ trigger.a | sum: 1 }}', '{{ trigger.a | sort: true }}',
	'{{ trigger.a | default: [1] }}', '{{ trigger.a | default: [ }}', '{{ trigger.a | default: x }}', '{{ trigger.a | default: nil }}', '{{ trigger.a | default: , 1 }}',
	'{{ trigger.a | date: trigger.p, "Moon/Base" }}', '{{ trigger.a | date: "HH24:MM", trigger.zone }}', '{{ trigger.a | date: 1, trigger.zone }}',
	'{{ trigger.a - 1 }}', '{{ trigger.a * trigger.b }}', '{{ trigger.a | plus: 1 + 2 }}', '{{ trigger.a | plus: (1) }}', '{{ trigger.a | plus: 1', '{{ trigger.a | abs: "}}"'])
	WITH ORDINALITY AS given (template, n), t.says(template) AS says ORDER BY n;
-- The path of an argument is checked as any path.
SELECT given.template, says.* FROM unnest(ARRAY['{{ trigger.a | plus: triger.b }}', '{{ trigger.a | plus: steps.later.output.n }}', '{{ trigger.a | plus: steps.s.output.n }}',
	'{{ trigger.a | plus: steps.nowhere.output.n }}', '{{ trigger.a | plus: run.nr }}', '{{ trigger.a | plus: trigger..b }}', '{{ trigger.a | plus: trigger.b[x] }}',
	'{{ trigger.a | plus: trigger["b }}', '{{ trigger.a | plus: $.trigger.b }}', '{{ trigger.a | slice: 0, steps.later.output.n }}', 'é {{ trigger.a | plus: payload.b }}',
	'{{ trigger.a | plus: trigger.items.0.n }}', '{{ trigger.a | plus: trigger.b | minus: trigger.c.1 }}', '{{ trigger.a | plus: true.b }}'])
	WITH ORDINALITY AS given (template, n), t.says(template) AS says ORDER BY n;
-- In a mail template and in a title too.
\set VERBOSITY terse
INSERT INTO workflow_templates (tenant_id, name, subject, body) VALUES (t.tenant('numbers'), 'bad', 'x', '{{ trigger.a | plus: triger.b }}');
\set VERBOSITY default
SELECT path, code, message FROM wf_validate('{"name": "w", "trigger_type": "w", "title": "{{ trigger.a | default: now }}", "steps": [{"name": "a", "action": "echo"}]}');

-- A part of an output that was cut is not known: default does not help if it
-- would be computed with, and never in an argument.
SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'echo', 'on_error', 'continue', 'params', jsonb_build_object('v', template)) ORDER BY n) AS steps
FROM unnest(ARRAY['{{ steps.big.output.text | default: "gone" | upper }}', '{{ steps.big.output.size | plus: 0 }}', '{{ steps.big.output.head | slice: 0, 5 }}',
	'{{ steps.big.output.n | default: 0 | plus: 1 }}', '{{ steps.big.output.list | default: [] }}', '{{ steps.big.output.list | default: [] | sum }}',
	'{{ steps.big.output.list | default: "" | length }}', '{{ steps.big.output.n | default: "0" | to_number }}', '{{ steps.big.output.list | default: trigger.list | sum }}',
	'{{ steps.big.output | length }}', '{{ steps.big.output | default: [] | map: "n" }}', '{{ trigger.n | plus: steps.big.output.n }}',
	'{{ trigger.none | default: steps.big.output.n | default: 1 }}', '{{ trigger.none | default: steps.big.output }}', '{{ trigger.n | default: steps.big.output.n }}',
	'{{ trigger.n | plus: steps.big.output.size }}', '{{ steps.s1.output.none | default: [] | sum }}']) WITH ORDINALITY AS given (template, n) \gset
SELECT jsonb_build_object('text', repeat('x', 20000), 'n', 5, 'list', '[1]'::jsonb) AS payload \gset
CALL t.run('numbers', '[{"name": "big", "action": "echo", "params": {"n": 5, "list": [1, 2], "text": "{{ trigger.text }}"}}]'::jsonb || :'steps', :'payload');
SELECT * FROM t.rendered OFFSET 1;

--
-- A preview: what an unknown argument makes is unknown.
--
SELECT step_name, status, input, reason FROM wf_preview('{"name": "w", "trigger_type": "w", "steps": [
	{"name": "ask", "action": "webhook", "params": {"url": "http://127.0.0.1:9/"}},
	{"name": "argument", "action": "echo", "on_error": "continue", "params": {"v": "{{ trigger.n | plus: steps.ask.output.body.n }}"}},
	{"name": "second", "action": "echo", "on_error": "continue", "params": {"v": "{{ trigger.text | replace: \"a\", steps.ask.output.body.n }}"}},
	{"name": "missing", "action": "echo", "on_error": "continue", "params": {"v": "{{ trigger.none | default: steps.ask.output.body.n | default: 1 }}"}},
	{"name": "given", "action": "echo", "on_error": "continue", "params": {"v": "{{ trigger.n | default: steps.ask.output.body.n }}"}},
	{"name": "status", "action": "echo", "on_error": "continue", "params": {"v": "{{ trigger.none | default: steps.ask.status }}"}}]}',
	'{"n": 5, "text": "a"}', t.tenant('numbers'), execute => false);
SELECT step_name, status, input FROM wf_preview('{"name": "w", "trigger_type": "w", "steps": [
	{"name": "ask", "action": "webhook", "params": {"url": "http://127.0.0.1:9/"}},
	{"name": "argument", "action": "echo", "params": {"v": "{{ trigger.n | plus: steps.ask.output.body.n }}"}}]}',
	'{"n": 5}', t.tenant('numbers'), execute => false, outputs => '{"ask": {"body": {"n": 2}}}');

DELETE FROM workflow_runs WHERE tenant_id = t.tenant('numbers');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('numbers');
DROP VIEW t.rendered;
DROP PROCEDURE t.render;
DROP FUNCTION t.says;
DROP TABLE t.number, t.pair, t.value;
