-- A mail template with its versions, the workflows that name it, and their newest
-- runs, to try it on.  $1: id
WITH asked AS MATERIALIZED (
	SELECT m.* FROM @wf@.workflow_templates m WHERE m.id = ($1->>'id')::uuid
), used AS MATERIALIZED (
	SELECT d.id, d.name, d.tenant_id
	FROM asked m, @wf@.workflow_definitions d
	WHERE jsonb_path_exists(d.definition, '$.steps[*] ? (@.action == "send_email" && @.params.template == $name)',
			jsonb_build_object('name', m.name))
		AND CASE WHEN m.tenant_id IS NOT NULL THEN d.tenant_id = m.tenant_id
			ELSE NOT EXISTS (SELECT FROM @wf@.workflow_templates o
				WHERE o.name = m.name AND o.tenant_id = d.tenant_id) END
	ORDER BY d.name, d.id LIMIT 100
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'template', jsonb_build_object('id', m.id, 'tenant_id', m.tenant_id, 'tenant_name', t.name,
		'name', m.name, 'subject', m.subject, 'body', m.body, 'html', m.html, 'version', m.version),
	'versions', (SELECT coalesce(jsonb_agg(jsonb_build_object('version', v.version, 'name', v.name,
			'subject', v.subject, 'created_at', v.created_at, 'created_by', v.created_by)
			ORDER BY v.version DESC), '[]')
		FROM (SELECT * FROM @wf@.workflow_template_versions v WHERE v.template_id = m.id
			ORDER BY v.version DESC LIMIT 200) v),
	'used_by', (SELECT coalesce(jsonb_agg(jsonb_build_object('definition_id', u.id,
			'workflow_name', u.name) ORDER BY u.name, u.id), '[]') FROM used u),
	'runs', (SELECT coalesce(jsonb_agg(jsonb_build_object('run_id', r.run_id, 'title', r.title,
			'workflow_name', r.workflow_name, 'queued_at', r.queued_at) ORDER BY r.run_id DESC), '[]')
		FROM (SELECT r.* FROM (SELECT * FROM used LIMIT 20) u,
				@wf@.wf_runs(definition_id => u.id, max_rows => 10) r
			ORDER BY r.run_id DESC LIMIT 10) r))::text AS body
FROM asked m LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = m.tenant_id;
