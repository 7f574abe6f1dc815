--
-- Identity: whose privileges a step has, and that it cannot get others.
--
-- A definition's steps run as its run_as.  The worker that executes them is
-- connected as the superuser of the cluster, so everything here is about the
-- doors between the two.
--
SET client_min_messages = warning;
CREATE ROLE regress_super SUPERUSER;
CREATE ROLE regress_ops LOGIN;
CREATE ROLE regress_app NOLOGIN;
CREATE ROLE regress_other NOLOGIN;
CREATE ROLE regress_mallory LOGIN;
GRANT regress_app TO regress_ops;
SELECT wf_grant('regress_ops', 'operate');
SELECT wf_grant('regress_ops', 'fire');
CREATE SCHEMA i;
GRANT ALL ON SCHEMA i TO PUBLIC;

-- What only the superuser may write: it must stay empty to the end.
CREATE TABLE i.vault (secret text);
-- What a step's role may write.
CREATE TABLE i.orders (id int PRIMARY KEY, status text DEFAULT 'new');
INSERT INTO i.orders VALUES (1), (2);
GRANT SELECT, UPDATE ON i.orders TO regress_app, regress_mallory;

-- An action that tells who it runs as.
CREATE FUNCTION i.whoami(params jsonb, context jsonb) RETURNS jsonb
RETURN to_jsonb(current_user::text);
SELECT wf_register_action('whoami', 'i.whoami(jsonb,jsonb)');

--
-- run_as
--
-- By default it is the role that saves the definition.
SET ROLE regress_ops;
SELECT wf_define(t.a(), '{"name": "who", "trigger_type": "who",
	"steps": [{"name": "step", "action": "whoami"}]}') IS NOT NULL;
SELECT name, run_as FROM workflow_definitions WHERE name = 'who';
SELECT count(*) FROM wf_fire(t.a(), 'who');
RESET ROLE;
SELECT * FROM t.result('who');

-- workflow_engine.default_run_as names another default, for whoever can SET
-- ROLE to it.  What names no role, a role of others or a superuser counts for
-- nothing.  It is for new definitions: who changes one leaves its role.
CREATE ROLE "regress App";
GRANT "regress App", regress_super TO regress_ops;
CREATE PROCEDURE i.by_default(role text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('workflow_engine.default_run_as', role, false);
	SET LOCAL ROLE regress_ops;
	PERFORM wf_define(t.a(), jsonb_build_object('name', 'by ' || role,
		'trigger_type', 'default ' || role, 'steps',
		'[{"name": "step", "action": "whoami"}]'::jsonb));
	INSERT INTO workflow_definitions (tenant_id, name, definition)
	VALUES (t.a(), 'insert by ' || role, '{"trigger_type": "default",
		"steps": [{"name": "step", "action": "whoami"}]}');
END $$;
CALL i.by_default('regress_app');
CALL i.by_default('regress App');
CALL i.by_default('regress_other');
CALL i.by_default('regress_super');
CALL i.by_default('regress_nobody');
CALL i.by_default('"regress App"');
CALL i.by_default('');
SELECT name, run_as FROM workflow_definitions WHERE trigger_type LIKE 'default%'
ORDER BY created_at, name;
SET workflow_engine.default_run_as = 'regress_super';
INSERT INTO workflow_definitions (tenant_id, definition)
VALUES (t.a(), '{"name": "by a superuser", "trigger_type": "default",
	"steps": [{"name": "step", "action": "whoami"}]}')
RETURNING run_as;
SET workflow_engine.default_run_as = 'regress_app';
SELECT wf_define(t.a(), '{"name": "by ", "trigger_type": "default ",
	"steps": [{"name": "changed", "action": "whoami"}]}') IS NOT NULL;
SELECT run_as, version FROM workflow_definitions WHERE name = 'by ';
SET ROLE regress_ops;
SET workflow_engine.default_run_as = 'regress_ops';
RESET ROLE;
RESET workflow_engine.default_run_as;
DELETE FROM workflow_definitions WHERE trigger_type LIKE 'default%';
REVOKE regress_super FROM regress_ops;
DROP ROLE "regress App";

-- It may be any role that the writer can SET ROLE to, also one that cannot
-- log in; a change of it is a new version.
SET ROLE regress_ops;
UPDATE workflow_definitions SET run_as = 'regress_app' WHERE name = 'who';
SELECT run_as, version FROM workflow_definitions WHERE name = 'who';
SELECT count(*) FROM wf_fire(t.a(), 'who');
RESET ROLE;
SELECT * FROM t.result('who');

-- No other role: neither on insert nor on update.
SET ROLE regress_ops;
UPDATE workflow_definitions SET run_as = 'regress_other' WHERE name = 'who';
\echo :LAST_ERROR_SQLSTATE
INSERT INTO workflow_definitions (tenant_id, run_as, definition)
VALUES (t.a(), 'regress_other', '{"name": "x", "trigger_type": "x",
	"steps": [{"name": "step", "action": "whoami"}]}');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;

-- Superusers are for superusers, even where a role is a member of one.
GRANT regress_super TO regress_ops;
SET ROLE regress_ops;
UPDATE workflow_definitions SET run_as = 'regress_super' WHERE name = 'who';
RESET ROLE;
REVOKE regress_super FROM regress_ops;

-- Whoever changes another's definition puts steps of theirs under its role,
-- so that is refused as well: all but switching it off and on, alone.
INSERT INTO workflow_definitions (tenant_id, run_as, definition)
VALUES (t.a(), 'regress_other', '{"name": "other", "trigger_type": "other",
	"steps": [{"name": "step", "action": "whoami"}]}');
SET ROLE regress_ops;
UPDATE workflow_definitions SET is_active = false,
	definition = jsonb_set(definition, '{description}', '"mine"')
WHERE name = 'other';
UPDATE workflow_definitions SET is_active = false WHERE name = 'other';
UPDATE workflow_definitions SET is_active = true,
	definition = jsonb_set(definition, '{description}', '"mine"')
WHERE name = 'other';
UPDATE workflow_definitions SET is_active = true,
	name = 'renamed', definition = definition || '{"name": "renamed"}'
WHERE name = 'other';
SELECT is_active, version FROM workflow_definitions WHERE name = 'other';
SELECT count(*) FROM wf_fire(t.a(), 'other') AS while_off;
UPDATE workflow_definitions SET is_active = true WHERE name = 'other';
SELECT is_active, version, run_as, updated_by FROM workflow_definitions
WHERE name = 'other';
SELECT count(*) FROM wf_fire(t.a(), 'other');
RESET ROLE;
SELECT * FROM t.result('other');

-- A renamed role stays.
ALTER ROLE regress_app RENAME TO regress_application;
SELECT count(*) FROM wf_fire(t.a(), 'who');
SELECT * FROM t.result('who');
ALTER ROLE regress_application RENAME TO regress_app;

-- Privileges are those of the role, at the time of the step.
SELECT t.go('order', '{"action": "update_record", "params": {"table":
	"i.orders", "id": 1, "fields": {"status": "seen"}}}', '{}', 'regress_app');
SELECT * FROM t.result('order');
REVOKE UPDATE ON i.orders FROM regress_app;
SELECT count(*) FROM wf_fire(t.a(), 'order');
SELECT * FROM t.result('order');
SELECT error_message FROM wf_history(workflow => 'order', max_rows => 1);
GRANT UPDATE ON i.orders TO regress_app;

-- So is row security: a row that the role does not see is not there.
ALTER TABLE i.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON i.orders TO regress_app USING (id % 2 = 0);
SELECT count(*) FROM wf_fire(t.a(), 'order');
SELECT * FROM t.result('order');
ALTER TABLE i.orders DISABLE ROW LEVEL SECURITY;

-- A dropped role: the run fails and says so.
CREATE ROLE regress_gone;
SELECT t.go('gone', '{"action": "whoami"}', '{}', 'regress_gone');
SELECT * FROM t.result('gone');
DROP ROLE regress_gone;
SELECT count(*) FROM wf_fire(t.a(), 'gone');
SELECT * FROM t.result('gone');
SELECT status, error_message FROM wf_history(workflow => 'gone', max_rows => 1);
-- What the error says helps.
UPDATE workflow_definitions SET run_as = 'regress_app' WHERE name = 'gone';
SELECT wf_retry(run_id, on_version => 'current') FROM wf_history(workflow => 'gone', max_rows => 1);
SELECT * FROM t.result('gone');

-- A number that names no role (a dump carries one) is stored as no role; who
-- is no superuser cannot even write it.
INSERT INTO workflow_definitions (tenant_id, run_as, definition)
VALUES (t.a(), '999999', '{"name": "number", "trigger_type": "number",
	"steps": [{"name": "step", "action": "whoami"}]}')
RETURNING run_as;
SELECT count(*) FROM wf_fire(t.a(), 'number');
SELECT * FROM t.result('number');
SELECT status, error_message FROM wf_history(workflow => 'number');
SET ROLE regress_ops;
UPDATE workflow_definitions SET run_as = '999999' WHERE name = 'who';
-- It may be switched on, but that is of no use.
UPDATE workflow_definitions SET is_active = false WHERE name = 'number';
UPDATE workflow_definitions SET is_active = true WHERE name = 'number';
RESET ROLE;

-- The column is used as one of type regrole is.
CREATE TABLE i.roles AS
SELECT name, run_as FROM workflow_definitions WHERE name IN ('who', 'order', 'number');
SELECT run_as::regrole AS role, run_as::text AS text, run_as::oid = 0 AS none,
	run_as = 'regress_app'::regrole AS app,
	run_as = (SELECT oid FROM pg_roles WHERE rolname = 'regress_app') AS oid,
	run_as IN (SELECT 'regress_app'::regrole) AS among,
	run_as IS DISTINCT FROM 'regress_app'::wf_role AS other,
	(name, run_as) = ('who', 'regress_app'::regrole) AS pair,
	pg_get_userbyid(run_as) AS user
FROM i.roles ORDER BY name;
SELECT run_as, count(*) FROM i.roles GROUP BY run_as ORDER BY run_as;
SELECT DISTINCT run_as FROM i.roles ORDER BY run_as DESC;
SELECT r.name, a.rolname FROM i.roles r JOIN pg_roles a ON a.oid = r.run_as ORDER BY 1;
SELECT run_as FROM i.roles WHERE name = 'who' UNION SELECT 'regress_app'::regrole;
UPDATE i.roles SET run_as = 'regress_ops'::regrole WHERE name = 'who';
UPDATE i.roles SET run_as = (SELECT oid FROM pg_roles WHERE rolname = 'regress_app')
WHERE name = 'number';
SELECT * FROM i.roles ORDER BY name;
SELECT code, message FROM t.error($$UPDATE i.roles SET run_as = 'regress_nobody'$$);
SELECT code, message FROM t.error($$SELECT 'a.b'::wf_role$$);
-- A restore reads a role that is not there as no role; so it does a number,
-- which may be another role's here.  It says so once, when a version is saved.
SET check_function_bodies = off;
SELECT '"Regress nobody"'::wf_role, '-'::wf_role, 'regress_app'::wf_role;
SELECT '"Regress nobody"'::wf_role, '10'::wf_role;
INSERT INTO workflow_definitions (tenant_id, run_as, definition)
SELECT t.a(), role, jsonb_build_object('name', 'restored ' || n, 'trigger_type', 'none', 'steps',
	'[{"name": "step", "action": "whoami"}]'::jsonb)
FROM unnest('{"\"Regress nobody\"", 10, "\"Regress nobody\""}'::wf_role[]) WITH ORDINALITY r (role, n);
SELECT name, run_as FROM workflow_definitions WHERE name LIKE 'restored%' ORDER BY name;
SELECT code, message FROM t.error($$SELECT 'a.b'::wf_role$$);
RESET check_function_bodies;
SELECT code, message FROM t.error($$SELECT '"Regress nobody"'::wf_role$$);
DROP TABLE i.roles;

--
-- Escalation: mallory owns the functions that her own workflow calls.
--
CREATE FUNCTION i.run(params jsonb, context jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE params->>'sql';
	IF params ? 'then' THEN
		EXECUTE params->>'then' INTO answer;
	END IF;
	RETURN to_jsonb(answer);
END $$;
SELECT wf_register_action('run', 'i.run(jsonb,jsonb)');
-- One statement, as mallory, in a step; its answer is what a second one in
-- the same step says.
CREATE FUNCTION i.try(sql text, probe text DEFAULT NULL) RETURNS void
RETURN t.go('try', jsonb_strip_nulls(jsonb_build_object('action', 'run',
	'params', jsonb_build_object('sql', sql, 'then', probe))), '{}',
	'regress_mallory');

-- Becoming somebody else is refused, in every spelling.
SELECT i.try('RESET ROLE');
SELECT * FROM t.result('try');
SELECT i.try('SET ROLE NONE');
SELECT * FROM t.result('try');
SELECT i.try('SET ROLE regress_super');
SELECT * FROM t.result('try');
SELECT i.try('SET LOCAL ROLE regress_super');
SELECT * FROM t.result('try');
SELECT i.try('RESET SESSION AUTHORIZATION');
SELECT * FROM t.result('try');
SELECT i.try('SET SESSION AUTHORIZATION regress_super');
SELECT * FROM t.result('try');
SELECT i.try($$SELECT set_config('role', 'none', false)$$);
SELECT * FROM t.result('try');
SELECT i.try($$SELECT set_config('session_authorization', 'regress_super', true)$$);
SELECT * FROM t.result('try');
-- RESET ALL leaves role and session authorization alone.
SELECT i.try('RESET ALL', 'SELECT current_user');
SELECT * FROM t.result('try');
SELECT i.try('ALTER ROLE regress_mallory SUPERUSER');
SELECT status FROM t.result('try');
-- A function that would switch when called.
SELECT i.try($$CREATE FUNCTION i.switch() RETURNS int SET role = 'regress_super'
	RETURN 1$$, 'SELECT i.switch()');
SELECT * FROM t.result('try');
-- Ending the worker's transaction would end the fence.
SELECT i.try('COMMIT');
SELECT * FROM t.result('try');
SELECT i.try('DO $do$ BEGIN COMMIT; END $do$');
SELECT * FROM t.result('try');
-- What the worker itself could do.
SELECT i.try($$COPY i.orders FROM PROGRAM 'true'$$);
SELECT status FROM t.result('try');
SELECT i.try('SELECT pg_terminate_backend(pg_backend_pid())');
SELECT status FROM t.result('try');
SELECT i.try('INSERT INTO i.vault VALUES (''direct'')');
SELECT * FROM t.result('try');

-- A deferred trigger would fire at the worker's commit, as the worker.  It
-- fires at the end of its step, as the step's role; the step fails, and is
-- undone.
SET ROLE regress_mallory;
CREATE TABLE i.bait (id int PRIMARY KEY);
CREATE FUNCTION i.steal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO i.vault VALUES ('by a deferred trigger');
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER steal AFTER INSERT ON i.bait
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION i.steal();
RESET ROLE;
SELECT t.go('bait', '[
	{"name": "take", "action": "insert_record", "on_error": "continue",
	 "params": {"table": "i.bait", "fields": {"id": 1}}},
	{"name": "next", "action": "whoami"}]', '{}', 'regress_mallory');
SELECT * FROM t.result('bait');
SELECT count(*) FROM i.bait;
-- A trigger that is deferred by the one that fires.
SET ROLE regress_mallory;
CREATE TABLE i.bait2 (id int);
CREATE CONSTRAINT TRIGGER steal AFTER INSERT ON i.bait2
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION i.steal();
CREATE TABLE i.bait3 (id int);
CREATE FUNCTION i.pass_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	SET CONSTRAINTS ALL DEFERRED;
	INSERT INTO i.bait2 VALUES (1);
	RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER pass_on AFTER INSERT ON i.bait3
	DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION i.pass_on();
RESET ROLE;
SELECT t.go('bait', '{"action": "insert_record",
	 "params": {"table": "i.bait3", "fields": {"id": 1}}}', '{}',
	 'regress_mallory');
SELECT * FROM t.result('bait');

-- Deferred constraints as such are fine, and are checked by the step that
-- violates them (Django makes all its foreign keys so).
SET ROLE regress_mallory;
CREATE TABLE i.parent (id int PRIMARY KEY);
CREATE TABLE i.child (id int PRIMARY KEY, parent_id int
	CONSTRAINT child_parent REFERENCES i.parent DEFERRABLE INITIALLY DEFERRED);
RESET ROLE;
SELECT t.go('child', '[
	{"name": "orphan", "action": "insert_record", "on_error": "continue",
	 "params": {"table": "i.child", "fields": {"id": 1, "parent_id": 9}}},
	{"name": "child_first", "action": "run", "params": {
	 "sql": "INSERT INTO i.child VALUES (2, 2)",
	 "then": "INSERT INTO i.parent VALUES (2) RETURNING id"}}]', '{}',
	 'regress_mallory');
SELECT * FROM t.result('child');
SELECT * FROM i.child;

-- A held cursor would execute at the worker's commit, as the worker.
SET ROLE regress_mallory;
CREATE FUNCTION i.steal_row() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO i.vault VALUES ('by a held cursor, as ' || current_user);
	RETURN '';
END $$;
RESET ROLE;
SELECT i.try('DECLARE held CURSOR WITH HOLD FOR SELECT i.steal_row()');
SELECT * FROM t.result('try');

--
-- What a step leaves behind: nothing
--
-- Each of these steps makes a mess and the next one looks for it.
CREATE FUNCTION i.mess() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text[] := '{}';
BEGIN
	IF current_setting('search_path') <> 'public, pg_temp' THEN
		found := found || ('search_path ' || current_setting('search_path'));
	END IF;
	IF current_setting('datestyle') NOT LIKE 'ISO%' THEN
		found := found || 'datestyle'::text;
	END IF;
	IF current_setting('work_mem') = '64kB' THEN
		found := found || 'work_mem'::text;
	END IF;
	IF coalesce(current_setting('mallory.x', true), '') <> '' THEN
		found := found || 'mallory.x'::text;
	END IF;
	IF current_setting('transaction_read_only') = 'on' THEN
		found := found || 'read only'::text;
	END IF;
	IF EXISTS (SELECT FROM pg_prepared_statements WHERE from_sql) THEN
		found := found || 'prepared statement'::text;
	END IF;
	IF EXISTS (SELECT FROM pg_cursors WHERE name LIKE 'mess%') THEN
		found := found || 'cursor'::text;
	END IF;
	IF EXISTS (SELECT FROM pg_class WHERE relpersistence = 't'
			AND relname LIKE 'mess%') THEN
		found := found || 'temporary table'::text;
	END IF;
	IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'
			AND objid = 4711) THEN
		found := found || 'advisory lock'::text;
	END IF;
	RETURN array_to_string(found, ', ');
END $$;
CREATE FUNCTION i.look(params jsonb, context jsonb) RETURNS jsonb
RETURN to_jsonb(i.mess());
SELECT wf_register_action('look', 'i.look(jsonb,jsonb)');

-- The probe sees each of them, within the step.
CREATE FUNCTION i.make_mess(params jsonb, context jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
	SET search_path = i, public;
	SET datestyle = 'SQL, DMY';
	SET work_mem = '64kB';
	SET mallory.x = 'was here';
	CREATE TEMP TABLE mess (id int);
	EXECUTE 'PREPARE mess AS SELECT 1';
	EXECUTE 'DECLARE mess CURSOR WITH HOLD FOR SELECT 1';
	PERFORM pg_advisory_lock(4711);
	SET transaction_read_only = on;
	IF params ? 'fail' THEN
		RAISE EXCEPTION 'left in a hurry';
	END IF;
	RETURN to_jsonb(i.mess());
END $$;
SELECT wf_register_action('make_mess', 'i.make_mess(jsonb,jsonb)');
SELECT t.go('mess', '[
	{"name": "make", "action": "make_mess"},
	{"name": "look", "action": "look"},
	{"name": "fail", "action": "make_mess", "params": {"fail": true},
	 "on_error": "continue"},
	{"name": "look_again", "action": "look"}]', '{}', 'regress_mallory');
SELECT * FROM t.result('mess');
-- Neither does another role's workflow see any of it, whichever worker.
SELECT t.go('look', '{"action": "look"}', '{}', 'regress_other');
SELECT count(*)
FROM (SELECT wf_fire(t.a(), 'look') FROM generate_series(1, 20)) f;
SELECT t.wait('look');
SELECT DISTINCT s.status, s.output, s.error
FROM wf_history(workflow => 'look') h, wf_trace(h.run_id) s;
SELECT pg_try_advisory_lock(4711), pg_advisory_unlock(4711);

-- Temporary functions and views go too, and tables that would go at the
-- worker's commit; open large objects (which are checked only when opened)
-- and what lastval() knows.
CREATE SEQUENCE i.numbers;
GRANT ALL ON i.numbers TO regress_mallory;
SELECT t.go('temporary', '[
	{"name": "on_commit", "action": "run", "params": {
	 "sql": "CREATE TEMP TABLE x (id serial) ON COMMIT DROP"}},
	{"name": "again", "action": "run", "params": {
	 "sql": "CREATE TEMP TABLE x (id serial) ON COMMIT DELETE ROWS",
	 "then": "INSERT INTO x DEFAULT VALUES RETURNING id"}},
	{"name": "function", "action": "run", "params": {
	 "sql": "CREATE FUNCTION pg_temp.f() RETURNS text RETURN ''here''",
	 "then": "SELECT pg_temp.f()"}},
	{"name": "no_function", "action": "run", "on_error": "continue",
	 "params": {"sql": "SELECT pg_temp.f()"}},
	{"name": "open", "action": "run", "params": {
	 "sql": "SELECT lo_open(lo_create(0), x''60000''::int)",
	 "then": "SELECT lowrite(0, ''secret'')"}},
	{"name": "not_open", "action": "run", "on_error": "continue",
	 "params": {"sql": "SELECT loread(0, 10)"}},
	{"name": "count", "action": "run", "params": {
	 "sql": "SELECT nextval(''i.numbers'')", "then": "SELECT lastval()"}},
	{"name": "not_counted", "action": "run", "on_error": "continue",
	 "params": {"sql": "SELECT lastval()"}}]', '{}', 'regress_mallory');
SELECT * FROM t.result('temporary');

-- SET CONSTRAINTS ends with its step: the next one's constraint is immediate.
SET ROLE regress_mallory;
CREATE TABLE i.now (id int CONSTRAINT now_key UNIQUE DEFERRABLE);
RESET ROLE;
SELECT t.go('constraints', '[
	{"name": "defer", "action": "run",
	 "params": {"sql": "SET CONSTRAINTS ALL DEFERRED"}},
	{"name": "violate_for_a_moment", "action": "run", "params": {
	 "sql": "INSERT INTO i.now VALUES (1), (1)",
	 "then": "DELETE FROM i.now RETURNING id"}}]', '{}', 'regress_mallory');
SELECT * FROM t.result('constraints');

-- No step makes a worker LISTEN, nor deaf: the channel it wakes up by stays.
SELECT i.try('LISTEN mallory');
SELECT * FROM t.result('try');
SELECT t.go('deaf', '[{"name": "unlisten", "action": "run",
	"params": {"sql": "UNLISTEN *"}}]', '{}', 'regress_mallory');
SELECT count(*)
FROM (SELECT wf_fire(t.a(), 'deaf') FROM generate_series(1, 20)) f;
SELECT t.wait('deaf');
SELECT t.go('hears', '[{"name": "step", "action": "run",
	"params": {"sql": "SELECT", "then":
	"SELECT string_agg(c, '','') FROM pg_listening_channels() c"}}]', '{}',
	'regress_mallory');
SELECT count(*)
FROM (SELECT wf_fire(t.a(), 'hears') FROM generate_series(1, 20)) f;
SELECT t.wait('hears');
SELECT DISTINCT s.status, s.output, s.error
FROM wf_history(workflow => 'hears') h, wf_trace(h.run_id) s;

--
-- Planted objects
--
-- Where others can create functions and operators in a schema that steps
-- search, these are not what the record actions use: a better match than
-- PostgreSQL's own changes nothing.
GRANT CREATE ON SCHEMA public TO regress_mallory;
CREATE TABLE i.planted (what text);
GRANT INSERT ON i.planted TO PUBLIC;
CREATE TABLE i.goods (sku varchar PRIMARY KEY, name varchar, tags varchar[]);
INSERT INTO i.goods VALUES ('a', 'one');
GRANT ALL ON i.goods TO regress_other;
SET ROLE regress_mallory;
CREATE FUNCTION public.planted_eq(varchar, varchar) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO i.planted VALUES ('operator, as ' || current_user);
	RETURN true;
END $$;
CREATE OPERATOR public.= (LEFTARG = varchar, RIGHTARG = varchar,
	FUNCTION = public.planted_eq);
CREATE FUNCTION public.to_jsonb(i.goods) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO i.planted VALUES ('to_jsonb, as ' || current_user);
	RETURN '{}'::jsonb;
END $$;
CREATE FUNCTION public.jsonb_to_record(jsonb) RETURNS record
LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO i.planted VALUES ('jsonb_to_record, as ' || current_user);
	RETURN NULL;
END $$;
CREATE DOMAIN public.varchar AS pg_catalog.varchar CHECK (VALUE = 'planted');
RESET ROLE;
SELECT t.go('planted', '[
	{"name": "update", "action": "update_record", "params": {
	 "table": "i.goods", "id": "a", "fields": {"name": "two", "tags": ["x"]}}},
	{"name": "insert", "action": "insert_record", "params": {
	 "table": "i.goods", "fields": {"sku": "b", "name": "three"}}},
	{"name": "find", "action": "find_record", "params": {
	 "table": "i.goods", "where": {"sku": "b", "name": "three"}}}]', '{}',
	'regress_other');
SELECT * FROM t.result('planted');
SELECT DISTINCT what FROM i.planted;
SET client_min_messages = warning;
DROP OWNED BY regress_mallory CASCADE;
RESET client_min_messages;
GRANT USAGE, CREATE ON SCHEMA i TO regress_mallory;

-- A temporary table does not stand before the table of its name.
CREATE TABLE public.i_goods (id int PRIMARY KEY, name text);
INSERT INTO public.i_goods VALUES (1, 'real');
GRANT ALL ON public.i_goods TO regress_mallory;
SELECT i.try('CREATE TEMP TABLE i_goods AS SELECT 1 AS id, ''fake'' AS name',
	'SELECT name FROM i_goods');
SELECT * FROM t.result('try');

-- After all that:
SELECT * FROM i.vault;
SELECT rolname FROM pg_roles WHERE rolname LIKE 'regress_%' AND rolsuper;

SET client_min_messages = warning;
SELECT t.clean();
DROP TABLE public.i_goods;
DROP SCHEMA i CASCADE;
SELECT wf_revoke('regress_ops', 'operate');
SELECT wf_revoke('regress_ops', 'fire');
DROP ROLE regress_super, regress_ops, regress_app, regress_other,
	regress_mallory;
