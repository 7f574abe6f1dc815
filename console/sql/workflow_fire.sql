-- Runs one workflow for real, in the version that the person has read.
-- $1: id.  $2: payload (JSON as text), base_version
SELECT 200 AS status, jsonb_build_object('now', now(),
	'run_id', @wf@.wf_fire_workflow(($1->>'id')::uuid, ($2->>'payload')::jsonb,
		($2->>'base_version')::int))::text AS body;
