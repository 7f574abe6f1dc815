-- The connections without their secrets, who uses them, and what a row of each kind may
-- have.  $1: tenant: then its own and those for every tenant
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'connections', (SELECT coalesce(jsonb_agg(to_jsonb(c) || jsonb_build_object('tenant_name', t.name)
			ORDER BY c.name, c.tenant_id NULLS FIRST), '[]')
		FROM @wf@.wf_connections(($1->>'tenant')::uuid) c
		LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = c.tenant_id),
	'keys', (SELECT jsonb_agg(to_jsonb(k) - 'n' ORDER BY k.n)
		FROM @wf@.wf_connection_keys() WITH ORDINALITY k (kind, part, key, required, n)))::text AS body;
