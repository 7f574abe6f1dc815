--
-- workflow_template_versions: every version of a mail template; and the names
-- of tenants
--
SET client_min_messages = warning;
\pset null '-'
INSERT INTO workflow_templates (tenant_id, name, subject, body) VALUES (t.a(), 'welcome', 'Hello', 'Hi {{trigger.name}}')
RETURNING version;
SELECT id FROM workflow_templates WHERE tenant_id = t.a() AND name = 'welcome' \gset
UPDATE workflow_templates SET body = 'Welcome {{trigger.name}}' WHERE id = :'id' RETURNING version;
UPDATE workflow_templates SET html = '<p>Welcome</p>', name = 'greeting' WHERE id = :'id' RETURNING version;
-- Nothing changes: no version.
UPDATE workflow_templates SET body = body WHERE id = :'id' RETURNING version;
-- An optimistic lock: nothing is written if somebody else was faster.
UPDATE workflow_templates SET body = 'Bye' WHERE id = :'id' AND version = 2;
UPDATE workflow_templates SET body = 'Bye' WHERE id = :'id' AND version = 3 RETURNING version;
SELECT version, name, subject, body, html, created_by = current_user AS by, created_at <= now() AS at
FROM workflow_template_versions WHERE template_id = :'id' ORDER BY 1;
-- Put back.
UPDATE workflow_templates t SET (name, subject, body, html) = (SELECT name, subject, body, html
	FROM workflow_template_versions WHERE template_id = t.id AND version = 1) WHERE id = :'id' RETURNING version, name, body;

-- What is refused.
UPDATE workflow_templates SET version = 7 WHERE id = :'id';
\echo :LAST_ERROR_SQLSTATE
UPDATE workflow_templates SET id = gen_random_uuid() WHERE id = :'id';
\echo :LAST_ERROR_SQLSTATE
UPDATE workflow_templates SET body = '{{' WHERE id = :'id';
\echo :LAST_ERROR_SQLSTATE
UPDATE workflow_template_versions SET body = 'x' WHERE template_id = :'id';
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM workflow_template_versions WHERE template_id = :'id';

-- Operators write templates, and by that the versions, not otherwise.
CREATE ROLE regress_operate;
CREATE ROLE regress_view;
SELECT wf_grant('regress_operate', 'operate'), wf_grant('regress_view', 'view');
GRANT SET ON PARAMETER workflow_engine.tenant_id TO regress_operate, regress_view;
SET ROLE regress_operate;
INSERT INTO workflow_templates (tenant_id, name, body) VALUES (t.b(), 'theirs', 'x');
INSERT INTO workflow_templates (name, body) VALUES ('t shared', 'x');
SELECT v.version, v.name, v.created_by FROM workflow_template_versions v JOIN workflow_templates t
	ON t.id = v.template_id WHERE t.name IN ('theirs', 't shared') ORDER BY 2;
INSERT INTO workflow_template_versions (template_id, version, name) VALUES (:'id', 99, 'x');
DELETE FROM workflow_template_versions;
RESET ROLE;
GRANT pg_write_all_data TO regress_operate;
SET ROLE regress_operate;
INSERT INTO workflow_template_versions (template_id, version, name) VALUES (:'id', 99, 'x');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
REVOKE pg_write_all_data FROM regress_operate;

-- A bound session sees those of its tenant, and of the templates for all.
SET ROLE regress_view;
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SELECT name FROM workflow_template_versions WHERE name IN ('welcome', 'greeting', 'theirs', 't shared') ORDER BY 1;
SET workflow_engine.tenant_id = 'none';
SELECT count(*) FROM workflow_template_versions;
RESET workflow_engine.tenant_id;
RESET ROLE;

-- They go with their template.
DELETE FROM workflow_templates WHERE id = :'id';
SELECT count(*) FROM workflow_template_versions WHERE template_id = :'id';
-- In a restore nothing is counted, and both tables come with the dump.
SET check_function_bodies = off;
INSERT INTO workflow_templates (id, tenant_id, name, body, version) VALUES (:'id', t.a(), 'welcome', 'x', 5);
SELECT count(*) FROM workflow_template_versions WHERE template_id = :'id';
INSERT INTO workflow_template_versions (template_id, version, name, body) VALUES (:'id', 5, 'welcome', 'x');
RESET check_function_bodies;
UPDATE workflow_templates SET body = 'y' WHERE id = :'id' RETURNING version;
SELECT version, body FROM workflow_template_versions WHERE template_id = :'id' ORDER BY 1;

--
-- workflow_tenants: what people call them
--
SET ROLE regress_operate;
INSERT INTO workflow_tenants VALUES (t.a(), 'Beirut'), (t.b(), 'طرابلس');
UPDATE workflow_tenants SET name = 'Beirut, Hamra' WHERE tenant_id = t.a();
INSERT INTO workflow_tenants VALUES (t.tenant('x'), '');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO workflow_tenants VALUES (t.a(), 'again');
\echo :LAST_ERROR_SQLSTATE
SET ROLE regress_view;
SELECT name FROM workflow_tenants WHERE tenant_id IN (t.a(), t.b()) ORDER BY tenant_id;
UPDATE workflow_tenants SET name = 'x';
SET ROLE regress_operate;
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SELECT name FROM workflow_tenants;
INSERT INTO workflow_tenants VALUES (t.tenant('x'), 'x');
\echo :LAST_ERROR_SQLSTATE
RESET workflow_engine.tenant_id;
RESET ROLE;

DELETE FROM workflow_tenants WHERE tenant_id IN (t.a(), t.b());
SELECT t.clean();
DELETE FROM workflow_templates WHERE name = 't shared';
SELECT wf_revoke('regress_operate', 'operate'), wf_revoke('regress_view', 'view');
REVOKE SET ON PARAMETER workflow_engine.tenant_id FROM regress_operate, regress_view;
DROP ROLE regress_operate;
DROP ROLE regress_view;
