-- What a run would do, on the payload of a run or on one that is given; nothing is
-- executed.  What users have written travels as text, 64 kB of each value.
-- $2: definition (JSON as text), tenant, run_id or payload (JSON as text)
WITH asked AS (
	SELECT ($2->>'definition')::jsonb AS definition, ($2->>'tenant')::uuid AS tenant,
		($2->>'run_id')::uuid AS run_id, ($2->>'payload')::jsonb AS payload
), step AS (
	SELECT p.* FROM asked a, LATERAL @wf@.wf_preview_run(a.run_id, a.definition, NULL, false) p
	WHERE a.run_id IS NOT NULL
	UNION ALL
	SELECT p.* FROM asked a, LATERAL @wf@.wf_preview(a.definition, a.payload, a.tenant, NULL, false) p
	WHERE a.run_id IS NULL
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'steps', (SELECT coalesce(jsonb_agg(to_jsonb(s) || (SELECT jsonb_object_agg(v.key,
			CASE WHEN v.value <> 'null' THEN jsonb_build_object('text', left(v.value::text, 65536),
				'size', octet_length(v.value::text), 'truncated', length(v.value::text) > 65536) END)
		FROM jsonb_each(jsonb_build_object('input', s.input, 'output', s.output,
			'request', s.request, 'changes', s.changes)) v) ORDER BY s.step), '[]')
		FROM step s))::text AS body;
