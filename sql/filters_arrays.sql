--
-- Filters of lists, and of texts that are cut up.
--
CREATE PROCEDURE t.render(payload jsonb, templates text[]) LANGUAGE plpgsql AS $$
DECLARE
	steps jsonb := (
		SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'echo', 'on_error', 'continue',
				'params', jsonb_build_object('v', template)) ORDER BY n)
		FROM unnest(templates) WITH ORDINALITY AS given (template, n));
BEGIN
	CALL t.run('arrays', steps, payload);
END $$;
CREATE VIEW t.rendered AS
SELECT v.definition #>> ARRAY['steps', s.step::text, 'params', 'v'] AS template,
	s.output->'v' AS result, s.error
FROM workflow_runs r
JOIN workflow_definition_versions v ON v.definition_id = r.definition_id AND v.version = r.definition_version,
	wf_trace(r.id) AS s
WHERE r.id = t.last()
ORDER BY s.step;
\set lines '[{"sku": "a", "price": 2.50, "paid": true, "n": null}, {"sku": "b", "price": 10, "paid": false, "n": 1}, {"sku": "a", "price": 0, "paid": null, "n": 0, "odd key": 1}]'

-- map, where, sum, min, max, avg
CALL t.render(jsonb_build_object('lines', :'lines'::jsonb, 'prices', '[3, 1.50, -2]'::jsonb, 'none', '[]'::jsonb, 'sku', 'a', 'member', 'price', 'nothing', null), ARRAY[
	'{{ trigger.lines | map: "sku" }}', '{{ trigger.lines | map: "n" }}', '{{ trigger.none | map: "sku" }}', '{{ trigger.lines | map: "sku" | join: "+" }}',
	'{{ trigger.lines | where: "sku", "a" | map: "price" }}', '{{ trigger.lines | where: "sku", trigger.sku | length }}', '{{ trigger.lines | where: "price", 0.00 | map: "sku" }}',
	'{{ trigger.lines | where: "paid" | map: "sku" }}', '{{ trigger.lines | where: "paid", false | map: "sku" }}', '{{ trigger.lines | where: "paid", null | map: "sku" }}',
	'{{ trigger.lines | where: "n" | map: "n" }}', '{{ trigger.lines | where: "odd key" | map: "odd key" }}', '{{ trigger.lines | where: "none", 1 }}', '{{ trigger.none | where: "x" }}',
	'{{ trigger.lines | where: "sku", "z" | sum: "price" }}', '{{ trigger.prices | sum }}', '{{ trigger.prices | min }}', '{{ trigger.prices | max }}', '{{ trigger.prices | avg }}',
	'{{ trigger.lines | sum: "price" }}', '{{ trigger.lines | min: "price" }}', '{{ trigger.lines | max: trigger.member }}', '{{ trigger.lines | avg: "price" | round: 2 }}',
	'{{ trigger.none | sum }}', '{{ trigger.none | min }}', '{{ trigger.none | max: "x" }}', '{{ trigger.none | avg }}', '{{ trigger.none | avg | default: 0 }}', '{{ trigger.nothing | sum }}',
	'{{ trigger.nowhere | default: [] | sum }}', 'Total: {{ trigger.lines | where: "paid" | sum: "price" | number: "FM990.00" }}']);
SELECT * FROM t.rendered;
-- What they do not take fails the step and says where it is.
CALL t.render(jsonb_build_object('lines', :'lines'::jsonb, 'mixed', '[1, "2", null, {"x": 1}]'::jsonb, 'text', 'abc', 'o', '{"a": 1}'::jsonb, 'n', 5, 'nulls', '[1, null]'::jsonb,
	'ids', '[{"id": 5}, {"id": "5"}]'::jsonb), ARRAY[
	'{{ trigger.lines | map: "odd key" }}', '{{ trigger.lines | map: "price.x" }}', '{{ trigger.mixed | map: "x" }}', '{{ trigger.text | map: "x" }}', '{{ trigger.o | map: "a" }}',
	'{{ trigger.lines | where: "odd key" | map: "nothing" }}', '{{ trigger.mixed | where: "x" }}', '{{ trigger.n | where: "x" }}', '{{ trigger.lines | where: "price", "10" }}',
	'{{ trigger.lines | where: "paid", "true" }}', '{{ trigger.lines | where: "sku", [] }}', '{{ trigger.ids | where: "id", 5 }}', '{{ trigger.mixed | sum }}', '{{ trigger.nulls | sum }}',
	'{{ trigger.nulls | avg }}', '{{ trigger.lines | sum }}', '{{ trigger.lines | sum: "sku" }}', '{{ trigger.lines | min: "n" }}', '{{ trigger.lines | max: "odd key" }}', '{{ trigger.text | sum }}',
	'{{ trigger.o | sum: "a" }}', '{{ trigger.n | avg }}', '{{ trigger.lines | sum: "n" }}', '{{ trigger.lines | where: "n" | sum: "n" }}']);
SELECT * FROM t.rendered;

-- sort and uniq
CALL t.render(jsonb_build_object('lines', :'lines'::jsonb, 'numbers', '[10, 9, -1.5, 9.0, 100]'::jsonb, 'texts', '["b", "B", "a", "é", "", "10", "9", "ab"]'::jsonb, 'none', '[]'::jsonb,
	'all', '[1, "1", 1.0, null, true, null, [1], [1.0], {"a": 1}, {"a": 1.00}, [], {}, "1", true]'::jsonb), ARRAY[
	'{{ trigger.numbers | sort }}', '{{ trigger.texts | sort }}', '{{ trigger.none | sort }}', '{{ trigger.lines | sort: "price" | map: "price" }}',
	'{{ trigger.lines | sort: "sku" | map: "price" }}', '{{ trigger.numbers | uniq }}', '{{ trigger.all | uniq }}', '{{ trigger.lines | uniq: "sku" | map: "price" }}', '{{ trigger.none | uniq }}',
	'{{ trigger.lines | map: "sku" | uniq | join }}', '{{ trigger.numbers | sort | last }}']);
SELECT * FROM t.rendered;
CALL t.render(jsonb_build_object('lines', :'lines'::jsonb, 'mixed', '[1, "1"]'::jsonb, 'nulls', '[1, null]'::jsonb, 'booleans', '[true, false]'::jsonb, 'lists', '[[1]]'::jsonb, 'text', 'x'), ARRAY[
	'{{ trigger.mixed | sort }}', '{{ trigger.nulls | sort }}', '{{ trigger.booleans | sort }}', '{{ trigger.lists | sort }}', '{{ trigger.lines | sort }}', '{{ trigger.lines | sort: "n" }}',
	'{{ trigger.lines | sort: "odd key" }}', '{{ trigger.text | sort }}', '{{ trigger.text | uniq }}', '{{ trigger.lines | uniq: "odd key" }}']);
SELECT * FROM t.rendered;
-- As in SQL, on random lists: the seed is fixed.
SELECT setseed(0.5);
CREATE TABLE t.list AS
SELECT i AS step, (SELECT jsonb_agg(round((random() * 20 - 10 + 0 * k)::numeric, i % 3)) FROM generate_series(1, i % 40 + 1) AS k) AS list FROM generate_series(0, 99) AS i;
SELECT jsonb_object_agg('l' || step, list) AS payload, array_agg(format('{{ trigger.l%s | %s }}', step,
	(ARRAY['sort', 'uniq', 'sum', 'min', 'max', 'avg'])[step % 6 + 1]) ORDER BY step) AS templates FROM t.list \gset
CALL t.render(:'payload', :'templates');
SELECT (ARRAY['sort', 'uniq', 'sum', 'min', 'max', 'avg'])[step % 6 + 1] AS filter, count(*), bool_and(s.output->'v' = CASE step % 6
	WHEN 0 THEN (SELECT jsonb_agg(n ORDER BY n) FROM unnest(a) AS n)
	WHEN 1 THEN (SELECT jsonb_agg(n ORDER BY first) FROM (SELECT n, min(i) AS first FROM unnest(a) WITH ORDINALITY AS u (n, i) GROUP BY n) AS u)
	WHEN 2 THEN (SELECT to_jsonb(sum(n)) FROM unnest(a) AS n) WHEN 3 THEN (SELECT to_jsonb(min(n)) FROM unnest(a) AS n)
	WHEN 4 THEN (SELECT to_jsonb(max(n)) FROM unnest(a) AS n) ELSE (SELECT to_jsonb(avg(n)) FROM unnest(a) AS n) END) AS same
FROM t.list JOIN t.step AS s USING (step), LATERAL (SELECT array_agg(e::numeric ORDER BY i) FROM jsonb_array_elements(list) WITH ORDINALITY AS u (e, i)) AS l (a)
GROUP BY step % 6 ORDER BY step % 6;

-- slice: of lists and of texts, in characters; from the end if it is negative
CALL t.render('{"list": [1, 2, 3, 4, 5], "text": "مرحبا é", "none": [], "n": 12345, "from": 1, "two": 2}', ARRAY[
	'{{ trigger.list | slice: 0 }}', '{{ trigger.list | slice: 1, 2 }}', '{{ trigger.list | slice: -2, 2 }}', '{{ trigger.list | slice: -2, 10 }}', '{{ trigger.list | slice: 5 }}',
	'{{ trigger.list | slice: -6, 3 }}', '{{ trigger.list | slice: 0, 0 }}', '{{ trigger.none | slice: 0, 5 }}', '{{ trigger.list | slice: trigger.from, trigger.two }}',
	'{{ trigger.text | slice: 0 }}', '{{ trigger.text | slice: 0, 5 }}', '{{ trigger.text | slice: -1 }}', '{{ trigger.text | slice: -3, 2 }}', '[{{ trigger.text | slice: 99, 2 }}]',
	'[{{ trigger.text | slice: -99, 2 }}]', '{{ trigger.n | slice: -3, 2 }}', '{{ trigger.list | slice: 2147483647, 2147483647 }}', '{{ trigger.list | slice: 1, 2147483647 }}']);
SELECT * FROM t.rendered;

-- split and replace: literal, all
CALL t.render('{"text": "a,b,,c,", "words": "one two", "empty": "", "n": 1.25, "arabic": "أحمد، سارة", "sep": "، ", "dots": "a.b.c", "aaa": "aaaa", "phone": "+961 3 123 456"}', ARRAY[
	'{{ trigger.text | split: "," }}', '{{ trigger.words | split: " " | last }}', '{{ trigger.words | split: "x" }}', '{{ trigger.empty | split: "," }}', '{{ trigger.n | split: "." }}',
	'{{ trigger.arabic | split: trigger.sep }}', '{{ trigger.words | split: "one two" }}', '{{ trigger.dots | replace: ".", "-" }}', '{{ trigger.aaa | replace: "aa", "b" }}',
	'{{ trigger.aaa | replace: "a", "aa" }}', '{{ trigger.phone | replace: " ", "" }}', '{{ trigger.words | replace: "x", "y" }}', '{{ trigger.arabic | replace: "س", trigger.n }}',
	'{{ trigger.arabic | replace: "س", trigger.phone }}', '{{ trigger.empty | replace: "a", "b" }}', '{{ trigger.n | replace: "1", "\\1" }}', '{{ trigger.words | split: " " | join: "\n" }}']);
SELECT * FROM t.rendered;
CALL t.render('{"o": {"a": 1}, "list": ["a"]}', ARRAY['{{ trigger.o | split: "," }}', '{{ trigger.list | replace: "a", "b" }}', '{{ trigger.list | truncate: 5 }}', '{{ trigger.o | slice: 0 }}']);
SELECT * FROM t.rendered;

-- truncate: n characters, with what it puts at the end; no letter is parted
-- from its marks.
CALL t.render(jsonb_build_object('text', 'Hello, world', 'arabic', 'مَرحَبًا بِكُم', 'accent', E'cafe\u0301 au lait', 'family', 'ab👨‍👩‍👧cd', 'skin', 'ab👍🏽cd', 'flags', 'ab🇱🇧🇸🇦cd', 'n', 123456789, 'short', 'abc', 'five', 5), ARRAY[
	'{{ trigger.text | truncate: 12 }}', '{{ trigger.text | truncate: 11 }}', '{{ trigger.text | truncate: 5 }}', '{{ trigger.text | truncate: 5, "…" }}', '{{ trigger.text | truncate: 5, "" }}',
	'{{ trigger.text | truncate: 3 }}', '{{ trigger.short | truncate: 3 }}', '{{ trigger.text | truncate: 0, "" }}', '{{ trigger.text | truncate: trigger.five, trigger.short }}',
	'{{ trigger.accent | truncate: 5, "" }}', '{{ trigger.accent | truncate: 4, "" }}', '{{ trigger.accent | truncate: 6, "…" }}', '{{ trigger.family | truncate: 4, "" }}', '{{ trigger.family | truncate: 6, "" }}',
	'{{ trigger.family | truncate: 7, "" }}', '{{ trigger.skin | truncate: 3, "" }}', '{{ trigger.skin | truncate: 4, "" }}', '{{ trigger.flags | truncate: 3, "" }}', '{{ trigger.n | truncate: 6 }}',
	'{{ trigger.text | truncate: trigger.five, trigger.text }}', '{{ trigger.arabic | truncate: 2, "" }}', '{{ trigger.arabic | truncate: 3, "" }}']);
-- (Not in columns: versions of psql take such letters for more or less wide.)
\a
SELECT * FROM t.rendered;
\a
-- Never longer than n, whatever n and the text are.
SELECT array_agg(format('{{ trigger.t | truncate: %s, "…" | length }}', n) ORDER BY n) AS templates FROM generate_series(1, 30) AS n \gset
CALL t.render('{"t": "مَرحَبًا 👨‍👩‍👧 e\u0301e\u0301 abc"}', :'templates');
SELECT count(*), bool_and((output->'v')::int <= step + 1) AS fits FROM t.step;

-- Large lists and texts: an answer or an error, in time.
SELECT jsonb_build_object('list', jsonb_agg(i % 1000), 'text', repeat('ab,', 50000), 'a', repeat('a', 50000)) AS payload FROM generate_series(1, 20000) AS i \gset
CALL t.render(:'payload', ARRAY['{{ trigger.list | sort | last }}', '{{ trigger.list | uniq | length }}', '{{ trigger.list | sum }}', '{{ trigger.text | split: "," | length }}',
	'{{ trigger.text | replace: ",", ";" | length }}', '{{ trigger.a | replace: "a", trigger.a }}', '{{ trigger.list | join: trigger.a }}',
	'{{ trigger.a | replace: "a", ",,,," | split: "," }}', '{{ trigger.list | slice: -1 }}']);
SELECT template, result, error FROM t.rendered;

-- Chains of any filters on any values: a result, or a reason that names the
-- filter; the seed is fixed.
CREATE TABLE t.word AS SELECT i, w FROM unnest(ARRAY['upper', 'trim', 'length', 'join: "-"', 'first', 'last', 'json', 'urlencode', 'default: []', 'default: trigger.n', 'plus: 1',
	'minus: trigger.n', 'times: 2', 'divided_by: 3', 'divided_by: trigger.zero', 'round: 1', 'abs', 'map: "a"', 'where: "a"', 'where: "a", 1', 'where: "a", trigger.text', 'sum', 'sum: "a"',
	'min', 'max: "a"', 'avg', 'sort', 'sort: "a"', 'uniq', 'uniq: "a"', 'slice: 1, 2', 'slice: -1', 'split: " "', 'replace: "a", "bb"', 'truncate: 4', 'to_number', 'truncate: trigger.n, "é"',
	'plus: trigger.objects', 'slice: trigger.text']) WITH ORDINALITY AS given (w, i);
SELECT setseed(0.25);
CREATE TABLE t.chain AS
SELECT g - 1 AS step, format('{{ trigger.%s | %s | %s | %s }}', (ARRAY['text', 'n', 'zero', 'yes', 'null', 'list', 'texts', 'objects', 'mixed', 'none', 'deep', 'digits', 'nowhere'])[1 + floor(random() * 13)::int],
	a.w, b.w, c.w) AS template
FROM (SELECT g, 1 + floor(random() * 39)::int AS x, 1 + floor(random() * 39)::int AS y, 1 + floor(random() * 39)::int AS z FROM generate_series(1, 300) AS g) AS r
JOIN t.word AS a ON a.i = x JOIN t.word AS b ON b.i = y JOIN t.word AS c ON c.i = z;
SELECT array_agg(template ORDER BY step) AS templates FROM t.chain \gset
CALL t.render('{"text": "an a b", "n": 3, "zero": 0, "yes": true, "null": null, "list": [3, 1, 2.5, 3], "texts": ["b", "a", "b"], "objects": [{"a": 1}, {"a": 3}, {"a": 1}],
	"mixed": [1, "a", null, {"a": "x"}], "none": [], "deep": {"a": {"a": [1]}}, "digits": " 12 "}', :'templates');
SELECT count(*) AS chains, count(s.output) > 20 AS some_results, count(s.error) > 20 AS some_errors,
	count(*) FILTER (WHERE (s.output IS NULL) = (s.error IS NULL)) AS neither
FROM t.chain JOIN t.step AS s USING (step);
SELECT template, error FROM t.chain JOIN t.step AS s USING (step)
WHERE error !~ '^(filter "\w+" (cannot take|cannot compare|finds no member|cannot end)|argument [12] of filter "\w+" must be|division by zero$|trigger\.\w+ is missing)';

DELETE FROM workflow_runs WHERE tenant_id = t.tenant('arrays');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('arrays');
DROP VIEW t.rendered;
DROP PROCEDURE t.render;
DROP TABLE t.list, t.word, t.chain;
