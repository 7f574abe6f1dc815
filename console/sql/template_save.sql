-- Changes a mail template, unless somebody has saved it since.  No row: there is no
-- such template.  $1: id.  $2: name, subject, body, html, base_version
WITH changed AS (
	UPDATE @wf@.workflow_templates m
	SET name = $2->>'name', subject = nullif($2->>'subject', ''),
		body = nullif($2->>'body', ''), html = nullif($2->>'html', '')
	WHERE m.id = ($1->>'id')::uuid AND m.version = ($2->>'base_version')::int
	RETURNING m.id, m.version
)
SELECT 200 AS status, jsonb_build_object('now', now(), 'id', c.id, 'version', c.version)::text AS body
FROM changed c
UNION ALL
SELECT 409, jsonb_build_object('error', jsonb_build_object('code', 'changed', 'sqlstate', NULL,
	'message', 'Somebody else has saved the mail template.', 'detail', NULL, 'hint', NULL))::text
FROM @wf@.workflow_templates m
WHERE m.id = ($1->>'id')::uuid AND NOT EXISTS (SELECT FROM changed);
