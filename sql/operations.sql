--
-- workflow_operations: who did what by hand
--
SELECT t.clean();
TRUNCATE workflow_operations;
CREATE FUNCTION t.noted() RETURNS TABLE (what text, who text, tenant text, workflow text, run boolean, detail jsonb)
LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY WITH gone AS (DELETE FROM workflow_operations RETURNING *)
		SELECT o.what, CASE o.who WHEN session_user THEN 'me' ELSE o.who::text END,
			CASE o.tenant_id WHEN t.a() THEN 'a' WHEN t.b() THEN 'b' END, d.name,
			o.run_id IS NOT NULL, (o.detail - 'run_ids') || CASE WHEN o.detail ? 'run_ids'
				THEN jsonb_build_object('run_ids', jsonb_array_length(o.detail->'run_ids')) ELSE '{}' END
		FROM gone o LEFT JOIN workflow_definitions d ON d.id = o.definition_id ORDER BY o.id;
END $$;
CREATE FUNCTION t.broken(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'broken';
END $$;
SELECT wf_register_action('broken', 't.broken(jsonb, jsonb)');
\set steps '"steps": [{"name": "first", "action": "echo"}, {"name": "second", "action": "broken"}]'

-- A definition is saved, saved again, switched off and on, renamed, deleted.
-- What is saved as it was is no new version, and no operation.
SELECT wf_define(t.a(), format('{"name": "order", "trigger_type": "order", %s}', :'steps')::jsonb) IS NOT NULL AS defined;
SELECT wf_define(t.a(), format('{"name": "order", "trigger_type": "order", %s}', :'steps')::jsonb) IS NOT NULL AS defined;
UPDATE workflow_definitions SET definition = definition || '{"description": "x"}' WHERE tenant_id = t.a();
UPDATE workflow_definitions SET is_active = false WHERE tenant_id = t.a();
UPDATE workflow_definitions SET is_active = true, definition = definition - 'description' WHERE tenant_id = t.a();
SELECT * FROM t.noted();
INSERT INTO workflow_definitions (tenant_id, definition, is_active)
SELECT t.b(), definition, false FROM workflow_definitions WHERE tenant_id = t.a();
SELECT * FROM t.noted();
DELETE FROM workflow_definitions WHERE tenant_id = t.b();
SELECT * FROM t.noted();

-- One run is cancelled and retried.  What changes nothing is not recorded.
SELECT wf_fire(t.a(), 'order') AS run \gset
SELECT t.wait_run(:'run');
SELECT wf_cancel(:'run');
SELECT wf_retry(:'run', 'first');
SELECT t.wait_run(:'run');
SELECT * FROM t.noted();
SELECT wf_pause(t.a());
SELECT wf_pause(t.a());
SELECT wf_retry(:'run');
SELECT wf_cancel(:'run');
SELECT wf_resume(t.a());
SELECT wf_resume(t.a());
SELECT * FROM t.noted();

-- A call that is about several runs is one operation, with filter, count and
-- their ids; each of the runs tells of it.
SELECT wf_pause();
SELECT count(*) FROM generate_series(1, 3) i, wf_fire(t.a(), 'order', jsonb_build_object('i', i));
SELECT count(*) FROM wf_cancel_runs(t.a(), 'order', since => now() - '1 day'::interval);
SELECT count(*) FROM wf_cancel_runs(t.a(), 'order');
SELECT count(*) FROM wf_retry_runs(t.a(), status => 'cancelled');
SELECT count(*) FROM wf_cancel_runs(t.a());
SELECT count(*), min(told) AS told, max(told) = min(told) AS each FROM (
	SELECT (SELECT string_agg(concat_ws(' ', o->'what', o->'detail'->'count', (o->'detail'->'run_ids')), ', ')
		FROM jsonb_array_elements(wf_run(id)->'operations') o) AS told
	FROM workflow_runs WHERE tenant_id = t.a() AND trigger_payload ? 'i') r;
SELECT wf_resume();
SELECT what, who, tenant, workflow, run, detail - 'since' AS detail, detail ? 'since' AS since FROM t.noted();

-- Connections: what changed, never a credential.
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
VALUES (t.a(), 'shop', 'http', '{"base_url": "http://a.example"}', '{"bearer_token": "hush-hush"}');
UPDATE workflow_connections SET credentials = '{"bearer_token": "hush-2"}', config = config WHERE tenant_id = t.a();
UPDATE workflow_connections SET name = 'store', config = '{"base_url": "http://b.example"}' WHERE tenant_id = t.a();
DELETE FROM workflow_connections WHERE tenant_id = t.a();
SELECT * FROM t.noted();

-- It goes with the transaction.
BEGIN;
SELECT wf_pause(t.a());
ROLLBACK;
SELECT * FROM t.noted();

-- Who: the role of the session.  Roles see what their tenant's operations were.
CREATE ROLE regress_ops;
SELECT wf_grant('regress_ops', 'operate');
SELECT wf_pause();
SET ROLE regress_ops;
SELECT wf_pause(t.a());
SET ROLE regress_ops;
SELECT count(*) FROM workflow_operations;
RESET ROLE;
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000a';
SET ROLE regress_ops;
SELECT what, who, tenant_id = t.a() AS a FROM workflow_operations;
RESET ROLE;
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SET ROLE regress_ops;
SELECT count(*) FROM workflow_operations;
RESET ROLE;
RESET workflow_engine.tenant_id;
SELECT wf_resume(t.a()), wf_resume();
SELECT * FROM t.noted();

-- In a restore nothing is recorded: pg_dump's scripts turn this off.
SET check_function_bodies = off;
INSERT INTO workflow_definitions (tenant_id, definition, is_active)
SELECT t.b(), definition, false FROM workflow_definitions WHERE tenant_id = t.a();
INSERT INTO workflow_connections (tenant_id, name, kind, config) VALUES (t.b(), 'shop', 'http', '{"base_url": "http://a.example"}');
RESET check_function_bodies;
SELECT * FROM t.noted();
SELECT wf_revoke('regress_ops', 'operate');
DROP ROLE regress_ops;
SELECT t.clean();
