-- What fails, in groups, as a file for a spreadsheet: the first 1,000.
-- $2: filter (that of failures.sql), headings, words, more, zone (as of runs_csv.sql)
WITH asked AS (
	SELECT ($2->'filter'->>'tenant')::uuid AS tenant,
		($2->'filter'->>'since')::timestamptz AS since,
		coalesce($2->>'zone', 'UTC') AS zone,
		ARRAY['workflow', 'tenant', 'step', 'error', 'count', 'first', 'last',
			'still_failing', 'newest_run'] AS columns
), found AS MATERIALIZED (
	SELECT f.* FROM asked a, LATERAL @wf@.wf_failures(a.tenant, a.since, 1000)
		WITH ORDINALITY f (definition_id, workflow_name, step, error_class, count, first, last,
			newest_run, still_failing, place)
), line (n, cells) AS (
	SELECT 0, ARRAY(SELECT coalesce($2->'headings'->>c.name, c.name)
		FROM unnest(a.columns) WITH ORDINALITY c (name, n) ORDER BY c.n)
	FROM asked a
	UNION ALL
	SELECT f.place, ARRAY[f.workflow_name, coalesce(t.name, d.tenant_id::text), f.step,
		f.error_class, f.count::text,
		to_char(f.first AT TIME ZONE a.zone, 'YYYY-MM-DD HH24:MI:SS'),
		to_char(f.last AT TIME ZONE a.zone, 'YYYY-MM-DD HH24:MI:SS'),
		coalesce($2->'words'->>(CASE WHEN f.still_failing THEN 'yes' ELSE 'no' END),
			CASE WHEN f.still_failing THEN 'yes' ELSE 'no' END),
		f.newest_run::text]
	FROM asked a CROSS JOIN found f
	LEFT JOIN @wf@.workflow_definitions d ON d.id = f.definition_id
	LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = d.tenant_id
	UNION ALL
	SELECT 1001, ARRAY[coalesce($2->>'more', 'There may be more: only the first 1,000 are in this file.')]
	WHERE (SELECT count(*) FROM found) = 1000
)
-- which cells get an apostrophe: see runs_csv.sql
SELECT 200 AS status, string_agg((
		SELECT string_agg(coalesce('"' || replace(regexp_replace(regexp_replace(c.cell,
				'[;\t\r\n]"*(?=[-=+@\uFF0B\uFF0D\uFF1D\uFF20])', '\&''', 'g'),
				'^(?=[-=+@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20])', ''''), '"', '""') || '"', ''), ',' ORDER BY c.n)
		FROM unnest(l.cells) WITH ORDINALITY c (cell, n)) || E'\r\n', '' ORDER BY l.n) AS body
FROM line l;
