-- Which workflows use each action: how many, and the first 50 by name.  $1: tenant
WITH used AS (
	SELECT DISTINCT s.step->>'action' AS action, d.id, d.name, d.tenant_id
	FROM @wf@.workflow_definitions d,
	LATERAL jsonb_array_elements(CASE jsonb_typeof(d.definition->'steps')
		WHEN 'array' THEN d.definition->'steps' ELSE '[]' END) s (step)
	WHERE $1->>'tenant' IS NULL OR d.tenant_id = ($1->>'tenant')::uuid
), numbered AS (
	SELECT u.*, row_number() OVER (PARTITION BY u.action ORDER BY u.name, u.id) AS n FROM used u
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'uses', coalesce(jsonb_object_agg(a.action, a.of), '{}'))::text AS body
FROM (SELECT n.action, jsonb_build_object('workflows', count(*), 'used_by',
		jsonb_agg(jsonb_build_object('definition_id', n.id, 'workflow_name', n.name,
			'tenant_id', n.tenant_id, 'tenant_name', t.name) ORDER BY n.n) FILTER (WHERE n.n <= 50)) AS of
	FROM numbered n LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = n.tenant_id WHERE n.action IS NOT NULL
	GROUP BY n.action) a;
