-- Each of these runs, 500 at most, and what came of it.  $2: ids
WITH asked AS MATERIALIZED (
	SELECT CASE jsonb_typeof($2->'ids') WHEN 'array'
		THEN ARRAY(SELECT jsonb_array_elements_text($2->'ids'))::uuid[] END AS ids
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'outcomes', coalesce(jsonb_agg(jsonb_build_object('id', r.run_id, 'outcome', r.outcome)
		ORDER BY r.run_id), '[]'))::text AS body
FROM asked a, LATERAL @wf@.wf_cancel_many(a.ids) r
WHERE coalesce(cardinality(a.ids), 0) <= 500
HAVING coalesce((SELECT cardinality(ids) FROM asked), 0) <= 500
UNION ALL
SELECT 422, jsonb_build_object('error', jsonb_build_object('code', 'invalid', 'sqlstate', NULL,
	'message', 'More than 500 runs at once.', 'detail', NULL, 'hint', NULL))::text
FROM asked a
WHERE cardinality(a.ids) > 500;
