-- Changes a connection: what is not named stays, so nobody needs to read a secret to
-- keep it.  A member that is null is removed.  Members of headers, basic and channels
-- are changed one by one.  409 if somebody else has changed the row since base_version
-- was read: then nothing is written.  No row: there is no such connection.
-- $1: id.  $2: name, config, credentials, base_version
WITH asked AS (
	SELECT c.id, v.part, jsonb_object_agg(k.key, k.value) FILTER (WHERE k.value <> 'null') AS value
	FROM @wf@.workflow_connections c,
	LATERAL (VALUES ('config', c.config, coalesce(nullif($2->'config', 'null'), '{}')),
		('credentials', c.credentials, coalesce(nullif($2->'credentials', 'null'), '{}'))) v (part, old, new),
	LATERAL (SELECT key, CASE WHEN NOT v.new ? key THEN v.old->key
			WHEN key IN ('headers', 'basic', 'channels') AND jsonb_typeof(v.new->key) = 'object'
				AND jsonb_typeof(v.old->key) = 'object'
			THEN nullif(jsonb_strip_nulls((v.old->key) || (v.new->key)), '{}')
			ELSE jsonb_strip_nulls(v.new->key) END AS value
		FROM (SELECT jsonb_object_keys(v.old) UNION SELECT jsonb_object_keys(v.new)) a (key)) k
	WHERE c.id = ($1->>'id')::uuid
	GROUP BY c.id, v.part
), changed AS (
	UPDATE @wf@.workflow_connections c
	SET name = coalesce($2->>'name', c.name),
		config = coalesce((SELECT a.value FROM asked a WHERE a.part = 'config'), '{}'),
		credentials = coalesce((SELECT a.value FROM asked a WHERE a.part = 'credentials'), '{}')
	WHERE c.id = ($1->>'id')::uuid AND c.xmin::text = $2->>'base_version'
	RETURNING c.id
)
SELECT 200 AS status, jsonb_build_object('now', now(), 'id', c.id)::text AS body
FROM changed c
UNION ALL
SELECT 409, jsonb_build_object('error', jsonb_build_object('code', 'changed', 'sqlstate', NULL,
	'message', 'Somebody else has changed the connection.', 'detail', NULL, 'hint', NULL))::text
FROM @wf@.workflow_connections c
WHERE c.id = ($1->>'id')::uuid AND NOT EXISTS (SELECT FROM changed);
