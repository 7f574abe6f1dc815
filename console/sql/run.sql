-- All of a run.  What users have written travels as text: {text, size,
-- truncated}.  So long a beginning of each value is shown that all of them
-- together stay within 2 MB.  $1: id
WITH run AS MATERIALIZED (
	SELECT @wf@.wf_run(($1->>'id')::uuid) AS run
), most AS (
	SELECT least(65536, greatest(512,
		2097152 / (6 * (1 + jsonb_array_length(run->'steps'))))) AS most
	FROM run
), step AS (
	SELECT s.n, s.step || (SELECT jsonb_object_agg(v.key, CASE WHEN x.text <> 'null' THEN jsonb_build_object(
			'text', left(x.text, m.most), 'size', octet_length(x.text),
			'truncated', length(x.text) > m.most) END)
		FROM jsonb_each(jsonb_build_object('input', s.step->'input', 'output', s.step->'output',
			'condition', s.step->'condition', 'retry', s.step->'retry',
			'failed_attempts', s.step->'failed_attempts', 'previous', s.step->'previous')) v,
			LATERAL (SELECT v.value::text OFFSET 0) x (text)) AS step
	FROM run, most m, jsonb_array_elements(run->'steps') WITH ORDINALITY s (step, n)
), may AS (
	SELECT EXISTS (SELECT FROM pg_extension e JOIN pg_proc p ON p.pronamespace = e.extnamespace
		WHERE e.extname = 'workflow_engine' AND p.proname = 'wf_retry'
		AND has_function_privilege(p.oid, 'EXECUTE')) AS operate
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'tenant_name', (SELECT t.name FROM @wf@.workflow_tenants t WHERE t.tenant_id = (run->>'tenant_id')::uuid),
	'may', jsonb_build_object(
		'cancel', operate AND run->>'status' IN ('queued', 'running', 'waiting'),
		'retry', operate AND run->>'status' IN ('failed', 'cancelled', 'waiting'),
		'rerun', operate AND run->>'status' IN ('completed', 'failed', 'cancelled')),
	'run', run || jsonb_build_object(
		'run_at', CASE WHEN run->>'run_at' <> 'infinity' THEN run->'run_at' END,
		'payload', CASE WHEN run->'payload'->'truncated' = 'true' AND run->'payload' ? 'head' AND run->'payload' ? 'size'
			AND (SELECT count(*) FROM jsonb_object_keys(run->'payload')) = 3
			THEN jsonb_build_object('text', run->'payload'->'head', 'size', run->'payload'->'size', 'truncated', true)
			ELSE jsonb_build_object('text', run->>'payload', 'size', octet_length(run->>'payload'), 'truncated', false) END,
		'definition', jsonb_build_object('text', left(run->>'definition', 1048576),
			'size', octet_length(run->>'definition'),
			'truncated', length(run->>'definition') > 1048576),
		'steps', (SELECT coalesce(jsonb_agg(s.step ORDER BY s.n), '[]') FROM step s)))::text AS body
FROM run, may;
