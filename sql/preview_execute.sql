--
-- wf_preview with execute: native steps are executed, shown and rolled back
--
CREATE ROLE regress_try;
CREATE ROLE regress_ops;
GRANT regress_try TO regress_ops;
SELECT wf_grant('regress_ops', 'operate');
GRANT USAGE ON SCHEMA t TO regress_ops, regress_try;
CREATE SCHEMA shop AUTHORIZATION regress_try;
SET ROLE regress_try;
CREATE TABLE shop.orders (id int PRIMARY KEY, status text NOT NULL, total numeric, updated_by name, secret text);
CREATE TABLE shop.lines (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	order_id int NOT NULL REFERENCES shop.orders DEFERRABLE INITIALLY DEFERRED, what text, kind text DEFAULT 'none');
CREATE TABLE shop.audit (order_id int, was text, now_is text);
CREATE FUNCTION shop.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO shop.audit VALUES (new.id, old.status, new.status);
	new.updated_by := current_user;
	RETURN new;
END $$;
CREATE TRIGGER note BEFORE UPDATE ON shop.orders FOR EACH ROW EXECUTE FUNCTION shop.note();
INSERT INTO shop.orders VALUES (1, 'new', 10), (2, 'new', 20);
RESET ROLE;

-- What a definition of operators runs as is theirs to try.
CREATE FUNCTION t.try(steps jsonb, payload jsonb DEFAULT '{}', run_as text DEFAULT 'regress_try', run_functions boolean DEFAULT false)
RETURNS TABLE (step_name text, status text, output jsonb, error text, reason text, changes jsonb)
LANGUAGE sql AS $$
	SELECT p.step_name, p.status, p.output, p.error, p.reason, p.changes
	FROM wf_preview(jsonb_build_object('steps', steps), payload, t.a(), run_as::regrole, run_functions => run_functions) p
$$;
SET ROLE regress_ops;
\set order '[{"name": "find", "action": "find_record", "params": {"table": "shop.orders", "where": {"id": "{{ trigger.id }}"}, "columns": ["status", "total"]}}, {"name": "paid", "action": "update_record", "params": {"table": "shop.orders", "id": "{{ trigger.id }}", "fields": {"status": "paid"}}, "condition": "$.steps.find.output.record.total >= 10"}, {"name": "line", "action": "insert_record", "params": {"table": "shop.lines", "fields": {"order_id": "{{ trigger.id }}", "what": "gift"}}}, {"name": "seen", "action": "find_record", "params": {"table": "shop.orders", "where": {"id": "{{ trigger.id }}"}, "columns": ["status"]}}, {"name": "tell", "action": "webhook", "params": {"url": "http://a.example/", "body": {"is": "{{ steps.seen.output.record.status }}"}, "merge_payload": false}}, {"name": "echo", "action": "echo", "params": {"id": "{{ steps.tell.output.body.id }}"}}]'
SELECT step_name, status, CASE jsonb_typeof(output) WHEN 'object' THEN output - 'id' ELSE output END AS output, error, reason FROM t.try(:'order', '{"id": 1}');
SELECT step_name, jsonb_pretty(changes #- '{key,id}' #- '{after,id}') AS changes FROM t.try(:'order', '{"id": 1}') WHERE changes IS NOT NULL;
SELECT step_name, duration_ms IS NOT NULL AS timed, request->'body' AS body, input FROM wf_preview(jsonb_build_object('steps', :'order'::jsonb), '{"id": 1}', run_as => 'regress_try');
RESET ROLE;
SELECT * FROM shop.orders ORDER BY id;
SELECT count(*) FROM shop.lines;
SELECT count(*) FROM shop.audit;
SET ROLE regress_ops;

-- A failing step ends the run; its effects are undone at once.  Deferred
-- constraints are checked at the end of their step.
SELECT step_name, status, error, reason, changes FROM t.try('[{"name": "none", "action": "update_record", "params": {"table": "shop.orders", "id": 7, "fields": {"status": "paid"}}, "on_error": "continue"}, {"name": "line", "action": "insert_record", "params": {"table": "shop.lines", "fields": {"order_id": 99}}, "on_error": "continue"}, {"name": "seen", "action": "find_record", "params": {"table": "shop.lines", "where": {"order_id": 99}}}, {"name": "null", "action": "insert_record", "params": {"table": "shop.orders", "fields": {"id": 3}}}, {"name": "after", "action": "update_record", "params": {"table": "shop.orders", "id": 1, "fields": {"status": "x"}}}]');
-- A role shows what it may read.
RESET ROLE;
CREATE ROLE regress_few;
GRANT regress_few TO regress_ops;
GRANT USAGE ON SCHEMA shop TO regress_few;
GRANT SELECT (id, status), UPDATE (status, secret) ON shop.orders TO regress_few;
GRANT INSERT ON shop.audit TO regress_few;
SET ROLE regress_ops;
SELECT status, error, changes FROM t.try('[{"name": "a", "action": "update_record", "params": {"table": "shop.orders", "id": 1, "fields": {"status": "paid", "secret": "x"}}}, {"name": "b", "action": "insert_record", "params": {"table": "shop.audit", "fields": {"order_id": 1}}}]', run_as => 'regress_few');
SELECT status, error FROM t.try('[{"name": "a", "action": "update_record", "params": {"table": "shop.orders", "id": 1, "fields": {"total": 5}}}]', run_as => 'regress_few');

-- What a trigger fires is undone as well.
RESET ROLE;
SELECT wf_grant('regress_try', 'fire');
INSERT INTO workflow_definitions (tenant_id, definition, run_as)
VALUES (t.a(), '{"name": "on_audit", "trigger_type": "on_audit", "steps": [{"name": "s", "action": "echo"}]}', 'regress_try');
CREATE TRIGGER fire AFTER INSERT ON shop.audit FOR EACH ROW
	EXECUTE FUNCTION wf_fire_trigger('on_audit', '00000000-0000-4000-8000-00000000000a');
SET ROLE regress_ops;
SELECT step_name, status, output FROM t.try('[{"name": "a", "action": "update_record", "params": {"table": "shop.orders", "id": 1, "fields": {"status": "paid"}}}, {"name": "fired", "action": "find_record", "params": {"table": "shop.audit", "where": {"order_id": 1}}}]');
RESET ROLE;
SELECT count(*) AS runs FROM workflow_runs r JOIN workflow_definitions d ON d.id = r.definition_id WHERE d.name = 'on_audit';
DROP TRIGGER fire ON shop.audit;

-- Functions are executed only if that is asked for, and only for roles that
-- their owner may become.
CREATE FUNCTION t.of_nobody(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT '{"who": "nobody"}'::jsonb $$;
CREATE ROLE regress_owner;
GRANT CREATE ON SCHEMA t TO regress_owner;
ALTER FUNCTION t.of_nobody OWNER TO regress_owner;
SELECT wf_register_action('of_nobody', 't.of_nobody(jsonb,jsonb)');
SET ROLE regress_ops;
SELECT step_name, status, output, reason FROM t.try('[{"name": "a", "action": "echo", "params": {"x": 1}}, {"name": "b", "action": "echo", "params": {"x": "{{ steps.a.output.x }}"}}]');
SELECT step_name, status, output, error, reason FROM t.try('[{"name": "a", "action": "echo", "params": {"x": 1}}, {"name": "b", "action": "of_nobody"}]', run_functions => true);

-- Of a superuser's nothing is executed unless that is asked for.
RESET ROLE;
SELECT step_name, status, reason FROM t.try('[{"name": "a", "action": "update_record", "params": {"table": "shop.orders", "id": 1, "fields": {"status": "paid"}}}]', run_as => current_user);
SELECT step_name, status, changes->'after'->'status' AS after FROM t.try('[{"name": "a", "action": "update_record", "params": {"table": "shop.orders", "id": 1, "fields": {"status": "paid"}}}]', run_as => current_user, run_functions => true);

-- By default steps run as the definition of that name does, else as a new one would.
INSERT INTO workflow_definitions (tenant_id, definition, run_as)
VALUES (t.a(), '{"name": "saved", "trigger_type": "saved", "steps": [{"name": "s", "action": "echo"}]}', 'regress_few');
CREATE FUNCTION t.who(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT jsonb_build_object('role', current_user, 'tenant', current_setting('workflow_engine.tenant_id'), 'path', current_setting('search_path')) $$;
GRANT EXECUTE ON FUNCTION t.who TO PUBLIC;
GRANT USAGE ON SCHEMA t TO regress_few;
SELECT wf_register_action('who', 't.who(jsonb,jsonb)');
SET ROLE regress_ops;
SELECT output FROM wf_preview('{"name": "saved", "trigger_type": "saved", "steps": [{"name": "s", "action": "who"}]}', '{}', t.a(), run_functions => true);
SELECT output FROM wf_preview('{"name": "unsaved", "trigger_type": "saved", "steps": [{"name": "s", "action": "who"}]}', '{}', t.a(), run_functions => true);
SELECT output FROM wf_preview('{"steps": [{"name": "s", "action": "who"}]}', '{}', run_functions => true);
SELECT error, output FROM wf_preview('{"steps": [{"name": "s", "action": "who"}]}', '{}', run_as => 'regress_try', run_functions => true);

-- What is refused.
SELECT * FROM t.error($$SELECT t.try('[{"name": "a", "action": "echo"}]', run_as => 'regress_owner')$$);
SELECT * FROM t.error($$SELECT t.try('[{"name": "a", "action": "echo"}]', run_as => 'regress_no_such_role')$$);
SELECT * FROM t.error($$SELECT t.try('[{"name": "a", "action": "echo"}]', run_as => '-')$$);
SELECT code FROM t.error(format($$SELECT t.try('[{"name": "a", "action": "echo"}]', run_as => %L)$$, session_user));
BEGIN READ ONLY;
SELECT * FROM t.error($$SELECT t.try('[{"name": "a", "action": "echo"}]')$$);
COMMIT;
RESET ROLE;
BEGIN;
INSERT INTO shop.orders VALUES (9, 'new');
SELECT * FROM t.error($$SELECT t.try('[{"name": "a", "action": "echo"}]')$$);
ROLLBACK;
BEGIN;
SAVEPOINT s;
INSERT INTO shop.orders VALUES (9, 'new');
SELECT code FROM t.error($$SELECT t.try('[{"name": "a", "action": "echo"}]')$$);
ROLLBACK;

-- The session that asks stays as it is: prepared statements, cursors, settings,
-- temporary tables, locks, currval, LISTEN, SET CONSTRAINTS.
CREATE FUNCTION t.litter(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	CREATE TEMP TABLE litter (a int);
	PERFORM pg_advisory_lock(4711), setval('t.counter', 99), setseed(0.5);
	PERFORM set_config('work_mem', '1MB', false);
	EXECUTE 'PREPARE litter AS SELECT 1';
	RETURN to_jsonb(currval('t.counter'));
END $$;
CREATE SEQUENCE t.counter;
SELECT wf_register_action('litter', 't.litter(jsonb,jsonb)');
GRANT ALL ON SEQUENCE t.counter TO regress_try;
SELECT nextval('t.counter');
CREATE TEMP TABLE mine (a int);
SET work_mem = '3MB';
LISTEN regress_preview;
PREPARE mine AS SELECT 'prepared' AS mine;
SELECT pg_advisory_lock(4712);
DECLARE held CURSOR WITH HOLD FOR SELECT n FROM generate_series(1, 3) n;
FETCH held;
BEGIN;
DECLARE plain CURSOR FOR SELECT n FROM generate_series(1, 3) n;
FETCH plain;
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL lock_timeout = '7s';
SELECT step_name, status, output, error FROM t.try('[{"name": "litter", "action": "litter"}, {"name": "again", "action": "litter"}]', run_functions => true);
FETCH plain;
SHOW lock_timeout;
COMMIT;
FETCH held;
CLOSE held;
EXECUTE mine;
DEALLOCATE mine;
SHOW work_mem;
RESET work_mem;
SELECT currval('t.counter');
SELECT pg_listening_channels();
UNLISTEN *;
SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND objid IN (4711, 4712);
SELECT pg_advisory_unlock(4712);
SELECT count(*) FROM mine;
-- A sequence is not rolled back: the next value goes on from what the step set.
SELECT nextval('t.counter');

-- Steps that would break out.
CREATE FUNCTION t.attack(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE params->>'sql';
	RETURN to_jsonb(current_user);
END $$;
CREATE PROCEDURE t.committing() LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO shop.audit VALUES (1, 'left', 'behind');
	COMMIT;
END $$;
SELECT wf_register_action('attack', 't.attack(jsonb,jsonb)');
SELECT sql, status, output, error FROM unnest(ARRAY['SET ROLE regress_ops', 'RESET ROLE', 'RESET SESSION AUTHORIZATION',
	'SET SESSION AUTHORIZATION regress_ops', 'CALL t.committing()', 'COMMIT', 'LISTEN regress_preview', 'NOTIFY regress_preview', 'UPDATE workflow_runs SET priority = 1',
	'SELECT credentials FROM workflow_connections', 'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'SELECT wf_preview(''{"steps": []}'', ''{}'')']) sql,
	t.try(jsonb_build_array(jsonb_build_object('name', 'a', 'action', 'attack', 'params', jsonb_build_object('sql', sql))), run_functions => true);
SELECT count(*) FROM shop.audit;

-- Its time is limited: a step that is cancelled, and one that traps that.
CREATE FUNCTION t.trap(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	LOOP
		BEGIN
			PERFORM pg_sleep(100);
		EXCEPTION WHEN query_canceled THEN
			NULL;
		END;
	END LOOP;
END $$;
SELECT wf_register_action('trap', 't.trap(jsonb,jsonb)');
SELECT clock_timestamp() AS began \gset
SELECT step_name, status, error, reason FROM wf_preview('{"steps": [{"name": "a", "action": "echo"}, {"name": "b", "action": "attack", "params": {"sql": "SELECT pg_sleep(100)"}}, {"name": "c", "action": "echo"}]}', '{}',
	run_as => 'regress_try', run_functions => true, max_time => '800 ms');
SELECT step_name, status, error, reason FROM wf_preview('{"steps": [{"name": "a", "action": "echo"}, {"name": "b", "action": "trap"}, {"name": "c", "action": "echo"}]}', '{}',
	run_as => 'regress_try', run_functions => true, max_time => '800 ms');
SELECT clock_timestamp() - :'began' BETWEEN '1.6 s' AND '6 s' AS in_time;
-- A step's own time-out is its failure.
SELECT step_name, status, error FROM t.try('[{"name": "a", "action": "attack", "params": {"sql": "SELECT pg_sleep(100)"}, "timeout": "100 ms", "on_error": "continue"}, {"name": "b", "action": "echo"}]', run_functions => true);
-- A step that ends its process ends the preview, and not the session.
SELECT step_name, status, error, reason FROM t.try('[{"name": "a", "action": "echo"}, {"name": "b", "action": "attack", "params": {"sql": "SELECT pg_terminate_backend(pg_backend_pid())"}}, {"name": "c", "action": "echo"}]', run_as => current_user, run_functions => true);

-- On a past run, with the definition as it is now.
SELECT t.go('shop', '[{"name": "find", "action": "find_record", "params": {"table": "shop.orders", "where": {"id": "{{ trigger.order }}"}}}]', '{"order": 2}', 'regress_try');
SELECT t.wait('shop');
SELECT r.id AS run FROM workflow_runs r JOIN workflow_definitions d ON d.id = r.definition_id WHERE d.name = 'shop' \gset
SET ROLE regress_ops;
SELECT step_name, status, output->'record'->'id' AS id FROM wf_preview_run(:'run');
SELECT step_name, status, changes->'key' AS key, changes->'before'->'status' AS before, changes->'after'->'status' AS after
FROM wf_preview_run(:'run', '{"steps": [{"name": "paid", "action": "update_record", "params": {"table": "shop.orders", "id": "{{ trigger.order }}", "fields": {"status": "paid"}}}]}');
RESET ROLE;

-- A session of a tenant tries what is that tenant's.
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SET ROLE regress_ops;
SELECT output->'tenant' AS tenant FROM wf_preview('{"name": "saved", "steps": [{"name": "s", "action": "who"}]}', '{}', run_as => 'regress_try', run_functions => true);
SELECT code FROM t.error($$SELECT t.try('[{"name": "a", "action": "echo"}]')$$);
SELECT code FROM t.error(format('SELECT wf_preview_run(%L)', :'run'));
RESET ROLE;
RESET workflow_engine.tenant_id;

DELETE FROM workflow_runs r USING workflow_definitions d WHERE d.id = r.definition_id AND d.name IN ('shop', 'on_audit');
DELETE FROM workflow_definitions WHERE name IN ('shop', 'saved', 'on_audit');
DELETE FROM workflow_actions WHERE name IN ('of_nobody', 'who', 'litter', 'attack', 'trap');
SET client_min_messages = warning;
DROP SCHEMA shop CASCADE;
DROP SEQUENCE t.counter;
DROP OWNED BY regress_try, regress_ops, regress_few, regress_owner CASCADE;
DROP ROLE regress_try, regress_ops, regress_few, regress_owner;
