-- Every problem of a definition.  $2: definition (JSON as text), tenant
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'problems', coalesce(jsonb_agg(to_jsonb(p) - 'place' ORDER BY p.place), '[]'))::text AS body
FROM @wf@.wf_validate(($2->>'definition')::jsonb, ($2->>'tenant')::uuid)
	WITH ORDINALITY p (path, severity, message, hint, code, args, pos, place);
