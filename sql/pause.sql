--
-- wf_pause and wf_resume: stop and restart claiming
--
\set steps '"steps": [{"name": "s", "action": "echo"}]'
SELECT count(wf_define(tenant, format('{"name": "p", "trigger_type": "p", %s}', :'steps')::jsonb))
FROM (VALUES (t.a()), (t.b())) d (tenant);
SELECT t.a() AS a, t.b() AS b \gset
-- Fires one run for each tenant; where one is to run, waits until it has.
CREATE FUNCTION t.fire_both() RETURNS void LANGUAGE sql AS $$
	SELECT wf_fire(t.a(), 'p');
	SELECT wf_fire(t.b(), 'p');
$$;
CREATE FUNCTION t.runs() RETURNS TABLE (tenant text, status text, runs bigint) LANGUAGE sql AS $$
	SELECT CASE tenant_id WHEN t.a() THEN 'a' ELSE 'b' END, status, count(*)
	FROM workflow_runs WHERE tenant_id IN (t.a(), t.b()) GROUP BY 1, 2 ORDER BY 1, 2
$$;
CREATE FUNCTION t.wait_tenant(tenant uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM workflow_runs
			WHERE tenant_id = tenant AND status IN ('queued', 'running'));
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;

-- One tenant: its runs queue, the others go on.
SELECT wf_pause(:'a');
SELECT tenant_id = :'a' AS a, paused_by = current_user AS by_me FROM workflow_pauses;
SELECT t.fire_both();
SELECT t.wait_tenant(:'b');
SELECT pg_sleep(0.2);
SELECT * FROM t.runs();
-- Pausing twice is pausing once.
SELECT wf_pause(:'a');
SELECT count(*) FROM workflow_pauses;
-- Resumed, what was queued runs at once.
SELECT wf_resume(:'a');
SELECT t.wait();
SELECT * FROM t.runs();

-- All of them.
SELECT wf_pause();
SELECT t.fire_both();
SELECT pg_sleep(0.3);
SELECT * FROM t.runs();
-- Each pause is taken back by the resume of the same argument: what is paused
-- for all stays paused for one.
SELECT wf_resume(:'a');
SELECT pg_sleep(0.2);
SELECT * FROM t.runs();
SELECT wf_pause(:'b');
SELECT wf_resume();
SELECT t.wait_tenant(:'a');
SELECT * FROM t.runs();
SELECT wf_resume(:'b');
SELECT t.wait();
SELECT * FROM t.runs();
SELECT count(*) FROM workflow_pauses;
-- Resuming what is not paused is no error.
SELECT wf_resume(:'a'), wf_resume();

-- It happens with the transaction.
BEGIN;
SELECT wf_pause();
ROLLBACK;
SELECT t.fire_both();
SELECT t.wait();
SELECT * FROM t.runs();

-- A session bound to a tenant pauses that tenant and no other.
SET workflow_engine.tenant_id = :'a';
SELECT wf_pause(:'a');
SELECT wf_pause(:'b');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_pause();
\echo :LAST_ERROR_SQLSTATE
SELECT wf_resume(:'b');
SELECT wf_resume();
SELECT wf_resume(:'a');
SET workflow_engine.tenant_id = 'none';
SELECT wf_pause(:'a');
SET workflow_engine.tenant_id = '';
SELECT count(*) FROM workflow_pauses;

-- Who paused is the role that called.
CREATE ROLE regress_ops;
SELECT wf_grant('regress_ops', 'operate');
SET ROLE regress_ops;
SELECT wf_pause(:'a');
SELECT paused_by FROM workflow_pauses;
SELECT wf_resume(:'a');
RESET ROLE;
SELECT wf_revoke('regress_ops', 'operate');
DROP ROLE regress_ops;

-- What is fired after a pause waits, also where a worker was just at it:
-- pauses that come while runs of another tenant keep the workers busy.
CREATE PROCEDURE t.pause_and_fire(times int, INOUT begun int DEFAULT 0) LANGUAGE plpgsql AS $$
DECLARE
	paused uuid;
BEGIN
	FOR i IN 1 .. times LOOP
		PERFORM wf_fire(t.b(), 'p') FROM generate_series(1, 20);
		COMMIT;
		PERFORM wf_pause(t.a());
		COMMIT;
		SELECT wf_fire(t.a(), 'p') INTO paused;
		PERFORM wf_fire(t.b(), 'p') FROM generate_series(1, 20);
		COMMIT;
		PERFORM t.wait_tenant(t.b());
		begun := begun + (SELECT count(*) FROM workflow_runs WHERE id = paused AND status <> 'queued');
		COMMIT;
		PERFORM wf_resume(t.a());
		COMMIT;
	END LOOP;
END $$;
CALL t.pause_and_fire(100);
SELECT t.wait();
SELECT DISTINCT status FROM workflow_runs WHERE tenant_id = t.a();

SELECT t.clean();
DROP FUNCTION t.fire_both, t.runs, t.wait_tenant;
DROP PROCEDURE t.pause_and_fire;
