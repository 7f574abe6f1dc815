--
-- update_record, insert_record, find_record
--
-- Values are converted by PostgreSQL's own input conversion of the column's
-- type; names come from the catalog; no value ever becomes SQL text.
--
SET client_min_messages = warning;
CREATE SCHEMA r;
CREATE TYPE r.mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN r.percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE TYPE r.point2 AS (x int, y int);
CREATE TABLE r.kinds (
	id int PRIMARY KEY,
	num numeric(10,2), int2 smallint, float8 float8, flag boolean,
	txt text, vc varchar(5), ch char(3), at timestamptz, day date,
	span interval, uid uuid, doc jsonb, doc2 json, bin bytea,
	ints int[], texts text[], mood r.mood, pct r.percent, p r.point2,
	range int4range, net inet);
INSERT INTO r.kinds (id) VALUES (1), (2);
-- One update_record of r.kinds, row 1.
CREATE FUNCTION r.set(fields jsonb) RETURNS void
RETURN t.go('set', jsonb_build_object('action', 'update_record', 'params',
	jsonb_build_object('table', 'r.kinds', 'id', 1, 'fields', fields)));

--
-- Conversions
--
-- From text, as it would be written in SQL.
SELECT r.set('{"num": "12.345", "int2": "7", "float8": "1e3", "flag": "yes",
	"txt": "x", "vc": "abcde", "ch": "a", "at": "2026-01-02 03:04:05+02",
	"day": "2026-01-02", "span": "1 day 2 hours",
	"uid": "00000000-0000-4000-8000-00000000000a", "bin": "\\x0102", "ints": "{1,2}",
	"texts": "{a,\"b c\"}", "mood": "happy", "pct": "50", "p": "(1,2)",
	"range": "[1,5)", "net": "10.0.0.1/8"}');
SELECT * FROM t.result('set');
SET timezone = 'UTC';
\x
SELECT * FROM r.kinds WHERE id = 1;
\x
-- From JSON values of their own type.
SELECT r.set('{"num": 0.1, "int2": 3, "float8": 2.5, "flag": false, "txt": 12,
	"doc": {"k": [null, true]}, "doc2": [1], "ints": [3, null], "texts": ["q", "r, s"],
	"pct": 100, "p": {"x": 5, "y": null}}');
SELECT * FROM t.result('set');
SELECT num, int2, float8, flag, txt, doc, doc2, ints, texts, pct, p
FROM r.kinds WHERE id = 1;
-- A column of JSON takes the value as it is, a text as a JSON string.
SELECT r.set('{"doc": "[1, 2]", "doc2": "{"}');
SELECT * FROM t.result('set');
SELECT doc, doc2 FROM r.kinds WHERE id = 1;
-- null is NULL.
SELECT r.set('{"num": null, "doc": null, "ints": null, "flag": null}');
SELECT * FROM t.result('set');
SELECT num, doc, ints, flag FROM r.kinds WHERE id = 1;
-- Large numbers keep every digit.
SELECT r.set('{"txt": 12345678901234567890.123456789, "num": 12345678.99}');
SELECT * FROM t.result('set');
SELECT txt, num FROM r.kinds WHERE id = 1;

-- What the type refuses fails the step, with PostgreSQL's words.
SELECT r.set('{"num": "12,5"}');
SELECT * FROM t.result('set');
SELECT r.set('{"num": 123456789.5}');
SELECT * FROM t.result('set');
SELECT r.set('{"int2": 32768}');
SELECT * FROM t.result('set');
SELECT r.set('{"at": "tomorrowish"}');
SELECT * FROM t.result('set');
SELECT r.set('{"vc": "abcdef"}');
SELECT * FROM t.result('set');
SELECT r.set('{"mood": "angry"}');
SELECT * FROM t.result('set');
SELECT r.set('{"pct": 101}');
SELECT * FROM t.result('set');
SELECT r.set('{"ints": ["a"]}');
SELECT * FROM t.result('set');
SELECT r.set('{"uid": "1"}');
SELECT * FROM t.result('set');
-- ... and nothing of the row has changed.
SELECT txt, num FROM r.kinds WHERE id = 1;

--
-- Which row
--
CREATE TABLE r.nokey (a int, b text);
INSERT INTO r.nokey VALUES (1, 'x'), (2, 'y'), (2, 'z');
CREATE TABLE r.twokeys (a int, b int, c text, PRIMARY KEY (a, b));
SELECT t.go('which', '[
	{"name": "no_such_row", "on_error": "continue", "action": "update_record",
	 "params": {"table": "r.kinds", "id": 99, "fields": {"txt": "t"}}},
	{"name": "id_of_wrong_type", "on_error": "continue", "action": "update_record",
	 "params": {"table": "r.kinds", "id": "abc", "fields": {"txt": "t"}}},
	{"name": "no_key", "on_error": "continue", "action": "update_record",
	 "params": {"table": "r.nokey", "id": 1, "fields": {"b": "t"}}},
	{"name": "two_keys", "on_error": "continue", "action": "update_record",
	 "params": {"table": "r.twokeys", "id": 1, "fields": {"c": "t"}}},
	{"name": "id_column", "on_error": "continue", "action": "update_record",
	 "params": {"table": "r.nokey", "id": 1, "id_column": "a", "fields": {"b": "t"}}},
	{"name": "two_rows", "on_error": "continue", "action": "update_record",
	 "params": {"table": "r.nokey", "id": 2, "id_column": "a", "fields": {"b": "t"}}},
	{"name": "key_itself", "on_error": "continue", "action": "update_record",
	 "params": {"table": "r.kinds", "id": 2, "fields": {"id": 20}}}]');
SELECT * FROM t.result('which');
SELECT * FROM r.nokey ORDER BY a, b;
SELECT id FROM r.kinds ORDER BY id;

--
-- insert_record: the key comes back, defaults and generated columns work
--
CREATE TABLE r.made (
	id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int NOT NULL,
	b text DEFAULT 'dflt', twice int GENERATED ALWAYS AS (a * 2) STORED);
CREATE TABLE r.doc_key (k jsonb PRIMARY KEY);
SELECT t.go('insert', '[
	{"name": "plain", "action": "insert_record",
	 "params": {"table": "r.made", "fields": {"a": 4}}},
	{"name": "next", "action": "insert_record",
	 "params": {"table": "r.made", "fields": {"a": "{{steps.plain.output.id}}", "b": null}}},
	{"name": "no_primary_key", "action": "insert_record",
	 "params": {"table": "r.nokey", "fields": {"a": 9}}},
	{"name": "two_keys", "action": "insert_record",
	 "params": {"table": "r.twokeys", "fields": {"a": 9, "b": 8}}},
	{"name": "json_key", "action": "insert_record",
	 "params": {"table": "r.doc_key", "fields": {"k": {"a": 1}}}},
	{"name": "missing", "on_error": "continue", "action": "insert_record",
	 "params": {"table": "r.made", "fields": {"b": "x"}}},
	{"name": "generated", "on_error": "continue", "action": "insert_record",
	 "params": {"table": "r.made", "fields": {"a": 1, "twice": 3}}},
	{"name": "identity", "on_error": "continue", "action": "insert_record",
	 "params": {"table": "r.made", "fields": {"id": 77, "a": 1}}},
	{"name": "again", "on_error": "continue", "action": "insert_record",
	 "params": {"table": "r.twokeys", "fields": {"a": 9, "b": 8}}}]');
SELECT * FROM t.result('insert');
SELECT * FROM r.made ORDER BY id;

--
-- find_record: nothing found is no failure
--
SELECT t.go('find', '[
	{"name": "found", "action": "find_record",
	 "params": {"table": "r.made", "where": {"a": 4}}},
	{"name": "some_columns", "action": "find_record",
	 "params": {"table": "r.made", "where": {"a": "4"}, "columns": ["twice", "b"]}},
	{"name": "null_is_null", "action": "find_record",
	 "params": {"table": "r.made", "where": {"b": null}, "columns": ["a"]}},
	{"name": "first_by_key", "action": "find_record",
	 "params": {"table": "r.twokeys", "where": {"a": 9}}},
	{"name": "none", "action": "find_record",
	 "params": {"table": "r.made", "where": {"a": 4, "b": "other"}}},
	{"name": "used", "action": "find_record",
	 "condition": "$.steps.none.output.found == false",
	 "params": {"table": "r.made", "where": {"id": "{{steps.found.output.record.id}}"},
	 "columns": ["id"]}},
	{"name": "no_equality", "on_error": "continue", "action": "find_record",
	 "params": {"table": "r.kinds", "where": {"doc2": {}}}},
	{"name": "no_such_column", "on_error": "continue", "action": "find_record",
	 "params": {"table": "r.made", "where": {"a": 4}, "columns": ["zzz"]}}]');
SELECT * FROM t.result('find');

-- Of several, the first by the whole key, in the key's own order.
CREATE TABLE r.lines (a int, place text, line int, part int, note text,
	PRIMARY KEY (part, line) INCLUDE (note));
INSERT INTO r.lines VALUES (1, 'last', 1, 3), (1, 'third', 2, 2), (1, 'first', 9, 1),
	(1, 'second', 1, 2), (2, 'other', 0, 0);
CREATE TABLE r.parted (LIKE r.lines, PRIMARY KEY (line, part)) PARTITION BY LIST (part);
CREATE TABLE r.parted1 PARTITION OF r.parted FOR VALUES IN (1);
CREATE TABLE r.parted2 PARTITION OF r.parted DEFAULT;
INSERT INTO r.parted SELECT * FROM r.lines;
SELECT t.go('several', '[
	{"name": "by_both", "action": "find_record",
	 "params": {"table": "r.lines", "where": {"a": 1}, "columns": ["place"]}},
	{"name": "by_second", "action": "find_record",
	 "params": {"table": "r.lines", "where": {"a": 1, "part": 2}, "columns": ["place"]}},
	{"name": "of_partitions", "action": "find_record",
	 "params": {"table": "r.parted", "where": {"a": 1}, "columns": ["part", "line"]}}]');
SELECT * FROM t.result('several');
DROP TABLE r.lines, r.parted;

--
-- Names
--
CREATE TABLE r."Odd ""table""; --" ("the id" int PRIMARY KEY, "Select" text,
	"a""b" text, "x;y" int, "é" text);
INSERT INTO r."Odd ""table""; --" VALUES (1);
CREATE VIEW r.view AS SELECT id, a, b FROM r.made;
CREATE TABLE public.on_path (id int PRIMARY KEY, a int);
INSERT INTO public.on_path VALUES (1, 0);
SELECT t.go('names', '[
	{"name": "quoted", "action": "update_record",
	 "params": {"table": "r.\"Odd \"\"table\"\"; --\"", "id": 1, "fields":
	  {"Select": "s", "a\"b": "quote", "x;y": 5, "é": "ü"}}},
	{"name": "quoted_found", "action": "find_record",
	 "params": {"table": "r.\"Odd \"\"table\"\"; --\"", "where": {"the id": 1, "Select": "s"}}},
	{"name": "view", "action": "update_record",
	 "params": {"table": "r.view", "id_column": "id", "id": 1, "fields": {"b": "by view"}}},
	{"name": "search_path", "action": "update_record",
	 "params": {"table": "on_path", "id": 1, "fields": {"a": 1}}},
	{"name": "folded", "action": "update_record",
	 "params": {"table": "PUBLIC.On_Path", "id": 1, "fields": {"a": 2}}},
	{"name": "not_on_path", "on_error": "continue", "action": "update_record",
	 "params": {"table": "kinds", "id": 1, "fields": {"txt": 1}}},
	{"name": "no_schema", "on_error": "continue", "action": "update_record",
	 "params": {"table": "nowhere.kinds", "id": 1, "fields": {"txt": 1}}},
	{"name": "column_case", "on_error": "continue", "action": "update_record",
	 "params": {"table": "r.kinds", "id": 1, "fields": {"TXT": 1}}},
	{"name": "system_column", "on_error": "continue", "action": "update_record",
	 "params": {"table": "r.kinds", "id": 1, "fields": {"ctid": "(0,1)"}}},
	{"name": "no_fields", "on_error": "continue", "action": "update_record",
	 "params": {"table": "r.kinds", "id": 1, "fields": "{{trigger.none}}"}},
	{"name": "fields_no_object", "on_error": "continue", "action": "insert_record",
	 "params": {"table": "r.kinds", "fields": "{{trigger.array}}"}},
	{"name": "not_a_table", "on_error": "continue", "action": "insert_record",
	 "params": {"table": "r.made_id_seq", "fields": {"last_value": 1}}}]',
	'{"none": {}, "array": [1]}');
SELECT * FROM t.result('names');
SELECT * FROM r."Odd ""table""; --";
SELECT id, b FROM r.made WHERE id = 1;
SELECT * FROM public.on_path;

-- A dropped column is gone for the next step, though statements are kept
-- prepared.
SELECT t.go('alter', '{"action": "update_record", "params": {"table": "on_path",
	"id": 1, "fields": {"a": "7"}}}');
SELECT * FROM t.result('alter');
ALTER TABLE public.on_path ALTER a TYPE text;
SELECT count(*) FROM wf_fire(t.a(), 'alter');
SELECT * FROM t.result('alter');
ALTER TABLE public.on_path DROP a;
SELECT count(*) FROM wf_fire(t.a(), 'alter');
SELECT * FROM t.result('alter');

--
-- SQL injection: each of these ends as an error or as plain data
--
-- The bait: a table that nothing may touch, and some spellings.
CREATE TABLE r.bait (id int PRIMARY KEY, note text);
INSERT INTO r.bait VALUES (1, 'safe');
CREATE TABLE r.target (id int PRIMARY KEY, note text);
CREATE TABLE r.spelling (n int GENERATED ALWAYS AS IDENTITY, s text);
INSERT INTO r.spelling (s) VALUES
	($$x'; DROP TABLE r.bait; --$$),
	($$x"; DROP TABLE r.bait; --$$),
	($$1; DELETE FROM r.bait$$),
	($$1 OR true$$),
	($$' OR '1'='1$$),
	($$(SELECT note FROM r.bait)$$),
	($$r.target; DROP TABLE r.bait$$),
	($$r.target AS r SET note = 'owned'; --$$),
	($$note = (SELECT note FROM r.bait), note$$),
	('$1'),
	($$E'\' OR 1=1 --$$),
	('$x$ || note || $x$'),
	($$"target"."id"$$),
	($$/* */ note$$);
INSERT INTO r.target SELECT n, 'mine' FROM r.spelling;
SET client_min_messages = error;	-- most of them are warned of when saved
-- Every spelling in every place of every action, as it is and by a template.
CREATE FUNCTION r.attempt(n int, s text, how text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
	evil text := CASE how WHEN 'literal' THEN s ELSE '{{trigger.evil}}' END;
	base int := CASE how WHEN 'literal' THEN 100 ELSE 300 END;
	steps jsonb := '[]';
	place record;
BEGIN
	FOR place IN SELECT * FROM (VALUES
		('update_table', 'update_record', jsonb_build_object('table', evil, 'id', n, 'fields', '{"note": "y"}'::jsonb)),
		('update_id', 'update_record', jsonb_build_object('table', 'r.target', 'id', evil, 'fields', '{"note": "y"}'::jsonb)),
		('update_value', 'update_record', jsonb_build_object('table', 'r.target', 'id', n, 'fields', jsonb_build_object('note', evil))),
		('update_key', 'update_record', jsonb_build_object('table', 'r.target', 'id', n, 'fields', jsonb_build_object(s, 'y'))),
		('update_id_column', 'update_record', jsonb_build_object('table', 'r.target', 'id', n, 'id_column', evil, 'fields', '{"note": "y"}'::jsonb)),
		('insert_table', 'insert_record', jsonb_build_object('table', evil, 'fields', '{"note": "y"}'::jsonb)),
		('insert_value', 'insert_record', jsonb_build_object('table', 'r.target', 'fields', jsonb_build_object('id', base + n, 'note', evil))),
		('insert_key', 'insert_record', jsonb_build_object('table', 'r.target', 'fields', jsonb_build_object('id', 200 + n, s, 'y'))),
		('find_table', 'find_record', jsonb_build_object('table', evil, 'where', '{"note": "y"}'::jsonb)),
		('find_value', 'find_record', jsonb_build_object('table', 'r.target', 'where', jsonb_build_object('note', evil, 'id', n))),
		('find_key', 'find_record', jsonb_build_object('table', 'r.target', 'where', jsonb_build_object(s, 'y'))),
		('find_columns', 'find_record', jsonb_build_object('table', 'r.target', 'where', '{"id": 1}'::jsonb, 'columns', jsonb_build_array(evil)))
		) p (name, action, params)
	LOOP
		steps := steps || jsonb_build_object('name', place.name,
			'action', place.action, 'params', place.params,
			'on_error', 'continue');
	END LOOP;
	PERFORM t.go(format('attempt %s %s', how, n), steps,
		jsonb_build_object('evil', s));
END $$;
SELECT count(r.attempt(n, s, how))
FROM r.spelling, (VALUES ('literal'), ('template')) h (how);
SELECT t.wait();
-- As values they are data; everywhere else they are names of nothing.
SELECT s.step_name, s.status, count(*)
FROM wf_history(tenant_id => t.a(), max_rows => 1000) h, wf_trace(h.run_id) s
WHERE h.workflow_name LIKE 'attempt%'
GROUP BY s.step_name, s.status ORDER BY min(s.step), 2;
SET client_min_messages = warning;
SELECT * FROM r.bait;
SELECT count(*) FILTER (WHERE t.note = s.s) AS plain_data, count(*)
FROM r.target t JOIN r.spelling s ON t.id IN (s.n, 100 + s.n, 300 + s.n);
SELECT count(*) FROM r.target;

SELECT t.clean();
DROP TABLE public.on_path;
DROP SCHEMA r CASCADE;
