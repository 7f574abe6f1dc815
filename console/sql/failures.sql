-- What fails, in groups.  $2: tenant, since, limit
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'groups', coalesce(jsonb_agg(to_jsonb(f) - 'place' || jsonb_build_object(
		'tenant_id', d.tenant_id, 'tenant_name', t.name) ORDER BY f.place), '[]'))::text AS body
FROM @wf@.wf_failures(($2->>'tenant')::uuid, ($2->>'since')::timestamptz,
	least(greatest(coalesce(($2->>'limit')::int, 100), 1), 500))
	WITH ORDINALITY f (definition_id, workflow_name, step, error_class, count, first, last,
		newest_run, still_failing, place)
LEFT JOIN @wf@.workflow_definitions d ON d.id = f.definition_id
LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = d.tenant_id;
