-- The payload of a run, whole.  The row is found by its primary key, under row
-- security.  $1: id
SELECT CASE WHEN size <= 8388608 THEN 200 ELSE 507 END AS status,
	CASE WHEN size <= 8388608 THEN payload ELSE jsonb_build_object('error', jsonb_build_object(
		'code', 'too_much', 'sqlstate', NULL, 'message', 'The payload is larger than 8 MB.', 'detail', NULL,
		'hint', format('\copy (SELECT trigger_payload FROM %s.workflow_runs WHERE id = %L) TO ''payload.json''',
			$q$@wf@$q$, $1->>'id')))::text END AS body
FROM (SELECT r.trigger_payload::text, octet_length(r.trigger_payload::text)
	FROM @wf@.workflow_runs r WHERE r.id = ($1->>'id')::uuid) r (payload, size);
