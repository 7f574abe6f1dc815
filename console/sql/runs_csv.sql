-- Runs as a file for a spreadsheet, newest first, the first 10,000 of what runs.sql
-- has for the same filter.
-- $2: filter (that of runs.sql), and what the page calls things: headings and words
-- (objects), more (the last line, if there are more), zone (of the times)
WITH asked AS (
	SELECT nullif(btrim(f->>'q'), '') AS q,
		(f->>'tenant')::uuid AS tenant,
		(f->>'workflow')::uuid AS workflow,
		CASE jsonb_typeof(f->'status') WHEN 'array'
			THEN nullif(ARRAY(SELECT jsonb_array_elements_text(f->'status')), '{}') END AS statuses,
		(f->>'since')::timestamptz AS since,
		(f->>'until')::timestamptz AS until,
		f->>'step' AS step,
		f->>'error_class' AS error_class,
		(f->>'before')::uuid AS before,
		coalesce($2->>'zone', 'UTC') AS zone,
		ARRAY['run', 'workflow', 'version', 'tenant', 'status', 'queued_at', 'started_at',
			'completed_at', 'step', 'attempt', 'error', 'id'] AS columns
	FROM (SELECT $2->'filter') x (f)
), found AS MATERIALIZED (
	-- one of the two is called, as in runs.sql
	SELECT r.* FROM asked a, LATERAL @wf@.wf_search(a.q, a.tenant, a.before, 10000) r
	WHERE a.q IS NOT NULL
	UNION ALL
	SELECT r.* FROM asked a, LATERAL @wf@.wf_runs(NULL, a.tenant, a.workflow, a.statuses,
		a.since, a.until, a.step, a.error_class, a.before, 10000) r
	WHERE a.q IS NULL
), last AS MATERIALIZED (
	SELECT f.run_id FROM found f ORDER BY f.run_id DESC OFFSET 9999 LIMIT 1
), line (n, cells) AS (
	SELECT 0, ARRAY(SELECT coalesce($2->'headings'->>c.name, c.name)
		FROM unnest(a.columns) WITH ORDINALITY c (name, n) ORDER BY c.n)
	FROM asked a
	UNION ALL
	SELECT row_number() OVER (ORDER BY f.run_id DESC), ARRAY[
		coalesce(nullif(f.title, ''), f.payload_head), f.workflow_name, f.version::text,
		coalesce(t.name, f.tenant_id::text),
		coalesce($2->'words'->>f.status, f.status),
		to_char(f.queued_at AT TIME ZONE a.zone, 'YYYY-MM-DD HH24:MI:SS'),
		to_char(f.started_at AT TIME ZONE a.zone, 'YYYY-MM-DD HH24:MI:SS'),
		to_char(f.completed_at AT TIME ZONE a.zone, 'YYYY-MM-DD HH24:MI:SS'),
		f.step_name, f.attempt::text, left(f.error_message, 500), f.run_id::text]
	FROM asked a CROSS JOIN found f
	LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = f.tenant_id
	WHERE a.q IS NULL
		OR (a.workflow IS NULL OR f.definition_id = a.workflow)
		AND (a.statuses IS NULL OR f.status = ANY (a.statuses))
		AND (a.since IS NULL OR f.run_id >= @wf@.wf_run_id_floor(a.since))
		AND (a.until IS NULL OR f.run_id < @wf@.wf_run_id_floor(a.until))
		AND (a.step IS NULL OR f.status = 'failed' AND f.step_name = a.step)
		AND (a.error_class IS NULL OR f.status = 'failed' AND f.error_class = a.error_class)
	UNION ALL
	SELECT 10001, ARRAY[coalesce($2->>'more', 'There are more: only the first 10,000 are in this file.')]
	FROM asked a, last l
	WHERE CASE WHEN a.q IS NULL
		THEN EXISTS (SELECT FROM @wf@.wf_runs(NULL, a.tenant, a.workflow, a.statuses,
			a.since, a.until, a.step, a.error_class, l.run_id, 1))
		ELSE EXISTS (SELECT FROM @wf@.wf_search(a.q, a.tenant, l.run_id, 1)) END
)
-- A cell that a spreadsheet would take for a formula gets an apostrophe: at its
-- beginning, and after what a program may take for the end of a cell.
SELECT 200 AS status, string_agg((
		SELECT string_agg(coalesce('"' || replace(regexp_replace(regexp_replace(c.cell,
				'[;\t\r\n]"*(?=[-=+@\uFF0B\uFF0D\uFF1D\uFF20])', '\&''', 'g'),
				'^(?=[-=+@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20])', ''''), '"', '""') || '"', ''), ',' ORDER BY c.n)
		FROM unnest(l.cells) WITH ORDINALITY c (cell, n)) || E'\r\n', '' ORDER BY l.n) AS body
FROM line l;
