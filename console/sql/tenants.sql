-- The tenants that have a name or a workflow, by name, 1000 at most; what failed is
-- counted for the first 50 alone.
WITH tenant AS MATERIALIZED (
	SELECT * FROM (
		SELECT t.tenant_id, t.name FROM @wf@.workflow_tenants t
		UNION ALL
		SELECT DISTINCT d.tenant_id, NULL FROM @wf@.workflow_definitions d
		WHERE NOT EXISTS (SELECT FROM @wf@.workflow_tenants t WHERE t.tenant_id = d.tenant_id)) a
	ORDER BY name, tenant_id LIMIT 1000
), numbered AS (
	SELECT *, row_number() OVER (ORDER BY name, tenant_id) AS n FROM tenant
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'paused', (SELECT jsonb_build_object('at', p.paused_at, 'by', p.paused_by, 'reason', p.reason)
		FROM @wf@.workflow_pauses p WHERE p.tenant_id IS NULL),
	'tenants', (SELECT coalesce(jsonb_agg(jsonb_build_object(
			'id', t.tenant_id, 'name', t.name,
			'workflows', (SELECT count(*) FROM @wf@.workflow_definitions d WHERE d.tenant_id = t.tenant_id),
			'failed_24h', CASE WHEN t.n <= 50
				THEN (SELECT h.failed_24h FROM @wf@.wf_health(t.tenant_id) h) END,
			'paused', (SELECT jsonb_build_object('at', p.paused_at, 'by', p.paused_by, 'reason', p.reason)
				FROM @wf@.workflow_pauses p WHERE p.tenant_id = t.tenant_id AND p.definition_id IS NULL))
			ORDER BY t.n), '[]')
		FROM numbered t))::text AS body;
