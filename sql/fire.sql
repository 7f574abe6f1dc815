--
-- wf_fire: an event comes in
--
-- It queues one run for each active definition of the tenant and trigger
-- type, in the caller's transaction.
--
\set steps '"steps": [{"name": "s", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "none"}}}]'
SELECT count(wf_define(tenant, format('{"name": "%s", "trigger_type": "%s", %s}',
	name, type, :'steps')::jsonb))
FROM (VALUES (t.a(), 'one', 'order'), (t.a(), 'two', 'order'),
	(t.a(), 'off', 'order'), (t.a(), 'else', 'refund'),
	(t.b(), 'one', 'order')) d (tenant, name, type);
UPDATE workflow_definitions SET is_active = false WHERE name = 'off';
-- What was queued: the suite asks often.
CREATE VIEW fired AS
SELECT d.tenant_id = t.a() AS tenant_a, d.name, r.trigger_payload AS payload,
	r.idempotency_key AS key, r.priority, r.run_at = r.queued_at AS at_once
FROM workflow_runs r JOIN workflow_definitions d ON d.id = r.definition_id
WHERE d.tenant_id IN (t.a(), t.b()) ORDER BY 1 DESC, 2, r.id;

-- The ids of the runs come back; inactive definitions, other trigger types
-- and other tenants have none.
SELECT count(*), count(DISTINCT id) FROM wf_fire(t.a(), 'order', '{"n": 1}') f (id);
SELECT * FROM fired;
-- Runs are the engine's from now on.
SELECT t.wait();
SELECT count(*) FROM wf_fire(t.b(), 'order');
SELECT DISTINCT status FROM wf_history(tenant_id => t.a());
-- The payload is {} where there is none; none matching: no rows, no error.
SELECT payload FROM fired WHERE NOT tenant_a;
SELECT * FROM wf_fire(t.a(), 'nobody listens');
SELECT * FROM wf_fire('00000000-0000-4000-8000-0000000000ff', 'order');
-- A trigger type that no definition has is told, with the nearest that one
-- has; one of a definition that is switched off, or another tenant's, is not.
SELECT * FROM wf_fire(t.a(), 'oder');
SELECT * FROM wf_fire(t.a(), 'Refund');
UPDATE workflow_definitions SET is_active = false WHERE name = 'else';
SELECT * FROM wf_fire(t.a(), 'refund');
UPDATE workflow_definitions SET is_active = true WHERE name = 'else';
SELECT * FROM wf_fire(t.b(), 'refund');
-- Once a statement, not once a call; and again in the next.
SELECT count(*) FROM generate_series(1, 3) n, wf_fire(t.a(), 'oder', jsonb_build_object('n', n));
DO $$
BEGIN
	FOR i IN 1..3 LOOP
		PERFORM wf_fire(t.a(), 'oder');
		PERFORM wf_fire(t.b(), 'nobody listens');
	END LOOP;
END $$;
-- What is defined later is known later.
SELECT wf_define(t.b(), format('{"name": "late", "trigger_type": "oder", %s}', :'steps')::jsonb) IS NOT NULL;
SELECT * FROM wf_fire(t.a(), 'oder');
DELETE FROM workflow_definitions WHERE name = 'late';
-- A bound session is told of its own tenant's alone.
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SELECT * FROM wf_fire(t.b(), 'refunds');
SELECT * FROM wf_fire(t.b(), 'refund');
SELECT * FROM wf_fire(t.b(), 'oder');
SET workflow_engine.tenant_id = '';
SELECT * FROM wf_fire(t.b(), 'refund');
-- Who may not read the definitions is told no name; nor is it looked for where
-- nobody would hear of it.
CREATE ROLE regress_fires;
SELECT wf_grant('regress_fires', 'fire');
SET ROLE regress_fires;
SELECT * FROM wf_fire(t.a(), 'odder');
SET client_min_messages = warning;
SELECT * FROM wf_fire(t.a(), 'odder');
RESET client_min_messages;
RESET ROLE;
SELECT wf_revoke('regress_fires', 'fire');
DROP ROLE regress_fires;

-- A run that waits for its time: nothing starts before run_at.
SELECT count(*) FROM wf_fire(t.a(), 'refund', run_at => now() + '1 hour');
SELECT pg_sleep(0.2);
SELECT workflow_name, status, started_at = queued_at AS not_started
FROM wf_history(workflow => 'else');
-- One in the past is due at once, however long ago; infinity never comes.
SELECT count(*) FROM wf_fire(t.a(), 'refund', run_at => now() - interval '1 hour');
SELECT count(*)
FROM unnest('{2000-01-01 00:00:00+00, 1970-01-01 00:00:00+00, -infinity, infinity}'::timestamptz[]) moment,
	wf_fire(t.a(), 'refund', jsonb_build_object('moment', moment), run_at => moment);
SELECT trigger_payload->>'moment' AS moment, run_at AT TIME ZONE 'UTC' AS run_at
FROM workflow_runs WHERE trigger_payload ? 'moment' ORDER BY workflow_runs.run_at;
SELECT t.wait();
SELECT status FROM wf_history(workflow => 'else') ORDER BY 1;

--
-- What is refused
--
SELECT wf_fire(t.a(), 'order', '[1]');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_fire(t.a(), 'order', '"text"');
SELECT wf_fire(t.a(), 'order', 'null');
SELECT wf_fire(NULL, 'order');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_fire(t.a(), NULL);
SELECT wf_fire(t.a(), 'order', NULL);
-- Too large is told before anything is written; also where nothing matches.
SELECT (t.error(format($$SELECT wf_fire(t.a(), %L,
	jsonb_build_object('a', repeat('x', 1100000)))$$, type))).*
FROM (VALUES ('order'), ('nobody listens')) v (type);
SET workflow_engine.max_payload = '2kB';
SELECT (t.error($$SELECT wf_fire(t.a(), 'order',
	jsonb_build_object('a', repeat('x', 2100)))$$)).code;
SELECT count(*) FROM wf_fire(t.a(), 'order', jsonb_build_object('a', repeat('x', 1900)));
RESET workflow_engine.max_payload;

--
-- An idempotency key has 1 to 1000 bytes, whatever the door
--
SELECT wf_fire(t.a(), 'order', '{}', '');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_fire(t.a(), 'order', '{}', repeat('k', 1001));
\echo :LAST_ERROR_SQLSTATE
SELECT (t.error($$SELECT wf_fire(t.a(), 'nobody listens', '{}', '')$$)).code;
SELECT (t.error($$INSERT INTO workflow_runs (definition_id, trigger_payload, idempotency_key)
	SELECT id, '{}', '' FROM workflow_definitions WHERE name = 'off'$$)).*;
SELECT (t.error($$INSERT INTO workflow_runs (definition_id, trigger_payload, idempotency_key)
	SELECT id, '{}', repeat('é', 501) FROM workflow_definitions WHERE name = 'off'$$)).*;
-- One of random characters, which do not compress.
BEGIN;
SELECT count(*), count(DISTINCT id)
FROM (SELECT string_agg(md5(n::text), '') AS text FROM generate_series(1, 31) n) key,
	generate_series(1, 2), wf_fire(t.a(), 'order', '{}', left(text || text, 1000)) f (id);
ROLLBACK;

--
-- Priority: -32768 to 32767
--
SELECT count(*) FROM wf_fire(t.b(), 'order', priority => 32767);
SELECT count(*) FROM wf_fire(t.b(), 'order', priority => -32768);
SELECT count(*) FROM wf_fire(t.b(), 'order', priority => NULL);
SELECT wf_fire(t.b(), 'order', priority => 32768);
\echo :LAST_ERROR_SQLSTATE
SELECT wf_fire(t.b(), 'order', priority => -32769);
SELECT priority FROM fired WHERE NOT tenant_a ORDER BY 1;
-- Higher goes first, within it by time of fire; the table numbers its rows.
CREATE TABLE done (n int PRIMARY KEY, place int GENERATED ALWAYS AS IDENTITY);
SELECT wf_define(t.b(), '{"name": "ranked", "trigger_type": "ranked", "steps": [
	{"name": "s", "action": "insert_record", "params":
	 {"table": "done", "fields": {"n": "{{trigger.n}}"}}}]}') IS NOT NULL;
-- One worker: of two, each takes what the other has not locked.
CREATE FUNCTION t.wait_for_workers(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		EXIT WHEN n = (SELECT count(*) FROM wf_workers() WHERE database = current_database());
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
ALTER SYSTEM SET workflow_engine.workers = 1;
SELECT pg_reload_conf();
SELECT t.wait_for_workers(1);
SELECT wf_pause(t.b());
SELECT count(*) FROM (SELECT wf_fire(t.b(), 'ranked', jsonb_build_object('n', n),
	priority => n % 3) FROM generate_series(1, 6) n) f;
SELECT wf_resume(t.b());
SELECT t.wait();
SELECT n FROM done ORDER BY place;
ALTER SYSTEM RESET workflow_engine.workers;
SELECT pg_reload_conf();
SELECT t.wait_for_workers(2);

--
-- The caller's transaction
--
-- Rolled back, nothing was fired.
SELECT t.clean();
SELECT wf_define(t.a(), format('{"name": "one", "trigger_type": "order", %s}',
	:'steps')::jsonb) IS NOT NULL;
BEGIN;
SELECT count(*) FROM wf_fire(t.a(), 'order');
SELECT count(*) FROM fired;
ROLLBACK;
SELECT count(*) FROM fired;
-- A savepoint rolled back takes its own along, and no more.
BEGIN;
SELECT count(*) FROM wf_fire(t.a(), 'order', '{"n": "before"}');
SAVEPOINT s;
SELECT count(*) FROM wf_fire(t.a(), 'order', '{"n": "within"}');
ROLLBACK TO s;
SELECT count(*) FROM wf_fire(t.a(), 'order', '{"n": "after"}');
COMMIT;
SELECT t.wait();
SELECT payload, status FROM fired
JOIN wf_history(workflow => 'one') h ON h.trigger_payload = payload ORDER BY 1;
-- An error caught in PL/pgSQL likewise.
DO $$
BEGIN
	PERFORM wf_fire(t.a(), 'order', '{"n": "caught"}');
	RAISE EXCEPTION 'x';
EXCEPTION WHEN OTHERS THEN
	NULL;
END $$;
SELECT count(*) FROM fired WHERE payload @> '{"n": "caught"}';
-- Not before the commit: the engine cannot see it earlier.
BEGIN;
SELECT count(*) FROM wf_fire(t.a(), 'order', '{"n": "held"}');
SELECT pg_sleep(0.1);
SELECT status FROM wf_history('{"n": "held"}');
COMMIT;
SELECT t.wait();
SELECT status FROM wf_history('{"n": "held"}');
-- A definition made in the same transaction is fired too.
BEGIN;
SELECT wf_define(t.a(), format('{"name": "new", "trigger_type": "new", %s}',
	:'steps')::jsonb) IS NOT NULL;
SELECT count(*) FROM wf_fire(t.a(), 'new');
COMMIT;
SELECT t.wait();
SELECT status FROM wf_history(workflow => 'new');

--
-- Idempotency keys: one run for each definition and key
--
SELECT wf_define(t.a(), format('{"name": "two", "trigger_type": "order", %s}',
	:'steps')::jsonb) IS NOT NULL;
CREATE TEMP TABLE ids AS
SELECT id FROM wf_fire(t.a(), 'order', '{"n": 1}', 'key 1') f (id);
-- Again: the same ids come back and nothing is queued, whatever the payload.
SELECT count(*) AS same FROM wf_fire(t.a(), 'order', '{"n": 2}', 'key 1') f (id)
JOIN ids USING (id);
SELECT name, payload FROM fired WHERE key IS NOT NULL;
SELECT t.wait();
-- Also when the run has ended, and within one transaction.
BEGIN;
SELECT count(*) AS same FROM wf_fire(t.a(), 'order', '{}', 'key 1') f (id)
JOIN ids USING (id);
CREATE TEMP TABLE ids2 AS
SELECT id FROM wf_fire(t.a(), 'order', '{}', 'key 2') f (id);
SELECT count(*) AS same FROM wf_fire(t.a(), 'order', '{}', 'key 2') f (id)
JOIN ids2 USING (id);
COMMIT;
SELECT count(*) FROM fired WHERE key = 'key 2';
-- A definition that has not seen the key runs; the others do not again.
SELECT wf_define(t.a(), format('{"name": "three", "trigger_type": "order", %s}',
	:'steps')::jsonb) IS NOT NULL;
SELECT count(*) AS ids, count(ids.id) AS same
FROM wf_fire(t.a(), 'order', '{}', 'key 1') f (id) LEFT JOIN ids USING (id);
SELECT name FROM fired WHERE key = 'key 1';
-- A key whose fire was rolled back was not seen.
BEGIN;
SELECT count(*) FROM wf_fire(t.a(), 'new', '{}', 'key 3');
ROLLBACK;
SELECT count(*) FROM wf_fire(t.a(), 'new', '{"second": true}', 'key 3');
SELECT payload FROM fired WHERE key = 'key 3';
-- Without a key each fire counts.
SELECT count(*) FROM wf_fire(t.a(), 'new');
SELECT count(*) FROM wf_fire(t.a(), 'new');
SELECT key, count(*) FROM fired WHERE name = 'new' GROUP BY 1 ORDER BY 1 NULLS FIRST;

--
-- Ids ascend with time (UUID version 7)
--
CREATE TEMP TABLE ordered (n serial, id uuid);
INSERT INTO ordered (id) SELECT f.id FROM generate_series(1, 500) g
	CROSS JOIN LATERAL wf_fire(t.a(), 'new', jsonb_build_object('g', g)) f (id)
	ORDER BY g;
SELECT bool_and(id > before) AS ascending, count(*)
FROM (SELECT id, lag(id) OVER (ORDER BY n) AS before FROM ordered) o;
SELECT DISTINCT substr(id::text, 15, 1) AS version,
	substr(id::text, 20, 1) IN ('8', '9', 'a', 'b') AS variant,
	abs(extract(epoch FROM clock_timestamp()) * 1000 -
		('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint) < 60000 AS milliseconds
FROM ordered;
SELECT t.wait();

SELECT t.clean();
DROP VIEW fired;
DROP TABLE done;
