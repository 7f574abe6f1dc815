--
-- Actions are code: who may write the library, and whom a function works for.
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE SCHEMA a;
GRANT USAGE, CREATE ON SCHEMA a TO PUBLIC;
CREATE ROLE regress_app;
CREATE ROLE regress_friend;
CREATE ROLE regress_mallory;
CREATE ROLE regress_super SUPERUSER;
SELECT wf_grant(r, 'admin') FROM unnest('{regress_friend,regress_mallory}'::text[]) r;
GRANT SET ON PARAMETER workflow_engine.tenant_id TO regress_mallory;
SELECT t.a() AS a \gset
CREATE FUNCTION a.good(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql
AS $$ SELECT to_jsonb(current_user::text) $$;
SELECT wf_register_action('good', 'a.good(jsonb,jsonb)');

-- The function of somebody who wants more.
SET ROLE regress_mallory;
CREATE FUNCTION a.mine(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF params ? 'sql' THEN
		EXECUTE params->>'sql';
	END IF;
	RETURN to_jsonb(current_user::text);
END $$;
RESET ROLE;
SET ROLE regress_friend;
CREATE FUNCTION a.of_friend(params jsonb, context jsonb) RETURNS jsonb
LANGUAGE sql AS $$ SELECT to_jsonb(current_user::text) $$;
RESET ROLE;

-- Each statement, and how it ends; all are undone.
CREATE FUNCTION a.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RAISE EXCEPTION USING ERRCODE = 'UNDO0';
EXCEPTION
	WHEN SQLSTATE 'UNDO0' THEN RETURN 'ACCEPTED';
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
CREATE TABLE a.write (n int GENERATED ALWAYS AS IDENTITY, sql text);
GRANT SELECT ON a.write TO PUBLIC;
INSERT INTO a.write (sql) VALUES
	('SELECT wf_register_action(''good'', ''a.mine(jsonb,jsonb)'')'),
	('SELECT wf_register_action(''new'', ''a.mine(jsonb,jsonb)'')'),
	('SELECT wf_register_action(''new'', ''a.good(jsonb,jsonb)'')'),
	('INSERT INTO workflow_actions (name, kind, handler) VALUES (''new'', ''function'', ''a.mine(jsonb,jsonb)'')'),
	('INSERT INTO workflow_actions (name, kind, handler) VALUES (''good'', ''function'', ''a.mine(jsonb,jsonb)'')
		ON CONFLICT (name) DO UPDATE SET handler = EXCLUDED.handler'),
	('INSERT INTO workflow_actions (name, kind, handler) VALUES (''new'', ''function'', ''a.good(jsonb,jsonb)'')'),
	('INSERT INTO workflow_actions (name, kind) VALUES (''new'', ''http'')'),
	('UPDATE workflow_actions SET handler = ''a.mine(jsonb,jsonb)'' WHERE name = ''good'''),
	('UPDATE workflow_actions SET name = ''bad'' WHERE name = ''good'''),
	('UPDATE workflow_actions SET params = ''{"x": {"required": true}}'' WHERE name = ''good'''),
	('UPDATE workflow_actions SET params = ''{}'' WHERE name = ''webhook'''),
	('UPDATE workflow_actions SET name = ''bad'' WHERE name = ''webhook'''),
	('UPDATE workflow_actions SET kind = ''function'', handler = ''a.mine(jsonb,jsonb)'' WHERE name = ''webhook'''),
	('MERGE INTO workflow_actions w USING (VALUES (1)) v ON w.name = ''good'' WHEN MATCHED THEN UPDATE SET handler = ''a.mine(jsonb,jsonb)'''),
	('DELETE FROM workflow_actions WHERE name = ''good'''),
	('DELETE FROM workflow_actions WHERE name = ''webhook'''),
	('TRUNCATE workflow_actions');
GRANT TRUNCATE ON workflow_actions TO regress_mallory;

-- An administrator who is bound to no tenant adds functions of his own.
SET ROLE regress_mallory;
SELECT n, a.try(sql) FROM a.write ORDER BY n;
-- Setting what a restore sets changes nothing for him.
SET check_function_bodies = off;
SELECT n, a.try(sql) FROM a.write ORDER BY n;
SELECT a.try('INSERT INTO workflow_actions (name, kind, handler) VALUES (''new'', ''function'', ''a.none(jsonb,jsonb)'')');
RESET check_function_bodies;
-- Bound to a tenant, or to none, he writes nothing here.
SELECT wf_register_action('mallorys', 'a.mine(jsonb,jsonb)');
SET workflow_engine.tenant_id = :'a';
SELECT n, a.try(sql) FROM a.write ORDER BY n;
SELECT a.try('UPDATE workflow_actions SET params = ''{}'' WHERE name = ''mallorys''');
SELECT a.try('DELETE FROM workflow_actions WHERE name = ''mallorys''');
SELECT wf_register_action('new', 'a.mine(jsonb,jsonb)');
SET workflow_engine.tenant_id = 'none';
SELECT n, a.try(sql) FROM a.write WHERE sql ~ 'mine|webhook' ORDER BY n;
SELECT a.try('DELETE FROM workflow_actions WHERE name = ''mallorys''');
RESET ROLE;
SET workflow_engine.tenant_id = :'a';
SELECT a.try('DELETE FROM workflow_actions WHERE name = ''mallorys''') AS superuser;
SET workflow_engine.tenant_id = '';
-- COPY neither.
SET ROLE regress_mallory;
SET workflow_engine.tenant_id = :'a';
COPY workflow_actions (name, kind, handler) FROM stdin;
new	function	a.mine(jsonb,jsonb)
\.
SET workflow_engine.tenant_id = '';
RESET ROLE;

-- A superuser writes every function, and no built-in row.
SELECT n, a.try(sql) FROM a.write ORDER BY n;
SET check_function_bodies = off;
SELECT n, a.try(sql) FROM a.write WHERE sql ~ 'webhook|http|TRUNCATE' ORDER BY n;
RESET check_function_bodies;

-- Membership in the owner's role counts.
GRANT regress_friend TO regress_mallory;
SELECT wf_register_action('friends', 'a.of_friend(jsonb,jsonb)');
SET ROLE regress_mallory;
SELECT a.try('DELETE FROM workflow_actions WHERE name = ''friends''');
SELECT a.try('SELECT wf_register_action(''friends'', ''a.mine(jsonb,jsonb)'')');
RESET ROLE;
REVOKE regress_friend FROM regress_mallory;
SET ROLE regress_mallory;
SELECT a.try('DELETE FROM workflow_actions WHERE name = ''friends''');
RESET ROLE;
-- A row whose function is gone is a superuser's.
CREATE FUNCTION a.leaves(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT params';
ALTER FUNCTION a.leaves OWNER TO regress_mallory;
SELECT wf_register_action('left', 'a.leaves(jsonb,jsonb)');
DROP FUNCTION a.leaves;
SET ROLE regress_mallory;
SELECT * FROM t.error('DELETE FROM workflow_actions WHERE name = ''left''');
SELECT * FROM t.error('DELETE FROM workflow_actions WHERE name = ''good''');
RESET ROLE;
DELETE FROM workflow_actions WHERE name = 'left';

-- What is no plain function of a schema is none, and what is temporary.
CREATE FUNCTION a.next(jsonb, jsonb, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $1';
CREATE AGGREGATE a.aggregate (jsonb, jsonb) (sfunc = a.next, stype = jsonb);
CREATE FUNCTION a.variadic(VARIADIC jsonb[]) RETURNS jsonb LANGUAGE sql AS 'SELECT $1[1]';
CREATE FUNCTION a.defaults(jsonb, jsonb, int DEFAULT 1) RETURNS jsonb LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION pg_temp.temporary(jsonb, jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT $1';
SELECT handler, e.code, regexp_replace(e.message, 'pg_temp_\d+', 'pg_temp') AS message FROM unnest('{"a.aggregate(jsonb,jsonb)",a.variadic(jsonb[]),
	"a.defaults(jsonb,jsonb,int)","pg_temp.temporary(jsonb,jsonb)"}'::text[]) handler,
	t.error(format('INSERT INTO workflow_actions (name, kind, handler) VALUES (''x'', ''function'', %L)', handler)) e;
SELECT regexp_replace(message, 'pg_temp_\d+', 'pg_temp') AS message, detail
FROM t.error('SELECT wf_register_action(''x'', ''pg_temp.temporary(jsonb,jsonb)'')');
DROP FUNCTION pg_temp.temporary(jsonb, jsonb);

--
-- At the call
--
-- The owner of the function must be a superuser, or able to SET ROLE to the
-- role that the step runs as.
SELECT t.go('by app', '{"action": "mallorys"}', '{}', 'regress_app');
SELECT * FROM t.result('by app');
SELECT t.go('by super', '{"action": "mallorys", "params": {"sql": "ALTER ROLE regress_mallory SUPERUSER"}}', '{}', 'regress_super');
SELECT * FROM t.result('by super');
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_mallory';
SELECT t.go('by mallory', '{"action": "mallorys"}', '{}', 'regress_mallory');
SELECT * FROM t.result('by mallory');
SELECT t.go('good', '{"action": "good"}', '{}', 'regress_app');
SELECT * FROM t.result('good');
-- What the hint says helps.
GRANT regress_app TO regress_mallory;
SELECT t.go('by app', '{"action": "mallorys"}', '{}', 'regress_app');
SELECT * FROM t.result('by app');
REVOKE regress_app FROM regress_mallory;
SELECT t.go('by app', '{"action": "mallorys"}', '{}', 'regress_app');
SELECT * FROM t.result('by app');
ALTER FUNCTION a.mine OWNER TO regress_app;
SELECT t.go('by app', '{"action": "mallorys"}', '{}', 'regress_app');
SELECT * FROM t.result('by app');
ALTER FUNCTION a.mine OWNER TO regress_mallory;
SELECT t.go('by app', '{"action": "mallorys"}', '{}', 'regress_app');
SELECT status FROM t.result('by app');
-- SECURITY DEFINER makes no difference.
ALTER FUNCTION a.mine SECURITY DEFINER;
SELECT t.go('by app', '{"action": "mallorys"}', '{}', 'regress_app');
SELECT * FROM t.result('by app');
ALTER FUNCTION a.mine SECURITY INVOKER;

-- The function of an action is gone, and somebody else makes one of its name.
SELECT t.go('good', '{"action": "good"}', '{}', 'regress_app');
SELECT * FROM t.result('good');
DROP FUNCTION a.good;
SET ROLE regress_mallory;
CREATE FUNCTION a.good(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql
AS $$ SELECT '"mallory was here"'::jsonb $$;
RESET ROLE;
SELECT t.go('good', '{"action": "good"}', '{}', 'regress_app');
SELECT * FROM t.result('good');
-- Overloads are other functions: the very one that is registered is called.
DROP FUNCTION a.good;
CREATE FUNCTION a.good(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql
AS $$ SELECT '"the one"'::jsonb $$;
SET ROLE regress_mallory;
CREATE FUNCTION a.good(params jsonb, context jsonb, more int DEFAULT 1) RETURNS jsonb LANGUAGE sql
AS $$ SELECT '"more"'::jsonb $$;
CREATE FUNCTION a.good(params json, context json) RETURNS jsonb LANGUAGE sql
AS $$ SELECT '"json"'::jsonb $$;
CREATE FUNCTION a.good(VARIADIC jsonb[]) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"variadic"'::jsonb $$;
RESET ROLE;
SELECT t.go('good', '{"action": "good"}', '{}', 'regress_app');
SELECT * FROM t.result('good');
-- Of another kind or type by now: it is refused, not called.
DROP FUNCTION a.good(jsonb, jsonb);
CREATE FUNCTION a.good(params jsonb, context jsonb) RETURNS bigint LANGUAGE sql AS 'SELECT 1';
SELECT t.go('good', '{"action": "good"}', '{}', 'regress_app');
SELECT * FROM t.result('good');
DROP FUNCTION a.good(jsonb, jsonb);
CREATE AGGREGATE a.good (jsonb, jsonb) (sfunc = a.next, stype = jsonb);
SELECT t.go('good', '{"action": "good"}', '{}', 'regress_app');
SELECT * FROM t.result('good');
DROP AGGREGATE a.good (jsonb, jsonb);
CREATE PROCEDURE a.good(params jsonb, context jsonb) LANGUAGE sql AS 'SELECT 1';
SELECT t.go('good', '{"action": "good"}', '{}', 'regress_app');
SELECT * FROM t.result('good');
DROP PROCEDURE a.good(jsonb, jsonb);
-- A schema takes the name of the one that the function was in.
CREATE SCHEMA a2;
CREATE FUNCTION a2.good(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"first"'::jsonb $$;
SELECT wf_register_action('moved', 'a2.good(jsonb,jsonb)');
GRANT USAGE ON SCHEMA a2 TO PUBLIC;
SELECT t.go('moved', '{"action": "moved"}', '{}', 'regress_app');
SELECT * FROM t.result('moved');
ALTER SCHEMA a2 RENAME TO a3;
CREATE SCHEMA a2 AUTHORIZATION regress_mallory;
GRANT USAGE ON SCHEMA a2 TO PUBLIC;
SET ROLE regress_mallory;
CREATE FUNCTION a2.good(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"second"'::jsonb $$;
RESET ROLE;
SELECT t.go('moved', '{"action": "moved"}', '{}', 'regress_app');
SELECT * FROM t.result('moved');
-- Odd names are names.
CREATE FUNCTION a."f(x), a.mine"(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '"odd"'::jsonb $$;
SELECT wf_register_action('odd', 'a."f(x), a.mine"(jsonb,jsonb)');
SELECT t.go('odd', '{"action": "odd"}', '{}', 'regress_app');
SELECT * FROM t.result('odd');

-- EXECUTE is asked for at each call, whoever called it before.
REVOKE EXECUTE ON FUNCTION a."f(x), a.mine" FROM PUBLIC;
GRANT EXECUTE ON FUNCTION a."f(x), a.mine" TO regress_app;
SELECT t.go('odd', '[{"name": "one", "action": "odd"}, {"name": "two", "action": "odd"}]', '{}', 'regress_app');
SELECT * FROM t.result('odd');
SELECT t.go('odd', '{"action": "odd"}', '{}', 'regress_friend');
SELECT * FROM t.result('odd');
-- So it is deeper down: a plan that was made for one role, with the bodies of
-- functions in it, is not for another.
CREATE FUNCTION a.inner_function() RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'for app'::text $$;
REVOKE EXECUTE ON FUNCTION a.inner_function FROM PUBLIC;
GRANT EXECUTE ON FUNCTION a.inner_function TO regress_app;
CREATE FUNCTION a.outer_function(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql
AS $$ SELECT to_jsonb(a.inner_function()) $$;
SELECT wf_register_action('outer', 'a.outer_function(jsonb,jsonb)');
CREATE TABLE a.said (id int, what text DEFAULT a.inner_function());
GRANT INSERT ON a.said TO PUBLIC;
INSERT INTO workflow_definitions (tenant_id, definition, run_as)
SELECT t.a(), jsonb_build_object('name', r, 'trigger_type', r, 'steps', '[
	{"name": "call", "action": "outer", "on_error": "continue"},
	{"name": "insert", "action": "insert_record", "on_error": "continue",
	 "params": {"table": "a.said", "fields": {"id": 1}}}]'::jsonb), r::regrole
FROM unnest('{regress_app,regress_friend}'::text[]) r;
SELECT count(*) FROM generate_series(1, 300) n, wf_fire(t.a(), 'regress_app', jsonb_build_object('n', n));
SELECT t.wait();
SELECT count(*) FROM generate_series(1, 300) n, wf_fire(t.a(), 'regress_friend', jsonb_build_object('n', n));
SELECT t.wait();
SELECT workflow_name, s.step_name, s.status, s.error, count(*)
FROM wf_history(max_rows => 1000) h, wf_trace(h.run_id) s WHERE workflow_name LIKE 'regress%'
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3;
-- A role that a function sets for itself is refused, whoever owns it.
CREATE FUNCTION a.sets(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql SET role = 'regress_super'
AS $$ SELECT to_jsonb(current_user::text) $$;
SELECT wf_register_action('sets', 'a.sets(jsonb,jsonb)');
SELECT t.go('sets', '{"action": "sets"}', '{}', 'regress_app');
SELECT * FROM t.result('sets');

-- A step is bound to its run's tenant, so it writes no action either.
SELECT t.go('writes', '{"action": "insert_record", "params": {"table": "workflow_actions",
	"fields": {"name": "new", "kind": "function", "handler": "a.mine(jsonb,jsonb)"}}}', '{}', 'regress_super');
SELECT * FROM t.result('writes');

SELECT t.clean();
DELETE FROM workflow_actions WHERE kind = 'function' AND handler NOT LIKE 't.%';
REVOKE SET ON PARAMETER workflow_engine.tenant_id FROM regress_mallory;
SELECT wf_revoke(r, 'admin') FROM unnest('{regress_friend,regress_mallory}'::text[]) r;
DROP SCHEMA a, a2, a3 CASCADE;
DROP OWNED BY regress_mallory;
DROP ROLE regress_app, regress_friend, regress_mallory, regress_super;
RESET client_min_messages;
