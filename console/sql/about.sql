-- The settings that matter, as they are in this session.
SELECT 200 AS status, jsonb_build_object(
	'now', now(),
	'settings', (SELECT coalesce(jsonb_agg(jsonb_build_object('name', s.name,
			'setting', current_setting(s.name), 'help', s.short_desc) ORDER BY s.name), '[]')
		FROM pg_settings s WHERE s.name LIKE 'workflow\_engine.%'
			AND s.name NOT IN ('workflow_engine.tenant_id', 'workflow_engine.http_proxy')))::text AS body;
