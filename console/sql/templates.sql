-- The mail templates, and how many workflows name each; 200 at most.
-- $1: tenant: then its own and those for every tenant; q: a part of the name
WITH named AS MATERIALIZED (
	SELECT DISTINCT d.id, d.tenant_id, s.step->'params'->>'template' AS name
	FROM @wf@.workflow_definitions d,
		jsonb_path_query(d.definition, '$.steps[*] ? (@.action == "send_email" && exists (@.params.template))') s (step)
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'more', count(*) > 200,
	'templates', coalesce(jsonb_agg(x.template ORDER BY x.n) FILTER (WHERE x.n <= 200), '[]'))::text AS body
FROM (SELECT row_number() OVER (ORDER BY m.name, m.tenant_id NULLS FIRST) AS n, jsonb_build_object(
		'id', m.id, 'tenant_id', m.tenant_id, 'tenant_name', t.name, 'name', m.name,
		'subject', m.subject, 'version', m.version,
		'changed_at', v.created_at, 'changed_by', v.created_by,
		'workflows', (SELECT count(DISTINCT n.id) FROM named n WHERE n.name = m.name
			AND CASE WHEN m.tenant_id IS NOT NULL THEN n.tenant_id = m.tenant_id
				ELSE NOT EXISTS (SELECT FROM @wf@.workflow_templates o
					WHERE o.name = m.name AND o.tenant_id = n.tenant_id) END)) AS template
	FROM @wf@.workflow_templates m
	LEFT JOIN @wf@.workflow_template_versions v ON v.template_id = m.id AND v.version = m.version
	LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = m.tenant_id
	WHERE ($1->>'tenant' IS NULL OR m.tenant_id IS NULL OR m.tenant_id = ($1->>'tenant')::uuid)
		AND ($1->>'q' IS NULL OR strpos(lower(m.name), lower($1->>'q')) > 0)
	ORDER BY n LIMIT 201) x;
