-- Who did what by hand as a file for a spreadsheet, newest first, the first 10,000.
-- $2: filter (before, tenant, who, what), headings, words, more, zone (as of runs_csv.sql)
WITH asked AS (
	SELECT ($2->'filter'->>'tenant')::uuid AS tenant,
		($2->'filter'->>'before')::uuid AS before,
		coalesce($2->>'zone', 'UTC') AS zone,
		ARRAY['at', 'who', 'what', 'workflow', 'tenant', 'detail', 'run'] AS columns
), found AS MATERIALIZED (
	SELECT o.* FROM asked a, @wf@.workflow_operations o
	WHERE (a.before IS NULL OR o.id < a.before) AND (a.tenant IS NULL OR o.tenant_id = a.tenant)
		AND ($2->'filter'->>'who' IS NULL OR o.who = $2->'filter'->>'who')
		AND ($2->'filter'->>'what' IS NULL OR o.what = $2->'filter'->>'what')
	ORDER BY o.id DESC LIMIT 10001
), line (n, cells) AS (
	SELECT 0, ARRAY(SELECT coalesce($2->'headings'->>c.name, c.name)
		FROM unnest(a.columns) WITH ORDINALITY c (name, n) ORDER BY c.n)
	FROM asked a
	UNION ALL
	SELECT row_number() OVER (ORDER BY f.id DESC), ARRAY[
		to_char(f.at AT TIME ZONE a.zone, 'YYYY-MM-DD HH24:MI:SS'), f.who::text,
		coalesce($2->'words'->>f.what, f.what), d.name, coalesce(t.name, f.tenant_id::text),
		(f.detail - 'run_ids')::text, f.run_id::text]
	FROM asked a CROSS JOIN (SELECT * FROM found ORDER BY id DESC LIMIT 10000) f
	LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = f.tenant_id
	LEFT JOIN @wf@.workflow_definitions d ON d.id = f.definition_id
	UNION ALL
	SELECT 10001, ARRAY[coalesce($2->>'more', 'There are more: only the first 10,000 are in this file.')]
	WHERE (SELECT count(*) FROM found) > 10000
)
-- which cells get an apostrophe: see runs_csv.sql
SELECT 200 AS status, string_agg((
		SELECT string_agg(coalesce('"' || replace(regexp_replace(regexp_replace(c.cell,
				'[;\t\r\n]"*(?=[-=+@\uFF0B\uFF0D\uFF1D\uFF20])', '\&''', 'g'),
				'^(?=[-=+@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20])', ''''), '"', '""') || '"', ''), ',' ORDER BY c.n)
		FROM unnest(l.cells) WITH ORDINALITY c (cell, n)) || E'\r\n', '' ORDER BY l.n) AS body
FROM line l;
