--
-- wf_grant and wf_revoke: what each capability may do, and what not
--
-- Nothing is granted to PUBLIC.
SELECT p.proname FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass
	AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'workflow_engine'
WHERE has_function_privilege('public', p.oid, 'EXECUTE');
SELECT c.relname FROM pg_class c JOIN pg_depend d ON d.classid = 'pg_class'::regclass
	AND d.objid = c.oid AND d.deptype = 'e'
JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'workflow_engine'
WHERE has_table_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
	OR has_any_column_privilege('public', c.oid, 'SELECT, INSERT, UPDATE, REFERENCES');

-- One of each object to act on, and a role for each capability.
\set steps '[{"name": "s", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "none"}}}]'
SELECT t.go('mine', :'steps');
SELECT t.wait();
INSERT INTO workflow_definitions (tenant_id, definition)
VALUES (t.a(), jsonb_build_object('name', 'spare', 'trigger_type', 'spare', 'steps', :'steps'::jsonb));
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
VALUES (t.a(), 'shop', 'http', '{"base_url": "http://a.example"}', '{"bearer_token": "hush"}');
INSERT INTO workflow_templates (tenant_id, name, body) VALUES (t.a(), 'mail', 'x');
CREATE ROLE regress_nobody;
CREATE ROLE regress_fire;
CREATE ROLE regress_view;
CREATE ROLE regress_operate;
CREATE ROLE regress_admin;
SELECT wf_grant('regress_' || c, c) FROM unnest('{fire,view,operate,admin}'::text[]) c;
CREATE FUNCTION t.of_admin(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT params';
ALTER FUNCTION t.of_admin OWNER TO regress_admin;
SELECT wf_register_action('of_admin', 't.of_admin(jsonb,jsonb)');

-- What each may do: y, or the SQLSTATE.  Everything is undone.
CREATE FUNCTION t.can(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN RETURN 'y';
	WHEN insufficient_privilege THEN RETURN '';
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TABLE t.statement (n int GENERATED ALWAYS AS IDENTITY, what text, sql text);
INSERT INTO t.statement (what, sql) VALUES
	('wf_fire', 'SELECT wf_fire(t.a(), ''mine'')'),
	('create a trigger that fires', 'CREATE TEMP TABLE x (tenant_id uuid); CREATE TRIGGER f AFTER INSERT ON x FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger(''mine'')'),
	('insert a run by hand', 'INSERT INTO workflow_runs (definition_id, trigger_payload) SELECT id, ''{}'' FROM workflow_definitions'),
	('wf_history', 'SELECT wf_history()'),
	('wf_trace', 'SELECT wf_trace(gen_random_uuid())'),
	('wf_validate', 'SELECT wf_validate(''{}'')'),
	('wf_preview', 'SELECT wf_preview(''{"steps": [{"name": "s", "action": "of_admin"}]}'', ''{}'', execute => false)'),
	('wf_preview_run', 'SELECT wf_preview_run(id, execute => false) FROM workflow_runs LIMIT 1'),
	('wf_workers', 'SELECT wf_workers()'),
	('wf_health', 'SELECT wf_health()'),
	('wf_failures', 'SELECT wf_failures()'),
	('read statistics', 'SELECT * FROM workflow_stats'),
	('wf_count_runs', 'SELECT wf_count_runs(t.a())'),
	('wf_render', 'SELECT wf_render(''x'')'),
	('wf_connections', 'SELECT wf_connections()'),
	('wf_connection_keys', 'SELECT wf_connection_keys()'),
	('wf_schedule_times', 'SELECT wf_schedule_times(''{"cron": "@daily", "time_zone": "UTC"}'')'),
	('wf_fire_workflow', 'SELECT wf_fire_workflow(NULL)'),
	('wf_cancel_many', 'SELECT wf_cancel_many(''{}'')'),
	('wf_retry_many', 'SELECT wf_retry_many(''{}'')'),
	('wf_cancel_runs', 'SELECT wf_cancel_runs(t.a())'),
	('wf_retry_runs', 'SELECT wf_retry_runs(t.a())'),
	('wf_rerun_runs', 'SELECT wf_rerun_runs(t.a())'),
	('wf_retry', 'SELECT wf_retry(NULL)'),
	('wf_rerun', 'SELECT wf_rerun(NULL)'),
	('read definitions', 'SELECT * FROM workflow_definitions'),
	('read versions', 'SELECT * FROM workflow_definition_versions'),
	('read runs', 'SELECT * FROM workflow_runs'),
	('read actions', 'SELECT * FROM workflow_actions'),
	('read templates', 'SELECT * FROM workflow_templates'),
	('read pauses', 'SELECT * FROM workflow_pauses'),
	('read operations', 'SELECT * FROM workflow_operations'),
	('read connections', 'SELECT name, kind, config FROM workflow_connections'),
	('read credentials', 'SELECT credentials FROM workflow_connections'),
	('wf_diagram', 'SELECT wf_diagram(''{"steps": []}'')'),
	('wf_run_diagram', 'SELECT wf_run_diagram(NULL)'),
	('wf_wait', 'DO $x$ BEGIN EXECUTE ''CALL wf_wait(gen_random_uuid())''; EXCEPTION WHEN no_data_found THEN NULL; END $x$'),
	('read template versions', 'SELECT * FROM workflow_template_versions'),
	('read tenants', 'SELECT * FROM workflow_tenants'),
	('write tenants', 'INSERT INTO workflow_tenants VALUES (gen_random_uuid(), ''x'')'),
	('wf_run_as_roles', 'SELECT wf_run_as_roles()'),
	('wf_save', 'SELECT wf_save(NULL, t.a(), ''{"name": "new2", "trigger_type": "x2", "steps": [{"name": "s", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "x"}}}]}'')'),
	('wf_define', 'SELECT wf_define(t.a(), ''{"name": "new", "trigger_type": "x", "steps": [{"name": "s", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "x"}}}]}'')'),
	('update a definition', 'UPDATE workflow_definitions SET is_active = false'),
	('delete a definition', 'DELETE FROM workflow_definitions WHERE name = ''spare'''),
	('write templates', 'INSERT INTO workflow_templates (name, body) VALUES (''x'', ''y'')'),
	('wf_pause', 'SELECT wf_pause(t.b())'),
	('wf_resume', 'SELECT wf_resume(t.b())'),
	('wf_places', 'SELECT wf_places()'),
	('wf_accept_place', 'SELECT wf_accept_place(1)'),
	('wf_discard_place', 'SELECT wf_discard_place(1)'),
	('read places', 'SELECT * FROM workflow_places, workflow_identity'),
	('write connections', 'INSERT INTO workflow_connections (name, kind, config) VALUES (''x'', ''http'', ''{"base_url": "http://x.example"}'')'),
	('delete connections', 'DELETE FROM workflow_connections'),
	('wf_register_action', 'SELECT wf_register_action(''x'', ''t.of_admin(jsonb,jsonb)'')'),
	('write actions', 'DELETE FROM workflow_actions WHERE name = ''of_admin'''),
	('write actions of others', 'DELETE FROM workflow_actions WHERE kind = ''function'''),
	('write built-in actions', 'DELETE FROM workflow_actions WHERE kind = ''http'''),
	('write versions', 'INSERT INTO workflow_definition_versions VALUES (gen_random_uuid(), 1, ''{}'', ''regress_admin'')'),
	('update runs', 'UPDATE workflow_runs SET status = ''queued'''),
	('delete runs', 'DELETE FROM workflow_runs'),
	('write pauses', 'INSERT INTO workflow_pauses VALUES (t.b())'),
	('write operations', 'INSERT INTO workflow_operations (what) VALUES (''x'')'),
	('wf_grant', 'SELECT wf_grant(''regress_nobody'', ''fire'')'),
	('wf_worker_alive', 'SELECT wf_worker_alive(1)'),
	('wf_new_run_id', 'SELECT wf_new_run_id()');
GRANT SELECT ON t.statement TO PUBLIC;
CREATE TABLE t.answer (n int, role text, may text);
GRANT INSERT ON t.answer TO PUBLIC;
SET client_min_messages = error;
SET ROLE regress_nobody;
INSERT INTO t.answer SELECT n, 'nobody', t.can(sql) FROM t.statement;
SET ROLE regress_fire;
INSERT INTO t.answer SELECT n, 'fire', t.can(sql) FROM t.statement;
SET ROLE regress_view;
INSERT INTO t.answer SELECT n, 'view', t.can(sql) FROM t.statement;
SET ROLE regress_operate;
INSERT INTO t.answer SELECT n, 'operate', t.can(sql) FROM t.statement;
SET ROLE regress_admin;
INSERT INTO t.answer SELECT n, 'admin', t.can(sql) FROM t.statement;
RESET ROLE;
RESET client_min_messages;
SELECT what, max(may) FILTER (WHERE role = 'nobody') AS nobody,
	max(may) FILTER (WHERE role = 'fire') AS fire,
	max(may) FILTER (WHERE role = 'view') AS view,
	max(may) FILTER (WHERE role = 'operate') AS operate,
	max(may) FILTER (WHERE role = 'admin') AS admin
FROM t.statement JOIN t.answer USING (n) GROUP BY n, what ORDER BY n;

-- A role that may fire and nothing else: what it fired runs all the same.
SET ROLE regress_fire;
SELECT count(*) FROM wf_fire(t.a(), 'mine', '{"by": "fire"}');
SELECT * FROM workflow_runs;
RESET ROLE;
SELECT t.wait();
SELECT status FROM wf_history('{"by": "fire"}');
-- What credentials are is told to admin alone, also not by other columns.
SET ROLE regress_operate;
SELECT * FROM workflow_connections;
SELECT name FROM workflow_connections WHERE credentials ? 'bearer_token';
SELECT c::text FROM workflow_connections c;
RESET ROLE;
SET ROLE regress_admin;
SELECT credentials FROM workflow_connections;
RESET ROLE;

-- Capabilities combine, and come through groups that cannot log in.
CREATE ROLE regress_group NOLOGIN;
CREATE ROLE regress_member;
GRANT regress_group TO regress_member;
SELECT wf_grant('regress_group', 'fire');
SELECT wf_grant('regress_group', 'view');
SET ROLE regress_member;
SELECT count(*) FROM wf_fire(t.a(), 'mine');
SELECT count(*) > 0 FROM wf_history();
SELECT wf_pause(t.a());
RESET ROLE;
-- Revoked one by one; the other stays.
SELECT wf_revoke('regress_group', 'view');
SET ROLE regress_member;
SELECT count(*) FROM wf_fire(t.a(), 'mine');
SELECT count(*) FROM wf_history();
RESET ROLE;
-- The lower capability revoked, the greater ones go with it; revoking what
-- was never granted is no error.
SELECT wf_revoke('regress_admin', 'view');
SELECT wf_revoke('regress_nobody', 'admin');
SELECT wf_revoke('regress_' || c, c) FROM unnest('{fire,view,operate}'::text[]) c;
SELECT wf_revoke('regress_group', 'fire');
-- Nothing is left.
TRUNCATE t.answer;
SET ROLE regress_fire;
INSERT INTO t.answer SELECT n, 'fire', t.can(sql) FROM t.statement;
SET ROLE regress_admin;
INSERT INTO t.answer SELECT n, 'admin', t.can(sql) FROM t.statement;
SET ROLE regress_operate;
INSERT INTO t.answer SELECT n, 'operate', t.can(sql) FROM t.statement;
RESET ROLE;
SELECT what, role, may FROM t.statement JOIN t.answer USING (n) WHERE may <> '';
SELECT t.wait();

-- Odd names of roles are names and nothing else.
CREATE ROLE "regress ""odd""; DROP TABLE workflow_runs; --";
SELECT wf_grant('regress "odd"; DROP TABLE workflow_runs; --', 'fire');
SET ROLE "regress ""odd""; DROP TABLE workflow_runs; --";
SELECT count(*) FROM wf_fire(t.a(), 'mine');
RESET ROLE;
SELECT wf_revoke('regress "odd"; DROP TABLE workflow_runs; --', 'fire');
DROP ROLE "regress ""odd""; DROP TABLE workflow_runs; --";

-- What is refused.
SELECT wf_grant('regress_nobody', 'everything');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_grant('regress_nobody', 'FIRE');
SELECT wf_grant('regress_missing', 'fire');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_grant('public', 'fire');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_revoke('regress_nobody', 'everything');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_grant(NULL, 'fire') IS NULL;
SET ROLE regress_nobody;
SELECT wf_grant('regress_nobody', 'admin');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

SELECT t.wait();
SELECT t.clean();
DELETE FROM workflow_actions WHERE name = 'of_admin';
DROP FUNCTION t.can, t.of_admin;
DROP TABLE t.statement, t.answer;
DROP ROLE regress_nobody, regress_fire, regress_view, regress_operate, regress_admin,
	regress_group, regress_member;
