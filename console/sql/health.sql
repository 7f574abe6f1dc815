-- Is everything all right, who works, who is paused.  $1: tenant
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'health', to_jsonb(h),
	'workers', (SELECT coalesce(jsonb_agg(to_jsonb(w) - 'database' ORDER BY w.pid), '[]')
		FROM @wf@.wf_workers() w WHERE w.database = current_database()),
	'pauses', (SELECT coalesce(jsonb_agg(jsonb_build_object(
			'tenant', p.tenant_id, 'tenant_name', t.name,
			'workflow', p.definition_id, 'workflow_name', d.name,
			'paused_at', p.paused_at, 'paused_by', p.paused_by, 'reason', p.reason)
			ORDER BY p.paused_at), '[]')
		FROM @wf@.workflow_pauses p
		LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = p.tenant_id
		LEFT JOIN @wf@.workflow_definitions d ON d.id = p.definition_id
		WHERE $1->>'tenant' IS NULL OR p.tenant_id IS NULL
			OR p.tenant_id = ($1->>'tenant')::uuid))::text AS body
FROM @wf@.wf_health(($1->>'tenant')::uuid) h;
