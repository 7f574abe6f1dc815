-- The last payloads of a trigger type, as text; of one over 64 kB only the run.
-- $1: trigger_type, tenant
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'samples', coalesce(jsonb_agg(jsonb_build_object('run_id', s.run_id, 'queued_at', s.queued_at,
		'payload', CASE WHEN octet_length(s.payload) <= 65536 THEN s.payload END,
		'size', octet_length(s.payload), 'head', left(s.payload, 200),
		'title', (SELECT nullif(r.title, '') FROM @wf@.wf_search(s.run_id::text, NULL, NULL, 1) r))
		ORDER BY s.place), '[]'))::text AS body
FROM (SELECT run_id, queued_at, payload::text, place
	FROM @wf@.wf_samples($1->>'trigger_type', ($1->>'tenant')::uuid)
		WITH ORDINALITY w (run_id, queued_at, payload, place)) s;
