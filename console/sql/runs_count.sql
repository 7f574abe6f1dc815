-- How many runs a filter chooses, up to 10,000, and how many of them were fired
-- over an hour ago.
-- $2: filter: tenant, workflow (a definition's id), status, since, until, step,
-- error_class
WITH asked AS (
	SELECT (f->>'tenant')::uuid AS tenant, (f->>'workflow')::uuid AS workflow,
		f->>'status' AS status, (f->>'since')::timestamptz AS since,
		(f->>'until')::timestamptz AS until, f->>'step' AS step,
		f->>'error_class' AS error_class
	FROM (SELECT coalesce($2->'filter', '{}')) f (f)
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'count', c.count,
	'capped', c.count >= 10000,
	'older', @wf@.wf_count_runs(a.tenant, NULL, a.status, a.since, a.workflow,
		least(a.until, now() - interval '1 hour'), a.step, a.error_class))::text AS body
FROM asked a, LATERAL @wf@.wf_count_runs(a.tenant, NULL, a.status, a.since, a.workflow,
	a.until, a.step, a.error_class) c (count);
