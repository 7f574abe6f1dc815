-- The tenants that have a name or a workflow, by name, then those without one: 50 at once.
-- What failed is counted as wf_health does, definition by definition.
-- $1: q (a part of the name, or the beginning of the id), after (the id of the last one
-- seen), tenant (its id: that one alone)
WITH tenant AS (
	SELECT t.tenant_id, t.name FROM @wf@.workflow_tenants t
	UNION ALL
	SELECT DISTINCT d.tenant_id, NULL FROM @wf@.workflow_definitions d
	WHERE NOT EXISTS (SELECT FROM @wf@.workflow_tenants t WHERE t.tenant_id = d.tenant_id)
), seen AS MATERIALIZED (
	SELECT t.name FROM (VALUES (($1->>'after')::uuid)) a (id)
	LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = a.id
), page AS MATERIALIZED (
	SELECT t.*, row_number() OVER (ORDER BY t.name NULLS LAST, t.tenant_id) AS n
	FROM tenant t, seen s
	WHERE ($1->>'tenant' IS NULL OR t.tenant_id = ($1->>'tenant')::uuid)
		AND ($1->>'q' IS NULL OR strpos(lower(t.name), lower($1->>'q')) > 0
			OR starts_with(t.tenant_id::text, lower($1->>'q')))
		AND ($1->>'after' IS NULL OR (t.name IS NULL, coalesce(t.name, ''), t.tenant_id)
			> (s.name IS NULL, coalesce(s.name, ''), ($1->>'after')::uuid))
	ORDER BY n LIMIT 51
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'paused', (SELECT jsonb_build_object('at', p.paused_at, 'by', p.paused_by, 'reason', p.reason)
		FROM @wf@.workflow_pauses p WHERE p.tenant_id IS NULL),
	'next', (SELECT p.tenant_id FROM page p WHERE p.n = 50
		AND EXISTS (SELECT FROM page o WHERE o.n = 51)),
	'tenants', (SELECT coalesce(jsonb_agg(jsonb_build_object(
			'id', t.tenant_id, 'name', t.name,
			'workflows', (SELECT count(*) FROM @wf@.workflow_definitions d WHERE d.tenant_id = t.tenant_id),
			'failed_24h', (SELECT count(*) FROM (SELECT FROM @wf@.workflow_definitions d
				CROSS JOIN LATERAL (SELECT FROM @wf@.workflow_runs r
					WHERE r.status = 'failed' AND r.definition_id = d.id
						AND r.id >= @wf@.wf_run_id_floor(now() - '1 day'::interval) LIMIT 10001) r
				WHERE d.tenant_id = t.tenant_id LIMIT 10001) f),
			'paused', (SELECT jsonb_build_object('at', p.paused_at, 'by', p.paused_by, 'reason', p.reason)
				FROM @wf@.workflow_pauses p WHERE p.tenant_id = t.tenant_id AND p.definition_id IS NULL))
			ORDER BY t.n), '[]')
		FROM page t WHERE t.n <= 50))::text AS body;
