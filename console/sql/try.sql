-- A trial: steps in the database are executed, by the role that the workflow works
-- with, in a process of its own, and rolled back; nothing is sent.
-- $2: definition (JSON as text), tenant, run_as, run_id or payload (JSON as text)
WITH asked AS MATERIALIZED (
	SELECT ($2->>'definition')::jsonb AS definition, ($2->>'tenant')::uuid AS tenant,
		($2->>'run_id')::uuid AS run_id, ($2->>'payload')::jsonb AS payload,
		quote_ident($2->>'run_as')::regrole AS run_as,
		-- nobody who works waits for a trial
		set_config('lock_timeout', '200ms', true) AS lock_timeout
), step AS (
	SELECT p.* FROM asked a, LATERAL @wf@.wf_preview_run(a.run_id, a.definition, a.run_as, true) p
	WHERE a.run_id IS NOT NULL AND a.lock_timeout IS NOT NULL
	UNION ALL
	SELECT p.* FROM asked a, LATERAL @wf@.wf_preview(a.definition, a.payload, a.tenant, a.run_as, true) p
	WHERE a.run_id IS NULL AND a.lock_timeout IS NOT NULL
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'steps', (SELECT coalesce(jsonb_agg(to_jsonb(s) || (SELECT jsonb_object_agg(v.key,
			CASE WHEN v.value <> 'null' THEN jsonb_build_object('text', left(v.value::text, 65536),
				'size', octet_length(v.value::text), 'truncated', length(v.value::text) > 65536) END)
		FROM jsonb_each(jsonb_build_object('input', s.input, 'output', s.output,
			'request', s.request, 'changes', s.changes)) v) ORDER BY s.step), '[]')
		FROM step s))::text AS body;
