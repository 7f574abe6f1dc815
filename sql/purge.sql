--
-- wf_purge and workflow_engine.retention: runs that ended long ago are deleted
--
\set VERBOSITY terse
\set steps '"steps": [{"name": "s", "action": "echo"}]'
SELECT count(wf_define(t.a(), format('{"name": "old", "trigger_type": "old", %s}', :'steps')::jsonb));
-- A run that was fired so long ago, and ended so long ago.
CREATE FUNCTION t.old_id(fired interval) RETURNS uuid LANGUAGE sql AS $$
	SELECT (lpad(to_hex((extract(epoch FROM now() - fired) * 1000)::bigint), 12, '0')
		|| '7' || substr(md5(random()::text), 1, 3) || '8' || substr(md5(random()::text), 1, 15))::uuid
$$;
CREATE FUNCTION t.old_run(what text, status text, fired interval, ended interval, key text DEFAULT NULL, parent uuid DEFAULT NULL)
RETURNS uuid LANGUAGE sql AS $$
	INSERT INTO workflow_runs (id, definition_id, trigger_payload, status, queued_at, started_at, completed_at, run_at, idempotency_key, parent_id)
	SELECT t.old_id(fired), d.id, jsonb_build_object('what', what), status, now() - fired, now() - fired, now() - ended, 'infinity', key, parent
	FROM workflow_definitions d WHERE d.name = 'old' RETURNING id
$$;
CREATE VIEW t.left_over AS
	SELECT trigger_payload->>'what' AS what, status FROM workflow_runs
	WHERE trigger_payload ? 'what' AND tenant_id = t.a() ORDER BY 1, 2;

SELECT t.old_run('completed', 'completed', '100 days', '100 days') AS parent \gset
SELECT count(t.old_run(what, what, '100 days', '99 days')) FROM (VALUES ('failed'), ('cancelled')) v (what);
SELECT count(t.old_run('has a key', 'completed', '95 days', '95 days', 'key'));
SELECT count(t.old_run('lives', status, '100 days', NULL)) FROM (VALUES ('queued'), ('waiting')) v (status);
SELECT count(t.old_run('ended late', 'completed', '100 days', '1 day'));
SELECT count(t.old_run('child', 'completed', '80 days', '80 days', NULL, :'parent'));
-- What has ended longer ago than that goes; what lives stays, however old.
CALL wf_purge('90 days');
SELECT * FROM t.left_over;
-- The key is free again.
SELECT count(*) FROM wf_fire(t.a(), 'old', '{"what": "second of its key"}', 'key');
SELECT t.wait();
SELECT * FROM t.left_over;
-- A run whose parent is gone is as it was.
SELECT h.status, t.step_name, t.status FROM wf_history('{"what": "child"}') h, wf_trace(h.run_id) t;
-- There is no more.
CALL wf_purge('90 days');
CALL wf_purge('79 days 23:00');
SELECT * FROM t.left_over;

-- Operations go too, but for those on runs that are kept; and what was purged is
-- one.
TRUNCATE workflow_operations;
INSERT INTO workflow_operations (id, at, who, what, run_id)
SELECT t.old_id(age), now() - age, who, 'retry', (SELECT id FROM workflow_runs r WHERE r.trigger_payload->>'what' = run)
FROM (VALUES ('of nothing', '100 days'::interval, NULL), ('young', '80 days', NULL), ('of a kept run', '100 days', 'ended late')) v (who, age, run);
SELECT count(t.old_run('old', 'completed', '100 days', '100 days'));
CALL wf_purge('90 days');
SELECT what, CASE what WHEN 'purge' THEN 'I' ELSE who END AS who, detail->'runs' AS runs,
	(detail->>'before')::timestamptz < now() - interval '89 days 23:00' AS before FROM workflow_operations ORDER BY id;

-- A procedure that commits is called by itself.
\set VERBOSITY default
BEGIN;
CALL wf_purge('90 days');
ROLLBACK;
CREATE FUNCTION t.purges() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL wf_purge('90 days'); END $$;
\set VERBOSITY terse
SELECT t.purges();
-- A DO block outside of a transaction block may call it.
DO $$ BEGIN CALL wf_purge('90 days'); END $$;
\set VERBOSITY default
-- What it refuses.
CALL wf_purge(NULL);
CALL wf_purge('-1 second');
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000a';
CALL wf_purge('90 days');
SET workflow_engine.tenant_id = 'none';
CALL wf_purge('90 days');
RESET workflow_engine.tenant_id;

-- The capability is admin; the tables' owner is entered for each batch.
CREATE ROLE regress_purge_operate;
CREATE ROLE regress_purge_admin;
SELECT wf_grant('regress_purge_operate', 'operate'), wf_grant('regress_purge_admin', 'admin');
SELECT count(t.old_run('old', 'completed', '100 days', '100 days')) FROM generate_series(1, 3000);
SET ROLE regress_purge_operate;
CALL wf_purge('90 days');
SET ROLE regress_purge_admin;
CALL wf_purge('90 days');
SELECT current_user, current_setting('search_path') = reset_val AS same_path FROM pg_settings WHERE name = 'search_path';
DELETE FROM workflow_runs;
RESET ROLE;
-- At a stricter level too.
SET default_transaction_isolation = 'serializable';
SELECT count(t.old_run('old', 'completed', '100 days', '100 days')) FROM generate_series(1, 300);
CALL wf_purge('90 days');
RESET default_transaction_isolation;
SELECT count(t.old_run('old', 'completed', '100 days', '100 days'));
\set SHOW_CONTEXT never
SET default_transaction_read_only = on;
CALL wf_purge('90 days');
RESET default_transaction_read_only;

-- What refers to a run keeps it, and no other.
SELECT count(t.old_run('free', 'completed', '100 days', '100 days')) FROM generate_series(1, 300);
CREATE TABLE t.note (run_id uuid REFERENCES workflow_runs);
INSERT INTO t.note SELECT t.old_run('noted', 'completed', '99 days', '99 days');
SELECT count(t.old_run('free', 'completed', '98 days', '98 days')) FROM generate_series(1, 300);
CALL wf_purge('90 days');
SELECT * FROM t.left_over;
DROP TABLE t.note;
-- So does a trigger.
CREATE FUNCTION t.keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.trigger_payload->>'what' = 'noted' THEN RAISE EXCEPTION 'this run is kept'; END IF;
	RETURN OLD;
END $$;
CREATE TRIGGER keep BEFORE DELETE ON workflow_runs FOR EACH ROW EXECUTE FUNCTION t.keep();
CALL wf_purge('90 days');
DROP TRIGGER keep ON workflow_runs;
CALL wf_purge('90 days');
-- Another error ends the call, and says what was done.
CREATE FUNCTION t.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM 1 / 0; END $$;
CREATE TRIGGER fail BEFORE DELETE ON workflow_runs FOR EACH ROW EXECUTE FUNCTION t.fail();
SELECT count(t.old_run('old', 'completed', '100 days', '100 days'));
CALL wf_purge('90 days');
DROP TRIGGER fail ON workflow_runs;
CALL wf_purge('90 days');

-- The setting: what may have been meant otherwise is refused.
SHOW workflow_engine.retention;
SET workflow_engine.retention = '90d';
ALTER SYSTEM SET workflow_engine.retention = 90;
ALTER SYSTEM SET workflow_engine.retention = 0;
ALTER SYSTEM SET workflow_engine.retention = '1h';
ALTER SYSTEM RESET workflow_engine.retention;

DROP VIEW t.left_over;
DROP FUNCTION t.old_run, t.old_id, t.purges, t.keep, t.fail;
SELECT wf_revoke('regress_purge_operate', 'operate'), wf_revoke('regress_purge_admin', 'admin');
DROP ROLE regress_purge_operate, regress_purge_admin;
SELECT t.clean();
