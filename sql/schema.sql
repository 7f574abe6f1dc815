--
-- What CREATE EXTENSION makes: tables, functions, comments, privileges; and
-- the SQL that applications wrote against the tables before there was an
-- extension.
--
SET timezone = 'UTC';

-- Tables, and what pg_dump carries of their rows: all, of the action library
-- those that users added.
SELECT c.relname, condition
FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS config(oid, condition)
	JOIN pg_class c ON c.oid = config.oid
WHERE e.extname = 'workflow_engine'
ORDER BY 1;
-- No dump carries what makes the database a place of its own.
SELECT c.relname AS table FROM pg_depend d
JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'r'
WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'workflow_engine')
	AND c.oid <> ALL (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'workflow_engine')
ORDER BY c.relname;

-- The view, and its columns.
SELECT c.relname, string_agg(attname, ', ' ORDER BY attnum) AS columns
FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'v'
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'workflow_engine')
GROUP BY 1 ORDER BY 1;

-- The tables' columns.
SELECT a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type,
	a.attnotnull AS not_null, pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_attribute a
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = 'workflow_definitions'::regclass AND a.attnum > 0
ORDER BY a.attnum;
SELECT a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type,
	a.attnotnull AS not_null, pg_get_expr(d.adbin, d.adrelid) AS default
FROM pg_attribute a
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = 'workflow_runs'::regclass AND a.attnum > 0
ORDER BY a.attnum;
SELECT c.relname AS table, a.attname AS column,
	format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.oid IN ('workflow_definition_versions'::regclass, 'workflow_actions'::regclass,
		'workflow_connections'::regclass, 'workflow_templates'::regclass)
	AND a.attnum > 0
ORDER BY c.relname, a.attnum;
-- No column has a reg type: pg_upgrade refuses most of them, and a restore
-- refuses a value that names nothing.
SELECT DISTINCT t.typname
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid IN (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'workflow_engine')
	AND t.typname LIKE 'reg%' AND a.attnum > 0;

-- What is unique.
SELECT conrelid::regclass AS table, pg_get_constraintdef(oid) AS constraint
FROM pg_constraint
WHERE contype = 'u'
	AND conrelid IN (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'workflow_engine')
ORDER BY conrelid::regclass::text;

-- Functions (but for those that the tables use).
\pset format unaligned
\pset tuples_only
SELECT format(E'%s(%s)\n\t%s', p.oid::regproc,
	regexp_replace(pg_get_function_arguments(p.oid), ' DEFAULT NULL::[a-z ]+', ' DEFAULT NULL', 'g'),
	coalesce('RETURNS ' || pg_get_function_result(p.oid), 'PROCEDURE'))
FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'workflow_engine')
	AND obj_description(p.oid, 'pg_proc') NOT LIKE 'Internal: %'
ORDER BY p.oid::regproc::text;
\pset tuples_only
\pset format aligned

-- Every object has a comment: none is listed here, nor a column.
SELECT pg_describe_object(classid, objid, 0)
FROM pg_depend
WHERE deptype = 'e'
	AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'workflow_engine')
	AND coalesce(obj_description(objid, classid::regclass::name), '') = ''
	AND classid IN ('pg_class'::regclass, 'pg_proc'::regclass,
		'pg_type'::regclass, 'pg_cast'::regclass)
	AND objid NOT IN (SELECT typarray FROM pg_type)
	-- the row types of tables: from 17 on they are members themselves
	AND objid NOT IN (SELECT reltype FROM pg_class);
SELECT pg_describe_object('pg_class'::regclass, attrelid, attnum)
FROM pg_attribute
WHERE attrelid IN (SELECT objid FROM pg_depend
		WHERE deptype = 'e' AND classid = 'pg_class'::regclass
			AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'workflow_engine'))
	AND attnum > 0 AND coalesce(col_description(attrelid, attnum), '') = '';
SELECT obj_description(oid, 'pg_extension') IS NOT NULL AS has_comment
FROM pg_extension WHERE extname = 'workflow_engine';

-- Nothing is granted to PUBLIC.
SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0)
FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid,
	aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS acl
WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND acl.grantee = 0
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'workflow_engine');
SELECT pg_describe_object('pg_class'::regclass, c.oid, 0)
FROM pg_depend d JOIN pg_class c ON c.oid = d.objid,
	aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS acl
WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND acl.grantee = 0
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'workflow_engine');

-- It stays in the schema that it was created in.
ALTER EXTENSION workflow_engine SET SCHEMA t;

--
-- Definitions and runs by hand
--
-- An INSERT that names what a table of definitions always had...
INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition, is_active)
VALUES (t.tenant('schema'), 'New Order Processing', 'new_order',
	'{"name": "New Order Processing", "trigger_type": "new_order", "steps": [
		{"name": "one", "action": "echo", "params": {"id": "{{trigger.order_id}}"}},
		{"name": "two", "action": "echo", "condition": "$.trigger.total > 500"}]}',
	true);
SELECT name, trigger_type, is_active, version, run_as,
	created_at = updated_at AS never_updated, updated_by
FROM workflow_definitions WHERE tenant_id = t.tenant('schema');
-- ... may choose the identifier, the version and the time too: so does a dump.
INSERT INTO workflow_definitions (id, tenant_id, name, trigger_type, definition,
	is_active, version, created_at)
VALUES ('00000000-0000-4000-8000-00000000d0c5', t.tenant('schema'), 'Restored', 'none',
	'{"steps": [{"name": "one", "action": "echo"}]}', false, 7, '2024-05-01 10:00 UTC');
SELECT name, version, created_at FROM workflow_definitions
WHERE id = '00000000-0000-4000-8000-00000000d0c5';
-- A name is unique within its tenant.
INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition)
VALUES ('00000000-0000-4000-8000-000000000002', 'Restored', 'none',
	'{"steps": [{"name": "one", "action": "echo"}]}')
RETURNING name;
INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition)
VALUES ('00000000-0000-4000-8000-000000000002', 'Restored', 'other',
	'{"steps": [{"name": "one", "action": "echo"}]}');
DELETE FROM workflow_definitions WHERE tenant_id = '00000000-0000-4000-8000-000000000002';

-- A run inserted by hand is a run: it waits as queued and is executed.
BEGIN;
INSERT INTO workflow_runs (definition_id, trigger_payload)
SELECT id, '{"order_id": "123e4567-e89b-12d3-a456-426614174000", "total": 99.90}'
FROM workflow_definitions WHERE name = 'New Order Processing'
RETURNING status, current_step, step_results, error_message, completed_at,
	tenant_id = t.tenant('schema') AS tenant, definition_version, priority,
	idempotency_key, attempt;
COMMIT;
SELECT t.wait_all('schema');

-- "What automation ran for this order", the query as it always was.
SELECT
wr.id IS NOT NULL AS id,
wd.name AS workflow_name,
wr.status,
wr.trigger_payload->>'order_id' AS order_id,
wr.started_at IS NOT NULL AS started_at,
wr.completed_at >= wr.started_at AS completed_at,
jsonb_array_length(wr.step_results) AS steps_completed
FROM workflow_runs wr
JOIN workflow_definitions wd ON wd.id = wr.definition_id
WHERE wr.trigger_payload->>'order_id' = '123e4567-e89b-12d3-a456-426614174000'
ORDER BY wr.started_at DESC;

-- What is no run is refused.
INSERT INTO workflow_runs (definition_id, trigger_payload)
VALUES ('00000000-0000-4000-8000-00000000d0c5', '[]');
\set VERBOSITY terse
INSERT INTO workflow_runs (definition_id, trigger_payload, status)
VALUES ('00000000-0000-4000-8000-00000000d0c5', '{}', 'paused');
\set VERBOSITY default
SELECT code, message FROM t.error($$
	INSERT INTO workflow_runs (definition_id, trigger_payload)
	VALUES ('00000000-0000-4000-8000-000000000bad', '{}') $$);

-- Runs of one status of a definition, newest first; those that run or failed;
-- those of an order: each question has an index.
CREATE FUNCTION t.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	SET LOCAL enable_seqscan = off;
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		IF line LIKE '%Scan%using%' OR line LIKE '%Index Scan on%' OR line LIKE '%Sort%' THEN
			RETURN NEXT regexp_replace(line, '^[-> ]+', '');
		END IF;
	END LOOP;
END $$;
SELECT t.plan($$SELECT * FROM workflow_runs
	WHERE definition_id = '00000000-0000-4000-8000-00000000d0c5' AND status = 'completed'
	ORDER BY id DESC LIMIT 10$$);
SELECT t.plan($$SELECT * FROM workflow_runs WHERE status = 'failed'$$);
SELECT t.plan($$SELECT * FROM workflow_runs
	WHERE definition_id = '00000000-0000-4000-8000-00000000d0c5' AND status = 'failed'
	ORDER BY id DESC$$);
SELECT t.plan($$SELECT * FROM workflow_runs WHERE trigger_payload @> '{"order_id": "A-1"}'$$);

-- Identifiers of runs ascend with time, and are UUIDs of version 7.
BEGIN;
CREATE TEMPORARY TABLE fired AS
SELECT n, wf_fire(t.tenant('schema'), 'new_order', jsonb_build_object('n', n),
	run_at => 'infinity') AS id
FROM generate_series(1, 1000) n;
SELECT count(DISTINCT id) AS runs,
	bool_and(id::text ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$') AS version_7,
	bool_and(id > previous) AS ascending
FROM (SELECT id, lag(id) OVER (ORDER BY n) AS previous FROM fired) AS f;
-- Until its first step begins, a run has started when it was queued.
SELECT DISTINCT status, started_at = queued_at AS same, completed_at
FROM workflow_runs WHERE id IN (SELECT id FROM fired);
ROLLBACK;

--
-- Any schema, in any database: nothing assumes public.  CREATE EXTENSION
-- starts work with no restart, and DROP DATABASE works while workers run.
--
SELECT current_database() AS this \gset
CREATE DATABASE workflow_engine_schema TEMPLATE template0;
\c workflow_engine_schema
CREATE SCHEMA wf;
CREATE EXTENSION workflow_engine SCHEMA wf;
CREATE TABLE public.counter (id int PRIMARY KEY, n int);
INSERT INTO public.counter VALUES (1, 0);
SELECT wf.wf_define('00000000-0000-4000-8000-000000000001', '{"name": "count",
	"trigger_type": "count", "steps": [{"name": "up", "action": "update_record",
		"params": {"table": "counter", "id": 1, "fields": {"n": "{{trigger.n}}"}}}]}') IS NOT NULL AS defined;
SELECT count(*) FROM wf.wf_fire('00000000-0000-4000-8000-000000000001', 'count', '{"n": 42}');
DO $$
BEGIN
	FOR i IN 1..6000 LOOP
		EXIT WHEN (SELECT status = 'completed' FROM wf.workflow_runs);
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
SELECT * FROM public.counter;
SELECT workflow_name, status, error_message FROM wf.wf_history('{"n": 42}');
SELECT step_name, s.status, output FROM wf.wf_history(), wf.wf_trace(run_id) AS s;
SELECT path, severity, message, hint FROM wf.wf_validate('{"steps": [{"name": "a", "action": "update_record"}]}');
CREATE TRIGGER fires AFTER UPDATE ON public.counter FOR EACH ROW
	EXECUTE FUNCTION wf.wf_fire_trigger('none', '00000000-0000-4000-8000-000000000001');
UPDATE public.counter SET n = 43;
DROP TRIGGER fires ON public.counter;
DROP EXTENSION workflow_engine;
CREATE EXTENSION workflow_engine SCHEMA wf;
\c :this
DROP DATABASE workflow_engine_schema;

DELETE FROM workflow_runs WHERE tenant_id = t.tenant('schema');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('schema');
DROP FUNCTION t.plan(text);
