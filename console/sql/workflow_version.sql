-- A version as it was saved, the definition as text.  $1: id, n
SELECT 200 AS status, jsonb_build_object(
	'now', now(), 'version', v.version, 'saved_at', v.created_at, 'saved_by', v.created_by,
	'note', v.note, 'run_as', v.run_as::text, 'definition', v.definition::text)::text AS body
FROM @wf@.workflow_definition_versions v
JOIN @wf@.workflow_definitions d ON d.id = v.definition_id
WHERE v.definition_id = ($1->>'id')::uuid AND v.version = ($1->>'n')::int;
