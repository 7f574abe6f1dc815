-- The mail templates, and how many workflows name each; 200 at most.
-- $1: tenant: then its own and those for every tenant; q: a part of the name
WITH named AS MATERIALIZED (
	SELECT DISTINCT d.id, d.tenant_id, s.step->'params'->>'template' AS name
	FROM @wf@.workflow_definitions d,
	LATERAL jsonb_array_elements(CASE jsonb_typeof(d.definition->'steps')
		WHEN 'array' THEN d.definition->'steps' ELSE '[]' END) s (step)
	WHERE s.step->>'action' = 'send_email' AND s.step->'params' ? 'template'
), used AS (
	-- of two with that name the tenant's own
	SELECT coalesce(own.id, every.id) AS id, count(DISTINCT n.id) AS workflows
	FROM named n
	LEFT JOIN @wf@.workflow_templates own ON own.name = n.name AND own.tenant_id = n.tenant_id
	LEFT JOIN @wf@.workflow_templates every ON every.name = n.name AND every.tenant_id IS NULL
	GROUP BY coalesce(own.id, every.id)
), page AS MATERIALIZED (
	SELECT m.*, row_number() OVER (ORDER BY m.name, m.tenant_id NULLS FIRST) AS n
	FROM @wf@.workflow_templates m
	WHERE ($1->>'tenant' IS NULL OR m.tenant_id IS NULL OR m.tenant_id = ($1->>'tenant')::uuid)
		AND ($1->>'q' IS NULL OR strpos(lower(m.name), lower($1->>'q')) > 0)
	ORDER BY n LIMIT 201
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'more', (SELECT count(*) > 200 FROM page),
	'templates', coalesce(jsonb_agg(jsonb_build_object(
		'id', m.id, 'tenant_id', m.tenant_id, 'tenant_name', t.name, 'name', m.name,
		'subject', m.subject, 'version', m.version,
		'changed_at', v.created_at, 'changed_by', v.created_by,
		'workflows', coalesce(u.workflows, 0)) ORDER BY m.n), '[]'))::text AS body
FROM page m
LEFT JOIN used u ON u.id = m.id
LEFT JOIN @wf@.workflow_template_versions v ON v.template_id = m.id AND v.version = m.version
LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = m.tenant_id
WHERE m.n <= 200;
