--
-- Finding runs: times as ids, and wf_runs
--
-- wf_run_id_floor is the smallest id of a millisecond.
SELECT at, wf_run_id_floor(at::timestamptz) FROM unnest(ARRAY[
	'2026-01-02 03:04:05.678+00', '2026-01-02 03:04:05.678999+00',
	'1970-01-01 00:00:00+00', '1969-12-31 23:59:59.999+00', '-infinity',
	'10889-08-02 05:31:50.655+00', '10889-08-02 05:31:50.656+00',
	'294276-12-31 23:59:59+00', 'infinity']) at;
SELECT wf_run_id_floor(NULL);
-- Ids of one millisecond lie between its floor and the next.
SELECT bool_and(id >= wf_run_id_floor(at) AND id < wf_run_id_floor(at + '1 ms'))
FROM (SELECT id, to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) AS at
	FROM (SELECT wf_new_run_id() AS id FROM generate_series(1, 1000)) new) ids;

-- So an id must tell its time ...
SELECT count(wf_define(t.tenant('find'), ('{"name": "order ' || n || '", "trigger_type": "order",
	"steps": [{"name": "say", "action": "echo"}]}')::jsonb)) FROM generate_series(1, 2) n;
SELECT id AS d1 FROM workflow_definitions WHERE tenant_id = t.tenant('find') AND name = 'order 1' \gset
SELECT id AS d2 FROM workflow_definitions WHERE tenant_id = t.tenant('find') AND name = 'order 2' \gset
INSERT INTO workflow_runs (id, definition_id, trigger_payload, status)
VALUES ('00000000-0000-4000-8000-000000000001', :'d1', '{}', 'completed');
\echo :LAST_ERROR_SQLSTATE
INSERT INTO workflow_runs (id, definition_id, trigger_payload, status)
VALUES ('00000000-0000-7000-0000-000000000001', :'d1', '{}', 'completed');
-- ... but a restore is refused nothing.
BEGIN;
SET LOCAL check_function_bodies = off;
INSERT INTO workflow_runs (id, definition_id, tenant_id, definition_version, trigger_payload, status)
VALUES ('00000000-0000-4000-8000-000000000001', :'d1', t.tenant('find'), 1, '{}', 'completed');
ROLLBACK;

--
-- wf_runs: a page of a list
--
SELECT wf_define(t.tenant('find'), '{"name": "order 1", "trigger_type": "order",
	"title": "Order {{ trigger.order_id }} of {{ trigger.customer.name }}",
	"steps": [{"name": "say", "action": "echo"}, {"name": "bill", "action": "echo"}]}') = :'d1' AS same;
SELECT wf_define(t.tenant('found'), '{"name": "other", "trigger_type": "other",
	"steps": [{"name": "bill", "action": "echo"}]}') AS d3 \gset
-- In one transaction, so that no worker takes what is queued.  Run n was
-- queued n hours before midnight of 1 March.
BEGIN;
CREATE FUNCTION t.run(n int) RETURNS uuid LANGUAGE sql
RETURN overlay(wf_run_id_floor('2026-03-01 00:00:00+00'::timestamptz - n * interval '1 hour')::text
	PLACING lpad(n::text, 12, '0') FROM 25)::uuid;
INSERT INTO workflow_runs (id, definition_id, definition_version, tenant_id, trigger_payload, status, current_step,
	error_message, queued_at, run_at, started_at, completed_at)
SELECT t.run(n), d.id, v, d.tenant_id, payload::jsonb, r.status, r.step, message, at,
	CASE held WHEN 'due' THEN at WHEN 'held' THEN 'infinity' ELSE at + interval '1 day' END, at, at + interval '1 second'
FROM (VALUES
	(1, :'d1'::uuid, 2, 'completed', 2, NULL, '{"order_id": "7", "customer": {"name": "Rana"}, "tags": ["a", "b"]}', 'due'),
	(2, :'d1', 2, 'failed', 1, 'step "bill": HTTP 500: order 7 is unknown', '{"order_id": "7"}', 'due'),
	(3, :'d1', 1, 'failed', 0, 'step "say": HTTP 500: order 8 is unknown', '{"order_id": 8, "x": [true, null, [1.50]]}', 'due'),
	(4, :'d2', 1, 'failed', 0, 'step "say": HTTP 404: order 9 is unknown', '{"order_id": "9"}', 'due'),
	(5, :'d2', 1, 'cancelled', 0, 'cancelled by x', '{"order_id": "7"}', 'due'),
	(6, :'d2', 1, 'running', 0, NULL, '{}', 'due'),
	(7, :'d2', 1, 'queued', 0, NULL, '{"order_id": "11"}', 'due'),
	(8, :'d1', 2, 'queued', 0, NULL, '{"order_id": "12"}', 'later'),
	(9, :'d1', 2, 'queued', 0, NULL, '{"order_id": "13"}', 'held'),
	(10, :'d1', 2, 'waiting', 0, NULL, '{"order_id": "14"}', 'later'),
	(11, :'d3', 1, 'completed', 1, NULL, '{"order_id": "7"}', 'due'),
	(12, :'d3', 1, 'failed', 0, 'step "bill": HTTP 500: order 15 is unknown', '{"order_id": "15"}', 'due')
) r (n, definition, v, status, step, message, payload, held)
JOIN workflow_definitions d ON d.id = r.definition,
LATERAL (SELECT '2026-03-01 00:00:00+00'::timestamptz - n * interval '1 hour' AS at) q;
SELECT right(run_id::text, 2) AS n, right(tenant_id::text, 2) = right(t.tenant('find')::text, 2) AS find,
	workflow_name, version, status, title, payload_head FROM wf_runs(until => '2026-03-01 00:00:00+00');
SELECT right(run_id::text, 2) AS n, step_name, step, steps_total, attempt, error_message, error_class
FROM wf_runs(until => '2026-03-01 00:00:00+00');
SELECT queued_at AT TIME ZONE 'UTC' AS queued_at, run_at - queued_at AS run_at, started_at - queued_at AS started_at,
	completed_at - queued_at AS completed_at, definition_id = :'d1' AS d1
FROM wf_runs(until => '2026-03-01 00:00:00+00', max_rows => 1);

-- What each filter finds.
CREATE FUNCTION t.found(q text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text;
BEGIN
	EXECUTE 'SELECT string_agg(ltrim(right(run_id::text, 2), ''0''), '' '') FROM wf_runs(' ||
		coalesce(nullif(q, '') || ', ', '') ||
		CASE WHEN q ~ 'until' THEN 'max_rows => 10' ELSE 'until => ''2026-03-01 00:00:00+00''' END || ')' INTO found;
	RETURN found;
END $$;
SELECT q, t.found(q) FROM unnest(ARRAY['',
	$$match => '{"{\"order_id\": \"7\"}"}'$$,
	$$match => '{"{\"order_id\": \"7\"}", "{\"order_id\": 8}", "{\"order_id\": \"none\"}"}'$$,
	$$match => '{}'$$,
	$$match => '{"{\"x\": [null]}"}'$$,
	$$match => '{"{\"order_id\": \"7\"}"}', statuses => '{failed,cancelled}'$$,
	$$tenant_id => t.tenant('find')$$,
	$$tenant_id => t.tenant('found')$$,
	$$match => '{"{\"order_id\": \"7\"}"}', tenant_id => t.tenant('found')$$,
	$$statuses => '{}'$$,
	$$statuses => '{completed}'$$,
	$$statuses => '{failed}'$$,
	$$statuses => '{cancelled}'$$,
	$$statuses => '{running}'$$,
	$$statuses => '{queued}'$$,
	$$statuses => '{waiting}'$$,
	$$statuses => '{queued,failed}'$$,
	$$statuses => '{queued,failed}', tenant_id => t.tenant('found')$$,
	$$statuses => '{completed,failed}'$$,
	$$statuses => '{queued,running,waiting,completed,failed,cancelled}'$$,
	$$since => '2026-02-28 21:00:00+00'$$,
	$$since => '2026-02-28 19:00:00+00', until => '2026-02-28 22:00:00+00'$$,
	$$since => '2026-02-28 15:00:00+00', statuses => '{queued,waiting,failed}'$$,
	$$match => '{"{\"order_id\": \"7\"}"}', until => '2026-02-28 22:00:00+00'$$,
	$$step => 'say'$$, $$step => 'bill'$$, $$step => 'none'$$,
	$$error_class => 'HTTP 500: order <number> is unknown'$$,
	$$step => 'bill', error_class => 'HTTP 500: order <number> is unknown', tenant_id => t.tenant('found')$$,
	$$step => 'bill', match => '{"{\"order_id\": \"7\"}"}'$$,
	$$step => 'say', statuses => '{completed}'$$,
	$$step => 'say', statuses => '{completed,failed}'$$,
	$$before => t.run(3)$$,
	$$before => t.run(3), max_rows => 2, statuses => '{failed}'$$,
	$$match => '{"{\"order_id\": \"7\"}"}', before => t.run(2)$$]) q;
SELECT t.found(format('definition_id => %L', :'d2'));
SELECT t.found(format('definition_id => %L, statuses => ''{queued,failed}''', :'d2'));
SELECT t.found(format('definition_id => %L, match => ''{"{\"order_id\": \"7\"}"}''', :'d1'));
-- wf_history looks in the same way.
SELECT count(*) FROM wf_history(status => 'queued', until => '2026-03-01 00:00:00+00');
SELECT count(*) FROM wf_history(status => 'cancelled', workflow => 'order 2', until => '2026-03-01 00:00:00+00');
-- Page by page.
WITH RECURSIVE page AS (
	SELECT 1 AS n, array_agg(run_id) AS ids FROM wf_runs(until => '2026-03-01 00:00:00+00', max_rows => 5)
	UNION ALL
	SELECT n + 1, next.ids FROM page, LATERAL (
		SELECT array_agg(run_id) AS ids FROM wf_runs(before => ids[array_upper(ids, 1)], max_rows => 5)) next
	WHERE next.ids IS NOT NULL AND n < 3)
SELECT n, (SELECT string_agg(right(id::text, 2), ' ') FROM unnest(ids) id) FROM page;

-- A session that is bound to a tenant sees its own.
SET LOCAL workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000a';
SELECT t.found(), t.found($$match => '{"{\"order_id\": \"7\"}"}'$$), t.found($$statuses => '{failed,queued}'$$);
SELECT set_config('workflow_engine.tenant_id', t.tenant('found')::text, true) = t.tenant('found')::text AS bound;
SELECT q, t.found(q) FROM unnest(ARRAY['',
	$$match => '{"{\"order_id\": \"7\"}"}'$$,
	$$tenant_id => t.tenant('find')$$,
	$$statuses => '{failed,cancelled,queued}'$$,
	$$step => 'bill'$$]) q;
SELECT code, message = format('definition %s does not exist', :'d1') AS message, hint
FROM t.error(format('SELECT * FROM wf_runs(definition_id => %L)', :'d1'));
SET LOCAL workflow_engine.tenant_id = 'none';
SELECT q, t.found(q) FROM unnest(ARRAY['', $$match => '{"{\"order_id\": \"7\"}"}'$$, $$statuses => '{failed,queued}'$$]) q;
RESET workflow_engine.tenant_id;
-- So does a role that may only view.
CREATE ROLE regress_find;
SELECT wf_grant('regress_find', 'view');
SET LOCAL ROLE regress_find;
SELECT count(*) FROM wf_runs(until => '2026-03-01 00:00:00+00');
RESET ROLE;

-- An index serves it, whatever the planner knows of this table; which one is
-- cheapest depends on its size.
CREATE FUNCTION t.scans(q text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	before jsonb;
	used boolean;
BEGIN
	SELECT jsonb_object_agg(indexrelname, pg_stat_get_xact_numscans(indexrelid)) INTO before
	FROM pg_stat_user_indexes WHERE relname = 'workflow_runs';
	PERFORM t.found(q);
	SELECT count(*) > 0 INTO used
	FROM pg_stat_user_indexes WHERE relname = 'workflow_runs'
		AND pg_stat_get_xact_numscans(indexrelid) > (before->>indexrelname::text)::bigint;
	RETURN used;
END $$;
SELECT q, t.scans(q) FROM unnest(ARRAY['',
	$$match => '{"{\"order_id\": \"7\"}"}'$$,
	$$match => '{"{\"order_id\": \"7\"}"}', since => '2026-02-28 22:30:00+00', statuses => '{failed}', tenant_id => t.tenant('find')$$,
	$$tenant_id => t.tenant('find')$$,
	$$statuses => '{completed}'$$,
	$$statuses => '{completed}', tenant_id => t.tenant('find')$$,
	$$statuses => '{failed}'$$,
	$$statuses => '{cancelled,running}', tenant_id => t.tenant('find')$$,
	$$statuses => '{queued}'$$,
	$$since => '2026-02-28 22:30:00+00'$$,
	$$since => '2026-02-28 22:30:00+00', tenant_id => t.tenant('find')$$,
	$$step => 'say'$$]) q;
SELECT pg_stat_get_xact_numscans('workflow_runs'::regclass) AS sequential_scans;

-- A session keeps the plans of 64 statements; here it needs twice as many, twice.
SELECT count(*) AS asked, count(*) FILTER (WHERE found = there) AS found
FROM generate_series(1, 2), generate_series(1, 31) n,
	LATERAL (SELECT ARRAY(SELECT s FROM unnest('{queued,running,waiting,failed,cancelled}'::text[])
		WITH ORDINALITY u (s, i) WHERE n >> (i - 1)::int & 1 = 1) AS statuses) s,
	(VALUES (NULL::timestamptz), ('2026-01-01 00:00:00+00')) since (since),
	(VALUES (NULL::uuid), (wf_run_id_floor('2026-03-01 00:00:00+00'))) before (before),
	LATERAL (SELECT count(*) AS found FROM wf_runs(statuses => s.statuses, since => since,
		until => '2026-03-01 00:00:00+00', before => before)) f,
	LATERAL (SELECT count(*) AS there FROM workflow_runs r WHERE r.status = ANY (s.statuses)
		AND r.id < wf_run_id_floor('2026-03-01 00:00:00+00')) t;
ROLLBACK;

-- What is refused.
SELECT e.code, e.message, e.detail, e.hint FROM unnest(ARRAY[
	$$match => '{"{}"}'$$, $$match => '{"[1]"}'$$, $$match => '{"{\"a\": []}"}'$$, $$match => '{NULL}'$$,
	$$match => array_fill('{"a": 1}'::jsonb, '{1001}')$$,
	$$statuses => '{done}'$$, $$statuses => '{NULL}'$$, 'max_rows => 0', 'max_rows => 10001',
	$$definition_id => '00000000-0000-4000-8000-000000000001'$$]) q,
	t.error(format('SELECT * FROM wf_runs(%s)', q)) e;

SELECT t.clean();
