-- A new mail template.  $2: tenant, name, subject, body, html
INSERT INTO @wf@.workflow_templates AS m (tenant_id, name, subject, body, html)
VALUES (($2->>'tenant')::uuid, $2->>'name', nullif($2->>'subject', ''),
	nullif($2->>'body', ''), nullif($2->>'html', ''))
RETURNING 200 AS status, jsonb_build_object('now', now(), 'id', m.id, 'version', m.version)::text AS body;
