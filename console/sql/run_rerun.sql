-- A new run of the current version with the same payload.  $1: id
SELECT 200 AS status, jsonb_build_object('now', now(),
	'run_id', @wf@.wf_rerun(($1->>'id')::uuid))::text AS body;
