--
-- wf_fire_trigger: a table's rows become events
--
\set steps '"steps": [{"name": "s", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "none"}}}]'
SELECT count(wf_define(tenant, format('{"name": "%s", "trigger_type": "%1$s", %s}',
	type, :'steps')::jsonb))
FROM (VALUES (t.a(), 'row'), (t.a(), 'statement'), (t.b(), 'row')) d (tenant, type);
CREATE SCHEMA g;
-- What was fired since the last look.
CREATE VIEW g.fired AS
SELECT d.name, CASE d.tenant_id WHEN t.a() THEN 'a' WHEN t.b() THEN 'b' END AS tenant,
	r.trigger_payload AS payload
FROM workflow_runs r JOIN workflow_definitions d ON d.id = r.definition_id
WHERE r.tenant_id IN (t.a(), t.b()) ORDER BY d.name, r.id;
CREATE FUNCTION g.look() RETURNS SETOF g.fired LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT * FROM g.fired;
	PERFORM t.wait();
	DELETE FROM workflow_runs WHERE tenant_id IN (t.a(), t.b());
END $$;

--
-- Row by row
--
-- With the trigger type alone, the tenant is in column tenant_id and the
-- payload is the whole row, with what happened.
CREATE TABLE g.orders (id int PRIMARY KEY, tenant_id uuid DEFAULT t.a(),
	total numeric(10,2), note text);
CREATE TRIGGER fire AFTER INSERT OR UPDATE OR DELETE ON g.orders
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row');
INSERT INTO g.orders VALUES (1, DEFAULT, 12.50, NULL), (2, t.b(), 3, 'for b');
SELECT * FROM g.look();
-- On UPDATE, _old is the row before.
UPDATE g.orders SET total = 13 WHERE id = 1;
SELECT * FROM g.look();
DELETE FROM g.orders WHERE id = 2;
SELECT * FROM g.look();
-- INSERT ... ON CONFLICT: what really happened.
INSERT INTO g.orders VALUES (1, DEFAULT, 99, 'upsert'), (3, DEFAULT, 1, 'new')
ON CONFLICT (id) DO UPDATE SET note = excluded.note;
SELECT payload->>'_op' AS op, payload->'id' AS id, payload->>'note' AS note,
	payload->'_old'->>'note' AS old_note FROM g.look();
INSERT INTO g.orders VALUES (1) ON CONFLICT DO NOTHING;
SELECT count(*) FROM g.look();
-- A condition of the trigger's own decides before.
CREATE TABLE g.picky (id int, tenant_id uuid);
CREATE TRIGGER fire AFTER INSERT ON g.picky
	FOR EACH ROW WHEN (new.id > 10) EXECUTE FUNCTION wf_fire_trigger('row');
INSERT INTO g.picky SELECT n, t.a() FROM unnest('{5,15}'::int[]) n;
SELECT payload->'id' AS id FROM g.look();
-- Rolled back, nothing was fired.
BEGIN;
INSERT INTO g.orders VALUES (4);
ROLLBACK;
SELECT count(*) FROM g.look();

--
-- Which columns, which tenant
--
-- Further arguments choose columns and rename them: "new_name=column".
CREATE TABLE g.chosen (id int, customer uuid, total_amount numeric, "a=b" int, secret text);
CREATE TRIGGER fire AFTER INSERT OR UPDATE ON g.chosen
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'customer', 'order_id=id', 'total_amount');
INSERT INTO g.chosen VALUES (7, t.a(), 1.50, 1, 's');
UPDATE g.chosen SET secret = 't', total_amount = 2;
SELECT tenant, payload FROM g.look();
-- A literal uuid is the tenant of every row; a text column holds one too.
CREATE TABLE g.literal (id int);
CREATE TRIGGER fire AFTER INSERT ON g.literal FOR EACH ROW
	EXECUTE FUNCTION wf_fire_trigger('row', '00000000-0000-4000-8000-00000000000b');
INSERT INTO g.literal VALUES (1);
CREATE TABLE g.texttenant (id int, tenant_id text);
CREATE TRIGGER fire AFTER INSERT ON g.texttenant FOR EACH ROW
	EXECUTE FUNCTION wf_fire_trigger('row');
INSERT INTO g.texttenant VALUES (2, t.b()::text);
SELECT tenant, payload FROM g.look();
-- Without a tenant there is no event, and the row is none the worse for it.
INSERT INTO g.texttenant VALUES (3, 'no uuid');
INSERT INTO g.chosen VALUES (8, NULL);
SELECT (SELECT count(*) FROM g.texttenant WHERE id = 3) AS one,
	(SELECT count(*) FROM g.chosen WHERE id = 8) AS another;
-- A tenant without such workflows has no runs; and a bound session fires for
-- its own tenant only.
INSERT INTO g.chosen VALUES (9, '00000000-0000-4000-8000-0000000000ff');
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
INSERT INTO g.chosen VALUES (10, t.a());
\echo :LAST_ERROR_SQLSTATE
SET workflow_engine.tenant_id = '';
SELECT count(*) FROM g.look();

--
-- Whole statements: all runs in one insert
--
CREATE TABLE g.bulk (id int PRIMARY KEY, tenant_id uuid DEFAULT t.a(), v text);
CREATE TRIGGER fire_insert AFTER INSERT ON g.bulk REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION wf_fire_trigger('statement');
CREATE TRIGGER fire_update AFTER UPDATE ON g.bulk REFERENCING NEW TABLE AS n OLD TABLE AS o
	FOR EACH STATEMENT EXECUTE FUNCTION wf_fire_trigger('statement', 'tenant_id', 'id', 'value=v');
CREATE TRIGGER fire_delete AFTER DELETE ON g.bulk REFERENCING OLD TABLE AS o
	FOR EACH STATEMENT EXECUTE FUNCTION wf_fire_trigger('statement', 'tenant_id', 'id');
INSERT INTO g.bulk (id, v) SELECT n, 'v' || n FROM generate_series(1, 3) n;
SELECT payload FROM g.look();
-- Each row has the _old that was its own.
UPDATE g.bulk SET v = 'w' || id, id = id + 10;
SELECT payload FROM g.look() ORDER BY payload->'id';
DELETE FROM g.bulk WHERE id > 11;
SELECT payload FROM g.look() ORDER BY payload->'id';
-- No rows, no runs.
UPDATE g.bulk SET v = '' WHERE false;
SELECT count(*) FROM g.look();
-- ON CONFLICT DO UPDATE fires both triggers, each for its rows.
INSERT INTO g.bulk VALUES (11, DEFAULT, 'again'), (20, DEFAULT, 'first')
ON CONFLICT (id) DO UPDATE SET v = excluded.v;
SELECT payload FROM g.look() ORDER BY payload->'id';
-- MERGE as well.
MERGE INTO g.bulk b USING (VALUES (11, 'merged'), (30, 'made')) s (id, v) ON b.id = s.id
WHEN MATCHED THEN UPDATE SET v = s.v
WHEN NOT MATCHED THEN INSERT VALUES (s.id, t.a(), s.v);
SELECT payload FROM g.look() ORDER BY payload->'id';

-- 10,000 rows in one statement are 10,000 runs, and all of them complete.
TRUNCATE g.bulk;
INSERT INTO g.bulk (id, v) SELECT n, 'x' FROM generate_series(1, 10000) n;
SELECT count(*), count(DISTINCT payload->'id') FROM g.fired;
SELECT t.wait();
SELECT status, count(*) FROM workflow_runs WHERE tenant_id = t.a() GROUP BY 1;
SELECT count(*) FROM g.look();

--
-- Types: as to_jsonb has them
--
CREATE TYPE g.pair AS (x int, y text);
CREATE DOMAIN g.word AS text CHECK (VALUE <> '');
CREATE TYPE g.mood AS ENUM ('happy');
CREATE TABLE g.types (tenant_id uuid DEFAULT t.a(), dropped int, n numeric, f float8,
	b boolean, ts timestamptz, d date, j json, jb jsonb, ia int[], p g.pair,
	w g.word, m g.mood, bin bytea, u uuid, i8 bigint, long text);
-- A dropped column is not in the row any more, an added one is.
ALTER TABLE g.types DROP dropped;
ALTER TABLE g.types ADD added text DEFAULT 'default';
CREATE TRIGGER fire AFTER INSERT ON g.types
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id');
SET timezone = 'UTC';
INSERT INTO g.types VALUES (DEFAULT, 1.10, 'NaN', true, '2026-01-02 03:04:05Z',
	'2026-01-02', '{"a" : 1}', '[1, null]', '{1,NULL}', '(1,"z")', 'word', 'happy',
	'\x01', t.a(), 9007199254740993, repeat('long ', 2000));
SELECT jsonb_pretty(payload - 'long') AS payload,
	payload->>'long' = repeat('long ', 2000) AS long FROM g.look();
--
-- Partitioned tables
--
CREATE TABLE g.part (id int, tenant_id uuid DEFAULT t.a()) PARTITION BY RANGE (id);
CREATE TABLE g.part1 (tenant_id uuid DEFAULT t.a(), id int);
ALTER TABLE g.part ATTACH PARTITION g.part1 FOR VALUES FROM (0) TO (10);
CREATE TABLE g.part2 PARTITION OF g.part FOR VALUES FROM (10) TO (20);
CREATE TRIGGER fire AFTER INSERT ON g.part
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row');
INSERT INTO g.part VALUES (1), (11);
SELECT payload FROM g.look();
-- The table is the one that the trigger was created on, also for who writes to
-- a partition of a partition, and in the statement after its name has changed.
CREATE TABLE g.part3 PARTITION OF g.part FOR VALUES FROM (20) TO (40)
	PARTITION BY RANGE (id);
CREATE TABLE g.part3a PARTITION OF g.part3 FOR VALUES FROM (20) TO (30);
CREATE TABLE g.part4 (tenant_id uuid DEFAULT t.a(), id int);
ALTER TABLE g.part3 ATTACH PARTITION g.part4 FOR VALUES FROM (30) TO (40);
INSERT INTO g.part3a VALUES (21), (22);
ALTER TABLE g.part RENAME TO parted;
CREATE SCHEMA g2;
ALTER TABLE g.parted SET SCHEMA g2;
INSERT INTO g2.parted VALUES (31);
INSERT INTO g.part1 (id) VALUES (3);
SELECT payload FROM g.look();
ALTER TABLE g2.parted SET SCHEMA g;
ALTER TABLE g.parted RENAME TO part;
-- A trigger of a partition's own has the partition's name.
CREATE TRIGGER own AFTER INSERT ON g.part2
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'own=id');
INSERT INTO g.part VALUES (12);
SELECT payload FROM g.look() ORDER BY payload->>'_table';
DROP TRIGGER own ON g.part2;
DROP TRIGGER fire ON g.part;
-- Row by row, a row that moves to another partition is deleted and inserted.
CREATE TRIGGER fire AFTER INSERT OR UPDATE OR DELETE ON g.part
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'id');
UPDATE g.part SET id = 13 WHERE id = 3;
UPDATE g.part SET id = 14 WHERE id = 13;
SELECT payload FROM g.look();
DROP TRIGGER fire ON g.part;
-- By statement it is updated.
CREATE TRIGGER fire AFTER UPDATE ON g.part REFERENCING OLD TABLE AS o NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION wf_fire_trigger('statement', 'tenant_id', 'id');
UPDATE g.part SET id = 4 WHERE id = 14;
SELECT payload FROM g.look();
-- Where the partition that it moves to drops it, old and new rows do not pair.
CREATE FUNCTION g.drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER drop_row BEFORE INSERT ON g.part2
	FOR EACH ROW EXECUTE FUNCTION g.drop_row();
INSERT INTO g.part VALUES (5);
UPDATE g.part SET id = CASE id WHEN 5 THEN 15 ELSE 6 END WHERE id IN (4, 5);
SELECT payload FROM g.look();
DROP TRIGGER drop_row ON g.part2;
DROP TRIGGER fire ON g.part;
-- A statement's rows are seen as rows of the parent.
CREATE TRIGGER fire AFTER INSERT ON g.part REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION wf_fire_trigger('statement');
INSERT INTO g.part VALUES (2), (16);
SELECT payload FROM g.look();
-- A child by inheritance has no trigger of its parent's.
CREATE TABLE g.parent (id int, tenant_id uuid DEFAULT t.a());
CREATE TABLE g.child () INHERITS (g.parent);
CREATE TRIGGER fire AFTER UPDATE ON g.parent REFERENCING OLD TABLE AS o NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION wf_fire_trigger('statement', 'tenant_id', 'id');
CREATE TRIGGER own AFTER UPDATE ON g.child
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'id');
INSERT INTO g.child VALUES (1);
UPDATE g.parent SET id = 2;
SELECT payload FROM g.look();

-- The role that changes the table needs no privilege on the extension.
CREATE ROLE regress_shop;
GRANT USAGE ON SCHEMA g TO regress_shop;
GRANT INSERT ON g.literal TO regress_shop;
SET ROLE regress_shop;
INSERT INTO g.literal VALUES (5);
RESET ROLE;
SELECT tenant, payload FROM g.look();

SELECT t.clean();
SET client_min_messages = warning;
DROP SCHEMA g, g2 CASCADE;
DROP ROLE regress_shop;
