-- Who is signed in, and what may be done.
-- $1: console, languages (with commas between them), tenant_label
-- (en:branch/branches,ar:...)
WITH extension AS (
	SELECT extnamespace AS schema, extversion AS version
	FROM pg_extension WHERE extname = 'workflow_engine'
), capability (name, function) AS (
	VALUES ('view', 'wf_runs'), ('operate', 'wf_retry'),
		('admin', 'wf_register_action'), ('fire', 'wf_fire')
), tenant AS (
	SELECT tenant_id, name FROM @wf@.workflow_tenants
	UNION ALL
	SELECT DISTINCT d.tenant_id, NULL FROM @wf@.workflow_definitions d
	WHERE NOT EXISTS (SELECT FROM @wf@.workflow_tenants t WHERE t.tenant_id = d.tenant_id)
), page AS MATERIALIZED (
	SELECT t.*, row_number() OVER (ORDER BY t.name NULLS LAST, t.tenant_id) AS n
	FROM tenant t ORDER BY n LIMIT 51
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'role', session_user,
	'capabilities', (SELECT jsonb_object_agg(c.name, EXISTS (SELECT FROM pg_proc p, extension
			WHERE p.pronamespace = schema AND p.proname = c.function
			AND has_function_privilege(p.oid, 'EXECUTE')))
		FROM capability c),
	'bound', CASE b.tenant WHEN '' THEN 'all' WHEN 'none' THEN 'none' ELSE 'one' END,
	'tenant', CASE WHEN b.tenant NOT IN ('', 'none') THEN b.tenant END,
	'tenants', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', t.tenant_id, 'name', t.name)
			ORDER BY t.n), '[]')
		FROM page t WHERE t.n <= 50),
	'more_tenants', (SELECT count(*) > 50 FROM page),
	'run_as', (SELECT coalesce(jsonb_agg(r ORDER BY r.is_default DESC, r.role), '[]')
		FROM @wf@.wf_run_as_roles() r),
	'versions', jsonb_build_object('console', $1->>'console',
		'extension', (SELECT version FROM extension),
		'server', split_part(current_setting('server_version'), ' ', 1)),
	'languages', to_jsonb(string_to_array($1->>'languages', ',')),
	'tenant_label', (SELECT jsonb_object_agg(split_part(l.one, ':', 1), jsonb_build_object(
			'one', split_part(split_part(l.one, ':', 2), '/', 1), 'many', split_part(l.one, '/', 2)))
		FROM unnest(string_to_array($1->>'tenant_label', ',')) l (one)),
	'standby', pg_is_in_recovery())::text AS body
FROM (SELECT coalesce(current_setting('workflow_engine.tenant_id', true), '')) b (tenant);
