-- All, a tenant or a workflow.  No row: there is no such workflow.
-- $2: tenant, workflow (a definition's id), reason
WITH asked AS MATERIALIZED (
	SELECT ($2->>'tenant')::uuid AS tenant, NULL AS name
	WHERE $2->>'workflow' IS NULL
	UNION ALL
	SELECT d.tenant_id, d.name FROM @wf@.workflow_definitions d
	WHERE d.id = ($2->>'workflow')::uuid
), done AS MATERIALIZED (
	SELECT a.tenant, a.name, @wf@.wf_resume(a.tenant, a.name, $2->>'reason')::text AS done
	FROM asked a
)
SELECT 200 AS status, jsonb_build_object('now', now(), 'tenant', d.tenant,
	'workflow_name', d.name)::text AS body
FROM done d;
