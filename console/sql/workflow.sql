-- One workflow as it is now, and what was saved last.  The definition travels as
-- text, so that no number loses its spelling.  $1: id
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'workflow', jsonb_build_object(
		'id', d.id, 'tenant_id', d.tenant_id, 'tenant_name', t.name, 'name', d.name,
		'trigger_type', d.trigger_type, 'is_active', d.is_active, 'version', d.version,
		'run_as', coalesce(r.rolname, d.run_as::text), 'run_as_exists', r.rolname IS NOT NULL,
		'may_run_as', EXISTS (SELECT FROM @wf@.wf_run_as_roles() m WHERE m.role = r.rolname),
		'updated_at', d.updated_at, 'updated_by', d.updated_by,
		'saved_at', v.created_at, 'saved_by', v.created_by, 'note', v.note,
		'definition', d.definition::text,
		'pauses', (SELECT coalesce(jsonb_agg(jsonb_build_object(
				'tenant', p.tenant_id, 'tenant_name', pt.name,
				'workflow', p.definition_id, 'workflow_name', pd.name,
				'paused_at', p.paused_at, 'paused_by', p.paused_by, 'reason', p.reason)
				ORDER BY p.paused_at), '[]')
			FROM @wf@.workflow_pauses p
			LEFT JOIN @wf@.workflow_tenants pt ON pt.tenant_id = p.tenant_id
			LEFT JOIN @wf@.workflow_definitions pd ON pd.id = p.definition_id
			WHERE (p.tenant_id IS NULL OR p.tenant_id = d.tenant_id)
			AND (p.definition_id IS NULL OR p.definition_id = d.id))))::text AS body
FROM @wf@.workflow_definitions d
LEFT JOIN @wf@.workflow_definition_versions v ON v.definition_id = d.id AND v.version = d.version
LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = d.tenant_id
LEFT JOIN pg_roles r ON quote_ident(r.rolname) = d.run_as::text
WHERE d.id = ($1->>'id')::uuid;
