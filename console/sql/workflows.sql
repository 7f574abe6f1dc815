-- The workflows, and what their steps use.  No run is read: what the runs come to is
-- asked apart (workflows_counts), for those that are shown.  $1: tenant
WITH next AS (
	SELECT s.definition_id, min(s.next_at) AS at
	FROM @wf@.wf_schedules(($1->>'tenant')::uuid) s GROUP BY s.definition_id
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'workflows', coalesce(jsonb_agg(w.workflow ORDER BY w.name, w.id), '[]'))::text AS body
FROM (SELECT d.name, d.id, jsonb_build_object(
		'id', d.id, 'tenant_id', d.tenant_id, 'tenant_name', t.name, 'name', d.name,
		'trigger_type', d.trigger_type, 'description', d.definition->'description',
		'is_active', d.is_active, 'version', d.version, 'run_as', d.run_as::text,
		'run_as_exists', EXISTS (SELECT FROM pg_roles r WHERE r.oid = d.run_as),
		'updated_at', d.updated_at, 'updated_by', d.updated_by,
		'scheduled', d.definition ? 'schedule', 'next_at', n.at,
		'steps', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', e.step->'name',
				'action', e.step->'action', 'table', e.step->'params'->'table',
				'connection', coalesce(e.step->'params'->'connection', to_jsonb(CASE e.step->>'action'
					WHEN 'send_email' THEN 'email' WHEN 'team_notify' THEN 'team'
					WHEN 'whatsapp_notify' THEN 'whatsapp' END))) ORDER BY e.n), '[]')
			FROM jsonb_array_elements(d.definition->'steps') WITH ORDINALITY e (step, n)),
		'paused', EXISTS (SELECT FROM @wf@.workflow_pauses p
			WHERE (p.tenant_id IS NULL OR p.tenant_id = d.tenant_id)
			AND (p.definition_id IS NULL OR p.definition_id = d.id))) AS workflow
	FROM @wf@.workflow_definitions d
	LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = d.tenant_id
	LEFT JOIN next n ON n.definition_id = d.id
	WHERE $1->>'tenant' IS NULL OR d.tenant_id = ($1->>'tenant')::uuid
	ORDER BY d.name, d.id LIMIT 5000) w;
