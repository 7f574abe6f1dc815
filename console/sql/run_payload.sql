-- The payload of a run, whole.  The row is found by its primary key, under row
-- security.  Of one that is too large the hint is a line for the shell
-- that puts it into a file: by the same role, whose settings say to which tenant it is
-- bound; psql -A writes a value as it is.  $1: id
SELECT CASE WHEN size <= 8388608 THEN 200 ELSE 507 END AS status,
	CASE WHEN size <= 8388608 THEN value ELSE jsonb_build_object('error', jsonb_build_object(
		'code', 'too_much', 'sqlstate', NULL, 'message', 'The payload is larger than 8 MB.', 'detail', NULL,
		'hint', (SELECT format('psql -XAtq -d %s -U %s -c %s > payload.json', VARIADIC array_agg(
				-- a word of the shell, whatever is in it
				'''' || replace(w.word, '''', '''\''''') || '''' ORDER BY w.n))
			FROM unnest(ARRAY[current_database()::text, session_user::text,
				format('SELECT trigger_payload FROM %s.workflow_runs WHERE id = $$%s$$',
					$q$@wf@$q$, ($1->>'id')::uuid)])
				WITH ORDINALITY w (word, n))))::text END AS body
FROM (SELECT r.trigger_payload::text, octet_length(r.trigger_payload::text)
	FROM @wf@.workflow_runs r WHERE r.id = ($1->>'id')::uuid) r (value, size);
