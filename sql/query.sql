--
-- query: rows of a table by conditions, and what they add up to
--
SET client_min_messages = warning;
\pset format unaligned
\pset fieldsep ' | '
CREATE SCHEMA q;
CREATE TYPE q.mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN q.percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE q.orders (
	id int PRIMARY KEY, region text, status text, total numeric(10, 2),
	placed timestamptz, tags text[], mood q.mood, pct q.percent, doc jsonb,
	plain json, code varchar(8), uid uuid);
INSERT INTO q.orders VALUES
	(1, 'north', 'open', 100.50, '2026-01-01 08:00+00', '{a,b}', 'happy', 10, '{"a": 1}', '1', 'A-1', '00000000-0000-4000-8000-000000000001'),
	(2, 'north', 'paid', 20, '2026-01-02 08:00+00', '{}', 'ok', 20, '[1]', '2', 'A-2', '00000000-0000-4000-8000-000000000002'),
	(3, 'south', 'open', 300, '2026-01-03 08:00+00', '{b}', 'sad', 30, '{"gt": 5}', '3', 'B_1', '00000000-0000-4000-8000-000000000003'),
	(4, 'south', 'lost', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'B%2', NULL),
	(5, NULL, 'open', 40.25, '2026-01-05 08:00+00', '{a}', 'ok', 50, '"x"', '5', NULL, '00000000-0000-4000-8000-000000000005');

-- The ids of what conditions find, each in a step; an error in its place.
CREATE FUNCTION q.find(wheres jsonb, payload jsonb DEFAULT '{}') RETURNS void LANGUAGE sql AS $$
	SELECT t.go('find', (SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'query', 'on_error', 'continue',
		'params', jsonb_build_object('table', 'q.orders', 'columns', '["id"]'::jsonb, 'where', w)) ORDER BY n)
		FROM jsonb_array_elements(wheres) WITH ORDINALITY AS e (w, n)), payload);
$$;
CREATE FUNCTION q.found() RETURNS TABLE (condition text, ids text) LANGUAGE sql AS $$
	SELECT t.wait();
	SELECT s.input->>'where', coalesce(s.error, (SELECT string_agg(r->>'id', ',') FROM jsonb_array_elements(s.output->'rows') r), 'none')
	FROM (SELECT run_id FROM wf_history(workflow => 'find', max_rows => 1)) h, wf_trace(h.run_id) s ORDER BY s.step;
$$;

--
-- Operators
--
SELECT q.find('[{}, {"region": "north"}, {"region": null}, {"total": {"gt": 40.25}}, {"total": {"gte": 40.25}},
	{"total": {"lt": "40.25"}}, {"total": {"lte": 40.25}}, {"total": {"ne": 20}}, {"total": {"eq": 20}}, {"total": {"ne": null}}, {"total": {"eq": null}},
	{"total": {"gte": 20, "lt": 100.5}}, {"total": {"gt": 20}, "status": "open", "region": {"ne": "south"}},
	{"id": {"in": [1, "3", 99]}}, {"id": {"in": []}}, {"id": {"not_in": []}}, {"id": {"not_in": [1, 3]}},
	{"region": {"in": ["south", null]}}, {"region": {"not_in": ["south", null]}}, {"region": {"not_in": ["south"]}},
	{"code": {"like": "A%"}}, {"code": {"like": "B\\_%"}}, {"code": {"like": "%\\%%"}}]');
SELECT * FROM q.found();
-- Values are converted by the type of the column.
SELECT q.find('[{"placed": {"gte": "2026-01-03 10:00+02"}}, {"placed": {"lt": "2026-01-02T08:00:00Z"}}, {"mood": {"gt": "sad"}}, {"mood": {"in": ["sad", "ok"]}},
	{"pct": {"gte": 20}}, {"pct": {"in": [10, 50]}}, {"pct": {"not_in": [10]}}, {"tags": ["b"]}, {"tags": "{a}"}, {"tags": {"gt": ["a"]}}, {"tags": {"in": [["b"], "{}"]}}, {"tags": {"not_in": [["b"]]}},
	{"doc": {"eq": {"a": 1}}}, {"doc": {"eq": {"gt": 5}}}, {"doc": [1]}, {"doc": {"in": [[1], "x", {"a": 1}]}}, {"uid": {"in": ["00000000-0000-4000-8000-000000000002"]}},
	{"tags": ["b"], "doc": {"ne": "x"}, "id": {"gt": 1}, "pct": {"lt": 40}}]');
SELECT * FROM q.found();
-- A value that is compared is neither rounded nor cut to what the column holds.
CREATE DOMAIN q.money AS numeric(10, 2);
CREATE TABLE q.exact (n numeric(10, 2) PRIMARY KEY, money q.money, at timestamp(0), code varchar(3), fixed char(3), bits bit(3), list numeric(5, 1)[]);
INSERT INTO q.exact VALUES (20, 20, '2026-01-01 10:00:00', 'abc', 'ab', '101', '{1.5}');
SELECT t.go('exact', (SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'query',
	'params', jsonb_build_object('table', 'q.exact', 'aggregate', '{"rows": "count"}'::jsonb, 'where', w)) ORDER BY n)
	FROM jsonb_array_elements('[{"n": 20.004}, {"n": {"gte": 20.004}}, {"n": {"lt": 20.004}}, {"n": {"in": [20.004]}}, {"n": {"not_in": [20.004]}},
		{"money": 20.004}, {"money": {"lt": 20.004}}, {"money": {"in": [20.004]}}, {"at": "2026-01-01 10:00:00.4"}, {"at": {"gte": "2026-01-01 10:00:00.4"}},
		{"code": "abcd"}, {"code": {"in": ["abcd", "abc"]}}, {"fixed": "ab"}, {"fixed": "abcd"}, {"bits": "101"}, {"bits": "1010"}, {"list": [1.54]}, {"list": [1.5]},
		{"list": {"in": [[1.54]]}}]') WITH ORDINALITY AS e (w, n)));
SELECT t.wait();
SELECT s.input->>'where' AS condition, s.output->'rows'->0->'rows' AS rows, s.error
FROM wf_history(workflow => 'exact', max_rows => 1) h, wf_trace(h.run_id) s ORDER BY s.step;
SELECT t.go('id', '{"action": "update_record", "params": {"table": "q.exact", "id": "{{ trigger.n }}", "fields": {"code": "new"}}}', '{"n": 20.004}');
SELECT result FROM t.result('id');
SELECT t.go('id', '{"action": "find_record", "params": {"table": "q.exact", "where": {"n": "{{ trigger.n }}"}}}', '{"n": 20.004}');
SELECT result FROM t.result('id');
SELECT path, message FROM wf_validate('{"name": "w", "trigger_type": "w", "steps": [{"name": "s", "action": "query", "params": {"table": "q.exact",
	"where": {"code": {"eq": "abcd"}, "fixed": {"in": ["abcd"]}}}}]}');

--
-- Mistakes, at run time; templates keep them from being seen before
--
SELECT q.find('[{"total": {"gt": "{{ trigger.text }}"}}, {"total": {"gt": "{{ trigger.null }}"}}, {"total": {"in": "{{ trigger.text }}"}},
	{"code": {"like": "{{ trigger.number }}"}}, {"mood": "{{ trigger.text }}"}, {"pct": {"gt": "{{ trigger.number }}"}},
	{"plain": "{{ trigger.number }}"}, {"mood": {"like": "{{ trigger.text }}"}}, "{{ trigger.number }}", "{{ trigger.unknown }}"]',
	'{"text": "much", "null": null, "number": 500, "unknown": {"ids": 5}}');
SELECT * FROM q.found();
-- An object that comes in by a value is a value, no operators.
SELECT q.find('[{"id": "{{ trigger.id }}"}, {"status": "{{ trigger.id }}"}, {"doc": "{{ trigger.doc }}"}, "{{ trigger.where }}", {"id": {"gt": "{{ trigger.id }}"}}]',
	'{"id": {"ne": null}, "doc": {"gt": 5}, "where": {"id": {"gt": 0}}}');
SELECT * FROM q.found();
CREATE FUNCTION q.step(params jsonb, payload jsonb DEFAULT '{}', run_as text DEFAULT current_user) RETURNS void
RETURN t.go('step', jsonb_build_object('action', 'query', 'params', '{"table": "q.orders"}' || params), payload, run_as);
\set result 'SELECT result FROM t.result(''step'')'
SELECT q.step('{"limit": "{{ trigger.n }}"}', '{"n": 0}'); :result;
SELECT q.step('{"limit": "{{ trigger.n }}"}', '{"n": 10001}'); :result;
SELECT q.step('{"limit": "{{ trigger.n }}"}', '{"n": "1.5"}'); :result;
SELECT q.step('{"columns": "{{ trigger.n }}"}', '{"n": "id"}'); :result;
SELECT q.step('{"columns": ["{{ trigger.n }}"]}', '{"n": "idd"}'); :result;
SELECT q.step('{"order_by": ["{{ trigger.n }}"]}', '{"n": "-idd"}'); :result;
SELECT q.step('{"columns": ["id"], "order_by": ["plain"]}'); :result;
SELECT q.step('{"where": {"id": {"in": "{{ trigger.ids }}"}}}', (SELECT jsonb_build_object('ids', jsonb_agg(n)) FROM generate_series(1, 10001) n)); :result;
SELECT q.step('{"where": {"id": {"in": "{{ trigger.ids }}"}}, "columns": ["id"]}', (SELECT jsonb_build_object('ids', jsonb_agg(n)) FROM generate_series(3, 10002) n)); :result;

--
-- Columns, order, limit
--
SELECT q.step('{"where": {"id": {"lte": 2}}}'); :result;
SELECT q.step('{"columns": ["total", "id"], "order_by": ["-total", "id"]}'); :result;
SELECT q.step('{"columns": ["region", "id"], "order_by": ["+region", "-id"], "limit": 3}'); :result;
SELECT q.step('{"columns": ["id"], "limit": "{{ trigger.n }}"}', '{"n": "5"}'); :result;
SELECT q.step('{"columns": ["id"], "limit": 4}'); :result;
SELECT q.step('{"columns": ["id"], "where": {"id": 77}}'); :result;
CREATE TABLE q.many AS SELECT n, repeat('x', 500) AS filling FROM generate_series(1, 10001) n;
SELECT q.step('{"table": "q.many", "columns": ["n"], "order_by": ["n"]}');
SELECT t.wait();
SELECT output->'count', output->'more', output->'rows'->99 FROM wf_history(workflow => 'step', max_rows => 1) h, wf_trace(h.run_id);
-- What is too large is cut, and later steps are told so.
SELECT t.go('large', '[{"name": "all", "action": "query", "params": {"table": "q.many", "order_by": ["n"], "limit": 10000}},
	{"name": "use", "action": "echo", "params": {"n": "{{ steps.all.output.count }}"}}]');
SELECT t.wait();
SELECT step_name, t.status, output->'truncated' AS cut, (output->>'size')::int > 5000000 AS large, left(error, 75) AS error
FROM wf_history(workflow => 'large', max_rows => 1) h, wf_trace(h.run_id) t;
UPDATE q.many SET filling = repeat('x', 5000);
SELECT q.step('{"table": "q.many", "limit": 10000}'); :result;

--
-- Aggregates
--
SELECT q.step('{"aggregate": {"n": "count", "sum": {"sum": "total"}, "avg": {"avg": "total"}, "min": {"min": "placed"}, "max": {"max": "mood"},
	"known": {"count": "region"}, "regions": {"count_distinct": "region"}}}'); :result;
SELECT q.step('{"aggregate": {"n": "count", "sum": {"sum": "total"}}, "group_by": ["region"]}'); :result;
SELECT q.step('{"aggregate": {"n": "count", "sum": {"sum": "total"}}, "group_by": ["region"], "where": {"status": "open"}, "order_by": ["-sum"], "limit": 2}'); :result;
SELECT q.step('{"aggregate": {"n": "count"}, "group_by": ["status", "region"], "order_by": ["-n", "status", "region"], "limit": 3}'); :result;
SELECT q.step('{"aggregate": {"n": "count", "sum": {"sum": "total"}}, "where": {"id": 77}}'); :result;
SELECT q.step('{"aggregate": "{{ trigger.a }}"}', '{"a": {"n": {"median": "total"}}}'); :result;
SELECT q.step('{"aggregate": "{{ trigger.a }}"}', '{"a": {"n": "sum"}}'); :result;
SELECT q.step('{"aggregate": "{{ trigger.a }}"}', '{"a": {}}'); :result;
SET check_function_bodies = off;	-- so it is restored, and not checked
DELETE FROM workflow_runs r USING workflow_definitions d WHERE d.id = r.definition_id AND d.name = 'step' AND d.tenant_id = t.a();
DELETE FROM workflow_definitions WHERE name = 'step' AND tenant_id = t.a();
SELECT q.step('{"aggregate": {"n": "count"}, "columns": ["id"]}'); :result;
RESET check_function_bodies;
SELECT q.step('{"aggregate": "{{ trigger.a }}", "group_by": ["id"]}', '{"a": {"id": "count"}}'); :result;
SELECT q.step('{"aggregate": "{{ trigger.a }}", "group_by": ["id"], "order_by": ["m"]}', '{"a": {"n": "count"}}'); :result;
SELECT q.step('{"aggregate": "{{ trigger.a }}", "group_by": ["id"]}', '{"a": null}'); :result;
SELECT q.step('{"aggregate": {"n": {"sum": "region"}}}'); :result;
SELECT q.step('{"aggregate": {"n": "count"}, "group_by": ["plain"]}'); :result;

--
-- Other relations
--
CREATE TABLE q.parted (id int, at date, note text, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE q.parted1 PARTITION OF q.parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE q.parted2 PARTITION OF q.parted DEFAULT;
INSERT INTO q.parted VALUES (2, '2026-03-01', 'c'), (1, '2026-01-05', 'b'), (9, '2026-01-02', 'a');
CREATE VIEW q.open AS SELECT id, total FROM q.orders WHERE status = 'open';
CREATE TABLE q."Odd ""t""; --" ("the id" int PRIMARY KEY, "Select" text, "-x" int, "a""b" text);
INSERT INTO q."Odd ""t""; --" VALUES (1, 'one', 5, 'q'), (2, 'two', 4, 'r');
SELECT t.go('relations', '[
	{"name": "partitions", "action": "query", "params": {"table": "q.parted"}},
	{"name": "one_partition", "action": "query", "params": {"table": "q.parted", "where": {"at": {"lt": "2026-02-01"}}, "order_by": ["-at"], "columns": ["note"]}},
	{"name": "view", "action": "query", "params": {"table": "q.open", "where": {"total": {"gt": 50}}, "order_by": ["id"]}},
	{"name": "odd", "action": "query", "params": {"table": "q.\"Odd \"\"t\"\"; --\"", "where": {"Select": {"in": ["one", "two"]}, "a\"b": {"ne": "x"}}, "order_by": ["--x"]}},
	{"name": "odd_up", "action": "query", "params": {"table": "q.\"Odd \"\"t\"\"; --\"", "columns": ["the id"], "order_by": ["+-x", "-the id"]}},
	{"name": "odd_names", "action": "query", "params": {"table": "q.\"Odd \"\"t\"\"; --\"", "aggregate": {"x\"; DROP TABLE q.orders; --": "count", "": {"max": "-x"}, "a name of more than sixty-three bytes, which no identifier of PostgreSQL can have": {"min": "a\"b"}}}},
	{"name": "odd_order", "action": "query", "params": {"table": "q.\"Odd \"\"t\"\"; --\"", "group_by": ["Select"], "aggregate": {"1; --": "count", "-": {"max": "-x"}}, "order_by": ["1; --", "+-"]}}]');
SELECT * FROM t.result('relations');

--
-- SQL injection: each of these ends as an error, or finds nothing
--
CREATE FUNCTION q.attempt(n int, evil text, tpl boolean) RETURNS int LANGUAGE sql AS $$
	SELECT t.go(format('attempt %s %s', n, tpl), jsonb_agg(jsonb_build_object('name', name, 'action', 'query', 'on_error', 'continue', 'params', '{"table": "q.orders"}' || params)),
		jsonb_build_object('evil', evil))
	FROM (SELECT CASE WHEN tpl THEN '{{ trigger.evil }}' ELSE evil END AS e) v, LATERAL (VALUES
		('table', jsonb_build_object('table', e)),
		('key', jsonb_build_object('where', jsonb_build_object(evil, 'x'))),
		('value', jsonb_build_object('where', jsonb_build_object('status', e))),
		('gt', jsonb_build_object('where', jsonb_build_object('total', jsonb_build_object('gt', e)))),
		('in', jsonb_build_object('where', jsonb_build_object('status', jsonb_build_object('in', jsonb_build_array(e))))),
		('in_array', jsonb_build_object('where', jsonb_build_object('tags', jsonb_build_object('in', jsonb_build_array(e))))),
		('like', jsonb_build_object('where', jsonb_build_object('status', jsonb_build_object('like', e)))),
		('columns', jsonb_build_object('columns', jsonb_build_array(e))),
		('order', jsonb_build_object('order_by', jsonb_build_array(e))),
		('order_down', jsonb_build_object('order_by', jsonb_build_array('-' || e))),
		('group', jsonb_build_object('group_by', jsonb_build_array(e), 'aggregate', '{"n": "count"}'::jsonb)),
		('aggregate', jsonb_build_object('aggregate', jsonb_build_object('n', jsonb_build_object('max', e))))) p (name, params);
	SELECT 1;
$$;
SET client_min_messages = error;
SELECT count(q.attempt(n::int, s, tpl)) FROM unnest(ARRAY[$$x'; DROP TABLE q.orders; --$$, $$x"; DROP TABLE q.orders; --$$, '1 OR true', $$' OR '1'='1$$,
	'(SELECT id FROM q.many)', 'q.orders; DELETE FROM q.orders', '$1', 'id DESC', '"orders"."id"', '1', $${"(SELECT 1)"}'; --$$]) WITH ORDINALITY AS e (s, n), (VALUES (true), (false)) v (tpl);
SET client_min_messages = warning;
SELECT t.wait();
SELECT s.step_name, s.status, sum((s.output->>'count')::int) AS rows, count(*)
FROM wf_history(tenant_id => t.a(), max_rows => 1000) h, wf_trace(h.run_id) s
WHERE h.workflow_name LIKE 'attempt%' GROUP BY 1, 2 ORDER BY min(s.step), 2;
SELECT count(*) FROM q.orders;

--
-- Roles: privileges of columns, row security, and whose code runs
--
CREATE ROLE regress_query;
GRANT USAGE ON SCHEMA q TO regress_query;
GRANT SELECT (id, total) ON q.orders TO regress_query;
SELECT q.step('{"columns": ["id"], "where": {"total": {"gt": 90}}}', '{}', 'regress_query'); :result;
SET client_min_messages = error;
SELECT q.step('{"columns": ["id"], "where": {"region": {"ne": "x"}}}', '{}', 'regress_query'); :result;
SELECT q.step('{"columns": ["id"], "order_by": ["region"]}', '{}', 'regress_query'); :result;
SELECT q.step('{"aggregate": {"n": {"max": "region"}}}', '{}', 'regress_query'); :result;
SET client_min_messages = warning;
SELECT q.step('{"aggregate": {"n": "count", "max": {"max": "total"}}}', '{}', 'regress_query'); :result;
GRANT SELECT ON q.orders TO regress_query;
ALTER TABLE q.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON q.orders TO regress_query USING (region = 'south');
SELECT q.step('{"columns": ["id"]}', '{}', 'regress_query'); :result;
SELECT q.step('{"aggregate": {"n": "count", "sum": {"sum": "total"}}}', '{}', 'regress_query'); :result;
SELECT q.step('{"columns": ["id"], "where": {"id": {"in": [1, 2, 3]}}}', '{}', 'regress_query'); :result;
-- Operators that others create where the type is found take no part.
CREATE FUNCTION q.always(q.percent, q.percent) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR q.= (LEFTARG = q.percent, RIGHTARG = q.percent, FUNCTION = q.always);
CREATE OPERATOR q.> (LEFTARG = q.percent, RIGHTARG = q.percent, FUNCTION = q.always);
SELECT q.find('[{"pct": 10}, {"pct": {"gt": 20}}, {"pct": {"in": [10]}}]');
SELECT * FROM q.found();

--
-- What is said of it before it runs
--
CREATE FUNCTION q.check(params jsonb) RETURNS TABLE (severity text, path text, message text, hint text) LANGUAGE sql AS $$
	SELECT severity, path, message, hint FROM wf_validate(jsonb_build_object('name', 'step', 'trigger_type', 'step', 'steps',
		(SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'query', 'params', '{"table": "q.orders"}' || p) ORDER BY n)
		 FROM jsonb_array_elements(params) WITH ORDINALITY AS e (p, n))), t.a());
$$;
SELECT * FROM q.check('[{"where": {"id": {"greater": 5}}}, {"where": {"id": {">=": 5}}}, {"where": {"id": {"includes": 5}}}, {"where": {"doc": {"a": 1}}}, {"where": {"id": {}}}, {"where": {"id": {"in": 5}}}, {"where": {"id": {"gt": null}}},
	{"where": {"code": {"like": ["x"]}}}, {"table": "{{ trigger.t }}", "where": {"id": {"gte ": 5}}}, {"limit": 0}, {"limit": 10001}, {"limit": 2.5}, {"limit": "5"},
	{"aggregate": {"n": "sum"}}, {"aggregate": {"n": {"median": "total"}}}, {"aggregate": {"n": {"sum": "total", "avg": "total"}}}, {"aggregate": {"n": {"sum": 5}}},
	{"aggregate": {"n": "count"}, "columns": ["id"]}, {"aggregate": {"count": "count"}, "group_by": ["region"], "order_by": ["-cuont"]}]');
SELECT * FROM q.check('[{"group_by": ["region"]}]');
SELECT * FROM q.check('[{"where": {"totl": {"gt": 5}, "total": {"gt": "five"}, "id": {"in": [1, "x", "{{ trigger.x }}"]}, "mood": {"ne": "angry"}}},
	{"where": {"plain": {"ne": 5}}}, {"where": {"mood": {"like": "x%"}, "code": {"like": "x%"}}}, {"columns": ["idd"], "order_by": ["-totall", "plain"]},
	{"aggregate": {"n": {"sum": "totl"}}, "group_by": ["regio"]}, {"aggregate": {"n": "count"}, "group_by": ["plain"]}, {"table": "q.order"},
	{"aggregate": {"n": {"sum": "region"}, "a": {"avg": "mood"}, "m": {"max": "doc"}, "d": {"count_distinct": "plain"}}}]');
-- Nothing is said of what is right, or what a template decides.
SELECT * FROM q.check('[{}, {"where": {"id": {"in": "{{ trigger.ids }}"}, "total": {"gt": "{{ trigger.x }}"}, "tags": ["a"], "doc": {"eq": {"a": 1}}, "region": null, "pct": {"ne": null}}},
	{"where": "{{ trigger }}", "columns": "{{ trigger.c }}", "order_by": "{{ trigger.o }}", "limit": "{{ trigger.n }}"}, {"columns": ["id"], "order_by": ["-total", "+id", "{{ trigger.o }}"]},
	{"aggregate": {"n": "count", "m": {"min": "{{ trigger.c }}"}}, "group_by": ["region"], "order_by": ["-n", "region"]}, {"aggregate": "{{ trigger.a }}", "order_by": ["x"]},
	{"aggregate": {"a": {"sum": "pct"}, "b": {"avg": "total"}, "c": {"min": "code"}, "d": {"max": "mood"}, "e": {"min": "placed"}, "f": {"count": "plain"}, "g": {"count_distinct": "doc"}, "h": {"max": "tags"}}}]');
-- Privileges of the role that the definition runs as
REVOKE SELECT ON q.orders FROM regress_query;
GRANT SELECT (id, total) ON q.orders TO regress_query;
SELECT * FROM q.check('[{}, {"columns": ["id"]}, {"columns": ["total"], "where": {"code": {"like": "x"}}, "order_by": ["-placed"]},
	{"aggregate": {"n": "count", "m": {"max": "mood"}}, "group_by": ["region"]}, {"aggregate": {"n": "count"}}]');
-- An operator that is none is refused; a column that is missing may come later.
INSERT INTO workflow_definitions (tenant_id, definition) VALUES (t.a(),
	'{"name": "bad", "trigger_type": "bad", "steps": [{"name": "s", "action": "query", "params": {"table": "q.orders", "where": {"id": {"=": 5}}}}]}');
INSERT INTO workflow_definitions (tenant_id, definition) VALUES (t.a(),
	'{"name": "early", "trigger_type": "early", "steps": [{"name": "s", "action": "query", "params": {"table": "q.orders", "where": {"later": {"gt": 5}}}}]}');

-- wf_preview reads, as the role; what a step before wrote is seen
GRANT SELECT, UPDATE ON q.orders TO regress_query;
SELECT step_name, status, output, error FROM wf_preview('{"name": "p", "trigger_type": "p", "steps": [
	{"name": "pay", "action": "update_record", "params": {"table": "q.orders", "id": 3, "fields": {"status": "paid"}}},
	{"name": "paid", "action": "query", "params": {"table": "q.orders", "where": {"status": "paid"}, "columns": ["id"], "limit": 1}},
	{"name": "sum", "action": "query", "params": {"table": "q.orders", "where": {"status": "paid"}, "aggregate": {"total": {"sum": "total"}}}}]}',
	'{}', t.a(), 'regress_query');

SELECT t.clean();
DROP SCHEMA q CASCADE;
DROP ROLE regress_query;
