-- Deletes a connection, unless somebody has changed it since base_version was read, or
-- workflows use it and the request does not say that they may fail.  No row: there is
-- no such connection.  $1: id.  $2: base_version, even_if_used
WITH used AS MATERIALIZED (
	SELECT c.workflows FROM @wf@.wf_connections() c
	WHERE c.id = ($1->>'id')::uuid AND c.workflows > 0
		AND ($2->>'even_if_used')::boolean IS NOT TRUE
), gone AS (
	DELETE FROM @wf@.workflow_connections c
	WHERE c.id = ($1->>'id')::uuid AND c.xmin::text = $2->>'base_version'
		AND NOT EXISTS (SELECT FROM used)
	RETURNING c.id
)
SELECT 200 AS status, jsonb_build_object('now', now(), 'id', g.id)::text AS body
FROM gone g
UNION ALL
SELECT 409, jsonb_build_object('error', CASE WHEN u.workflows IS NULL
	THEN jsonb_build_object('code', 'changed', 'sqlstate', NULL,
		'message', 'Somebody else has changed the connection.', 'detail', NULL, 'hint', NULL)
	ELSE jsonb_build_object('code', 'referenced', 'sqlstate', NULL,
		'message', 'Workflows use the connection: ' || u.workflows || '.', 'detail', NULL,
		'hint', NULL) END)::text
FROM @wf@.workflow_connections c LEFT JOIN used u ON true
WHERE c.id = ($1->>'id')::uuid AND NOT EXISTS (SELECT FROM gone);
