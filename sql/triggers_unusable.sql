--
-- wf_fire_trigger: a trigger that cannot work is refused when it is created,
-- and afterwards the application's statement succeeds
--
SELECT count(wf_define(t.a(), '{"name": "row", "trigger_type": "row", "steps": [{"name": "s", "action": "echo"}]}'));
CREATE SCHEMA g;
CREATE VIEW g.fired AS
SELECT r.trigger_payload AS payload FROM workflow_runs r
WHERE r.tenant_id = t.a() ORDER BY r.id;
CREATE FUNCTION g.look() RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT payload FROM g.fired;
	DELETE FROM workflow_runs WHERE tenant_id = t.a();
END $$;

--
-- Refused at CREATE TRIGGER
--
CREATE TABLE g.wrong (id int, tenant_id uuid DEFAULT t.a(), total numeric, j jsonb);
CREATE TABLE g.own (id int, tenant_id uuid DEFAULT t.a(), _op text, _table text, _old text, _schema text);
CREATE TABLE g.part (id int, tenant_id uuid DEFAULT t.a()) PARTITION BY RANGE (id);
CREATE TABLE g.part1 PARTITION OF g.part FOR VALUES FROM (0) TO (10);
CREATE VIEW g.view AS TABLE g.wrong;
CREATE FUNCTION g.create_trigger(definition text, arguments text) RETURNS TABLE (code text, message text, hint text) LANGUAGE sql AS $$
	SELECT e.code, e.message, e.hint
	FROM t.error(format('CREATE TRIGGER fire %s EXECUTE FUNCTION wf_fire_trigger(%s)', definition, arguments)) e
$$;
\x
SELECT c.* FROM (VALUES (1, ''), (2, ''''''), (3, format('%L', repeat('é', 256))),
	(4, '''row'', ''tennant_id'''), (5, '''row'', ''nothing_like_it'''),
	(6, '''row'', ''00000000-0000-4000-8000-00000000000g'''), (7, '''row'', '''''),
	(8, '''row'', ''id'''), (9, '''row'', ''j'''),
	(10, '''row'', ''tenant_id'', ''totl'''), (11, '''row'', ''tenant_id'', ''sum=totl'''),
	(12, '''row'', ''tenant_id'', '''''), (13, '''row'', ''tenant_id'', ''=total'''), (14, '''row'', ''tenant_id'', ''total='''),
	(15, '''row'', ''tenant_id'', ''id'', ''id=total'''), (16, '''row'', ''tenant_id'', ''_op=total'''),
	(17, '''row'', ''tenant_id'', ''_old=total''')) a (n, arguments),
	g.create_trigger('AFTER INSERT ON g.wrong FOR EACH ROW', arguments) c ORDER BY n;
SELECT c.* FROM (VALUES (1, 'BEFORE INSERT ON g.wrong FOR EACH ROW'), (2, 'INSTEAD OF INSERT ON g.view FOR EACH ROW'),
	(3, 'AFTER TRUNCATE ON g.wrong'), (4, 'AFTER INSERT ON g.wrong'),
	(5, 'AFTER DELETE ON g.wrong'), (6, 'AFTER UPDATE ON g.wrong REFERENCING NEW TABLE AS n'),
	(7, 'AFTER UPDATE ON g.wrong REFERENCING OLD TABLE AS o'), (8, 'AFTER INSERT OR UPDATE ON g.wrong')) d (n, definition),
	g.create_trigger(definition, '''row''') c ORDER BY n;
-- Columns that the payload's own members would hide, unless they are chosen.
SELECT * FROM g.create_trigger('AFTER INSERT ON g.own FOR EACH ROW', '''row''');
SELECT * FROM g.create_trigger('AFTER INSERT ON g.own FOR EACH ROW', '''row'', ''tenant_id'', ''id'', ''_op''');
\x
SELECT * FROM g.create_trigger('AFTER INSERT ON g.own FOR EACH ROW', '''row'', ''tenant_id'', ''id'', ''op=_op'', ''_operation=_table''');
INSERT INTO g.own VALUES (1, DEFAULT, 'a', 'b');
SELECT g.look();
-- A partitioned table's is refused as a whole.
SELECT code FROM g.create_trigger('AFTER INSERT ON g.part FOR EACH ROW', '''row'', ''tenant_id'', ''totl''');
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('g.wrong'::regclass, 'g.part'::regclass, 'g.part1'::regclass);
-- One that is replaced as well, and the old one stays.
CREATE TRIGGER fire AFTER INSERT ON g.wrong FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'id');
CREATE OR REPLACE TRIGGER fire AFTER INSERT ON g.wrong FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'totl');
INSERT INTO g.wrong VALUES (1);
SELECT g.look();
DROP TRIGGER fire ON g.wrong;
-- Another function of that name is nobody's business here.
CREATE FUNCTION g.wf_fire_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER other AFTER TRUNCATE ON g.wrong EXECUTE FUNCTION g.wf_fire_trigger('row', 'no_such');
DROP TRIGGER other ON g.wrong;
-- Tenants in texts, domains and a type of somebody's.
CREATE DOMAIN g.uuid_domain AS uuid;
CREATE DOMAIN g.text_domain AS text;
CREATE TABLE g.tenants (id int, u g.uuid_domain DEFAULT t.a(), td g.text_domain DEFAULT t.a(),
	c char(40) DEFAULT t.a()::text, v varchar(50) DEFAULT '{' || upper(t.a()::text) || '}');
CREATE TRIGGER u AFTER INSERT ON g.tenants FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'u', 'domain=id');
CREATE TRIGGER td AFTER INSERT ON g.tenants FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'td', 'text_domain=id');
CREATE TRIGGER v AFTER INSERT ON g.tenants FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'v', 'varchar=id');
INSERT INTO g.tenants VALUES (1);
SELECT g.look();

--
-- In a restore it is created, with a warning: it worked where it was dumped
--
SET check_function_bodies = off;
CREATE TRIGGER before BEFORE INSERT OR UPDATE OR DELETE ON g.wrong
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row');
CREATE TRIGGER truncated AFTER TRUNCATE ON g.wrong
	EXECUTE FUNCTION wf_fire_trigger('row');
CREATE TRIGGER no_rows AFTER INSERT ON g.wrong
	EXECUTE FUNCTION wf_fire_trigger('row');
CREATE TRIGGER no_type AFTER INSERT ON g.wrong
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger();
CREATE TRIGGER no_tenant AFTER INSERT ON g.wrong
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tennant_id');
CREATE TRIGGER instead INSTEAD OF INSERT ON g.view
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row');
RESET check_function_bodies;
-- Statements do what they are to do.
TRUNCATE g.wrong;
INSERT INTO g.wrong VALUES (1);
UPDATE g.wrong SET id = 2;
SELECT id FROM g.wrong;
DELETE FROM g.wrong;
SELECT count(*) FROM g.wrong;
SELECT g.look();
-- A view's rows would be lost quietly.
INSERT INTO g.view VALUES (1);
DROP TRIGGER before ON g.wrong;
DROP TRIGGER truncated ON g.wrong;
DROP TRIGGER no_rows ON g.wrong;
DROP TRIGGER no_type ON g.wrong;
DROP TRIGGER no_tenant ON g.wrong;

--
-- The table changes under its trigger
--
CREATE TABLE g.changing (id int, tenant_id uuid DEFAULT t.a(), total numeric, gone text);
CREATE TRIGGER by_row AFTER INSERT OR UPDATE ON g.changing
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'id', 'sum=total', 'gone');
ALTER TABLE g.changing RENAME total TO amount;
ALTER TABLE g.changing DROP gone;
INSERT INTO g.changing VALUES (1, DEFAULT, 5), (2, DEFAULT, 6);
UPDATE g.changing SET amount = 7 WHERE id = 1;
SELECT g.look();
-- Once a statement of the client's, however many rows and statements in it.
DO $$
BEGIN
	FOR i IN 1..10 LOOP
		INSERT INTO g.changing VALUES (i);
	END LOOP;
END $$;
DELETE FROM workflow_runs WHERE tenant_id = t.a();
-- Without its tenant it fires nothing.
ALTER TABLE g.changing RENAME tenant_id TO owner;
INSERT INTO g.changing VALUES (3), (4);
ALTER TABLE g.changing RENAME owner TO tenant_id;
ALTER TABLE g.changing ALTER tenant_id DROP DEFAULT, ALTER tenant_id TYPE int USING 5;
INSERT INTO g.changing VALUES (3), (4);
SELECT g.look();
DROP TABLE g.changing;
-- A column comes that the payload has no room for.
CREATE TABLE g.growing (id int, tenant_id uuid DEFAULT t.a());
CREATE TRIGGER by_row AFTER INSERT ON g.growing
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row');
ALTER TABLE g.growing ADD _old text DEFAULT 'x', ADD _op text DEFAULT 'y';
INSERT INTO g.growing VALUES (1);
SELECT g.look();

--
-- Values that no payload can hold, row by row and by statement
--
CREATE TYPE g.holds_json AS (name text, j json);
CREATE DOMAIN g.any_json AS json;
CREATE TABLE g.vals (id int, tenant_id uuid DEFAULT t.a(), j json, n numeric, f float8, jd g.any_json, ja json[], r g.holds_json);
CREATE TRIGGER by_row AFTER INSERT OR UPDATE OR DELETE ON g.vals
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'id', 'j', 'n', 'f');
CREATE TABLE g.bulk (LIKE g.vals INCLUDING ALL);
CREATE TRIGGER by_statement AFTER INSERT ON g.bulk REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'id', 'j', 'jd', 'ja', 'r');
INSERT INTO g.vals (id, j) VALUES (1, '{"a": "\u0000"}');
INSERT INTO g.vals (id, j) VALUES (2, '"\ud83d"');
INSERT INTO g.vals (id, j) VALUES (3, '{"a": 1e999999}');
INSERT INTO g.vals (id, j, n, f) VALUES (4, '{"a": 1}', 'NaN', 'NaN'), (5, '[]', 'Infinity', '-Infinity');
SELECT g.look();
UPDATE g.vals SET j = 'true' WHERE id IN (1, 2, 3);
SELECT g.look();
UPDATE g.vals SET j = '"\u0000"' WHERE id = 1;
DELETE FROM g.vals WHERE id = 1;
SELECT g.look();
-- Nested deeper than the stack is.
CREATE TABLE g.deep AS SELECT (repeat('[', 4000) || repeat(']', 4000))::json AS j;
CREATE TABLE g.deep_binary AS SELECT j::jsonb FROM g.deep;
CREATE TABLE g.deeper (id int, tenant_id uuid, j jsonb);
CREATE TRIGGER by_row AFTER INSERT ON g.deeper
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'id', 'j');
SET max_stack_depth = '200kB';
INSERT INTO g.vals (id, j) SELECT 6, j FROM g.deep;
INSERT INTO g.deeper SELECT 7, t.a(), j FROM g.deep_binary;
RESET max_stack_depth;
SELECT g.look();
-- In a statement one warning a column, and the good rows go as they are.
INSERT INTO g.bulk (id, j, jd, ja, r)
SELECT i, v, v, ARRAY[v], ROW('r', v)::g.holds_json
FROM (VALUES (1, '1'::json), (2, '"\u0000"'), (3, '1e999999'), (4, '"\udc00 "'), (5, '{"k": [5]}')) s (i, v);
SELECT g.look();
TABLE g.bulk;

-- Somebody's type, whose functions fail.
SET client_min_messages = warning;
CREATE TYPE g.shy;
CREATE FUNCTION g.shy_in(cstring) RETURNS g.shy IMMUTABLE STRICT LANGUAGE internal AS 'textin';
CREATE FUNCTION g.shy_out(g.shy) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
CREATE TYPE g.shy (INPUT = g.shy_in, OUTPUT = g.shy_out, LIKE = text);
RESET client_min_messages;
CREATE TABLE g.side_effects (n int);
CREATE FUNCTION g.as_json(g.shy) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO g.side_effects VALUES (1);
	IF $1::text = 'fails' THEN
		RAISE EXCEPTION 'I am shy' USING DETAIL = 'very';
	ELSIF $1::text = 'cancelled' THEN
		RAISE query_canceled;
	END IF;
	RETURN to_json($1::text);
END $$;
CREATE CAST (g.shy AS text) WITH INOUT;
CREATE CAST (g.shy AS json) WITH FUNCTION g.as_json(g.shy);
CREATE TABLE g.shies (id int, tenant_id uuid DEFAULT t.a(), s g.shy, sa g.shy[], tenant g.shy);
CREATE TRIGGER by_row AFTER INSERT ON g.shies
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'id', 's', 'sa');
CREATE TRIGGER by_tenant AFTER INSERT ON g.shies
	FOR EACH ROW WHEN (new.tenant IS NOT NULL) EXECUTE FUNCTION wf_fire_trigger('row', 'tenant', 'id');
INSERT INTO g.shies (id, s, sa) VALUES (1, 'speaks', '{speaks}'), (2, 'fails', '{fails}'), (3, 'speaks', '{speaks,fails}');
SELECT g.look();
SELECT count(*) FROM g.side_effects;
INSERT INTO g.shies (id, tenant) VALUES (4, t.a()::text::g.shy), (5, 'nobody');
SELECT g.look();
-- At the commit, too.
CREATE TABLE g.later (id int, tenant_id uuid DEFAULT t.a(), s g.shy, j json);
CREATE CONSTRAINT TRIGGER fire AFTER INSERT ON g.later DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'id', 's', 'j');
BEGIN;
INSERT INTO g.later VALUES (1, DEFAULT, 'fails', '"\u0000"'), (2, NULL, NULL, NULL), (3, DEFAULT, NULL, NULL);
COMMIT;
SELECT g.look();
-- A cancelled statement is cancelled.
INSERT INTO g.shies (id, s) VALUES (6, 'cancelled');
SELECT g.look();

-- If a payload is too large, its largest values are null: of the row, of the
-- old row, and what jsonb itself could not hold.
CREATE TABLE g.large (id int, tenant_id uuid DEFAULT t.a(), note text, more text, hex bytea);
CREATE TRIGGER by_row AFTER INSERT OR UPDATE ON g.large
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'id', 'note', 'more', 'hex');
SET workflow_engine.max_payload = '1kB';
INSERT INTO g.large VALUES (1, DEFAULT, 'short', repeat('x', 1000), ''), (2, DEFAULT, 'short', 'short', ''),
	(3, DEFAULT, repeat('x', 999), repeat('x', 1001), repeat('x', 500)::bytea);
SELECT g.look();
UPDATE g.large SET more = 'y' WHERE id = 1;
SELECT g.look();
INSERT INTO g.large VALUES (4, DEFAULT, repeat('x', 110 * 1024 * 1024)), (5, DEFAULT, repeat('x', 1100));
SELECT g.look();
RESET workflow_engine.max_payload;
INSERT INTO g.large (id, hex) VALUES (6, repeat('x', 600 * 1024)::bytea);
SELECT payload - 'hex' AS payload, length(payload->>'hex') FROM g.fired;
DELETE FROM workflow_runs WHERE tenant_id = t.a();
-- Names alone may be too many.
SELECT format('CREATE TABLE g.wide (id int, tenant_id uuid DEFAULT t.a(), %s)', string_agg('column_' || i || ' int', ', '))
FROM generate_series(1, 100) i \gexec
CREATE TRIGGER by_row AFTER INSERT ON g.wide
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row');
SET workflow_engine.max_payload = '1kB';
INSERT INTO g.wide VALUES (1);
RESET workflow_engine.max_payload;
SELECT g.look();

--
-- What stays an error
--
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
INSERT INTO g.growing VALUES (2);
\echo :LAST_ERROR_SQLSTATE
SET workflow_engine.tenant_id = '';
SELECT wf_fire_trigger();
\echo :LAST_ERROR_SQLSTATE

SELECT t.clean();
SET client_min_messages = warning;
DROP SCHEMA g CASCADE;
