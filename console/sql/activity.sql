-- What the runs of the last 60 minutes have come to, by the minute in which they were
-- fired: of each workflow as many as its share of 20,000.  If one has had more, all that
-- was before "from" is less than it was.  $1: tenant
WITH d AS MATERIALIZED (
	SELECT d.id FROM @wf@.workflow_definitions d
	WHERE $1->>'tenant' IS NULL OR d.tenant_id = ($1->>'tenant')::uuid
), share AS MATERIALIZED (
	SELECT greatest(50, 20000 / greatest(count(*), 1)) AS most,
		@wf@.wf_run_id_floor(now() - interval '60 minutes') AS since
	FROM d
), seen AS MATERIALIZED (
	SELECT r.status, r.queued_at, r.place = s.most AS is_last
	FROM share s, d, LATERAL (
		SELECT q.status, q.queued_at, row_number() OVER (ORDER BY q.id DESC) AS place
		FROM @wf@.workflow_runs q
		WHERE q.definition_id = d.id AND q.id >= s.since
		ORDER BY q.id DESC LIMIT s.most) r
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'from', (SELECT max(s.queued_at) FROM seen s WHERE s.is_last),
	'minutes', (SELECT coalesce(jsonb_agg(to_jsonb(m) ORDER BY m.ago), '[]') FROM (
		SELECT greatest(0, floor(extract(epoch FROM now() - s.queued_at) / 60))::int AS ago,
			count(*) FILTER (WHERE s.status = 'completed') AS completed,
			count(*) FILTER (WHERE s.status = 'failed') AS failed,
			count(*) FILTER (WHERE s.status NOT IN ('completed', 'failed')) AS other
		FROM seen s
		WHERE s.queued_at > now() - interval '60 minutes'
		GROUP BY 1) m))::text AS body;
