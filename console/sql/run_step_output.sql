-- The output of a step, whole.  No row: there is no such run or step, or it has
-- none yet.  Of one that is too large the hint is a line for the shell
-- that puts it into a file: by the same role, whose settings say to which tenant it is
-- bound; psql -A writes a value as it is.  $1: id, n
SELECT CASE WHEN size <= 8388608 THEN 200 ELSE 507 END AS status,
	CASE WHEN size <= 8388608 THEN value ELSE jsonb_build_object('error', jsonb_build_object(
		'code', 'too_much', 'sqlstate', NULL, 'message', 'The output is larger than 8 MB.', 'detail', NULL,
		'hint', (SELECT format('psql -XAtq -d %s -U %s -c %s > output.json', VARIADIC array_agg(
				-- a word of the shell, whatever is in it
				'''' || replace(w.word, '''', '''\''''') || '''' ORDER BY w.n))
			FROM unnest(ARRAY[current_database()::text, session_user::text,
				format('SELECT output FROM %s.wf_trace($$%s$$) WHERE step = %s',
					$q$@wf@$q$, ($1->>'id')::uuid, ($1->>'n')::int)])
				WITH ORDINALITY w (word, n))))::text END AS body
FROM (SELECT t.output::text, octet_length(t.output::text)
	FROM @wf@.wf_trace(($1->>'id')::uuid) t
	WHERE t.step = ($1->>'n')::int AND t.output IS NOT NULL) t (value, size);
