--
-- wf_failures: what fails, in groups of workflow, step and class of the error
--
SET client_min_messages = warning;
\pset null '-'
CREATE FUNCTION t.refuse(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	IF params ? 'why' THEN
		RAISE EXCEPTION '%', params->>'why';
	END IF;
	RETURN '{}';
END $$;
SELECT wf_register_action('refuse', 't.refuse(jsonb,jsonb)');
\set order '[{"name": "bill", "action": "refuse", "params": {"why": "{{trigger.bill}}"}, "condition": {"field": "trigger.bill", "op": "exists"}}, {"name": "tell", "action": "refuse", "params": {"why": "{{trigger.tell}}"}, "condition": {"field": "trigger.tell", "op": "exists"}}]'
SELECT * FROM wf_failures(t.a());
-- One reason, five orders; another reason; another step; another workflow.
SELECT t.go('order', :'order', jsonb_build_object('bill', format('order %s of "C%s" is unknown', n, n)))
FROM generate_series(1, 5) n;
SELECT t.wait();
SELECT t.go('order', :'order', '{"bill": "no"}'), t.go('order', :'order', '{"bill": "no"}');
SELECT t.wait();
SELECT t.go('order', :'order', '{"tell": "no"}');
SELECT t.wait();
SELECT t.go('report', :'order', '{"bill": "no"}');
SELECT t.wait();
CREATE VIEW t.failures AS
	SELECT f.workflow_name AS workflow, f.step, f.error_class, f.count, still_failing
	FROM wf_failures(t.a()) f;
SELECT * FROM t.failures;
-- first, last and newest_run are of the group.
SELECT f.count, f.first = r.first AS first, f.last = r.last AS last, f.newest_run = r.newest AS newest,
	f.definition_id = r.definition_id AS definition
FROM wf_failures(t.a()) f, (SELECT min(completed_at) AS first, max(completed_at) AS last,
		(array_agg(id ORDER BY id DESC))[1] AS newest, min(definition_id::text)::uuid AS definition_id
	FROM workflow_runs WHERE tenant_id = t.a() AND error_message LIKE '%is unknown') r
WHERE f.error_class LIKE '%unknown';
-- It goes on as long as no run that was fired later completes.
SELECT t.go('order', :'order', '{}');
SELECT t.wait();
SELECT * FROM t.failures;
SELECT t.go('order', :'order', '{"bill": "order 17 of \"X\" is unknown"}');
SELECT t.wait();
SELECT * FROM t.failures WHERE error_class LIKE '%unknown';
-- What was retried and has completed is no failure any more.
SELECT t.go('report', :'order', '{}');
SELECT count(*) FROM wf_retry_runs(t.a(), 'report');
SELECT t.wait();
SELECT count(*) FROM t.failures WHERE workflow = 'report';
UPDATE workflow_runs SET trigger_payload = '{}' WHERE tenant_id = t.a()
	AND status = 'failed' AND trigger_payload->>'bill' = 'no' AND definition_id =
		(SELECT id FROM workflow_definitions WHERE tenant_id = t.a() AND name = 'report');
SELECT count(*) FROM wf_retry_runs(t.a(), 'report');
SELECT t.wait();
SELECT count(*) FROM t.failures WHERE workflow = 'report';

-- since: fired at that time or later; max_groups.
SELECT count(*) FROM wf_failures(t.a(), now() + interval '1 hour');
SELECT sum(count) FROM wf_failures(t.a(), now() - interval '1 hour');
SELECT sum(count) FROM wf_failures(t.a(), '-infinity');
SELECT count(*), max(count) FROM wf_failures(t.a(), max_groups => 1);
SELECT * FROM wf_failures(max_groups => 0);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM wf_failures(max_groups => 1001);
-- A run that somebody has damaged has no time and no step.
UPDATE workflow_runs SET error_message = NULL, completed_at = NULL, current_step = 99
WHERE id = (SELECT newest_run FROM wf_failures(t.a()) f WHERE f.step = 'tell');
SELECT workflow_name, f.step, error_class, count, first, last FROM wf_failures(t.a()) f WHERE error_class = '';

-- Another tenant's are not seen by a session that is bound to one.
SELECT wf_define(t.b(), '{"name": "b", "trigger_type": "b", "steps": [
	{"name": "s", "action": "refuse", "params": {"why": "secret"}}]}') IS NOT NULL;
SELECT count(*) FROM wf_fire(t.b(), 'b');
SELECT t.wait();
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SELECT workflow_name, step, error_class, count FROM wf_failures();
SELECT count(*) FROM wf_failures('00000000-0000-4000-8000-00000000000a');
RESET workflow_engine.tenant_id;
SELECT count(*) FROM wf_failures(t.b());

-- The newest 10,000 failed runs are looked at.
INSERT INTO workflow_runs (definition_id, trigger_payload, status, error_message, completed_at)
SELECT id, '{}', 'failed', 'step "bill": ' || CASE WHEN n = 1 THEN 'the first' ELSE 'error ' || n % 3 END, now()
FROM workflow_definitions, generate_series(1, 10001) n
WHERE tenant_id = t.a() AND name = 'order';
SELECT error_class, count FROM wf_failures(t.a()) ORDER BY 1;

DROP VIEW t.failures;
SELECT t.clean();
DROP FUNCTION t.refuse;
DELETE FROM workflow_actions WHERE name = 'refuse';
