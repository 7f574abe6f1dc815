-- The name of a tenant; without one the tenant is shown by its id again.
-- $1: id.  $2: name
WITH asked AS (
	SELECT ($1->>'id')::uuid AS id, nullif(btrim($2->>'name'), '') AS name
), saved AS (
	INSERT INTO @wf@.workflow_tenants (tenant_id, name)
	SELECT id, name FROM asked WHERE name IS NOT NULL
	ON CONFLICT (tenant_id) DO UPDATE SET name = excluded.name
	RETURNING tenant_id, name
), forgotten AS (
	DELETE FROM @wf@.workflow_tenants t USING asked a
	WHERE t.tenant_id = a.id AND a.name IS NULL
	RETURNING t.tenant_id
)
SELECT 200 AS status, jsonb_build_object('now', now(), 'id', a.id,
	'name', (SELECT s.name FROM saved s))::text AS body
FROM asked a, (SELECT count(*) FROM forgotten) f;
