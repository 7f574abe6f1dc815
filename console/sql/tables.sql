-- The tables and views that a role may use, as steps name them, with their columns; 500
-- at most, and none of an extension.  $1: run_as
WITH path AS MATERIALIZED (
	SELECT btrim(s.name, '" ') AS name, s.place
	FROM unnest(string_to_array(current_setting('workflow_engine.search_path', true), ','))
		WITH ORDINALITY s (name, place)
), found AS (
	SELECT c.oid, n.nspname, c.relname, p.place,
		min(p.place) OVER (PARTITION BY c.relname) AS first
	FROM pg_roles r
	JOIN pg_namespace n ON has_schema_privilege(r.oid, n.oid, 'USAGE')
		AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
	JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
		AND NOT c.relispartition AND has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE')
	LEFT JOIN path p ON p.name = n.nspname
	WHERE r.rolname = $1->>'run_as'
	AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass
		AND e.objid = c.oid AND e.deptype = 'e')
), named AS (
	SELECT f.oid, CASE WHEN f.place = f.first THEN '' ELSE quote_ident(f.nspname) || '.' END
		|| quote_ident(f.relname) AS name
	FROM found f ORDER BY 2 LIMIT 500
)
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'tables', coalesce(jsonb_agg(jsonb_build_object('name', t.name,
		'columns', (SELECT coalesce(jsonb_agg(a.attname ORDER BY a.attnum), '[]') FROM pg_attribute a
			WHERE a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped)) ORDER BY t.name), '[]'))::text AS body
FROM named t;
