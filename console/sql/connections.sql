-- The connections without their secrets, who uses them and who has changed them last,
-- and what a row of each kind may have; 200 at most.
-- $1: tenant: then its own and those for every tenant; q: a part of the name
WITH changed AS MATERIALIZED (
	SELECT DISTINCT ON (o.tenant_id, o.name) o.*
	FROM (SELECT o.id, o.what, o.tenant_id, o.detail->>'name' AS name, o.at, o.who,
			o.detail->>'columns' AS columns
		FROM @wf@.workflow_operations o ORDER BY o.id DESC LIMIT 2000) o
	WHERE o.what = 'connection'
	ORDER BY o.tenant_id, o.name, o.id DESC
), page AS MATERIALIZED (
	SELECT c.*, t.name AS tenant_name,
		row_number() OVER (ORDER BY c.name, c.tenant_id NULLS FIRST) AS n
	FROM @wf@.wf_connections(($1->>'tenant')::uuid) c
	LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = c.tenant_id
	WHERE $1->>'q' IS NULL OR strpos(lower(c.name), lower($1->>'q')) > 0
	ORDER BY n LIMIT 201
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'more', (SELECT count(*) > 200 FROM page),
	'connections', (SELECT coalesce(jsonb_agg(to_jsonb(p) - 'n' || jsonb_build_object(
			'used_by', (SELECT coalesce(jsonb_agg(u.one || jsonb_build_object('tenant_name', t.name) ORDER BY u.n), '[]')
				FROM jsonb_array_elements(p.used_by) WITH ORDINALITY u (one, n)
				LEFT JOIN @wf@.workflow_tenants t ON t.tenant_id = (u.one->>'tenant_id')::uuid),
			'changed', CASE WHEN c.id IS NOT NULL
				THEN jsonb_build_object('at', c.at, 'by', c.who, 'columns', c.columns) END)
			ORDER BY p.n), '[]')
		FROM page p LEFT JOIN changed c ON c.name = p.name
			AND c.tenant_id IS NOT DISTINCT FROM p.tenant_id
		WHERE p.n <= 200),
	'keys', (SELECT jsonb_agg(to_jsonb(k) - 'n' ORDER BY k.n)
		FROM @wf@.wf_connection_keys() WITH ORDINALITY k (kind, part, key, required, n)))::text AS body;
