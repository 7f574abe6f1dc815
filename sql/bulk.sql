--
-- wf_cancel_runs, wf_retry_runs, wf_count_runs: which runs a filter chooses
--
SELECT t.clean();
CREATE FUNCTION t.bulk(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '%', params->>'error';
END $$;
SELECT wf_register_action('bulk', 't.bulk(jsonb, jsonb)');
\set failing '"steps": [{"name": "one", "action": "bulk", "condition": "$.trigger.at == 1", "params": {"error": "{{trigger.error}}"}}, {"name": "two", "action": "bulk", "params": {"error": "{{trigger.error}}"}}]'
SELECT count(wf_define(tenant, format('{"name": "%s", "trigger_type": "%1$s", %s}', name, :'failing')::jsonb))
FROM (VALUES (t.a(), 'x'), (t.a(), 'y'), (t.b(), 'x')) d (tenant, name);
CREATE TABLE t.fired (n int, run uuid);
INSERT INTO t.fired SELECT n, wf_fire(tenant, name, jsonb_build_object('at', at, 'error', error))
FROM (VALUES
	(1, t.a(), 'x', 1, 'order 17 of "Rana" is unknown'),
	(2, t.a(), 'x', 1, 'order 4711 of "Nour" is unknown'),
	(3, t.a(), 'x', 2, 'order 5 of "Maya" is unknown'),
	(4, t.a(), 'x', 2, 'no answer from 10.1.2.3:80 for 3f0c1c1e-9d3c-4c57-9a53-0c6f6d1d2c11 in 30s'),
	(5, t.a(), 'y', 2, 'no answer from [2001:db8::7]:80 for 00000000-9d3c-4c57-9a53-0c6f6d1d2c11 in 5s'),
	(6, t.a(), 'y', 2, 'HTTP 503 of https://a.example/17'),
	(7, t.a(), 'y', 2, 'HTTP 404 of https://b.example/?x=18'),
	(8, t.b(), 'x', 2, 'order 1 of "x" is unknown')) f (n, tenant, name, at, error);
SELECT t.wait();
-- The numbers of the runs of an answer.
CREATE FUNCTION t.numbers(runs uuid[]) RETURNS int[] LANGUAGE sql AS $$
	SELECT array_agg(n ORDER BY n) FROM t.fired WHERE run = ANY (runs)
$$;
-- What wf_retry_runs would choose; nothing is changed.
CREATE FUNCTION t.chosen(args text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer int[];
	n int;
BEGIN
	BEGIN
		EXECUTE format('SELECT t.numbers(array_agg(r)) FROM wf_retry_runs(%s) r', args) INTO answer;
		RAISE EXCEPTION USING ERRCODE = 'UNDO0';
	EXCEPTION WHEN SQLSTATE 'UNDO0' THEN
		NULL;
	END;
	EXECUTE format('SELECT wf_count_runs(%s)', args) INTO n;
	RETURN format('%s, counted %s', answer, n);
END $$;
SELECT t.chosen('t.a()');
SELECT t.chosen('t.b()');
SELECT t.chosen('t.a(), ''x''');
SELECT t.chosen('NULL, ''x'', ''failed''');
SELECT t.chosen('NULL, definition_id => (SELECT id FROM workflow_definitions WHERE tenant_id = t.a() AND name = ''y'')');
-- What failed: the step, and the class of the error.  An error of the class
-- does for it.
SELECT t.chosen('t.a(), step => ''one''');
SELECT t.chosen('t.a(), step => ''two''');
SELECT t.chosen('t.a(), ''x'', step => ''two''');
SELECT t.chosen('NULL, error_class => ''order <number> of "..." is unknown''');
SELECT t.chosen('t.a(), error_class => ''step "two": order 99 of "Karim" is unknown''');
SELECT t.chosen('t.a(), step => ''one'', error_class => ''order 99 of "" is unknown''');
SELECT t.chosen('t.a(), error_class => ''no answer from 127.0.0.1 for 00000000-0000-0000-0000-000000000000 in 1s''');
SELECT t.chosen('t.a(), error_class => ''HTTP 503 of <address>''');
SELECT t.chosen('t.a(), error_class => ''order''');
-- By time, which is that of the id; by ascending id, so many, after one.
SELECT t.chosen('t.a(), since => now() - ''1 hour''::interval, until => now()');
SELECT t.chosen('t.a(), since => now()');
SELECT t.chosen('t.a(), until => now() - ''1 hour''::interval');
SELECT t.chosen('t.a(), since => ''infinity''');
SELECT t.chosen('t.a(), since => ''-infinity'', until => ''infinity''');
SELECT t.chosen('t.a(), max_rows => 3');
SELECT t.chosen('t.a(), max_rows => 3, after => (SELECT run FROM t.fired WHERE n = 3)');
SELECT t.chosen('t.a(), after => (SELECT run FROM t.fired WHERE n = 3)');
SELECT t.chosen('t.a(), step => ''two'', max_rows => 2, after => (SELECT run FROM t.fired WHERE n = 4)');
-- Statuses.
SELECT s AS status, wf_count_runs(t.a(), status => s) FROM unnest('{queued,running,waiting,completed,failed,cancelled}'::text[]) s;
-- What waits, in each of the ways.
SELECT wf_pause(t.a());
SELECT count(*) FROM unnest('{-infinity,now,tomorrow,infinity}'::text[]) at, wf_fire(t.a(), 'x', '{}', run_at => at::timestamptz);
SELECT wf_count_runs(t.a(), status => 'queued') AS queued, wf_count_runs(t.a(), 'x') AS of_x;
SELECT count(*) FROM wf_cancel_runs(t.a(), status => 'running');
SELECT count(*) FROM wf_cancel_runs(t.a(), 'x', max_rows => 3);
SELECT wf_count_runs(t.a(), status => 'queued') AS queued, wf_count_runs(t.a(), status => 'cancelled') AS cancelled;
SELECT count(*) FROM wf_cancel_runs(t.a());
SELECT count(*) FROM wf_cancel_runs(t.a());
SELECT count(*) FROM wf_retry_runs(t.a(), status => 'cancelled');
SELECT count(*) FROM wf_cancel_runs(t.a(), step => 'two');
SELECT count(*) FROM wf_cancel_runs(t.a(), step => 'one', error_class => 'x');
SELECT count(*) FROM wf_cancel_runs(t.a(), step => 'one');
SELECT wf_resume(t.a());
-- What cannot be done, and why.
SELECT code, message, hint FROM unnest(ARRAY[
	'SELECT wf_retry_runs(t.a(), ''nowhere'')',
	'SELECT wf_retry_runs(t.b(), ''y'')',
	'SELECT wf_cancel_runs(NULL, definition_id => t.a())',
	'SELECT wf_count_runs(t.a(), status => ''done'')',
	'SELECT wf_rerun_runs(t.a(), status => ''waiting'')',
	'SELECT wf_retry_runs(t.a(), status => ''cancelled'', step => ''one'')',
	'SELECT wf_retry_runs(t.a(), max_rows => -1)',
	'SELECT wf_retry_runs(t.a(), on_version => ''new'')']) s, t.error(s);

-- A session that is bound to a tenant reaches that one's runs, also if it
-- names none; view may count.
CREATE ROLE regress_bulk;
GRANT USAGE ON SCHEMA t TO regress_bulk;
GRANT SELECT ON t.fired TO regress_bulk;
SELECT wf_grant('regress_bulk', 'operate');
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SET ROLE regress_bulk;
SELECT wf_count_runs(NULL) AS all_mine, wf_count_runs(t.b(), 'x') AS mine;
SELECT code, message FROM t.error('SELECT wf_count_runs(t.a())');
SELECT code, message FROM t.error('SELECT wf_retry_runs(NULL, ''y'')');
SELECT n, outcome FROM wf_cancel_many((SELECT array_agg(run) FROM t.fired)) c JOIN t.fired f ON f.run = c.run_id WHERE n > 6 ORDER BY n;
SELECT t.numbers(array_agg(r)) FROM wf_retry_runs(NULL) r;
RESET ROLE;
SET workflow_engine.tenant_id = 'none';
SET ROLE regress_bulk;
SELECT wf_count_runs(NULL) AS nothing;
SELECT count(*) FROM wf_retry_runs(NULL);
RESET ROLE;
RESET workflow_engine.tenant_id;
SELECT what, tenant_id = t.b() AS b, run_id = (SELECT run FROM t.fired WHERE n = 8) AS eighth, who, detail
FROM workflow_operations ORDER BY id DESC LIMIT 1;
SELECT t.wait();
DROP OWNED BY regress_bulk;
DROP ROLE regress_bulk;

-- On the current version: those that do not fit are left, with a warning.
\set fixed '"steps": [{"name": "one", "action": "echo"}, {"name": "three", "action": "echo"}]'
SELECT wf_define(t.a(), format('{"name": "x", "trigger_type": "x", %s}', :'fixed')::jsonb) IS NOT NULL AS defined;
UPDATE workflow_runs SET step_results = '[{"step": 0, "step_name": "one", "status": "completed"}, {"step": 1, "step_name": "two", "status": "completed"}]'
WHERE id = (SELECT run FROM t.fired WHERE n = 4);
DO $$
BEGIN
	PERFORM set_config('client_min_messages', 'error', true);
	PERFORM set_config('t.numbers', t.numbers(array_agg(r))::text, false) FROM wf_retry_runs(t.a(), 'x', on_version => 'current') r;
END $$;
SELECT current_setting('t.numbers') AS retried;
SELECT t.wait();
SELECT n, status, definition_version FROM workflow_runs JOIN t.fired ON run = id WHERE tenant_id = t.a() ORDER BY n;
SELECT t.clean();
DELETE FROM workflow_actions WHERE name = 'bulk';
DROP FUNCTION t.bulk, t.numbers, t.chosen;
DROP TABLE t.fired;
