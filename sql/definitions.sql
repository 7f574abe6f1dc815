--
-- Definitions are edited with plain SQL: they are checked on write, and every
-- version is kept.
--
\set tenant 00000000-0000-4000-8000-0000000000d1

-- Name and trigger type are taken from the JSON where the INSERT leaves them
-- out.
INSERT INTO workflow_definitions (tenant_id, definition)
VALUES (:'tenant', '{"name": "Welcome", "trigger_type": "signup", "description": "Says hello.",
	"steps": [{"name": "hello", "action": "echo", "params": {"v": 1}}]}')
RETURNING name, trigger_type, version, is_active, run_as = current_user::regrole AS as_me,
	updated_by = current_user AS by_me;

-- Given in the columns only, they need not be in the JSON.
INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition)
VALUES (:'tenant', 'Plain', 'signup', '{"steps": [{"name": "hello", "action": "echo"}]}')
RETURNING name, trigger_type, version, definition ? 'name' AS in_json;

-- Given in neither...
\set VERBOSITY terse
INSERT INTO workflow_definitions (tenant_id, definition)
VALUES (:'tenant', '{"trigger_type": "signup", "steps": [{"name": "hello", "action": "echo"}]}');
INSERT INTO workflow_definitions (tenant_id, definition)
VALUES (:'tenant', '{"name": "Nameless", "steps": [{"name": "hello", "action": "echo"}]}');
\set VERBOSITY default

-- ... and in both, they must agree.
INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition)
VALUES (:'tenant', 'Hello', 'signup',
	'{"name": "Welcome", "steps": [{"name": "hello", "action": "echo"}]}');
INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition)
VALUES (:'tenant', 'Hello', 'signup',
	'{"trigger_type": "sign-up", "steps": [{"name": "hello", "action": "echo"}]}');
UPDATE workflow_definitions SET name = 'Hello' WHERE name = 'Welcome' AND tenant_id = :'tenant';
UPDATE workflow_definitions SET trigger_type = 'login' WHERE name = 'Welcome' AND tenant_id = :'tenant';
UPDATE workflow_definitions SET definition = definition || '{"name": "Hello"}'
WHERE name = 'Welcome' AND tenant_id = :'tenant';
-- Both at once is a renaming.
UPDATE workflow_definitions SET name = 'Hello', definition = definition || '{"name": "Hello"}'
WHERE name = 'Welcome' AND tenant_id = :'tenant'
RETURNING name, definition->>'name' AS in_json, version;
-- Without a name in the JSON, the column is free.
UPDATE workflow_definitions SET name = 'Simple', trigger_type = 'login'
WHERE name = 'Plain' AND tenant_id = :'tenant'
RETURNING name, trigger_type, version;

-- A definition that is not valid is refused, with every problem in it and
-- where: nothing is saved.
UPDATE workflow_definitions SET definition = '{"steps": [{"name": "a", "action": "ecko"},
	{"name": "a", "action": "echo", "when": "$.trigger.x > 1"}]}'
WHERE name = 'Hello' AND tenant_id = :'tenant';
INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition)
VALUES (:'tenant', 'Empty', 'none', '{"steps": []}');
SELECT code FROM t.error($$INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition)
	VALUES ('00000000-0000-4000-8000-0000000000d1', 'Empty', 'none', '{"steps": []}')$$);
SELECT name, version FROM workflow_definitions WHERE tenant_id = :'tenant' ORDER BY name;

--
-- Versions
--
-- Each UPDATE that changes the definition raises the version by one; one that
-- changes something else, or writes the same JSON again, does not.
UPDATE workflow_definitions SET definition = jsonb_set(definition, '{steps,0,params,v}', '2')
WHERE name = 'Hello' AND tenant_id = :'tenant' RETURNING version;
UPDATE workflow_definitions SET definition = jsonb_set(definition, '{steps,0,params,v}', '3')
WHERE name = 'Hello' AND tenant_id = :'tenant' RETURNING version;
UPDATE workflow_definitions SET definition = definition, is_active = false
WHERE name = 'Hello' AND tenant_id = :'tenant' RETURNING version;
UPDATE workflow_definitions SET is_active = true
WHERE name = 'Hello' AND tenant_id = :'tenant' RETURNING version, updated_at > created_at AS updated;
SELECT v.version, v.definition #> '{steps,0,params}' AS params, v.run_as = d.run_as AS same_role,
	v.created_by = current_user AS by_me
FROM workflow_definition_versions v JOIN workflow_definitions d ON d.id = v.definition_id
WHERE d.name = 'Hello' AND d.tenant_id = :'tenant' ORDER BY v.version;

-- The engine counts: an UPDATE may not set the version.
UPDATE workflow_definitions SET version = 9 WHERE name = 'Hello' AND tenant_id = :'tenant';
UPDATE workflow_definitions SET version = version + 1, definition = jsonb_set(definition, '{steps,0,params,v}', '4')
WHERE name = 'Hello' AND tenant_id = :'tenant';
-- Nor does a definition change hands.
UPDATE workflow_definitions SET id = gen_random_uuid() WHERE name = 'Hello' AND tenant_id = :'tenant';
UPDATE workflow_definitions SET tenant_id = gen_random_uuid() WHERE name = 'Hello' AND tenant_id = :'tenant';

-- A saved version never changes.
UPDATE workflow_definition_versions SET definition = '{}'
WHERE definition_id = (SELECT id FROM workflow_definitions WHERE name = 'Hello' AND tenant_id = :'tenant');
UPDATE workflow_definition_versions SET created_by = 'nobody'
WHERE definition_id = (SELECT id FROM workflow_definitions WHERE name = 'Hello' AND tenant_id = :'tenant');
-- The current one cannot go.
\set VERBOSITY terse
DELETE FROM workflow_definition_versions
WHERE definition_id = (SELECT id FROM workflow_definitions WHERE name = 'Hello' AND tenant_id = :'tenant')
	AND version = 4;
\set VERBOSITY default

-- Back to version 2: it is saved anew, as the next one.
UPDATE workflow_definitions d SET definition = (
	SELECT v.definition FROM workflow_definition_versions v
	WHERE v.definition_id = d.id AND v.version = 2)
WHERE name = 'Hello' AND tenant_id = :'tenant'
RETURNING version, definition #> '{steps,0,params}' AS params;
SELECT v.version, v.definition #> '{steps,0,params}' AS params
FROM workflow_definition_versions v JOIN workflow_definitions d ON d.id = v.definition_id
WHERE d.name = 'Hello' AND d.tenant_id = :'tenant' ORDER BY v.version;

-- A version inserted by hand is continued from there (so comes a restore).
INSERT INTO workflow_definitions (tenant_id, name, trigger_type, definition, version)
VALUES (:'tenant', 'From elsewhere', 'none', '{"steps": [{"name": "a", "action": "echo"}]}', 41);
UPDATE workflow_definitions SET definition = '{"steps": [{"name": "b", "action": "echo"}]}'
WHERE name = 'From elsewhere' AND tenant_id = :'tenant' RETURNING version;
SELECT v.version FROM workflow_definition_versions v
JOIN workflow_definitions d ON d.id = v.definition_id
WHERE d.name = 'From elsewhere' AND d.tenant_id = :'tenant' ORDER BY v.version;

--
-- wf_define: insert or update by tenant and name, as often as you like
--
SELECT wf_define(:'tenant', '{"name": "Deployed", "trigger_type": "deploy",
	"steps": [{"name": "a", "action": "echo"}]}') AS first \gset
SELECT wf_define(:'tenant', '{"trigger_type": "deploy", "name": "Deployed",
	"steps": [{"action": "echo", "name": "a"}]}') = :'first' AS same_id;
SELECT version FROM workflow_definitions WHERE id = :'first';
SELECT wf_define(:'tenant', '{"name": "Deployed", "trigger_type": "deployed",
	"steps": [{"name": "a", "action": "echo"}]}') = :'first' AS same_id;
SELECT version, trigger_type FROM workflow_definitions WHERE id = :'first';
-- Another tenant's definition of that name is another one.
SELECT wf_define('00000000-0000-4000-8000-0000000000d2', '{"name": "Deployed", "trigger_type": "deploy",
	"steps": [{"name": "a", "action": "echo"}]}') <> :'first' AS other_id;
-- It leaves the switch as it is.
UPDATE workflow_definitions SET is_active = false WHERE id = :'first';
SELECT wf_define(:'tenant', '{"name": "Deployed", "trigger_type": "deployed",
	"steps": [{"name": "b", "action": "echo"}]}') = :'first' AS same_id;
SELECT is_active, version FROM workflow_definitions WHERE id = :'first';
-- What it refuses.
SELECT * FROM t.error($$SELECT wf_define('00000000-0000-4000-8000-0000000000d1',
	'{"trigger_type": "x", "steps": [{"name": "a", "action": "echo"}]}')$$);
SELECT * FROM t.error($$SELECT wf_define('00000000-0000-4000-8000-0000000000d1',
	'{"name": "x", "steps": [{"name": "a", "action": "echo"}]}')$$);
SELECT * FROM t.error($$SELECT wf_define('00000000-0000-4000-8000-0000000000d1',
	'{"name": 5, "trigger_type": "x", "steps": [{"name": "a"}]}')$$);
SELECT * FROM t.error($$SELECT wf_define('00000000-0000-4000-8000-0000000000d1',
	'{"name": "x", "trigger_type": "x", "steps": [{"name": "a"}]}')$$);
SELECT * FROM t.error($$SELECT wf_define('00000000-0000-4000-8000-0000000000d1', '[]')$$);
SELECT * FROM t.error($$SELECT wf_define('00000000-0000-4000-8000-0000000000d1', NULL)$$);
SELECT * FROM t.error($$SELECT wf_define(NULL,
	'{"name": "x", "trigger_type": "x", "steps": [{"name": "a", "action": "echo"}]}')$$);

--
-- Runs and versions
--
-- A run executes the version that it was fired with, whatever is edited while
-- it waits.
SELECT wf_define(:'tenant', '{"name": "Edited", "trigger_type": "edited",
	"steps": [{"name": "a", "action": "echo", "params": {"text": "the old text"}}]}') AS edited \gset
SELECT wf_fire(:'tenant', 'edited', run_at => now() + interval '1 second') AS old \gset
SELECT wf_define(:'tenant', '{"name": "Edited", "trigger_type": "edited",
	"steps": [{"name": "b", "action": "echo", "params": {"text": "the new text"}},
		{"name": "c", "action": "echo", "params": {"text": "and more"}}]}') = :'edited' AS same_id;
SELECT wf_fire(:'tenant', 'edited') AS new \gset
SELECT t.wait_run(:'old') AS old, t.wait_run(:'new') AS new;
SELECT run.label, s.step_name, s.output
FROM (VALUES (1, 'old', :'old'::uuid), (2, 'new', :'new')) AS run (n, label, id), wf_trace(run.id) AS s
ORDER BY run.n, s.step;
SELECT definition_version, status FROM workflow_runs WHERE definition_id = :'edited' ORDER BY id;

-- A definition that is switched off is not fired; what was fired before goes on.
SELECT wf_fire(:'tenant', 'edited', run_at => now() + interval '0.5 seconds') AS before \gset
UPDATE workflow_definitions SET is_active = false WHERE id = :'edited';
SELECT count(*) AS fired FROM wf_fire(:'tenant', 'edited');
SELECT t.wait_run(:'before');
UPDATE workflow_definitions SET is_active = true WHERE id = :'edited';
SELECT count(*) AS fired FROM wf_fire(:'tenant', 'edited', run_at => 'infinity');

-- While it has runs, a definition stays: they are its history.
\set VERBOSITY terse
DELETE FROM workflow_definitions WHERE id = :'edited';
\set VERBOSITY default
DELETE FROM workflow_runs WHERE definition_id = :'edited';
DELETE FROM workflow_definitions WHERE id = :'edited' RETURNING name;
-- Its versions went with it.
SELECT count(*) FROM workflow_definition_versions WHERE definition_id = :'edited';

--
-- Renaming
--
-- The same steps under another name are a second definition, and every event
-- runs both: wf_define warns, of an active one of the same tenant.
SELECT wf_define(:'tenant', '{"name": "Old name", "trigger_type": "renamed", "steps": [{"name": "a", "action": "echo"}]}') AS renamed \gset
SELECT wf_define(:'tenant', '{"name": "New name", "trigger_type": "renamed", "steps": [{"name": "a", "action": "echo"}]}') IS NOT NULL AS saved;
SELECT count(*) AS runs FROM wf_fire(:'tenant', 'renamed');
-- Not of one that is switched off, nor of another tenant's, another trigger
-- type's or other steps'.
UPDATE workflow_definitions SET is_active = false WHERE id = :'renamed';
SELECT wf_define(:'tenant', '{"name": "New name", "trigger_type": "renamed", "description": "x", "steps": [{"name": "a", "action": "echo"}]}') IS NOT NULL AS saved;
SELECT wf_define('00000000-0000-4000-8000-0000000000d2', '{"name": "Other tenant", "trigger_type": "renamed", "steps": [{"name": "a", "action": "echo"}]}') IS NOT NULL AS saved;
SELECT wf_define(:'tenant', '{"name": "Other type", "trigger_type": "renamed2", "steps": [{"name": "a", "action": "echo"}]}') IS NOT NULL AS saved;
SELECT wf_define(:'tenant', '{"name": "Other steps", "trigger_type": "renamed", "steps": [{"name": "b", "action": "echo"}]}') IS NOT NULL AS saved;
-- A change that makes them the same warns too.
SELECT wf_define(:'tenant', '{"name": "Other steps", "trigger_type": "renamed", "steps": [{"name": "a", "action": "echo"}]}') IS NOT NULL AS saved;
-- How it is renamed: column and JSON in one statement.  It stays the same
-- definition.
UPDATE workflow_definitions SET name = 'Newest name', definition = jsonb_set(definition, '{name}', '"Newest name"')
WHERE id = :'renamed' RETURNING name, definition->>'name' AS in_json, version;
SELECT message FROM t.error(format('UPDATE workflow_definitions SET name = %L WHERE id = %L', 'Only here', :'renamed'));
DELETE FROM workflow_runs WHERE tenant_id = :'tenant';

DELETE FROM workflow_definitions WHERE tenant_id IN (:'tenant', '00000000-0000-4000-8000-0000000000d2');
-- No version is left of any definition that is gone.
SELECT count(*) FROM workflow_definition_versions v
WHERE NOT EXISTS (SELECT FROM workflow_definitions d WHERE d.id = v.definition_id);

-- A trigger that somebody added keeps the row away: wf_define says so.
CREATE FUNCTION t.keep_away() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep_away BEFORE INSERT ON workflow_definitions FOR EACH ROW EXECUTE FUNCTION t.keep_away();
SELECT code, message FROM t.error($$SELECT wf_define(t.tenant('away'), '{"name": "away", "trigger_type": "x",
	"steps": [{"name": "a", "action": "echo"}]}')$$);
DROP TRIGGER keep_away ON workflow_definitions;
DROP FUNCTION t.keep_away;
