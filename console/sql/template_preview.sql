-- What a mail becomes, on the event of a run with what its steps have returned, or on
-- a payload.  The third column is the HTML, which the program keeps for a minute: the
-- page shows it in a frame of its own.  No row: there is no such run.
-- $2: subject, body, html, run (an id) or payload (JSON as text), dir (rtl or ltr: of the HTML)
WITH context AS (
	SELECT jsonb_build_object(
		'trigger', r.trigger_payload,
		'steps', (SELECT coalesce(jsonb_object_agg(s.step->>'step_name', jsonb_build_object(
				'status', s.step->'status', 'output', s.step->'output', 'error', s.step->'error')), '{}')
			FROM jsonb_array_elements(r.step_results) s (step)),
		'run', jsonb_build_object('id', r.id, 'queued_at', r.queued_at, 'attempt', r.attempt),
		'workflow', jsonb_build_object('id', d.id, 'name', d.name, 'version', r.definition_version),
		'tenant', jsonb_build_object('id', r.tenant_id)) AS context
	FROM @wf@.workflow_runs r JOIN @wf@.workflow_definitions d ON d.id = r.definition_id
	WHERE r.id = ($2->>'run')::uuid
	UNION ALL
	SELECT jsonb_build_object('trigger', coalesce(($2->>'payload')::jsonb, '{}'))
	WHERE $2->>'run' IS NULL
)
SELECT 200 AS status, jsonb_build_object('now', now(), 'subject', left(m.subject, 10000),
	'body', left(m.body, 1000000), 'html', m.html IS NOT NULL, 'problems', m.problems)::text AS body,
	'<!doctype html>' || CASE $2->>'dir' WHEN 'rtl' THEN '<html dir="rtl">'
		WHEN 'ltr' THEN '<html dir="ltr">' ELSE '' END
		|| '<meta charset="utf-8"><style>a, area, button { pointer-events: none }</style>' || m.html AS html
FROM context c, @wf@.wf_render(nullif($2->>'subject', ''), nullif($2->>'body', ''),
	nullif($2->>'html', ''), c.context) m;
