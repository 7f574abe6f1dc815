-- What was saved, newest first, 500 at most, and how many runs of each have begun
-- and not ended (found by index; of all versions together 10,001 are counted).
-- No row: there is no such workflow.  $1: id, before (a version)
WITH under_way AS (
	SELECT o.definition_version AS version, count(*) AS runs
	FROM (SELECT r.definition_version FROM @wf@.workflow_runs r
		WHERE r.status IN ('running', 'waiting') AND r.definition_id = ($1->>'id')::uuid
		LIMIT 10001) o
	GROUP BY o.definition_version
), page AS (
	SELECT v.version, v.created_at, v.created_by, v.note, v.run_as::text AS run_as
	FROM @wf@.workflow_definition_versions v
	WHERE v.definition_id = ($1->>'id')::uuid
	AND v.version < coalesce(($1->>'before')::int, 2147483647)
	ORDER BY v.version DESC LIMIT 501
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(), 'version', d.version,
	'versions', (SELECT coalesce(jsonb_agg(jsonb_build_object('version', p.version,
			'saved_at', p.created_at, 'saved_by', p.created_by, 'note', p.note,
			'run_as', p.run_as, 'under_way', coalesce(u.runs, 0)) ORDER BY p.version DESC), '[]')
		FROM (SELECT * FROM page ORDER BY version DESC LIMIT 500) p
		LEFT JOIN under_way u ON u.version = p.version),
	'next', CASE WHEN (SELECT count(*) FROM page) = 501
		THEN (SELECT min(version) + 1 FROM page) END)::text AS body
FROM @wf@.workflow_definitions d
WHERE d.id = ($1->>'id')::uuid;
