--
-- wf_save: a definition is saved if nobody has saved it meanwhile
--
SET client_min_messages = warning;
\pset null '-'
CREATE FUNCTION t.order(text text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('name', 'order', 'trigger_type', 'order', 'steps',
		jsonb_build_array(jsonb_build_object('name', 'say', 'action', 'echo',
			'params', jsonb_build_object('text', text)))) $$;
-- A new one: no id, no version that it is based on.
SELECT version, changed FROM wf_save(NULL, t.a(), t.order('one'), note => 'the first');
SELECT id FROM workflow_definitions WHERE tenant_id = t.a() AND name = 'order' \gset
-- Changed, on the version that was read.
SELECT id = :'id' AS id, version, changed FROM wf_save(:'id', t.a(), t.order('two'), NULL, 1, 'more polite');
-- Somebody else has read version 1 as well: nothing is lost.
SELECT code, message, regexp_replace(detail, '(by )\S+( at )[^:]+:[^:]+:[^:]+: ', '\1<who>\2<when>: ') AS detail, hint
FROM t.error(format('SELECT wf_save(%L, NULL, %L, NULL, 1)', :'id', t.order('three')));
SELECT definition->'steps'->0->'params' FROM workflow_definitions WHERE id = :'id';
SELECT version, changed FROM wf_save(:'id', NULL, t.order('three'), NULL, 2);
-- The same once more is no version, and its note is not kept.
SELECT version, changed FROM wf_save(:'id', NULL, t.order('three'), current_user::regrole, 3, 'nothing');
-- A rename: the columns follow the JSON; left out of it, they stay.
SELECT version, changed FROM wf_save(:'id', NULL,
	t.order('three') || '{"name": "sale", "trigger_type": "sale"}', NULL, 3, '');
SELECT name, trigger_type, version FROM workflow_definitions WHERE id = :'id';
SELECT version FROM wf_save(:'id', NULL, t.order('four') - 'name' - 'trigger_type', NULL, 4, 'as it was');
SELECT name, trigger_type FROM workflow_definitions WHERE id = :'id';
-- What was said stays, with who and when.
SELECT version, note, created_by = current_user AS by FROM workflow_definition_versions
WHERE definition_id = :'id' ORDER BY 1;
-- A version that is saved otherwise has none.
UPDATE workflow_definitions SET definition = definition || '{"description": "x"}' WHERE id = :'id';
SELECT note FROM workflow_definition_versions WHERE definition_id = :'id' AND version = 6;
-- After an error too.
SELECT wf_save(:'id', NULL, '{"steps": []}', NULL, 6, 'wrong');
\echo :LAST_ERROR_SQLSTATE
UPDATE workflow_definitions SET definition = definition || '{"description": "y"}' WHERE id = :'id';
SELECT note FROM workflow_definition_versions WHERE definition_id = :'id' AND version = 7;

-- What is refused.
SELECT wf_save(NULL, t.a(), t.order('x') || '{"name": "sale"}');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_save(NULL, t.a(), t.order('x') - 'name');
\echo :LAST_ERROR_SQLSTATE
SELECT wf_save('00000000-0000-0000-0000-000000000000', NULL, t.order('x'), NULL, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT code, message LIKE 'definition % does not exist' AS message
FROM t.error(format('SELECT wf_save(%L, t.b(), %L, NULL, 7)', :'id', t.order('x')));
SELECT wf_save(:'id', NULL, t.order('x'));
\echo :LAST_ERROR_SQLSTATE
SELECT wf_save(NULL, NULL, t.order('x'));
SELECT wf_save(NULL, t.a(), NULL);
SELECT wf_save(NULL, t.a(), t.order('x'), NULL, 1);
\echo :LAST_ERROR_SQLSTATE
SELECT wf_save(:'id', NULL, t.order('x'), NULL, 7, repeat('n', 10001));

-- Privileges, run_as and tenants are those of any statement.
CREATE ROLE regress_view;
CREATE ROLE regress_operate;
CREATE ROLE regress_shared;
GRANT regress_shared TO regress_operate;
SELECT wf_grant('regress_view', 'view'), wf_grant('regress_operate', 'operate');
GRANT SET ON PARAMETER workflow_engine.tenant_id TO regress_operate;
SET ROLE regress_view;
SELECT wf_save(NULL, t.a(), t.order('x'));
SELECT role FROM wf_run_as_roles();
SET ROLE regress_operate;
SELECT version, changed FROM wf_save(NULL, t.a(), t.order('mine'), 'regress_shared');
SELECT run_as, updated_by FROM workflow_definitions WHERE name = 'order' AND tenant_id = t.a();
-- Who has switched the workflow since has not saved it.
RESET ROLE;
UPDATE workflow_definitions SET is_active = false WHERE name = 'order' AND tenant_id = t.a();
UPDATE workflow_definitions SET is_active = true WHERE name = 'order' AND tenant_id = t.a();
SET ROLE regress_operate;
SELECT detail ~ '^Saved by regress_operate at' AS saved_by
FROM t.error(format('SELECT wf_save(%L, NULL, %L, NULL, 0)', (SELECT id FROM workflow_definitions WHERE name = 'order' AND tenant_id = t.a()), t.order('x')));
SELECT wf_save(NULL, t.a(), t.order('mine') || '{"name": "x"}', 'regress_view');
\echo :LAST_ERROR_SQLSTATE
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SELECT code FROM t.error(format('SELECT wf_save(%L, NULL, %L, NULL, 7)', :'id', t.order('x')));
SELECT code FROM t.error(format('SELECT wf_save(NULL, t.a(), %L)', t.order('x') || '{"name": "y"}'));
RESET workflow_engine.tenant_id;

-- Which roles may be run_as: what several people edit needs a shared one.
SELECT * FROM wf_run_as_roles();
-- the one of workflow_engine.default_run_as comes first
RESET ROLE;
SET workflow_engine.default_run_as = 'regress_shared';
SET ROLE regress_operate;
SELECT * FROM wf_run_as_roles();
SELECT wf_save(NULL, t.a(), t.order('x') || '{"name": "by default", "trigger_type": "by default"}') IS NOT NULL;
SELECT run_as FROM workflow_definitions WHERE name = 'by default';
-- but for those who may not use it
RESET ROLE;
SET workflow_engine.default_run_as = 'regress_view';
SET ROLE regress_operate;
SELECT * FROM wf_run_as_roles();
RESET ROLE;
RESET workflow_engine.default_run_as;
-- a superuser may give any
SELECT count(*) = (SELECT count(*) FROM pg_roles WHERE rolname !~ '^pg_') AS all_of_them,
	bool_or(role = current_user AND is_current) AS itself FROM wf_run_as_roles();

SELECT t.clean();
DROP FUNCTION t.order;
SELECT wf_revoke('regress_view', 'view'), wf_revoke('regress_operate', 'operate');
REVOKE SET ON PARAMETER workflow_engine.tenant_id FROM regress_operate;
DROP ROLE regress_view;
DROP ROLE regress_operate;
DROP ROLE regress_shared;
