-- The output of a step, whole.  No row: there is no such run or step, or it has
-- none yet.  $1: id, n
SELECT CASE WHEN size <= 8388608 THEN 200 ELSE 507 END AS status,
	CASE WHEN size <= 8388608 THEN value ELSE jsonb_build_object('error', jsonb_build_object(
		'code', 'too_much', 'sqlstate', NULL, 'message', 'The output is larger than 8 MB.', 'detail', NULL,
		'hint', format('\copy (SELECT output FROM %s.wf_trace(%L) WHERE step = %s) TO ''output.json''',
			$q$@wf@$q$, $1->>'id', $1->>'n')))::text END AS body
FROM (SELECT t.output::text, octet_length(t.output::text)
	FROM @wf@.wf_trace(($1->>'id')::uuid) t
	WHERE t.step = ($1->>'n')::int AND t.output IS NOT NULL) t (value, size);
