-- The workflows, and what they do, as a file for a spreadsheet: the first 5,000.
-- $2: filter (tenant, ids), headings, words, more, zone (as of runs_csv.sql)
WITH asked AS (
	SELECT ($2->'filter'->>'tenant')::uuid AS tenant,
		CASE jsonb_typeof($2->'filter'->'ids') WHEN 'array'
			THEN ARRAY(SELECT jsonb_array_elements_text($2->'filter'->'ids')::uuid) END AS ids,
		coalesce($2->>'zone', 'UTC') AS zone,
		ARRAY['workflow', 'event', 'tenant', 'state', 'version', 'steps', 'queued', 'running',
			'waiting', 'completed_1h', 'failed_1h', 'updated_at', 'updated_by', 'run_as', 'id'] AS columns
), found AS MATERIALIZED (
	SELECT d.* FROM asked a, @wf@.workflow_definitions d
	WHERE (a.tenant IS NULL OR d.tenant_id = a.tenant)
		AND (a.ids IS NULL OR d.id = ANY (a.ids))
	ORDER BY d.name, d.id LIMIT 5001
), line (n, cells) AS (
	SELECT 0, ARRAY(SELECT coalesce($2->'headings'->>c.name, c.name)
		FROM unnest(a.columns) WITH ORDINALITY c (name, n) ORDER BY c.n)
	FROM asked a
	UNION ALL
	SELECT row_number() OVER (ORDER BY f.name, f.id), ARRAY[
		f.name, f.trigger_type, coalesce(t.name, f.tenant_id::text),
		coalesce($2->'words'->>w.state, w.state), f.version::text,
		jsonb_array_length(f.definition->'steps')::text,
		s.queued::text, s.running::text, s.waiting::text, s.completed_1h::text, s.failed_1h::text,
		to_char(f.updated_at AT TIME ZONE a.zone, 'YYYY-MM-DD HH24:MI:SS'),
		f.updated_by::text, f.run_as::text, f.id::text]
	FROM asked a CROSS JOIN (SELECT * FROM found ORDER BY name, id LIMIT 5000) f
	LEFT JOIN @wf@.workflow_stats s ON s.definition_id = f.id
	LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = f.tenant_id
	CROSS JOIN LATERAL (SELECT CASE WHEN s.paused THEN 'paused'
		WHEN f.is_active THEN 'on' ELSE 'off' END) w (state)
	UNION ALL
	SELECT 5001, ARRAY[coalesce($2->>'more', 'There are more: only the first 5,000 are in this file.')]
	WHERE (SELECT count(*) FROM found) > 5000
)
-- which cells get an apostrophe: see runs_csv.sql
SELECT 200 AS status, string_agg((
		SELECT string_agg(coalesce('"' || replace(regexp_replace(regexp_replace(c.cell,
				'[;\t\r\n]"*(?=[-=+@\uFF0B\uFF0D\uFF1D\uFF20])', '\&''', 'g'),
				'^(?=[-=+@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20])', ''''), '"', '""') || '"', ''), ',' ORDER BY c.n)
		FROM unnest(l.cells) WITH ORDINALITY c (cell, n)) || E'\r\n', '' ORDER BY l.n) AS body
FROM line l;
