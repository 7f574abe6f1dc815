--
-- workflow_engine.strict_definitions: what does not fit the database is
-- refused, not warned of.
--
\pset format unaligned
\pset fieldsep ' | '
CREATE TABLE public.strict_orders (id int PRIMARY KEY, status text);
SHOW workflow_engine.strict_definitions;
\set good '{"name": "strict", "trigger_type": "strict", "steps": [{"name": "s", "action": "update_record", "params": {"table": "strict_orders", "id": "{{ trigger.id }}", "fields": {"status": "x"}}}]}'
\set bad '{"name": "strict", "trigger_type": "strict", "steps": [{"name": "s", "action": "update_record", "params": {"table": "strict_orders", "id": "x", "fields": {"state": "x"}}}]}'
SET workflow_engine.strict_definitions = on;
SELECT path, severity, message, hint FROM wf_validate(:'bad');
SELECT * FROM t.error(format('SELECT wf_define(t.a(), %L)', :'bad'));
SELECT wf_define(t.a(), :'good') IS NOT NULL AS defined;

-- A warning of the language stays one.
SELECT wf_define(t.a(), '{"name": "strict {{ x }}", "trigger_type": "strict", "steps": [{"name": "s", "action": "echo"}]}') IS NOT NULL AS defined;

-- What is saved stays, and can be switched off and on; a new role must fit.
ALTER TABLE strict_orders RENAME status TO state;
UPDATE workflow_definitions SET is_active = false WHERE name = 'strict';
UPDATE workflow_definitions SET is_active = true WHERE name = 'strict';
SELECT path, severity, message FROM wf_check(t.a());
CREATE ROLE regress_strict;
SELECT code, message FROM t.error($$UPDATE workflow_definitions SET run_as = 'regress_strict' WHERE name = 'strict'$$);

-- Never in a restore.
BEGIN;
SET LOCAL check_function_bodies = off;
INSERT INTO workflow_definitions (tenant_id, definition)
VALUES (t.b(), :'bad');
ROLLBACK;

-- Superusers alone set it.
SET ROLE regress_strict;
SELECT code FROM t.error('SET workflow_engine.strict_definitions = off');
RESET ROLE;

RESET workflow_engine.strict_definitions;
SELECT t.clean();
DROP TABLE strict_orders;
DROP ROLE regress_strict;
