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
-- RESET goes back to what the session began with, here no binding.
SET workflow_engine.tenant_id = :'a';
RESET ALL;
SHOW workflow_engine.tenant_id;
-- An ordinary role can neither set nor reset it, nor by other ways.
SET workflow_engine.tenant_id = :'a';
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
-- DISCARD ALL, which connection poolers send, does what RESET does.
SET workflow_engine.tenant_id = :'a';
DISCARD ALL;
SHOW workflow_engine.tenant_id;

--
-- Sessions that begin bound: for those who forget to bind
--
SELECT current_user AS owner \gset
CREATE ROLE regress_pool LOGIN;
ALTER ROLE regress_pool SET workflow_engine.tenant_id = 'none';
GRANT SET ON PARAMETER workflow_engine.tenant_id TO regress_pool;
SELECT wf_grant('regress_pool', 'view');
GRANT USAGE ON SCHEMA t TO regress_pool;
CREATE TABLE t.rows AS SELECT n, t.a() AS tenant_id FROM generate_series(1, 1000) n;
GRANT SELECT ON t.rows TO regress_pool;
-- What a superuser made may unbind, as the superuser.
CREATE FUNCTION t.all_workflows() RETURNS SETOF text LANGUAGE sql
	SECURITY DEFINER SET workflow_engine.tenant_id = ''
BEGIN ATOMIC
	SELECT name FROM workflow_definitions WHERE name LIKE 'of %' ORDER BY name;
END;
-- The same with the caller's rights, and one that goes back to the beginning.
CREATE FUNCTION t.unbind() RETURNS text LANGUAGE sql PARALLEL SAFE
	SET workflow_engine.tenant_id = ''
	AS $$ SELECT current_setting('workflow_engine.tenant_id') $$;
CREATE FUNCTION t.reset() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
	RESET workflow_engine.tenant_id;
END $$;
\c - regress_pool
SHOW workflow_engine.tenant_id;
SELECT count(*) FROM workflow_definitions;
-- It binds, and goes back, in every spelling.
SET workflow_engine.tenant_id = :'a';
SELECT name FROM workflow_definitions WHERE name LIKE 'of %';
RESET workflow_engine.tenant_id;
SHOW workflow_engine.tenant_id;
SET workflow_engine.tenant_id = :'a';
RESET ALL;
SHOW workflow_engine.tenant_id;
SET workflow_engine.tenant_id = :'a';
SET workflow_engine.tenant_id TO DEFAULT;
SHOW workflow_engine.tenant_id;
SET workflow_engine.tenant_id = :'a';
DISCARD ALL;
SHOW workflow_engine.tenant_id;
SET workflow_engine.tenant_id = :'a';
SELECT t.reset();
SHOW workflow_engine.tenant_id;
-- It does not unbind itself, in any.
SET workflow_engine.tenant_id = '';
\echo :LAST_ERROR_SQLSTATE
SET SESSION workflow_engine.tenant_id TO '';
SELECT set_config('workflow_engine.tenant_id', '', false);
\echo :LAST_ERROR_SQLSTATE
SELECT set_config('workflow_engine.tenant_id', '', true);
BEGIN;
SET LOCAL workflow_engine.tenant_id = '';
\echo :LAST_ERROR_SQLSTATE
ROLLBACK;
SELECT t.unbind();
\echo :LAST_ERROR_SQLSTATE
CREATE FUNCTION pg_temp.unbind() RETURNS text SET workflow_engine.tenant_id = '' RETURN 'x';
ALTER ROLE regress_pool SET workflow_engine.tenant_id = '';
\echo :LAST_ERROR_SQLSTATE
SHOW workflow_engine.tenant_id;
-- A superuser's function may.
SELECT * FROM t.all_workflows();
SHOW workflow_engine.tenant_id;
-- SET LOCAL ends with its transaction, also with one that fails, and with
-- its savepoint.
BEGIN;
SET LOCAL workflow_engine.tenant_id = :'a';
SAVEPOINT s;
SET LOCAL workflow_engine.tenant_id = :'b';
SELECT name FROM workflow_definitions WHERE name LIKE 'of %';
ROLLBACK TO s;
SELECT name FROM workflow_definitions WHERE name LIKE 'of %';
SELECT 1 / 0;
SHOW workflow_engine.tenant_id;
ROLLBACK;
SHOW workflow_engine.tenant_id;
BEGIN;
SELECT set_config('workflow_engine.tenant_id', :'a', true) IS NOT NULL AS bound;
COMMIT;
SHOW workflow_engine.tenant_id;
-- Parallel workers are bound as their leader is, and do not unbind either.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SET workflow_engine.tenant_id = :'a';
EXPLAIN (COSTS OFF) SELECT count(*) FROM t.rows WHERE wf_tenant_visible(tenant_id);
SELECT count(*) FROM t.rows WHERE wf_tenant_visible(tenant_id);
SET workflow_engine.tenant_id = :'b';
SELECT count(*) FROM t.rows WHERE wf_tenant_visible(tenant_id);
SELECT count(t.unbind()) FROM t.rows;
\echo :LAST_ERROR_SQLSTATE
DISCARD ALL;
-- Superusers do, whatever the session began with; and who acts for another
-- role is that role.
\c - :owner
ALTER ROLE :"owner" IN DATABASE :DBNAME SET workflow_engine.tenant_id = :'b';
\c -
SHOW workflow_engine.tenant_id;
SET workflow_engine.tenant_id = '';
SELECT set_config('workflow_engine.tenant_id', '', true);
-- (what the superuser took off stays off in the parallel workers of others)
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SET ROLE regress_pool;
SELECT count(*) FROM t.rows WHERE wf_tenant_visible(tenant_id);
RESET ROLE;
RESET workflow_engine.tenant_id;
SET ROLE regress_pool;
SET workflow_engine.tenant_id = '';
SET workflow_engine.tenant_id = :'a';
RESET ROLE;
SET SESSION AUTHORIZATION regress_pool;
SET workflow_engine.tenant_id = '';
RESET SESSION AUTHORIZATION;
ALTER ROLE :"owner" IN DATABASE :DBNAME RESET workflow_engine.tenant_id;
-- A session that began without a binding may go back to none.
\c -
SET ROLE regress_pool;
SET workflow_engine.tenant_id = :'a';
SET workflow_engine.tenant_id = '';
SHOW workflow_engine.tenant_id;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT count(*) FROM t.rows WHERE wf_tenant_visible(tenant_id);
SELECT count(t.unbind()) FROM t.rows;
RESET ROLE;
DISCARD ALL;
DROP FUNCTION t.all_workflows, t.unbind, t.reset;
DROP TABLE t.rows;
REVOKE SET ON PARAMETER workflow_engine.tenant_id FROM regress_pool;
REVOKE USAGE ON SCHEMA t FROM regress_pool;
SELECT wf_revoke('regress_pool', 'view');
DROP ROLE regress_pool;
\set SHOW_CONTEXT never

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
-- A step cannot choose another; by RESET ALL it gets none at all, which holds
-- to its end.
CREATE SCHEMA n;
GRANT USAGE ON SCHEMA n TO PUBLIC;
CREATE FUNCTION n.rebind(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE params->>'sql';
	RETURN to_jsonb(CASE current_setting('workflow_engine.tenant_id')
		WHEN t.a()::text THEN 'its own'
		WHEN '' THEN 'every' ELSE current_setting('workflow_engine.tenant_id') END);
END $$;
SELECT wf_register_action('rebind', 'n.rebind(jsonb,jsonb)');
SELECT t.go('rebind', '[
	{"name": "set", "action": "rebind", "on_error": "continue",
	 "params": {"sql": "SET workflow_engine.tenant_id = ''''"}},
	{"name": "reset", "action": "rebind", "on_error": "continue",
	 "params": {"sql": "RESET workflow_engine.tenant_id"}},
	{"name": "reset_all", "action": "rebind", "params": {"sql": "RESET ALL"}},
	{"name": "discard_all", "action": "rebind", "on_error": "continue",
	 "params": {"sql": "DISCARD ALL"}},
	{"name": "discard_plans", "action": "rebind", "params": {"sql": "DISCARD PLANS"}},
	{"name": "discard_sequences", "action": "rebind", "params": {"sql": "DISCARD SEQUENCES"}},
	{"name": "discard_temp", "action": "rebind", "params": {"sql": "DISCARD TEMP"}}]',
	'{}', 'regress_app');
SELECT * FROM t.result('rebind');
-- Nor if its role may set it: never every tenant's.
GRANT SET ON PARAMETER workflow_engine.tenant_id TO regress_app;
SELECT t.go('rebind_may', '[
	{"name": "set", "action": "rebind", "on_error": "continue",
	 "params": {"sql": "SET workflow_engine.tenant_id = ''''"}},
	{"name": "set_config", "action": "rebind", "on_error": "continue",
	 "params": {"sql": "SELECT set_config(''workflow_engine.tenant_id'', '''', true)"}},
	{"name": "reset", "action": "rebind",
	 "params": {"sql": "RESET workflow_engine.tenant_id"}},
	{"name": "next", "action": "rebind", "params": {"sql": "SELECT"}}]',
	'{}', 'regress_app');
SELECT * FROM t.result('rebind_may');
REVOKE SET ON PARAMETER workflow_engine.tenant_id FROM regress_app;

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
