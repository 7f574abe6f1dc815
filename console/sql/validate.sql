-- Every problem of a definition; of one that fires by itself and has no error there also
-- the next five times of each of its schedules, in their order.
-- $2: definition (JSON as text), tenant
WITH asked AS MATERIALIZED (
	SELECT ($2->>'definition')::jsonb AS definition
), problem AS MATERIALIZED (
	SELECT p.* FROM asked a, @wf@.wf_validate(a.definition, ($2->>'tenant')::uuid)
		WITH ORDINALITY p (path, severity, message, hint, code, args, pos, place)
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'problems', (SELECT coalesce(jsonb_agg(to_jsonb(p) - 'place' ORDER BY p.place), '[]') FROM problem p),
	'times', CASE WHEN jsonb_typeof(a.definition) = 'object' AND a.definition ? 'schedule'
			AND NOT EXISTS (SELECT FROM problem p WHERE p.severity = 'error' AND p.path ~ '^schedule($|[.[])')
		THEN (SELECT coalesce(jsonb_agg((SELECT coalesce(jsonb_agg(x.at ORDER BY x.at), '[]')
				FROM @wf@.wf_schedule_times(e.one, 5) x) ORDER BY e.n), '[]')
			FROM jsonb_array_elements(CASE jsonb_typeof(a.definition->'schedule') WHEN 'array'
				THEN a.definition->'schedule' ELSE jsonb_build_array(a.definition->'schedule') END)
				WITH ORDINALITY e (one, n)) END)::text AS body
FROM asked a;
