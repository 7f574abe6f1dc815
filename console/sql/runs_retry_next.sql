-- The next runs of a filter, the oldest first, are retried.  A run that fails
-- again is not taken twice, since the next call goes on after the last id.
-- $2: filter (as of runs/count), after, limit, on_version
WITH asked AS MATERIALIZED (
	SELECT (f->>'tenant')::uuid AS tenant, (f->>'workflow')::uuid AS workflow,
		f->>'status' AS status, (f->>'since')::timestamptz AS since,
		(f->>'until')::timestamptz AS until, f->>'step' AS step,
		f->>'error_class' AS error_class, ($2->>'after')::uuid AS after,
		least(greatest(coalesce(($2->>'limit')::int, 500), 1), 500) AS most
	FROM (SELECT coalesce($2->'filter', '{}')) f (f)
), before AS MATERIALIZED (
	SELECT a.*, @wf@.wf_count_runs(a.tenant, NULL, coalesce(a.status, 'failed'), a.since, a.workflow,
		a.until, a.step, a.error_class, a.after) AS count
	FROM asked a
), done AS MATERIALIZED (
	SELECT b.count, b.most, array_agg(r ORDER BY r) FILTER (WHERE r IS NOT NULL) AS ids
	FROM before b LEFT JOIN LATERAL @wf@.wf_retry_runs(b.tenant, NULL, b.status, b.since, b.workflow, b.until,
		b.step, b.error_class, b.after, least(b.most, b.count + 500),
		coalesce($2->>'on_version', 'own')) r ON true
	GROUP BY b.count, b.most
), total AS MATERIALIZED (
	SELECT d.count, coalesce(cardinality(d.ids), 0) AS done,
		CASE WHEN cardinality(d.ids) = d.most THEN d.ids[d.most] END AS next
	FROM done d
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(), 'done', t.done, 'next', t.next,
	-- what the filter chose and could not be retried; so many are not counted
	'skipped', CASE WHEN t.count < 10000 THEN greatest(t.count - t.done - CASE
		WHEN t.next IS NULL THEN 0
		ELSE @wf@.wf_count_runs(a.tenant, NULL, coalesce(a.status, 'failed'), a.since, a.workflow,
			a.until, a.step, a.error_class, t.next) END, 0) END)::text AS body
FROM total t, asked a;
