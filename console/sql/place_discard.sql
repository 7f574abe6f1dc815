-- Cancels what came in from a place and has not ended.  $2: place (text)
SELECT 200 AS status, jsonb_build_object('now', now(), 'place', $2->>'place',
	'runs', @wf@.wf_discard_place(($2->>'place')::bigint))::text AS body;
