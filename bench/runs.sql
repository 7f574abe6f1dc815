-- Many runs that have ended, of 20 workflows of four tenants, spread over a year: one
-- in twenty has failed, one in a hundred was cancelled, 10,000 wait for tomorrow.
-- Straight into the table, and its indexes made afterwards, but for the key.
--
-- psql variables: runs, how many; t, the tenants' id without its last digit.

SELECT count(wf_define((:'t' || tenant)::uuid, format('{"name": "workflow %s",
	"trigger_type": "event %s", "title": "Order {{ trigger.order_id }}",
	"search": [{"path": "trigger.order_id", "label": {"en": "Order", "ar": "طلب"}}],
	"steps": [{"name": "say", "action": "webhook", "params": {"url": "http://x.example"}}]}',
	n, n)::jsonb)) FROM generate_series(1, 4) tenant, generate_series(1, 5) n \g /dev/null
-- the place of this database, without which a run stands still: that of a run
SELECT wf_pause() \g /dev/null
SELECT wf_fire((:'t' || 1)::uuid, 'event 1', '{}') AS run \gset
SELECT place FROM workflow_runs WHERE id = :'run' \gset
DELETE FROM workflow_runs WHERE id = :'run';
SET session_replication_role = replica;
SET maintenance_work_mem = '2GB';
SET max_parallel_maintenance_workers = 0;
CREATE TEMP TABLE definitions AS SELECT id, tenant_id,
	row_number() OVER (ORDER BY tenant_id, name) - 1 AS n FROM workflow_definitions;
CREATE TEMP TABLE indexes AS SELECT indexname, indexdef FROM pg_indexes
	WHERE tablename = 'workflow_runs' AND indexname <> 'workflow_runs_pkey';
SELECT format('DROP INDEX %I', indexname) FROM indexes \gexec
INSERT INTO workflow_runs (id, place, definition_id, tenant_id, definition_version,
	trigger_payload, status, current_step, error_message, queued_at, run_at,
	started_at, completed_at)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000' ||
		to_hex(8 + g % 4) || substr(md5(g::text), 1, 15))::uuid, :place, d.id, d.tenant_id, 1,
	jsonb_build_object('order_id', 'A-' || g, 'number', g, 'status', 'new', 'total', g % 1000,
		'customer', jsonb_build_object('name', 'Customer ' || g % 100000,
			'phone', '+9613' || lpad((g % 1000000)::text, 6, '0')),
		'items', jsonb_build_array(jsonb_build_object('sku', 'S-' || g % 5000, 'n', 1))),
	status, CASE status WHEN 'completed' THEN 1 ELSE 0 END,
	CASE status WHEN 'failed' THEN 'step "say": HTTP ' || 500 + g % 3 || ': order ' || g || ' is unknown' END,
	at, CASE status WHEN 'queued' THEN at + interval '1000 days' ELSE at END, at, at
FROM generate_series(1, :runs) g
	JOIN definitions d ON d.n = (g * 7919::bigint) % 20,
	LATERAL (SELECT now() - interval '1 year' + g * (interval '1 year' / :runs) AS at,
		CASE WHEN g / 20 % 20 = 7 THEN 'failed' WHEN g / 20 % 100 = 9 THEN 'cancelled'
			WHEN g > :runs - 100000 AND g / 20 % 10 = 4 THEN 'queued'
			ELSE 'completed' END AS status) s;
SELECT indexdef FROM indexes \gexec
VACUUM ANALYZE workflow_runs;
