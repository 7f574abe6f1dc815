-- The workflows, and what they do.  $1: tenant.  The column problems of
-- workflow_stats is left out: it compares every definition with the catalog.
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'workflows', coalesce(jsonb_agg(w.workflow ORDER BY w.name, w.id), '[]'))::text AS body
FROM (SELECT d.name, d.id, jsonb_build_object(
		'id', d.id, 'tenant_id', d.tenant_id, 'tenant_name', t.name, 'name', d.name,
		'trigger_type', d.trigger_type, 'description', d.definition->'description',
		'is_active', d.is_active, 'version', d.version, 'run_as', d.run_as::text,
		'run_as_exists', s.run_as_exists, 'updated_at', d.updated_at,
		'updated_by', d.updated_by,
		'steps', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', e.step->'name',
				'action', e.step->'action') ORDER BY e.n), '[]')
			FROM jsonb_array_elements(d.definition->'steps') WITH ORDINALITY e (step, n)),
		'queued', s.queued, 'running', s.running, 'waiting', s.waiting,
		'completed_1h', s.completed_1h, 'failed_1h', s.failed_1h,
		'standing_still', s.standing_still, 'paused', s.paused) AS workflow
	FROM @wf@.workflow_definitions d
	LEFT JOIN @wf@.workflow_stats s ON s.definition_id = d.id
	LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = d.tenant_id
	WHERE $1->>'tenant' IS NULL OR d.tenant_id = ($1->>'tenant')::uuid
	ORDER BY d.name, d.id LIMIT 5000) w;
