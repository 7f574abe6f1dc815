--
-- wf_pause of one workflow: its runs queue, and none is lost
--
SELECT t.clean();
\set steps '"steps": [{"name": "s", "action": "echo"}]'
SELECT count(wf_define(tenant, format('{"name": "p", "trigger_type": "p", %s}', :'steps')::jsonb))
FROM (VALUES (t.a()), (t.b())) d (tenant);
SELECT t.a() AS a, t.b() AS b \gset

-- Runs of the tenant's other workflows go on, also if many of it are due before
-- them.
TRUNCATE workflow_operations;
SELECT wf_define(:'a', format('{"name": "q", "trigger_type": "q", %s}', :'steps')::jsonb) IS NOT NULL AS defined;
SELECT wf_pause(:'a', 'p', 'Eid: no messages');
SELECT p.tenant_id = :'a' AS a, d.name, p.reason, p.paused_by = current_user AS by_me
FROM workflow_pauses p JOIN workflow_definitions d ON d.id = p.definition_id;
SELECT count(*) FROM generate_series(1, 3000) i, wf_fire(:'a', 'p', jsonb_build_object('i', i), priority => 5);
SELECT wf_fire(:'a', 'p', run_at => now() + '0.2 s'::interval) IS NOT NULL AS fired;
SELECT count(*) FROM generate_series(1, 3) i, wf_fire(:'a', 'q', jsonb_build_object('i', i));
SELECT wf_fire(:'b', 'p') IS NOT NULL AS fired;
CREATE FUNCTION t.wait_others() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM workflow_runs r JOIN workflow_definitions d ON d.id = r.definition_id
			WHERE (r.tenant_id <> t.a() OR d.name <> 'p') AND r.status IN ('queued', 'running'));
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
CREATE FUNCTION t.wait_ended(tenant uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3000 LOOP
		EXIT WHEN NOT EXISTS (SELECT FROM workflow_runs r
			WHERE r.tenant_id = tenant AND r.status IN ('queued', 'running'));
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
SELECT t.wait_others();
CREATE FUNCTION t.runs_of() RETURNS TABLE (tenant text, workflow text, status text, runs bigint) LANGUAGE sql AS $$
	SELECT CASE r.tenant_id WHEN t.a() THEN 'a' ELSE 'b' END, d.name, r.status, count(*)
	FROM workflow_runs r JOIN workflow_definitions d ON d.id = r.definition_id
	WHERE r.tenant_id IN (t.a(), t.b()) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
$$;
SELECT * FROM t.runs_of();
-- The table is scanned again and again meanwhile: what is fired goes on.
NOTIFY workflow_engine;
SELECT wf_fire(:'a', 'q') IS NOT NULL AS fired;
SELECT t.wait_others();
SELECT * FROM t.runs_of();
-- A new reason is kept, the same pause is not made twice.
SELECT wf_pause(:'a', 'p');
SELECT wf_pause(:'a', 'p', 'until Monday');
SELECT reason FROM workflow_pauses;
-- It is resumed by the name that the workflow has now; the tenant's pause is
-- another one.
SELECT wf_resume(:'a');
UPDATE workflow_definitions SET name = 'renamed', definition = jsonb_set(definition, '{name}', '"renamed"')
WHERE tenant_id = :'a' AND name = 'p';
SELECT count(*) FROM workflow_pauses;
SELECT wf_resume(:'a', 'renamed', 'Eid is over');
SELECT t.wait_ended(:'a');
SELECT * FROM t.runs_of();
SELECT what, d.name, detail FROM workflow_operations o JOIN workflow_definitions d ON d.id = o.definition_id WHERE what IN ('pause', 'resume') ORDER BY o.id;
-- The pause of a definition goes with it.
SELECT wf_pause(:'b', 'p');
DELETE FROM workflow_runs WHERE tenant_id = :'b';
DELETE FROM workflow_definitions WHERE tenant_id = :'b';
SELECT count(*) FROM workflow_pauses;
-- What cannot be done, and why.
SELECT code, message, hint FROM unnest(ARRAY['SELECT wf_pause(t.a(), ''nowhere'')', 'SELECT wf_resume(t.a(), ''nowhere'')',
	'SELECT wf_pause(workflow => ''q'')']) s, t.error(s);
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000a';
SELECT wf_pause(workflow => 'q', reason => 'mine');
SELECT tenant_id = :'a' AS a, reason FROM workflow_pauses;
SELECT wf_resume(workflow => 'q');
RESET workflow_engine.tenant_id;
SELECT count(*) FROM workflow_pauses;
SELECT t.clean();
DROP FUNCTION t.wait_ended, t.wait_others, t.runs_of;
