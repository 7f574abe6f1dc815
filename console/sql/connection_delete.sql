-- Deletes a connection.  No row: there is no such connection.  $1: id
DELETE FROM @wf@.workflow_connections c
WHERE c.id = ($1->>'id')::uuid
RETURNING 200 AS status, jsonb_build_object('now', now(), 'id', c.id)::text AS body;
