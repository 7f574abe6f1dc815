-- Deletes a mail template, unless somebody has saved it since.  No row: there is no
-- such template.  $1: id.  $2: base_version
WITH gone AS (
	DELETE FROM @wf@.workflow_templates m
	WHERE m.id = ($1->>'id')::uuid AND m.version = ($2->>'base_version')::int
	RETURNING m.id
)
SELECT 200 AS status, jsonb_build_object('now', now(), 'id', g.id)::text AS body
FROM gone g
UNION ALL
SELECT 409, jsonb_build_object('error', jsonb_build_object('code', 'changed', 'sqlstate', NULL,
	'message', 'Somebody else has saved the mail template.', 'detail', NULL, 'hint', NULL))::text
FROM @wf@.workflow_templates m
WHERE m.id = ($1->>'id')::uuid AND NOT EXISTS (SELECT FROM gone);
