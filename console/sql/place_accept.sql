-- Has what came in from a place executed here.  $2: place (text)
SELECT 200 AS status, jsonb_build_object('now', now(), 'place', $2->>'place',
	'runs', @wf@.wf_accept_place(($2->>'place')::bigint))::text AS body;
