-- What fires by itself, the next one first, with its next five times; 500 at most.  A
-- schedule that cannot be read any more, such as one of a time zone that is gone, says
-- why in its own row.  $1: tenant, q (a part of the workflow's name or the schedule's)
WITH page AS MATERIALIZED (
	SELECT s.*, row_number() OVER (ORDER BY s.next_at NULLS LAST, s.workflow_name, s.schedule) AS n
	FROM @wf@.wf_schedules(($1->>'tenant')::uuid) s
	WHERE $1->>'q' IS NULL OR strpos(lower(s.workflow_name), lower($1->>'q')) > 0
		OR strpos(lower(s.schedule), lower($1->>'q')) > 0
	ORDER BY n LIMIT 501
), read AS MATERIALIZED (
	SELECT p.*, d.tenant_id, d.is_active, d.version, e.one, (SELECT v.message
		FROM @wf@.wf_validate(jsonb_build_object('name', 'x', 'schedule', e.one, 'steps', '[]'::jsonb)) v
		WHERE v.severity = 'error' AND v.path LIKE 'schedule%' LIMIT 1) AS mistake
	FROM page p
	JOIN @wf@.workflow_definitions d ON d.id = p.definition_id
	LEFT JOIN LATERAL (SELECT a.one
		FROM jsonb_array_elements(CASE jsonb_typeof(d.definition->'schedule')
			WHEN 'array' THEN d.definition->'schedule'
			ELSE jsonb_build_array(d.definition->'schedule') END) a (one)
		WHERE coalesce(a.one->>'name', (a.one->>'cron') || ' ' || (a.one->>'time_zone')) = p.schedule
		LIMIT 1) e ON true
	WHERE p.n <= 500
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'more', (SELECT count(*) > 500 FROM page),
	'schedules', coalesce(jsonb_agg(jsonb_build_object(
		'definition_id', s.definition_id, 'workflow_name', s.workflow_name,
		'tenant_id', s.tenant_id, 'tenant_name', t.name, 'schedule', s.schedule,
		'cron', s.one->>'cron', 'time_zone', s.one->>'time_zone',
		'is_active', s.is_active, 'version', s.version,
		'paused', EXISTS (SELECT FROM @wf@.workflow_pauses p
			WHERE (p.tenant_id IS NULL OR p.tenant_id = s.tenant_id)
			AND (p.definition_id IS NULL OR p.definition_id = s.definition_id)),
		'paused_itself', EXISTS (SELECT FROM @wf@.workflow_pauses p
			WHERE p.definition_id = s.definition_id),
		'error', coalesce(s.mistake, (SELECT w.error FROM @wf@.workflow_schedules w
			WHERE w.definition_id = s.definition_id AND w.key = s.schedule)),
		'next_at', s.next_at, 'last_at', s.last_at, 'last_run_id', s.last_run_id,
		'times', CASE WHEN s.mistake IS NULL THEN (SELECT coalesce(jsonb_agg(x.at ORDER BY x.at), '[]')
			FROM @wf@.wf_schedule_times(s.one, 5) x) ELSE '[]' END)
		ORDER BY s.n), '[]'))::text AS body
FROM read s
LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = s.tenant_id;
