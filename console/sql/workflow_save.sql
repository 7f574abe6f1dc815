-- Saves a workflow, unless somebody else has saved it since base_version: then who
-- has, when, and why.  If that happens in this moment, wf_save itself refuses it.
-- No row: there is no such workflow.
-- $1: id.  $2: definition (JSON as text), base_version, run_as, note
WITH present AS MATERIALIZED (
	SELECT d.id, d.version FROM @wf@.workflow_definitions d WHERE d.id = ($1->>'id')::uuid
), saved AS MATERIALIZED (
	SELECT s.* FROM present p, LATERAL @wf@.wf_save(p.id, NULL, ($2->>'definition')::jsonb,
		quote_ident($2->>'run_as')::regrole, ($2->>'base_version')::int, $2->>'note') s
	WHERE p.version = coalesce(($2->>'base_version')::int, p.version)
)
SELECT 200 AS status, jsonb_build_object('now', now(), 'version', s.version,
	'changed', s.changed)::text AS body
FROM saved s
UNION ALL
SELECT 409, jsonb_build_object('error', jsonb_build_object('code', 'changed', 'sqlstate', 'WF409',
		'message', 'Somebody else has saved the workflow.', 'detail', NULL, 'hint', NULL),
	'theirs', jsonb_build_object('version', v.version, 'saved_by', v.created_by,
		'saved_at', v.created_at, 'note', v.note))::text
FROM present p JOIN @wf@.workflow_definition_versions v ON v.definition_id = p.id AND v.version = p.version
WHERE NOT EXISTS (SELECT FROM saved);
