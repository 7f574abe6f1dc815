--
-- Everything that a bound session may write, turned against another tenant
-- and against the rows for all.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA w;
GRANT USAGE, CREATE ON SCHEMA w TO PUBLIC;
\set steps '"steps": [{"name": "s", "action": "echo"}]'
CREATE ROLE regress_fire;
CREATE ROLE regress_view;
CREATE ROLE regress_operate;
CREATE ROLE regress_admin;
SELECT wf_grant('regress_' || c, c) FROM unnest('{fire,view,operate,admin}'::text[]) c;
-- And one with more privileges than any capability gives: all that writes rows.
CREATE ROLE regress_all;
SELECT wf_grant('regress_all', c) FROM unnest('{fire,admin}'::text[]) c;
GRANT SELECT, INSERT, UPDATE, DELETE ON workflow_definition_versions, workflow_runs,
	workflow_pauses TO regress_all;
GRANT EXECUTE ON FUNCTION wf_new_run_id() TO regress_all;

-- Of tenant A, tenant B and (connections, mail templates, pauses) of all.
INSERT INTO workflow_definitions (id, tenant_id, definition, run_as)
SELECT ('00000000-0000-4000-8000-0000000001' || x)::uuid, tenant,
	format('{"name": "of %s", "trigger_type": "order", %s}', x, :'steps')::jsonb, run_as::regrole
FROM (VALUES ('0a', t.a(), 'regress_admin'), ('0b', t.b(), 'postgres')) d (x, tenant, run_as);
SELECT wf_pause(t.a()), wf_pause(t.b()), wf_pause();
INSERT INTO workflow_runs (id, definition_id, trigger_payload, status)
SELECT ('00000000-0000-7000-8000-0000000' || s.n || right(d.id::text, 4))::uuid, d.id, '{}', s.status
FROM workflow_definitions d, (VALUES (1, 'queued'), (2, 'failed')) s (n, status) WHERE d.name LIKE 'of 0_';
INSERT INTO workflow_templates (tenant_id, name, body) SELECT tenant, 'mail', 'x'
FROM (VALUES (t.a()), (t.b()), (NULL)) d (tenant);
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
SELECT tenant, 'hook', 'http', '{"base_url": "http://x.example"}', '{"bearer_token": "hush"}'
FROM (VALUES (t.a()), (t.b()), (NULL)) d (tenant);

-- All that is not of tenant A, and runs of a definition of another tenant.
CREATE FUNCTION w.foreign_rows() RETURNS text SECURITY DEFINER LANGUAGE sql AS $$
	SELECT md5(string_agg(x, E'\n' ORDER BY x)) FROM (
		SELECT d::text AS x FROM workflow_definitions d WHERE tenant_id <> t.a()
		UNION ALL SELECT v::text FROM workflow_definition_versions v
			WHERE definition_id NOT IN (SELECT id FROM workflow_definitions WHERE tenant_id = t.a())
		UNION ALL SELECT r::text FROM workflow_runs r WHERE tenant_id <> t.a()
		UNION ALL SELECT r::text FROM workflow_runs r JOIN workflow_definitions d ON d.id = definition_id
			AND d.tenant_id <> r.tenant_id
		UNION ALL SELECT c::text FROM workflow_connections c WHERE tenant_id IS DISTINCT FROM t.a()
		UNION ALL SELECT m::text FROM workflow_templates m WHERE tenant_id IS DISTINCT FROM t.a()
		UNION ALL SELECT p::text FROM workflow_pauses p WHERE tenant_id IS DISTINCT FROM t.a()
		UNION ALL SELECT a::text FROM workflow_actions a) rows
$$;
-- How a statement ends: its SQLSTATE, or the number of rows; "BREACH" if what
-- is foreign has changed.  It is undone.
CREATE FUNCTION w.attack(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	before text := w.foreign_rows();
	n bigint;
	answer text;
BEGIN
	BEGIN
		EXECUTE statement;
		GET DIAGNOSTICS n = ROW_COUNT;
		answer := n || CASE WHEN w.foreign_rows() = before THEN '' ELSE ' BREACH' END;
		RAISE EXCEPTION USING ERRCODE = 'UNDO0';
	EXCEPTION
		WHEN SQLSTATE 'UNDO0' THEN RETURN answer;
		WHEN OTHERS THEN RETURN SQLSTATE;
	END;
END $$;
CREATE TABLE w.statement (n int GENERATED ALWAYS AS IDENTITY, what text, sql text);
GRANT SELECT ON w.statement TO PUBLIC;
CREATE TABLE w.answer (n int, role text, answer text);
GRANT INSERT ON w.answer TO PUBLIC;

INSERT INTO w.statement (what, sql) SELECT what, replace(replace(replace(replace(sql,
	'$A', quote_literal(t.a())), '$B', quote_literal(t.b())),
	'$DA', '''00000000-0000-4000-8000-00000000010a'''), '$DB', '''00000000-0000-4000-8000-00000000010b''')
FROM (VALUES
	(1, 'insert a definition of B', 'INSERT INTO workflow_definitions (tenant_id, definition) VALUES ($B, jsonb_build_object(''name'', ''x'', ''trigger_type'', ''x'', ''steps'', jsonb_build_array(jsonb_build_object(''name'', ''s'', ''action'', ''echo''))))'),
	(2, '... one of A, with the id of B''s', 'INSERT INTO workflow_definitions (id, tenant_id, name, trigger_type, definition) SELECT $DB, tenant_id, ''x'', trigger_type, definition - ''name'' FROM workflow_definitions WHERE id = $DA'),
	(3, '... or else an update of B''s', 'INSERT INTO workflow_definitions (id, tenant_id, name, trigger_type, definition) SELECT $DB, tenant_id, ''x'', trigger_type, definition - ''name'' FROM workflow_definitions WHERE id = $DA ON CONFLICT (id) DO UPDATE SET is_active = false'),
	(4, 'update all definitions', 'UPDATE workflow_definitions SET is_active = false'),
	(5, 'give A''s definition to B', 'UPDATE workflow_definitions SET tenant_id = $B'),
	(6, 'delete all definitions', 'DELETE FROM workflow_definitions'),
	(7, 'merge definitions', 'MERGE INTO workflow_definitions d USING (VALUES (1)) v ON d.id = $DB WHEN MATCHED THEN UPDATE SET is_active = false WHEN NOT MATCHED THEN DO NOTHING'),
	(8, 'lock B''s definition', 'SELECT FROM workflow_definitions WHERE id = $DB FOR UPDATE'),
	(9, 'wf_define for B', 'SELECT wf_define($B, ''{"name": "of 0b", "trigger_type": "x", "steps": [{"name": "s", "action": "echo"}]}'')'),
	(10, 'insert a version of B', 'INSERT INTO workflow_definition_versions (definition_id, version, definition, run_as) VALUES ($DB, 9, ''{}'', ''postgres'')'),
	(11, 'update all versions', 'UPDATE workflow_definition_versions SET created_at = now()'),
	(12, 'delete all versions', 'DELETE FROM workflow_definition_versions WHERE definition_id = $DB'),
	(13, 'insert a run of B', 'INSERT INTO workflow_runs (definition_id, trigger_payload) VALUES ($DB, ''{}'')'),
	(14, '... and say that it is A''s', 'INSERT INTO workflow_runs (definition_id, trigger_payload, tenant_id) VALUES ($DB, ''{}'', $A)'),
	(15, '... with its version', 'INSERT INTO workflow_runs (definition_id, trigger_payload, tenant_id, definition_version) VALUES ($DB, ''{}'', $A, 1)'),
	(16, 'insert a run of A for B', 'INSERT INTO workflow_runs (definition_id, trigger_payload, tenant_id) VALUES ($DA, ''{}'', $B)'),
	(17, 'update all runs', 'UPDATE workflow_runs SET trigger_payload = ''{"x": 1}'''),
	(18, 'give A''s runs to B', 'UPDATE workflow_runs SET tenant_id = $B'),
	(19, 'make A''s runs run B''s definition', 'UPDATE workflow_runs SET definition_id = $DB'),
	(20, 'delete all runs', 'DELETE FROM workflow_runs'),
	(21, 'insert a connection of B', 'INSERT INTO workflow_connections (tenant_id, name, kind, config) VALUES ($B, ''x'', ''http'', ''{"base_url": "http://x.example"}'')'),
	(22, '... of all', 'INSERT INTO workflow_connections (name, kind, config) VALUES (''x'', ''http'', ''{"base_url": "http://x.example"}'')'),
	(23, '... or else an update', 'INSERT INTO workflow_connections (name, kind, config) VALUES (''hook'', ''http'', ''{"base_url": "http://x.example"}'') ON CONFLICT (tenant_id, name) DO UPDATE SET config = EXCLUDED.config'),
	(24, 'update all connections', 'UPDATE workflow_connections SET config = ''{"base_url": "http://evil.example"}'''),
	(25, 'give A''s connections to B', 'UPDATE workflow_connections SET tenant_id = $B'),
	(26, '... to all', 'UPDATE workflow_connections SET tenant_id = NULL'),
	(27, 'take those of all', 'UPDATE workflow_connections SET tenant_id = $A, name = ''mine'' WHERE tenant_id IS NULL'),
	(28, 'delete all connections', 'DELETE FROM workflow_connections'),
	(29, 'merge connections', 'MERGE INTO workflow_connections c USING (VALUES (1)) v ON c.tenant_id IS NULL WHEN MATCHED THEN DELETE'),
	(30, 'insert a template of B', 'INSERT INTO workflow_templates (tenant_id, name, body) VALUES ($B, ''x'', ''x'')'),
	(31, '... of all', 'INSERT INTO workflow_templates (name, body) VALUES (''x'', ''x'')'),
	(32, 'update all templates', 'UPDATE workflow_templates SET body = ''evil'''),
	(33, 'give A''s templates to B', 'UPDATE workflow_templates SET tenant_id = $B'),
	(34, '... to all', 'UPDATE workflow_templates SET tenant_id = NULL'),
	(35, 'take those of all', 'UPDATE workflow_templates SET tenant_id = $A, name = ''mine'' WHERE tenant_id IS NULL'),
	(36, 'delete all templates', 'DELETE FROM workflow_templates'),
	(37, 'insert a pause of C', 'INSERT INTO workflow_pauses VALUES (gen_random_uuid())'),
	(38, 'let A''s pause be of another', 'UPDATE workflow_pauses SET tenant_id = gen_random_uuid()'),
	(39, 'update all pauses', 'UPDATE workflow_pauses SET paused_by = ''x'''),
	(40, 'delete all pauses', 'DELETE FROM workflow_pauses'),
	(41, 'wf_pause(B)', 'SELECT wf_pause($B)'),
	(42, 'wf_pause()', 'SELECT wf_pause()'),
	(43, 'wf_resume(B)', 'SELECT wf_resume($B)'),
	(44, 'wf_resume()', 'SELECT wf_resume()'),
	(45, 'wf_fire for B', 'SELECT wf_fire($B, ''order'')'),
	(46, 'a trigger that fires for B', 'CREATE TEMP TABLE x (i int); CREATE TRIGGER f AFTER INSERT ON x FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger(''order'', $B); INSERT INTO x VALUES (1)'),
	(47, '... by a column', 'CREATE TEMP TABLE x (tenant_id uuid); CREATE TRIGGER f AFTER INSERT ON x FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger(''order''); INSERT INTO x VALUES ($B)'),
	(48, 'wf_cancel of B''s run', 'SELECT wf_cancel(''00000000-0000-7000-8000-00000001010b'')'),
	(49, 'wf_retry of B''s run', 'SELECT wf_retry(''00000000-0000-7000-8000-00000002010b'')'),
	(50, 'wf_cancel_runs of B', 'SELECT wf_cancel_runs($B)'),
	(51, 'wf_retry_runs of B', 'SELECT wf_retry_runs($B)'),
	(52, 'wf_register_action', 'SELECT wf_register_action(''echo'', ''t.echo(jsonb,jsonb)'')'),
	(53, 'insert an action', 'INSERT INTO workflow_actions (name, kind, handler) VALUES (''x'', ''function'', ''t.echo(jsonb,jsonb)'')'),
	(54, 'update all actions', 'UPDATE workflow_actions SET description = ''x'''),
	(55, 'delete all actions', 'DELETE FROM workflow_actions'),
	(56, 'read credentials of B or all', 'SELECT credentials FROM workflow_connections WHERE tenant_id IS DISTINCT FROM $A')
) s (n, what, sql) ORDER BY n;

-- What each does, bound to tenant A.
SELECT t.a() AS a \gset
SET workflow_engine.tenant_id = :'a';
SET ROLE regress_fire;
INSERT INTO w.answer SELECT n, 'fire', w.attack(sql) FROM w.statement;
SET ROLE regress_view;
INSERT INTO w.answer SELECT n, 'view', w.attack(sql) FROM w.statement;
SET ROLE regress_operate;
INSERT INTO w.answer SELECT n, 'operate', w.attack(sql) FROM w.statement;
SET ROLE regress_admin;
INSERT INTO w.answer SELECT n, 'admin', w.attack(sql) FROM w.statement;
SET ROLE regress_all;
INSERT INTO w.answer SELECT n, 'all', w.attack(sql) FROM w.statement;
SET check_function_bodies = off;
INSERT INTO w.answer SELECT n, 'restore', w.attack(sql) FROM w.statement;
RESET check_function_bodies;
RESET ROLE;
-- Bound to none at all.
SET workflow_engine.tenant_id = 'none';
SET ROLE regress_all;
INSERT INTO w.answer SELECT n, 'none', w.attack(sql) FROM w.statement;
RESET ROLE;
SET workflow_engine.tenant_id = '';
SELECT what, max(answer) FILTER (WHERE role = 'fire') AS fire,
	max(answer) FILTER (WHERE role = 'view') AS view,
	max(answer) FILTER (WHERE role = 'operate') AS operate,
	max(answer) FILTER (WHERE role = 'admin') AS admin,
	max(answer) FILTER (WHERE role = 'all') AS "all",
	max(answer) FILTER (WHERE role = 'restore') AS restore,
	max(answer) FILTER (WHERE role = 'none') AS none
FROM w.statement JOIN w.answer USING (n) GROUP BY n, what ORDER BY n;
SELECT what, role FROM w.statement JOIN w.answer USING (n) WHERE answer LIKE '%BREACH%';
-- The statements are attacks: not bound, a role with those privileges does them.
SET ROLE regress_all;
SELECT count(*) FILTER (WHERE w.attack(sql) LIKE '%BREACH%') AS done FROM w.statement;
RESET ROLE;

-- Rows for all tenants that hold a secret are not shown to sessions that are
-- bound, whoever asks.
INSERT INTO workflow_connections (name, kind, config, credentials) VALUES
	('none', 'http', '{"base_url": "http://x.example"}', '{}'),
	('token in a file', 'http', '{"base_url": "http://x.example"}', '{"bearer_token": {"file": "x"}}'),
	('password in a file', 'http', '{"base_url": "http://x.example"}', '{"basic": {"username": "x", "password": {"file": "x"}}}'),
	('password', 'http', '{"base_url": "http://x.example"}', '{"basic": {"username": "x", "password": "hush"}}'),
	('header in a file', 'http', '{"base_url": "http://x.example"}', '{"headers": {"username": {"file": "x"}}}'),
	('header', 'http', '{"base_url": "http://x.example"}', '{"headers": {"username": "hush"}}'),
	('header called file', 'http', '{"base_url": "http://x.example"}', '{"headers": {"file": "hush"}}'),
	('address', 'slack_webhook', '{}', '{"channels": {"file": "http://x.example/hush"}}');
SET workflow_engine.tenant_id = :'a';
SET ROLE regress_view;
SELECT name FROM workflow_connections WHERE tenant_id IS NULL ORDER BY name;
SET ROLE regress_admin;
SELECT name, credentials FROM workflow_connections WHERE tenant_id IS NULL ORDER BY name;
-- Privileges are checked when a query begins, and of a view's owner: another
-- role may be the current one when the rows are read.
BEGIN;
DECLARE late CURSOR FOR SELECT name, credentials FROM workflow_connections
	WHERE tenant_id IS NULL AND credentials::text LIKE '%hush%';
RESET ROLE;
SET ROLE regress_view;
FETCH ALL FROM late;
COMMIT;
RESET ROLE;
CREATE VIEW w.admins AS SELECT name, credentials FROM workflow_connections
	WHERE tenant_id IS NULL AND credentials::text LIKE '%hush%';
ALTER VIEW w.admins OWNER TO regress_admin;
GRANT SELECT ON w.admins TO regress_view;
SET ROLE regress_view;
SELECT * FROM w.admins;
RESET ROLE;
SET workflow_engine.tenant_id = 'none';
SET ROLE regress_view;
SELECT name FROM workflow_connections;
RESET ROLE;
SET workflow_engine.tenant_id = '';
SET ROLE regress_admin;
SELECT name, credentials FROM workflow_connections WHERE tenant_id IS NULL ORDER BY name;
RESET ROLE;

SELECT wf_resume(t.a()), wf_resume(t.b());
SELECT t.clean();
SELECT wf_resume();
DROP OWNED BY regress_fire, regress_view, regress_operate, regress_admin, regress_all;
DROP ROLE regress_fire, regress_view, regress_operate, regress_admin, regress_all;
DROP SCHEMA w CASCADE;
RESET client_min_messages;
