-- The names of tenants, to choose one: 50 at most, by name, then those without one.
-- $1: q (a part of the name, or the beginning of the id), tenant (its id: that one alone)
WITH tenant AS (
	SELECT t.tenant_id, t.name FROM @wf@.workflow_tenants t
	UNION ALL
	SELECT DISTINCT d.tenant_id, NULL FROM @wf@.workflow_definitions d
	WHERE NOT EXISTS (SELECT FROM @wf@.workflow_tenants t WHERE t.tenant_id = d.tenant_id)
), page AS MATERIALIZED (
	SELECT t.*, row_number() OVER (ORDER BY t.name NULLS LAST, t.tenant_id) AS n
	FROM tenant t
	WHERE ($1->>'tenant' IS NULL OR t.tenant_id = ($1->>'tenant')::uuid)
		AND ($1->>'q' IS NULL OR strpos(lower(t.name), lower($1->>'q')) > 0
			OR starts_with(t.tenant_id::text, lower($1->>'q')))
	ORDER BY n LIMIT 51
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'more', (SELECT count(*) > 50 FROM page),
	'tenants', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', t.tenant_id, 'name', t.name)
			ORDER BY t.n), '[]')
		FROM page t WHERE t.n <= 50))::text AS body;
