-- Who did what by hand, the newest first, 50 at once.
-- $1: before (the id of the last one seen), tenant, who, what
WITH page AS MATERIALIZED (
	SELECT o.* FROM @wf@.workflow_operations o
	WHERE o.id < coalesce($1->>'before', 'ffffffff-ffff-ffff-ffff-ffffffffffff')::uuid
		AND ($1->>'tenant' IS NULL OR o.tenant_id = ($1->>'tenant')::uuid)
		AND ($1->>'who' IS NULL OR o.who = $1->>'who')
		AND ($1->>'what' IS NULL OR o.what = $1->>'what')
	ORDER BY o.id DESC LIMIT 51
), shown AS (
	SELECT p.* FROM page p ORDER BY p.id DESC LIMIT 50
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'next', (SELECT s.id FROM shown s WHERE (SELECT count(*) FROM page) > 50 ORDER BY s.id LIMIT 1),
	'operations', (SELECT coalesce(jsonb_agg(jsonb_build_object(
			'id', s.id, 'at', s.at, 'who', s.who, 'what', s.what,
			'tenant_id', s.tenant_id, 'tenant_name', t.name,
			'definition_id', s.definition_id, 'workflow_name', d.name,
			'run_id', s.run_id, 'detail', s.detail - 'run_ids') ORDER BY s.id DESC), '[]')
		FROM shown s
		LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = s.tenant_id
		LEFT JOIN @wf@.workflow_definitions d ON d.id = s.definition_id))::text AS body;
