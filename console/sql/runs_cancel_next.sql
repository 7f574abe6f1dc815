-- The next runs of a filter, the oldest first, are cancelled.
-- $2: filter (as of runs/count; without a status all that have not ended), after, limit
WITH asked AS MATERIALIZED (
	SELECT (f->>'tenant')::uuid AS tenant, (f->>'workflow')::uuid AS workflow,
		f->>'status' AS status, (f->>'since')::timestamptz AS since,
		(f->>'until')::timestamptz AS until, f->>'step' AS step,
		f->>'error_class' AS error_class, ($2->>'after')::uuid AS after,
		least(greatest(coalesce(($2->>'limit')::int, 500), 1), 500) AS most
	FROM (SELECT coalesce($2->'filter', '{}')) f (f)
), done AS MATERIALIZED (
	SELECT array_agg(r ORDER BY r) FILTER (WHERE r IS NOT NULL) AS ids
	FROM asked a LEFT JOIN LATERAL @wf@.wf_cancel_runs(a.tenant, NULL, a.status, a.since, a.workflow,
		a.until, a.step, a.error_class, a.after, a.most) r ON true
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(), 'done', coalesce(cardinality(d.ids), 0),
	'next', CASE WHEN cardinality(d.ids) = a.most THEN d.ids[a.most] END)::text AS body
FROM done d, asked a;
