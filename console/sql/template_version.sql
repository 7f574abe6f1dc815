-- An earlier version of a mail template.  $1: id, n
SELECT 200 AS status, jsonb_build_object('now', now(), 'version', v.version, 'name', v.name,
	'subject', v.subject, 'body', v.body, 'html', v.html,
	'created_at', v.created_at, 'created_by', v.created_by)::text AS body
FROM @wf@.workflow_template_versions v
WHERE v.template_id = ($1->>'id')::uuid AND v.version = ($1->>'n')::int;
