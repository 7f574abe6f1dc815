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
