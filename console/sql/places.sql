-- What came in with a copy of the database: of each place the runs and schedules that
-- have not ended, and the workflows that have most of them, each part by its index.  The
-- place is text, since programs cut long numbers short.
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'places', coalesce(jsonb_agg(jsonb_build_object(
		'place', p.place::text, 'runs', p.runs, 'oldest', p.oldest, 'accepted', p.accepted,
		'schedules', (SELECT count(*) FROM @wf@.workflow_schedules s
			WHERE s.place = p.place OR (p.place = 0 AND s.place IS NULL)),
		'workflows', (SELECT coalesce(jsonb_agg(jsonb_build_object('definition_id', w.id,
				'workflow_name', w.name, 'tenant_name', t.name, 'runs', w.runs)
				ORDER BY w.runs DESC, w.name, w.id), '[]')
			FROM (SELECT d.id, d.name, d.tenant_id, r.runs
				FROM (SELECT r.definition_id, count(*) AS runs
					FROM (SELECT r.definition_id FROM @wf@.workflow_runs r
						WHERE r.place = p.place AND r.status IN ('queued', 'waiting')
							AND r.run_at <= r.queued_at
						UNION ALL
						SELECT r.definition_id FROM @wf@.workflow_runs r
						WHERE r.place = p.place AND r.status IN ('queued', 'waiting')
							AND r.run_at > r.queued_at AND r.run_at < 'infinity'
						UNION ALL
						SELECT r.definition_id FROM @wf@.workflow_runs r
						WHERE r.place = p.place AND r.status IN ('queued', 'waiting')
							AND r.run_at > r.queued_at AND r.run_at = 'infinity'
						UNION ALL
						SELECT r.definition_id FROM @wf@.workflow_runs r
						WHERE r.place = p.place AND r.status = 'running'
						LIMIT 10001) r
					GROUP BY r.definition_id) r
				JOIN @wf@.workflow_definitions d ON d.id = r.definition_id
				ORDER BY r.runs DESC, d.name, d.id LIMIT 20) w
			LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = w.tenant_id))
		ORDER BY p.accepted, p.runs DESC, p.place), '[]'))::text AS body
FROM @wf@.wf_places() p;
