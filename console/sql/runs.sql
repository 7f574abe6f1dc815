-- A page of runs, newest first: what a search finds, or what a filter does.
-- $2: q, tenant, workflow (a definition's id), status (an array), since, until,
-- step, error_class, before, limit
WITH asked AS (
	SELECT nullif(btrim($2->>'q'), '') AS q,
		($2->>'tenant')::uuid AS tenant,
		($2->>'workflow')::uuid AS workflow,
		CASE jsonb_typeof($2->'status') WHEN 'array'
			THEN nullif(ARRAY(SELECT jsonb_array_elements_text($2->'status')), '{}') END AS statuses,
		($2->>'since')::timestamptz AS since,
		($2->>'until')::timestamptz AS until,
		$2->>'step' AS step,
		$2->>'error_class' AS error_class,
		($2->>'before')::uuid AS before,
		least(greatest(coalesce(($2->>'limit')::int, 50), 1), 50) AS most
), found AS MATERIALIZED (
	-- One of the two is called, by whether there is something to search for.
	-- A search knows no other filter: what it finds is looked through.
	SELECT r.* FROM asked a, LATERAL @wf@.wf_search(a.q, a.tenant, a.before, 1000) r
	WHERE a.q IS NOT NULL
	UNION ALL
	SELECT r.* FROM asked a, LATERAL @wf@.wf_runs(NULL, a.tenant, a.workflow, a.statuses,
		a.since, a.until, a.step, a.error_class, a.before, a.most + 1) r
	WHERE a.q IS NULL
), wanted AS (
	SELECT f.*, row_number() OVER (ORDER BY f.run_id DESC) AS place
	FROM found f, asked a
	WHERE a.q IS NULL
		OR (a.workflow IS NULL OR f.definition_id = a.workflow)
		AND (a.statuses IS NULL OR f.status = ANY (a.statuses))
		AND (a.since IS NULL OR f.run_id >= @wf@.wf_run_id_floor(a.since))
		AND (a.until IS NULL OR f.run_id < @wf@.wf_run_id_floor(a.until))
		AND (a.step IS NULL OR f.status = 'failed' AND f.step_name = a.step)
		AND (a.error_class IS NULL OR f.status = 'failed' AND f.error_class = a.error_class)
), page AS (
	SELECT w.* FROM wanted w, asked a WHERE w.place <= a.most
)
-- json, not jsonb, which sorts the keys of every row
SELECT 200 AS status, json_build_object(
	'now', now(),
	'next', CASE
		WHEN (SELECT count(*) FROM wanted) > a.most THEN (SELECT p.run_id FROM page p ORDER BY p.place DESC LIMIT 1)
		-- there may be more than the search has looked for
		WHEN a.q IS NOT NULL AND (SELECT count(*) FROM found) = 1000
			THEN (SELECT f.run_id FROM found f ORDER BY f.run_id LIMIT 1)
		END,
	-- where a search that found nothing has looked: at these, and at what the newest events have
	'searched', CASE WHEN a.q IS NOT NULL AND NOT EXISTS (SELECT FROM found) THEN (
		SELECT coalesce(json_agg(s.path ORDER BY s.path), '[]') FROM (
			SELECT DISTINCT k.key->>'path' AS path
			FROM @wf@.workflow_definitions d, jsonb_array_elements(CASE jsonb_typeof(d.definition->'search')
				WHEN 'array' THEN d.definition->'search' END) k (key)
			WHERE a.tenant IS NULL OR d.tenant_id = a.tenant
			ORDER BY path LIMIT 20) s) END,
	'runs', (SELECT coalesce(json_agg(r), '[]') FROM (
		SELECT p.run_id, p.tenant_id, t.name AS tenant_name, p.definition_id, p.workflow_name,
			p.version, p.status, p.title, p.payload_head, p.queued_at,
			CASE WHEN isfinite(p.run_at) THEN p.run_at END AS run_at, p.started_at, p.completed_at,
			p.step_name, p.step, p.steps_total, p.attempt, q.priority,
			left(p.error_message, 500) AS error_message, p.error_class
		FROM page p LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = p.tenant_id
			LEFT JOIN @wf@.workflow_runs q ON q.id = p.run_id
		ORDER BY p.place) r))::text AS body
FROM asked a;
