--
-- The loop guard: workflows that fire each other
--
-- A run that a step fires knows its parent and its depth; past
-- workflow_engine.max_depth the fire is refused, and names the chain.
--
SHOW workflow_engine.max_depth;
CREATE SCHEMA d;
GRANT USAGE ON SCHEMA d TO PUBLIC;
CREATE FUNCTION d.fire(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql
RETURN to_jsonb((SELECT count(*) FROM wf_fire(t.a(), params->>'type', jsonb_build_object('n', params->'n'))));
SELECT wf_register_action('fire', 'd.fire(jsonb,jsonb)');
-- Ping fires pong, pong fires ping: for ever, but for the guard.
SELECT count(wf_define(t.a(), format('{"name": "%s", "trigger_type": "%1$s", "steps": [
	{"name": "again", "action": "fire", "params": {"type": "%s"}}]}', name, next)::jsonb))
FROM (VALUES ('ping', 'pong'), ('pong', 'ping')) v (name, next);
SELECT count(*) FROM wf_fire(t.a(), 'ping');
SELECT t.wait();
-- 16 fires within runs, and the seventeenth fails its step.
SELECT r.depth, d.name, r.status FROM workflow_runs r
JOIN workflow_definitions d ON d.id = r.definition_id
WHERE r.tenant_id = t.a() ORDER BY r.depth;
SELECT error_message FROM workflow_runs WHERE tenant_id = t.a() AND status = 'failed';
-- Each but the first has its parent.
SELECT count(*) AS runs, count(p.id) AS with_parent, bool_and(p.depth = r.depth - 1) AS one_above
FROM workflow_runs r LEFT JOIN workflow_runs p ON p.id = r.parent_id
WHERE r.tenant_id = t.a();

-- A table trigger is a fire like another: a workflow that updates the table
-- whose updates fire it.
DELETE FROM workflow_runs WHERE tenant_id = t.a();
CREATE TABLE d.orders (id int PRIMARY KEY, n int DEFAULT 0, tenant_id uuid DEFAULT t.a());
INSERT INTO d.orders VALUES (1);
CREATE TRIGGER fire AFTER UPDATE ON d.orders
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('changed', 'tenant_id', 'id', 'n');
CREATE FUNCTION d.count(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	UPDATE d.orders SET n = n + 1;
	RETURN NULL;
END $$;
SELECT wf_register_action('count', 'd.count(jsonb,jsonb)');
SELECT wf_define(t.a(), '{"name": "counter", "trigger_type": "changed", "steps": [
	{"name": "count", "action": "count"}]}') IS NOT NULL;
UPDATE d.orders SET n = 0;
SELECT t.wait();
-- The last update was undone with its fire.
SELECT n FROM d.orders;
SELECT error_message FROM workflow_runs WHERE tenant_id = t.a() AND status = 'failed';

-- A condition that ends the chain is what the hint asks for.
DELETE FROM workflow_runs WHERE tenant_id = t.a();
SELECT wf_define(t.a(), '{"name": "counter", "trigger_type": "changed", "steps": [
	{"name": "count", "action": "count", "condition": "$.trigger.n < 3"}]}') IS NOT NULL;
UPDATE d.orders SET n = 0;
SELECT t.wait();
SELECT n FROM d.orders;
SELECT DISTINCT status FROM wf_history(workflow => 'counter');

-- What runs side by side does not count, nor what a session fires: depth is 0.
DELETE FROM workflow_runs WHERE tenant_id = t.a();
SELECT wf_define(t.a(), '{"name": "many", "trigger_type": "many", "steps": [
	{"name": "fan", "action": "fire", "params": {"type": "leaf"}},
	{"name": "out", "action": "fire", "params": {"type": "leaf"}}]}') IS NOT NULL;
SELECT wf_define(t.a(), '{"name": "leaf", "trigger_type": "leaf", "steps": [
	{"name": "s", "action": "echo"}]}') IS NOT NULL;
SELECT count(f) FROM generate_series(1, 20) n, LATERAL wf_fire(t.a(), 'many', jsonb_build_object('n', n)) f;
SELECT t.wait();
SELECT depth, status, count(*) FROM workflow_runs WHERE tenant_id = t.a() GROUP BY 1, 2 ORDER BY 1;

SELECT t.clean();
SET client_min_messages = warning;
DROP SCHEMA d CASCADE;
