--
-- wf_connections: connections without their secrets, and who uses them
--
\pset null '-'
SET client_min_messages = error;
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials) VALUES
	(NULL, 'email', 'smtp', '{"url": "smtp://mail.example", "from": "a@example.com"}', '{"username": "me", "password": {"file": "smtp_password"}}'),
	(t.tenant('seen a'), 'email', 'smtp', '{"url": "smtp://own.example", "from": "b@example.com"}', '{"username": "S3cret-user", "password": "S3cret"}'),
	(NULL, 'crm', 'http', '{"base_url": "https://crm.example", "headers": {"X-Shop": "7"}}',
		'{"headers": {"X-Key": "S3cret", "X-Other": {"file": "other"}}, "basic": {"username": "u", "password": {"file": "p"}}}'),
	(t.tenant('seen b'), 'team', 'slack_webhook', '{"url": "https://hooks.example/S3cret/1", "channels": {"#a": "https://other.example/S3cret"}}', '{}'),
	(t.tenant('seen b'), 'kitchen', 'teams_webhook', '{}', '{"url": "https://hooks.example/S3cret", "channels": {"#b": {"file": "b"}, "#c": "https://hooks.example/S3cret"}}'),
	(NULL, 'unused', 'slack', '{}', '{"bot_token": {"file": "slack"}}');
SELECT wf_define(t.tenant('seen a'), '{"name": "Mail", "trigger_type": "m", "steps": [
	{"name": "s", "action": "send_email", "params": {"to": "x@example.com", "subject": "s", "body": "b"}},
	{"name": "t", "action": "send_email", "params": {"to": "x@example.com", "subject": "s", "body": "b", "connection": "email"}}]}') IS NULL AS no;
SELECT wf_define(t.tenant('seen b'), '{"name": "Both", "trigger_type": "m", "steps": [
	{"name": "s", "action": "send_email", "params": {"to": "x@example.com", "subject": "s", "body": "b"}},
	{"name": "c", "action": "webhook", "params": {"connection": "crm", "path": "x"}},
	{"name": "u", "action": "webhook", "params": {"url": "https://elsewhere.example"}},
	{"name": "t", "action": "team_notify", "params": {"channel": "#a", "message": "m"}},
	{"name": "n", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "unused"}}}]}') IS NULL AS no;

CREATE FUNCTION t.seen(tenant uuid DEFAULT NULL)
RETURNS TABLE (whose text, name text, kind text, config jsonb, credentials jsonb, workflows int, used_by text) LANGUAGE sql AS $$
	SELECT CASE c.tenant_id WHEN t.tenant('seen a') THEN 'a' WHEN t.tenant('seen b') THEN 'b' END, c.name, c.kind, c.config, c.credentials, c.workflows,
		(SELECT string_agg(u->>'workflow_name' || CASE u->>'tenant_id' WHEN t.tenant('seen a')::text THEN ' of a' ELSE ' of b' END, ', ')
		FROM jsonb_array_elements(c.used_by) u WHERE u ? 'definition_id')
	FROM wf_connections(tenant) c
	WHERE c.tenant_id IN (t.tenant('seen a'), t.tenant('seen b')) OR c.name IN ('email', 'crm', 'unused')
$$;
SELECT * FROM t.seen();
SELECT whose, name, workflows FROM t.seen(t.tenant('seen a'));
SELECT whose, name, workflows FROM t.seen(t.tenant('seen b'));
-- No secret leaves the server, whoever asks.
SELECT count(*) FROM wf_connections() c WHERE c::text ~ 'S3cret';
SELECT count(*) FROM workflow_connections c WHERE c::text ~ 'S3cret';

-- Whoever has read a row changes it only if nobody else has meanwhile.
SELECT version AS seen FROM wf_connections() WHERE name = 'unused' \gset
UPDATE workflow_connections SET name = 'unused' WHERE name = 'unused' AND xmin::text = :'seen' RETURNING name;
UPDATE workflow_connections SET name = 'lost' WHERE name = 'unused' AND xmin::text = :'seen' RETURNING name;
SELECT version = :'seen' AS same FROM wf_connections() WHERE name = 'unused';

-- Two hundred workflows: a hundred are named.
SELECT count(wf_define(t.tenant('connections view'), jsonb_build_object('name', 'w' || n, 'trigger_type', 'w', 'steps', jsonb_build_array(jsonb_build_object(
	'name', 's', 'action', 'webhook', 'params', '{"connection": "crm", "path": "x"}'::jsonb))))) FROM generate_series(1, 200) n;
SELECT workflows, jsonb_array_length(used_by) AS named, used_by->0->>'workflow_name' AS first FROM wf_connections(t.tenant('connections view')) WHERE name = 'crm';
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('connections view');

-- By role, and by what a session is bound to.
CREATE ROLE regress_view;
CREATE ROLE regress_admin;
SELECT wf_grant('regress_view', 'view'), wf_grant('regress_admin', 'admin');
GRANT SET ON PARAMETER workflow_engine.tenant_id TO regress_view, regress_admin;
GRANT USAGE ON SCHEMA t TO regress_view, regress_admin;
SET ROLE regress_view;
SELECT count(*), bool_or(credentials::text ~ 'file:smtp_password') AS shape FROM t.seen();
SELECT credentials FROM workflow_connections;
SELECT set_config('workflow_engine.tenant_id', t.tenant('seen b')::text, false) = t.tenant('seen b')::text AS bound;
SELECT whose, name, workflows, used_by FROM t.seen();
SELECT count(*) FROM wf_connections(t.tenant('seen a'));
SET workflow_engine.tenant_id = 'none';
SELECT count(*) FROM wf_connections();
RESET ROLE;
SET ROLE regress_admin;
SELECT set_config('workflow_engine.tenant_id', t.tenant('seen b')::text, false) = t.tenant('seen b')::text AS bound;
-- as many as the table shows it
SELECT (SELECT count(*) FROM wf_connections()) = (SELECT count(*) FROM workflow_connections) AS same;
RESET ROLE;
RESET workflow_engine.tenant_id;
CREATE ROLE regress_nobody;
SET ROLE regress_nobody;
SELECT wf_connections();
SELECT wf_connection_keys();
RESET ROLE;

-- What a row may hold.
SELECT kind, part, string_agg(key || CASE WHEN required THEN '*' ELSE '' END, ' ') AS keys FROM wf_connection_keys() WITH ORDINALITY
GROUP BY kind, part ORDER BY min(ordinality);

DROP OWNED BY regress_view, regress_admin;
DROP ROLE regress_view, regress_admin, regress_nobody;
DROP FUNCTION t.seen;
DELETE FROM workflow_definitions WHERE tenant_id IN (t.tenant('seen a'), t.tenant('seen b'));
DELETE FROM workflow_connections WHERE tenant_id IN (t.tenant('seen a'), t.tenant('seen b')) OR name IN ('email', 'crm', 'unused');
