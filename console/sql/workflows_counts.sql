-- What the runs that were fired in the last 24 hours have come to, of each of these
-- workflows, 200 at most: of each up to 1001 runs, and as many that failed.  $2: ids
WITH asked AS MATERIALIZED (
	SELECT DISTINCT e.id::uuid AS id
	FROM jsonb_array_elements_text(CASE jsonb_typeof($2->'ids') WHEN 'array' THEN $2->'ids' ELSE '[]' END) e (id)
), since AS MATERIALIZED (
	SELECT @wf@.wf_run_id_floor(now() - interval '24 hours') AS id
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'counts', coalesce(jsonb_agg(jsonb_build_object('id', d.id, 'completed', c.completed,
		'capped', c.runs > 1000, 'failed', f.failed) ORDER BY d.id), '[]'))::text AS body
FROM (SELECT d.id FROM asked a JOIN @wf@.workflow_definitions d ON d.id = a.id ORDER BY d.id LIMIT 200) d
CROSS JOIN since s
CROSS JOIN LATERAL (SELECT count(*) AS runs, count(*) FILTER (WHERE x.status = 'completed') AS completed
	FROM (SELECT r.status FROM @wf@.workflow_runs r
		WHERE r.definition_id = d.id AND r.id >= s.id LIMIT 1001) x) c
CROSS JOIN LATERAL (SELECT count(*) AS failed
	FROM (SELECT FROM @wf@.workflow_runs r
		WHERE r.status = 'failed' AND r.definition_id = d.id AND r.id >= s.id LIMIT 1001) x) f;
