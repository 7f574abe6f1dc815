-- What fires by itself, the next one first, with its next five times.  $1: tenant
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'schedules', coalesce(jsonb_agg(jsonb_build_object(
		'definition_id', s.definition_id, 'workflow_name', s.workflow_name,
		'tenant_id', d.tenant_id, 'tenant_name', t.name, 'schedule', s.schedule,
		'is_active', d.is_active,
		'paused', EXISTS (SELECT FROM @wf@.workflow_pauses p
			WHERE (p.tenant_id IS NULL OR p.tenant_id = d.tenant_id)
			AND (p.definition_id IS NULL OR p.definition_id = d.id)),
		'error', (SELECT w.error FROM @wf@.workflow_schedules w
			WHERE w.definition_id = s.definition_id AND w.key = s.schedule),
		'next_at', s.next_at, 'last_at', s.last_at, 'last_run_id', s.last_run_id,
		'times', (SELECT coalesce(jsonb_agg(x.at ORDER BY x.at), '[]')
			FROM @wf@.wf_schedule_times(d.definition->'schedule', 5) x
			WHERE x.schedule = s.schedule))
		ORDER BY s.next_at NULLS LAST, s.workflow_name, s.schedule), '[]'))::text AS body
FROM (SELECT * FROM @wf@.wf_schedules(($1->>'tenant')::uuid) LIMIT 500) s
JOIN @wf@.workflow_definitions d ON d.id = s.definition_id
LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = d.tenant_id;
