-- Switches a workflow on or off, unless somebody has saved it since.  No row:
-- there is no such workflow.  $1: id.  $2: active, base_version
WITH changed AS (
	UPDATE @wf@.workflow_definitions d
	SET is_active = ($2->>'active')::boolean
	WHERE d.id = ($1->>'id')::uuid AND d.version = ($2->>'base_version')::int
	RETURNING d.version, d.is_active
)
SELECT 200 AS status, jsonb_build_object('now', now(), 'version', c.version,
	'is_active', c.is_active)::text AS body
FROM changed c
UNION ALL
SELECT 409, jsonb_build_object('error', jsonb_build_object('code', 'changed', 'sqlstate', NULL,
	'message', 'Somebody else has saved the workflow.', 'detail', NULL, 'hint', NULL))::text
FROM @wf@.workflow_definitions d
WHERE d.id = ($1->>'id')::uuid AND NOT EXISTS (SELECT FROM changed);
