-- A new connection.  $2: tenant, name, kind, config, credentials
INSERT INTO @wf@.workflow_connections AS c (tenant_id, name, kind, config, credentials)
VALUES (($2->>'tenant')::uuid, $2->>'name', $2->>'kind', coalesce($2->'config', '{}'),
	coalesce($2->'credentials', '{}'))
RETURNING 200 AS status, jsonb_build_object('now', now(), 'id', c.id)::text AS body;
