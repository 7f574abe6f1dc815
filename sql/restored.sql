--
-- What a restore does, only a restore does: every role can turn
-- check_function_bodies off, as the scripts of pg_dump do.
--
SELECT t.clean();
TRUNCATE workflow_operations;
CREATE ROLE regress_ops;
SELECT wf_grant('regress_ops', 'operate');
CREATE ROLE regress_adm;
SELECT wf_grant('regress_adm', 'admin');
GRANT USAGE ON SCHEMA t TO regress_ops, regress_adm;
\set timed '{"name": "timed", "trigger_type": "timed", "schedule": {"cron": "0 4 * * *", "time_zone": "UTC"}, "steps": [{"name": "s", "action": "echo"}]}'
\set other '{"name": "other", "trigger_type": "other", "schedule": {"cron": "0 5 * * *", "time_zone": "UTC"}, "steps": [{"name": "s", "action": "echo"}]}'

-- An operator's definition has its schedule and its operation.
SET ROLE regress_ops;
SET check_function_bodies = off;
SELECT wf_define(t.a(), :'timed') IS NOT NULL AS defined;
UPDATE workflow_definitions SET is_active = false WHERE name = 'timed';
UPDATE workflow_definitions SET is_active = true WHERE name = 'timed';
SELECT workflow_name, next_at > now() AS has_next FROM wf_schedules(t.a());
-- What it names is looked up, and who wrote it is known.
INSERT INTO workflow_definitions (tenant_id, definition, updated_by, updated_at)
VALUES (t.a(), :'other', 'somebody', '2000-01-01');
SELECT updated_by, updated_at > now() - interval '1 h' AS now FROM workflow_definitions WHERE name = 'other';
SELECT wf_define(t.a(), '{"name": "x", "trigger_type": "x", "steps": [{"name": "s", "action": "none"}]}');
-- A mail template has its versions.
INSERT INTO workflow_templates (tenant_id, name, body) VALUES (t.a(), 'restored', 'one');
UPDATE workflow_templates SET body = 'two' WHERE name = 'restored';
SELECT v.version, v.body, v.created_by FROM workflow_template_versions v
	JOIN workflow_templates x ON x.id = v.template_id WHERE x.name = 'restored' ORDER BY 1;
SHOW check_function_bodies;
RESET check_function_bodies;
-- An administrator's connection has its operations.
SET ROLE regress_adm;
SET check_function_bodies = off;
INSERT INTO workflow_connections (tenant_id, name, kind, config) VALUES (t.a(), 'restored', 'http', '{"base_url": "http://a.example"}');
UPDATE workflow_connections SET config = '{"base_url": "http://b.example"}' WHERE name = 'restored';
DELETE FROM workflow_connections WHERE name = 'restored';
RESET check_function_bodies;
RESET ROLE;
SELECT what, who, detail FROM workflow_operations ORDER BY id;

-- Whoever owns the tables restores: the schedules are to come with the dump.  If
-- they do not, wf_check says so.
SET check_function_bodies = off;
INSERT INTO workflow_definitions (tenant_id, definition, updated_by, updated_at)
VALUES (t.b(), :'timed', 'somebody', '2000-01-01');
RESET check_function_bodies;
SELECT updated_by, extract(year FROM updated_at) AS year FROM workflow_definitions WHERE tenant_id = t.b();
SELECT count(*) FROM wf_schedules(t.b());
SELECT path, severity, message, hint FROM wf_check(t.b());
SELECT count(*) FROM wf_check(t.a()) WHERE path = 'schedule';
-- A change is no restore, whoever makes it.
SET check_function_bodies = off;
UPDATE workflow_definitions SET definition = definition || '{"description": "ours"}' WHERE tenant_id = t.b();
RESET check_function_bodies;
SELECT count(*) FROM wf_schedules(t.b());
SELECT count(*) FROM wf_check(t.b());
SELECT what, definition_id IS NOT NULL AS definition, detail FROM workflow_operations WHERE tenant_id = t.b();

-- There is no version after the last number.
INSERT INTO workflow_definitions (tenant_id, definition, version) VALUES (t.b(), :'other', 2147483647);
UPDATE workflow_definitions SET definition = definition || '{"description": "next"}' WHERE name = 'other' AND tenant_id = t.b();
UPDATE workflow_definitions SET is_active = false WHERE name = 'other' AND tenant_id = t.b();

SELECT t.clean();
DELETE FROM workflow_definitions WHERE name IN ('timed', 'other');
DELETE FROM workflow_templates WHERE name = 'restored';
SELECT wf_revoke('regress_ops', 'operate');
SELECT wf_revoke('regress_adm', 'admin');
REVOKE USAGE ON SCHEMA t FROM regress_ops, regress_adm;
DROP ROLE regress_ops, regress_adm;
