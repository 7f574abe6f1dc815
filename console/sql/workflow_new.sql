-- Saves a new workflow.  $2: tenant, definition (JSON as text), run_as, note
SELECT 200 AS status, jsonb_build_object('now', now(), 'id', s.id, 'version', s.version)::text AS body
FROM @wf@.wf_save(NULL, ($2->>'tenant')::uuid, ($2->>'definition')::jsonb,
	quote_ident($2->>'run_as')::regrole, NULL, $2->>'note') s;
