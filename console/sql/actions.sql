-- What a step may do, with its parameters; examples and defaults travel as text.
-- Of a tenant also what its steps can name: connections (no credentials), mail
-- templates.  $1: tenant
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'actions', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', a.name, 'kind', a.kind,
			'description', a.description, 'params', (SELECT coalesce(jsonb_object_agg(p.key,
				CASE WHEN jsonb_typeof(p.value) = 'object' AND left(p.key, 1) <> '$' THEN p.value
					|| jsonb_build_object('example', (p.value->'example')::text,
						'default', (p.value->'default')::text)
				ELSE p.value END), '{}')
			FROM jsonb_each(a.params) p)) ORDER BY a.kind = 'function', a.name), '[]')
		FROM @wf@.workflow_actions a),
	'connections', (SELECT coalesce(jsonb_agg(DISTINCT jsonb_build_object('name', c.name, 'kind', c.kind)), '[]')
		FROM @wf@.workflow_connections c
		WHERE c.tenant_id IS NULL OR c.tenant_id = ($1->>'tenant')::uuid),
	'templates', (SELECT coalesce(jsonb_agg(DISTINCT to_jsonb(m.name)), '[]')
		FROM @wf@.workflow_templates m
		WHERE m.tenant_id IS NULL OR m.tenant_id = ($1->>'tenant')::uuid))::text AS body;
