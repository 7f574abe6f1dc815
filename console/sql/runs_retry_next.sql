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
), done AS MATERIALIZED (
	SELECT array_agg(r ORDER BY r) FILTER (WHERE r IS NOT NULL) AS ids
	FROM asked a LEFT JOIN LATERAL @wf@.wf_retry_runs(a.tenant, NULL, a.status, a.since, a.workflow, a.until,
		a.step, a.error_class, a.after, a.most, coalesce($2->>'on_version', 'own')) r ON true
), total AS MATERIALIZED (
	SELECT coalesce(cardinality(d.ids), 0) AS done,
		CASE WHEN cardinality(d.ids) = a.most THEN d.ids[a.most] END AS next
	FROM done d, asked a
), edge AS MATERIALIZED (
	-- an id begins with its time: what was looked at ends with that millisecond
	SELECT t.done, t.next, least(a.until, timestamptz 'epoch' + interval '1 millisecond' *
		(('x' || left(replace(t.next::text, '-', ''), 12))::bit(48)::bigint + 1)) AS until
	FROM total t, asked a
), counted AS (
	-- what was retried is not of the filter any more: who still is, up to the edge, and of
	-- these who comes after the last one
	SELECT e.done, e.next, @wf@.wf_count_runs(a.tenant, NULL, coalesce(a.status, 'failed'), a.since, a.workflow,
			e.until, a.step, a.error_class, a.after) AS still,
		CASE WHEN e.next IS NULL THEN 0
			ELSE @wf@.wf_count_runs(a.tenant, NULL, coalesce(a.status, 'failed'), a.since, a.workflow,
				e.until, a.step, a.error_class, e.next) END AS later
	FROM edge e, asked a
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(), 'done', c.done, 'next', c.next,
	-- what the filter chose and could not be retried; so many are not counted
	'skipped', CASE WHEN c.still < 10000 THEN greatest(c.still - c.later, 0) END)::text AS body
FROM counted c;
