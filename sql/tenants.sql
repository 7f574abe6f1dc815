--
-- Tenants: workflow_engine.tenant_id binds a session
--
-- Then only that tenant's rows exist for it, in every table and function.
--
\set SHOW_CONTEXT never
\set steps '"steps": [{"name": "s", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "none"}}}]'
CREATE ROLE regress_view;
CREATE ROLE regress_admin;
CREATE ROLE regress_fire;
SELECT wf_grant('regress_view', 'view');
SELECT wf_grant('regress_admin', 'admin');
SELECT wf_grant('regress_fire', 'fire');
GRANT SET ON PARAMETER workflow_engine.tenant_id TO regress_view, regress_admin;
SELECT count(wf_define(tenant, format('{"name": "%s", "trigger_type": "order", %s}',
	name, :'steps')::jsonb))
FROM (VALUES (t.a(), 'of a'), (t.b(), 'of b')) d (tenant, name);
SELECT count(wf) FROM (SELECT wf_fire(t.a(), 'order', '{"of": "a"}') AS wf
	UNION ALL SELECT wf_fire(t.b(), 'order', '{"of": "b"}')) f;
SELECT t.wait();
INSERT INTO workflow_templates (tenant_id, name, body) VALUES
	(t.a(), 'mail', 'a'), (t.b(), 'mail', 'b'), (NULL, 'mail', 'all');
INSERT INTO workflow_connections (tenant_id, name, kind, config) VALUES
	(t.a(), 'team', 'http', '{"base_url": "http://a.example"}'),
	(t.b(), 'team', 'http', '{"base_url": "http://b.example"}'),
	(NULL, 'team', 'http', '{"base_url": "http://all.example"}');
SELECT wf_pause('00000000-0000-4000-8000-0000000000aa'), wf_pause(t.a()), wf_pause(t.b());
SELECT t.a() AS a, t.b() AS b \gset

-- What a session sees of each table, and what the functions answer.
CREATE FUNCTION t.seen() RETURNS TABLE (what text, rows text) LANGUAGE sql AS $$
	SELECT 'definitions', string_agg(name, ', ' ORDER BY name) FROM workflow_definitions
	WHERE name LIKE 'of %'
	UNION ALL SELECT 'versions', string_agg(definition->>'name', ', ' ORDER BY definition->>'name')
		FROM workflow_definition_versions WHERE definition->>'name' LIKE 'of %'
	UNION ALL SELECT 'runs', string_agg(trigger_payload->>'of', ', ' ORDER BY trigger_payload->>'of')
		FROM workflow_runs WHERE trigger_payload ? 'of'
	UNION ALL SELECT 'templates', string_agg(body, ', ' ORDER BY body) FROM workflow_templates
		WHERE name = 'mail'
	UNION ALL SELECT 'connections', string_agg(config->>'base_url', ', ' ORDER BY config->>'base_url')
		FROM workflow_connections WHERE name = 'team'
	UNION ALL SELECT 'pauses', string_agg(right(tenant_id::text, 2), ', ' ORDER BY tenant_id)
		FROM workflow_pauses
	UNION ALL SELECT 'wf_history', string_agg(workflow_name, ', ' ORDER BY workflow_name)
		FROM wf_history() WHERE workflow_name LIKE 'of %'
	UNION ALL SELECT 'wf_history by payload', string_agg(workflow_name, ', ' ORDER BY workflow_name)
		FROM wf_history('{"of": "a"}')
	UNION ALL SELECT 'wf_history of a', string_agg(workflow_name, ', ' ORDER BY workflow_name)
		FROM wf_history(tenant_id => t.a())
$$;
-- Not bound: everything.
SET ROLE regress_view;
SELECT * FROM t.seen();
-- Bound to A.  What belongs to no tenant is every tenant's to read.
SET workflow_engine.tenant_id = :'a';
SHOW workflow_engine.tenant_id;
SELECT * FROM t.seen();
-- Bound to B.
SET workflow_engine.tenant_id = :'b';
SELECT * FROM t.seen();
-- 'none' binds to no tenant at all: there is nothing.
SET workflow_engine.tenant_id = 'none';
SELECT * FROM t.seen();
SET workflow_engine.tenant_id = '';
RESET ROLE;

-- wf_trace too: the run of another tenant is not there.
SELECT run_id FROM wf_history('{"of": "b"}') \gset
SELECT count(*) FROM wf_trace(:'run_id');
SET workflow_engine.tenant_id = :'a';
SELECT count(*) FROM wf_trace(:'run_id');
SET workflow_engine.tenant_id = :'b';
SELECT count(*) FROM wf_trace(:'run_id');

-- wf_fire for another tenant is refused, also where nothing would match.
SET workflow_engine.tenant_id = :'a';
SET ROLE regress_fire;
SELECT count(*) FROM wf_fire(:'a', 'order');
SELECT wf_fire(:'b', 'order');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_fire(:'b', 'nobody listens');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
SET workflow_engine.tenant_id = 'none';
SELECT wf_fire(:'a', 'order');
\echo :LAST_ERROR_SQLSTATE

-- Writing: rows of the tenant only; those of all tenants are read-only.
SET workflow_engine.tenant_id = :'a';
SET ROLE regress_admin;
SELECT wf_define(:'b', '{"name": "x", "trigger_type": "x", "steps": [{"name": "s", "action": "find_record",
	"params": {"table": "pg_class", "where": {"relname": "none"}}}]}');
\echo :LAST_ERROR_SQLSTATE
WITH u AS (UPDATE workflow_definitions SET is_active = false WHERE name = 'of b' RETURNING 1)
SELECT count(*) FROM u;
WITH u AS (UPDATE workflow_templates SET body = body || '!' WHERE name = 'mail' RETURNING body)
SELECT * FROM u;
WITH u AS (DELETE FROM workflow_connections WHERE name = 'team' AND tenant_id IS NULL RETURNING 1)
SELECT count(*) FROM u;
INSERT INTO workflow_templates (tenant_id, name, body) VALUES (NULL, 'x', 'x');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO workflow_templates (tenant_id, name, body) VALUES (:'b', 'x', 'x');
UPDATE workflow_templates SET tenant_id = NULL WHERE name = 'mail';
INSERT INTO workflow_connections (tenant_id, name, kind, config)
VALUES (:'b', 'x', 'http', '{"base_url": "http://b.example"}');
SELECT wf_pause(:'b');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_pause();
SELECT wf_resume();
SELECT wf_resume(:'a');
RESET ROLE;
SET workflow_engine.tenant_id = '';
SELECT wf_resume(:'b'), wf_resume('00000000-0000-4000-8000-0000000000aa');
SELECT t.wait();

--
-- Who may bind, and unbind
--
-- An invalid value is refused.
SET workflow_engine.tenant_id = 'nonsense';
\echo :LAST_ERROR_SQLSTATE
SET workflow_engine.tenant_id = 'None';
SHOW workflow_engine.tenant_id;
-- RESET ALL does not undo it.
SET workflow_engine.tenant_id = :'a';
RESET ALL;
SHOW workflow_engine.tenant_id;
-- An ordinary role can neither set nor reset it, nor by other ways.
SET ROLE regress_fire;
SET workflow_engine.tenant_id = :'b';
\echo :LAST_ERROR_SQLSTATE
RESET workflow_engine.tenant_id;
SELECT set_config('workflow_engine.tenant_id', '', false);
ALTER ROLE regress_fire SET workflow_engine.tenant_id = '';
CREATE FUNCTION pg_temp.f() RETURNS text SET workflow_engine.tenant_id = '' RETURN 'x';
SHOW workflow_engine.tenant_id;
RESET ROLE;
-- A role granted SET can.
SET ROLE regress_view;
SET workflow_engine.tenant_id = :'b';
SHOW workflow_engine.tenant_id;
RESET ROLE;
SET workflow_engine.tenant_id = '';
-- DISCARD ALL (connection pools say it) does not undo it either.
SET workflow_engine.tenant_id = :'a';
DISCARD ALL;
SHOW workflow_engine.tenant_id;
SET workflow_engine.tenant_id = '';

--
-- The application's own policies hold for what steps write
--
-- While a run executes, the setting is the run's tenant.
CREATE ROLE regress_app;
CREATE TABLE notes (tenant_id uuid NOT NULL, note text);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON notes
	USING (tenant_id::text = current_setting('workflow_engine.tenant_id'));
GRANT ALL ON notes TO regress_app;
INSERT INTO notes VALUES (:'a', 'of a'), (:'b', 'of b');
SELECT t.go('notes', format('[
	{"name": "own", "action": "insert_record",
	 "params": {"table": "notes", "fields": {"tenant_id": "%s", "note": "own"}}},
	{"name": "foreign", "action": "insert_record", "on_error": "continue",
	 "params": {"table": "notes", "fields": {"tenant_id": "%s", "note": "foreign"}}},
	{"name": "see_own", "action": "find_record",
	 "params": {"table": "notes", "where": {"note": "of a"}, "columns": ["note"]}},
	{"name": "see_foreign", "action": "find_record",
	 "params": {"table": "notes", "where": {"note": "of b"}}}]', :'a', :'b')::jsonb,
	'{}', 'regress_app');
SELECT * FROM t.result('notes');
-- A step cannot change it.
CREATE SCHEMA n;
GRANT USAGE ON SCHEMA n TO PUBLIC;
CREATE FUNCTION n.rebind(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE params->>'sql';
	RETURN to_jsonb(current_setting('workflow_engine.tenant_id') = t.a()::text);
END $$;
SELECT wf_register_action('rebind', 'n.rebind(jsonb,jsonb)');
SELECT t.go('rebind', '[
	{"name": "set", "action": "rebind", "on_error": "continue",
	 "params": {"sql": "SET workflow_engine.tenant_id = ''''"}},
	{"name": "reset", "action": "rebind", "on_error": "continue",
	 "params": {"sql": "RESET workflow_engine.tenant_id"}},
	{"name": "reset_all", "action": "rebind", "params": {"sql": "RESET ALL"}}]', '{}', 'regress_app');
SELECT * FROM t.result('rebind');

SELECT t.clean();
DROP TABLE notes;
DROP FUNCTION t.seen;
DROP FUNCTION n.rebind;
DROP SCHEMA n;
REVOKE SET ON PARAMETER workflow_engine.tenant_id FROM regress_view, regress_admin;
SELECT wf_revoke('regress_view', 'view');
SELECT wf_revoke('regress_admin', 'admin');
SELECT wf_revoke('regress_fire', 'fire');
DROP ROLE regress_view, regress_admin, regress_fire, regress_app;
