--
-- Every filter with every type of JSON value.
--
CREATE TABLE t.value (n int, kind text, value jsonb);
INSERT INTO t.value VALUES (1, 'text', '"  Zoe & co "'), (2, 'blank', '""'), (3, 'number', '-12.50'), (4, 'true', 'true'),
	(5, 'null', 'null'), (6, 'array', '["a", 1, null, [2, "b"], {"k": "v"}, true]'), (7, 'empty array', '[]'),
	(8, 'object', '{"a": 1, "b": [2]}'), (9, 'empty object', '{}'), (10, 'missing', NULL);
CREATE TABLE t.filter (n int, filter text);
INSERT INTO t.filter
SELECT n, filter FROM unnest(ARRAY['default: "x"', 'upper', 'lower', 'trim', 'length', 'join', 'join: "+"', 'first', 'last', 'json',
	'urlencode']) WITH ORDINALITY AS given (filter, n);
CREATE TABLE t.use AS
SELECT row_number() OVER (ORDER BY f.n, v.n) - 1 AS step, filter, kind,
	format('{{ trigger[%s] | %s }}', to_json(kind), filter) AS template
FROM t.filter AS f, t.value AS v;

CREATE PROCEDURE t.render(payload jsonb, templates text[]) LANGUAGE plpgsql AS $$
DECLARE
	steps jsonb := (
		SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'echo', 'on_error', 'continue',
				'params', jsonb_build_object('v', template)) ORDER BY n)
		FROM unnest(templates) WITH ORDINALITY AS given (template, n));
BEGIN
	CALL t.run('filters', steps, payload);
END $$;

SELECT jsonb_object_agg(kind, value) FILTER (WHERE value IS NOT NULL) AS payload FROM t.value \gset
SELECT array_agg(template ORDER BY step) AS templates FROM t.use \gset
CALL t.render(:'payload', :'templates');
SELECT filter, kind, s.output->'v' AS result, s.error FROM t.use JOIN t.step AS s USING (step) ORDER BY step;

-- A filter behind another one names what it got, and from where.
CALL t.render('{"items": [{"a": 1}, 5], "n": 5}', ARRAY['{{ trigger.items | first | upper }}', '{{ trigger.items | last | length }}',
	'{{ trigger.n | json | first }}', '{{ trigger.none | default: 5 | join }}', '{{ trigger.items | first | json | length }}']);
SELECT step, output->'v' AS result, error FROM t.step ORDER BY step;

-- default: what is missing, null or "" is not given; 0, false, [] and {} are.
CALL t.render('{"blank": "", "space": " ", "zero": 0, "no": false, "list": [], "name": "Zoe"}', ARRAY[
	'{{ trigger.blank | default: "x" }}', '{{ trigger.space | default: "x" }}', '{{ trigger.space | trim | default: "x" }}',
	'{{ trigger.zero | default: "x" }}', '{{ trigger.no | default: "x" }}', '{{ trigger.list | default: "x" }}',
	'{{ trigger.list | join | default: "none" }}', '{{ trigger.list | first | default: "none" }}',
	'Dear {{ trigger.blank | default: "customer" }}!', '{{ trigger.blank | default: null }}', '{{ trigger.name | default: "x" }}']);
SELECT step, output->'v' AS result FROM t.step ORDER BY step;

-- trim takes every blank that Unicode knows, from both ends, and what has no
-- width; nothing from the middle.
CREATE TABLE t.blank AS
SELECT row_number() OVER (ORDER BY code) - 1 AS step, code, chr(code) AS blank
FROM unnest(ARRAY[9, 10, 11, 12, 13, 32, 133, 160, 5760, 8192, 8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202, 8203, 8232,
	8233, 8239, 8287, 12288, 65279]) AS code;
SELECT array_agg('{{ trigger.b' || code || ' | trim }}' ORDER BY step) AS templates,
	jsonb_object_agg('b' || code, blank || blank || 'a' || blank || 'é' || blank || ' ') AS payload
FROM t.blank \gset
CALL t.render(:'payload', :'templates');
SELECT count(*) AS blanks, count(*) FILTER (WHERE output->>'v' IS DISTINCT FROM 'a' || blank || 'é') AS different
FROM t.blank JOIN t.step USING (step);
CALL t.render('{"all": "\u00a0\u3000 \t", "none": "é", "inner": "a \u00a0 b", "mark": "\u200ea\u200e", "after": "a\u00a0"}',
	ARRAY['[{{ trigger.all | trim }}]', '{{ trigger.none | trim }}', '{{ trigger.inner | trim }}', '{{ trigger.mark | trim | length }}',
	'[{{ trigger.after | trim }}]', '{{ trigger.all | trim | length }}']);
SELECT step, output->'v' AS result FROM t.step ORDER BY step;

-- Characters, not bytes; letters of any script; bytes of UTF-8 in a URL.
CALL t.render('{"word": "Straße", "arabic": "مرحبا", "greek": "ΣΊΣΥΦΟΣ", "emoji": "👍🏽", "url": "a b/ü?&=+%~-._", "list": ["é", "ü"]}', ARRAY[
	'{{ trigger.word | length }}', '{{ trigger.arabic | length }}', '{{ trigger.emoji | length }}', '{{ trigger.arabic | upper }}',
	'{{ trigger.arabic | urlencode }}', '{{ trigger.emoji | urlencode }}', '{{ trigger.url | urlencode }}', '{{ trigger.list | urlencode }}',
	'{{ trigger.list | join: "ö" }}', '{{ trigger.list | last | json }}']);
SELECT step, output->'v' AS result FROM t.step ORDER BY step;
-- upper and lower are PostgreSQL's, by the locale of the database.
CALL t.render('{"word": "Straße", "greek": "ΣΊΣΥΦΟΣ", "turkish": "Iiİı", "mixed": "Éé"}', ARRAY[
	'{{ trigger.word | upper }}', '{{ trigger.word | lower }}', '{{ trigger.greek | lower }}', '{{ trigger.greek | upper }}',
	'{{ trigger.turkish | lower }}', '{{ trigger.turkish | upper }}', '{{ trigger.mixed | upper }}', '{{ trigger.mixed | lower }}']);
SELECT bool_and(output->>'v' = CASE WHEN template LIKE '%upper%' THEN upper(trigger_payload #>> ARRAY[split_part(split_part(template, '.', 2), ' ', 1)])
	ELSE lower(trigger_payload #>> ARRAY[split_part(split_part(template, '.', 2), ' ', 1)]) END) AS as_postgresql
FROM workflow_runs AS r, wf_trace(r.id) AS s,
	LATERAL (SELECT definition #>> ARRAY['steps', s.step::text, 'params', 'v'] AS template FROM workflow_definition_versions AS v
		WHERE v.definition_id = r.definition_id AND v.version = r.definition_version) AS given
WHERE r.id = t.last();

DELETE FROM workflow_runs WHERE tenant_id = t.tenant('filters');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('filters');
DROP PROCEDURE t.render;
DROP TABLE t.value, t.filter, t.use, t.blank;
