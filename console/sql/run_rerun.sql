-- A new run of the current version, with the same payload or another.
-- $1: id; $2: payload (JSON as text)
SELECT 200 AS status, jsonb_build_object('now', now(),
	'run_id', @wf@.wf_rerun(($1->>'id')::uuid, ($2->>'payload')::jsonb))::text AS body;
