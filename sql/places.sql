--
-- Places: what was made for another database stands still here
--
-- A run carries the place that it was made for.  What a restore or a copy
-- brings has another one; here such rows are inserted by hand.  That restores
-- and copies do bring them is tested with real ones in t/086_places.pl.
--
SET client_min_messages = warning;
CREATE TABLE t.noted (n int);
CREATE FUNCTION t.note(n int, place bigint, VARIADIC status text[] DEFAULT '{queued}')
RETURNS uuid LANGUAGE sql AS $$
	INSERT INTO workflow_runs (definition_id, trigger_payload, place, status)
	SELECT id, jsonb_build_object('n', n), place, status[1]
	FROM workflow_definitions WHERE name = 'note'
	RETURNING id
$$;
SELECT t.go('note', '{"action": "insert_record", "params":
	{"table": "t.noted", "fields": {"n": "{{trigger.n}}"}}}', '{"n": 1}');
SELECT t.wait();

-- A database is one place, which is not 0: of what is fired, ...
SELECT place AS here FROM workflow_runs WHERE trigger_payload = '{"n": 1}' \gset
SELECT :here <> 0 AS is_place;
-- ... also by a statement and by a table, and inserted by hand.
CREATE TABLE t.event (n int, tenant_id uuid DEFAULT t.a());
CREATE TRIGGER fire AFTER INSERT ON t.event
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('note', 'tenant_id', 'n');
INSERT INTO t.event VALUES (2);
ALTER TABLE workflow_runs ADD CONSTRAINT added CHECK (depth < 1000);
SELECT count(*) FROM wf_fire(t.a(), 'note', '{"n": 3}');
ALTER TABLE workflow_runs DROP CONSTRAINT added;
SELECT t.note(4, NULL) IS NULL;
SELECT t.wait();
SELECT n, place = :here AS here FROM workflow_runs,
	LATERAL (SELECT (trigger_payload->>'n')::int) p (n)
WHERE definition_id = (SELECT id FROM workflow_definitions WHERE name = 'note') ORDER BY n;
SELECT * FROM wf_places();

--
-- Another place: nothing of it is executed, taken over or retried
--
SELECT t.note(11, 7) AS queued \gset
SELECT t.note(12, 7, 'running') AS running \gset
SELECT t.note(13, 7, 'failed') AS failed \gset
SELECT t.note(14, 7, 'completed') AS completed \gset
INSERT INTO workflow_runs (definition_id, trigger_payload, place, run_at)
SELECT id, '{"n": 15}', 7, x::timestamptz FROM workflow_definitions,
	unnest('{now,infinity}'::text[]) x WHERE name = 'note';
-- What is fired now runs.
SELECT f AS fired FROM wf_fire(t.a(), 'note', '{"n": 5}') f \gset
SELECT t.wait_run(:'fired');
SELECT place, runs, oldest > now() - interval '1 hour' AS oldest, accepted FROM wf_places();
SELECT trigger_payload->>'n' AS n, status FROM workflow_runs WHERE place <> :here ORDER BY 1, 2;
SELECT standing_still, due, running FROM wf_health();
SELECT standing_still, queued, running FROM workflow_stats WHERE workflow_name = 'note';
SELECT code, message <> '' AS message, detail, hint FROM t.error(format('SELECT wf_retry(%L)', :'failed'));
SELECT count(*) FROM wf_retry_runs(t.a());
-- It can be cancelled.
SELECT wf_cancel(:'queued');
SELECT code, hint FROM t.error(format('SELECT wf_retry(%L)', :'queued'));

--
-- It is accepted: all of it goes on, and so does what comes in later
--
SELECT wf_accept_place(7);
SELECT t.wait_run(:'running');
SELECT wf_retry(:'failed');
SELECT t.wait_run(:'failed');
SELECT t.note(16, 7) AS later \gset
SELECT t.wait_run(:'later');
SELECT count(*) FROM wf_retry_runs(t.a(), status => 'cancelled');
SELECT t.wait_run(:'queued');
SELECT place, runs, accepted FROM wf_places();
SELECT here = :here AS here, accepted, by = current_user AS by FROM workflow_places;
-- The row counts for this place only: a copy of this database accepts nothing.
UPDATE workflow_places SET here = here + 1;
SELECT t.note(17, 7) AS still \gset
SELECT f AS fired FROM wf_fire(t.a(), 'note', '{"n": 6}') f \gset
SELECT t.wait_run(:'fired');
SELECT place, runs, accepted FROM wf_places();
SELECT wf_accept_place(7);
SELECT t.wait_run(:'still');
SELECT n, count(*) FROM t.noted GROUP BY n ORDER BY n;

-- Runs of several places are one queue: tenant by tenant, by priority.
TRUNCATE t.noted;
SELECT wf_pause();
SELECT t.note(21, 8) AS one \gset
SELECT wf_accept_place(8);
INSERT INTO workflow_runs (definition_id, trigger_payload, place, priority)
SELECT id, jsonb_build_object('n', 100 - g), (ARRAY[7, 8, NULL])[g % 3 + 1], g
FROM workflow_definitions, generate_series(1, 70) g WHERE name = 'note';
ALTER TABLE t.noted ADD at serial;
SELECT standing_still, due, running, later FROM wf_health();
SELECT standing_still, queued, running FROM workflow_stats WHERE workflow_name = 'note';
SELECT wf_resume();
SELECT t.wait('note');
SELECT t.wait_run(:'one');
SELECT count(*), count(DISTINCT n) FROM t.noted;
-- (Workers take some at a time.)
SELECT max(n) <= 80 AS urgent_first FROM (SELECT n FROM t.noted ORDER BY at LIMIT 20) x;

--
-- It is discarded: cancelled, what waits for ever as well, and not accepted
--
SELECT runs FROM wf_places() WHERE place = 7;
SELECT wf_discard_place(7);
SELECT wf_discard_place(8);
SELECT * FROM wf_places();
SELECT status, error_message IS NOT NULL AS reason, count(*) FROM workflow_runs
WHERE place = 7 AND status <> 'completed' GROUP BY 1, 2;
SELECT count(*) FROM workflow_places WHERE here = :here;
SELECT what, detail FROM workflow_operations WHERE what LIKE '% place' ORDER BY id;
SELECT code FROM t.error(format('SELECT wf_retry(id) FROM workflow_runs WHERE place = 7 AND status = %L', 'cancelled'));

--
-- No place: what a subscription brings from an older version, and what an old
-- dump brings, which a restore gives place 0
--
SET session_replication_role = replica;
INSERT INTO workflow_runs (definition_id, definition_version, tenant_id, trigger_payload, status)
SELECT id, version, tenant_id, jsonb_build_object('n', 130 + g), (ARRAY['queued', 'failed'])[g]
FROM workflow_definitions, generate_series(1, 2) g WHERE name = 'note';
RESET session_replication_role;
SELECT standing_still, queued FROM workflow_stats WHERE workflow_name = 'note';
SET check_function_bodies = off;
SELECT t.note(133, NULL) AS restored \gset
SELECT f AS fired FROM wf_fire(t.a(), 'note', '{"n": 7}') f \gset
ALTER TABLE workflow_runs ADD CONSTRAINT added CHECK (depth < 1000);
SELECT f AS fired_by_statement FROM wf_fire(t.a(), 'note', '{"n": 8}') f \gset
ALTER TABLE workflow_runs DROP CONSTRAINT added;
-- A restore into the database that was dumped must not run again what has run.
SELECT t.note(134, :here) AS again \gset
RESET check_function_bodies;
SELECT t.wait_run(:'fired');
SELECT t.wait_run(:'fired_by_statement');
SELECT trigger_payload->>'n' AS n, status, CASE WHEN place = 0 THEN 'none'
	WHEN place = :here THEN 'here' WHEN place IS NOT NULL THEN 'other' END AS place
FROM workflow_runs
WHERE trigger_payload->>'n' IN ('7', '8', '131', '132', '133', '134') ORDER BY 1;
SELECT place = 0 AS none, runs, accepted FROM wf_places() ORDER BY 2;
SELECT wf_accept_place(0);
SELECT t.wait_run(:'restored');
SELECT t.wait_run(id) FROM workflow_runs WHERE trigger_payload = '{"n": 131}';
SELECT wf_retry(id) FROM workflow_runs WHERE trigger_payload = '{"n": 132}';
SELECT t.wait_run(id) FROM workflow_runs WHERE trigger_payload = '{"n": 132}';
SELECT place = 0 AS none, runs, accepted FROM wf_places() ORDER BY 2;
SELECT wf_accept_place(place) FROM wf_places() WHERE NOT accepted;
SELECT t.wait_run(:'again');
-- Each restore of that kind is another place.
SET check_function_bodies = off;
SELECT t.note(135, :here) AS third \gset
RESET check_function_bodies;
SELECT place = 0 AS none, runs, accepted FROM wf_places() ORDER BY 2, 1;
SELECT wf_discard_place(place) FROM wf_places() WHERE NOT accepted;

--
-- Schedules
--
SELECT wf_define(t.a(), '{"name": "daily", "schedule": {"cron": "@daily", "time_zone": "UTC"},
	"steps": [{"name": "look", "action": "find_record",
		"params": {"table": "t.noted", "where": {"n": 0}}}]}') AS daily \gset
CREATE PROCEDURE t.wait_fired(definition uuid) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		IF EXISTS (SELECT FROM workflow_runs WHERE definition_id = definition) THEN
			RETURN;
		END IF;
		COMMIT;
		PERFORM pg_sleep(0.01);
	END LOOP;
	RAISE EXCEPTION 'the schedule was not fired';
END $$;
SELECT place = :here AS here FROM workflow_schedules WHERE definition_id = :'daily';
UPDATE workflow_schedules SET place = 9, next_at = now() - interval '1 day'
WHERE definition_id = :'daily';
SELECT place, runs, oldest, accepted FROM wf_places() WHERE place = 9;
SELECT wf_fire_schedules() IS NULL;
SELECT count(*) FROM workflow_runs WHERE definition_id = :'daily';
SELECT wf_accept_place(9);
CALL t.wait_fired(:'daily');
SELECT wf_discard_place(9);
SELECT next_at, place = :here AS here FROM workflow_schedules WHERE definition_id = :'daily';
-- It fires again after somebody has changed the definition.
UPDATE workflow_definitions SET definition = definition || '{"description": "ours"}'
WHERE id = :'daily';
SELECT next_at > now() AS next FROM workflow_schedules WHERE definition_id = :'daily';

--
-- What is refused
--
SELECT code, message, hint FROM t.error('SELECT wf_accept_place(NULL)');
SELECT code, detail FROM t.error(format('SELECT wf_accept_place(%s)', :here));
SELECT code, message, hint FROM t.error('SELECT wf_accept_place(123)');
SELECT code, message, hint FROM t.error('SELECT wf_discard_place(123)');
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000a';
SELECT code, message, detail FROM t.error('SELECT wf_places()');
SELECT code FROM t.error('SELECT wf_accept_place(7)');
SELECT code FROM t.error('SELECT wf_discard_place(7)');
RESET workflow_engine.tenant_id;
INSERT INTO workflow_identity DEFAULT VALUES;
BEGIN;
DELETE FROM workflow_identity;
ALTER TABLE workflow_identity ADD extra int;
SELECT code, message, hint FROM t.error($$SELECT wf_fire(t.a(), 'note')$$);
ROLLBACK;
SET workflow_engine.site = 'elsewhere';

DROP TABLE t.event, t.noted;
DROP FUNCTION t.note;
DROP PROCEDURE t.wait_fired;
SELECT t.clean();
DELETE FROM workflow_places;
DELETE FROM workflow_operations;
