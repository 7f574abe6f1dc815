--
-- What went wrong once, or could be turned against the engine, and must not.
--
SET client_min_messages = warning;

-- A column may have the name of anything, and hold nothing.
CREATE TABLE odd_names (id int PRIMARY KEY, x text, v text, k text, r text);
INSERT INTO odd_names VALUES (1, NULL, 'v', 'k', 'r');
SELECT t.go('odd', '[
	{"name": "find", "action": "find_record",
	 "params": {"table": "odd_names", "where": {"id": 1}}},
	{"name": "update", "action": "update_record",
	 "params": {"table": "odd_names", "id": 1,
		"fields": {"x": "X", "v": "V", "k": "K", "r": "R"}}},
	{"name": "insert", "action": "insert_record",
	 "params": {"table": "odd_names", "fields": {"id": 2, "v": "2"}}}]');
SELECT * FROM t.result('odd');
SELECT * FROM odd_names ORDER BY id;
DROP TABLE odd_names;

-- Where others may create operators beside those of a type, none that suits a
-- column's domain better is taken.
CREATE SCHEMA extra;
CREATE TYPE extra.word;
CREATE FUNCTION extra.word_in(cstring) RETURNS extra.word
	LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION extra.word_out(extra.word) RETURNS cstring
	LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE FUNCTION extra.word_recv(internal) RETURNS extra.word
	LANGUAGE internal STABLE STRICT AS 'textrecv';
CREATE TYPE extra.word (INPUT = extra.word_in, OUTPUT = extra.word_out,
	RECEIVE = extra.word_recv, LIKE = text);
CREATE FUNCTION extra.word_eq(extra.word, extra.word) RETURNS boolean
	LANGUAGE internal IMMUTABLE STRICT AS 'byteaeq';
CREATE FUNCTION extra.word_hash(extra.word) RETURNS int
	LANGUAGE internal IMMUTABLE STRICT AS 'hashvarlena';
CREATE OPERATOR extra.= (LEFTARG = extra.word, RIGHTARG = extra.word,
	FUNCTION = extra.word_eq, HASHES);
CREATE OPERATOR CLASS extra.word_ops DEFAULT FOR TYPE extra.word USING hash AS
	OPERATOR 1 extra.=, FUNCTION 1 extra.word_hash(extra.word);
CREATE DOMAIN extra.noun AS extra.word;
CREATE FUNCTION extra.planted(extra.noun, extra.noun) RETURNS boolean
	LANGUAGE plpgsql AS $$ BEGIN RAISE 'planted, as %', current_user; END $$;
CREATE OPERATOR extra.= (LEFTARG = extra.noun, RIGHTARG = extra.noun,
	FUNCTION = extra.planted);
CREATE TABLE nouns (noun extra.noun, word extra.word, n int);
INSERT INTO nouns VALUES ('cat', 'cat', 1), ('dog', 'dog', 2);
SELECT t.go('nouns', '[
	{"name": "find", "action": "find_record",
	 "params": {"table": "nouns", "where": {"noun": "dog", "word": "dog"}, "columns": ["n"]}},
	{"name": "update", "action": "update_record",
	 "params": {"table": "nouns", "id_column": "noun", "id": "cat", "fields": {"n": 3}}}]');
SELECT * FROM t.result('nouns');
SELECT n FROM nouns ORDER BY n;
DROP TABLE nouns;
DROP SCHEMA extra CASCADE;

-- PostgreSQL's message about a missing id would show the row.
INSERT INTO workflow_connections (name, kind, config, credentials) VALUES
	('api', 'http', '{"base_url": "http://x.example"}', '{"bearer_token": "hush"}');
UPDATE workflow_connections SET id = NULL WHERE name = 'api';
DELETE FROM workflow_connections WHERE name = 'api';

-- A handler that names no function is refused, in a restore as well.
INSERT INTO workflow_actions (name, kind, handler) VALUES ('none', 'function', '-');
SET check_function_bodies = off;
INSERT INTO workflow_actions (name, kind, handler) VALUES ('none', 'function', '-');
INSERT INTO workflow_actions (name, kind, handler) VALUES ('none', 'function', '1');
-- One that names a function which is not there fails its step.
INSERT INTO workflow_actions (name, kind, handler)
	VALUES ('missing', 'function', 'public.not_there(jsonb,jsonb)');
RESET check_function_bodies;
SELECT t.go('missing', '{"action": "missing"}');
SELECT * FROM t.result('missing');

-- A restore's setting does not let a definition through that is none.
SET check_function_bodies = off;
INSERT INTO workflow_definitions (tenant_id, definition)
	VALUES (t.a(), '{"name": "bad", "trigger_type": "bad", "steps": []}');
RESET check_function_bodies;

-- Another definition with the id and version of one that is gone: its own
-- steps are executed, not those that the workers know by that id.
CREATE TABLE said (who text);
INSERT INTO workflow_definitions (id, tenant_id, definition) VALUES
	('00000000-0000-4000-8000-0000000000dd', t.a(), '{"name": "twin",
	"trigger_type": "twin", "steps": [{"name": "say", "action": "insert_record",
	"params": {"table": "said", "fields": {"who": "first"}}}]}');
SELECT count(*) FROM generate_series(1, 20) n,
	wf_fire(t.a(), 'twin', jsonb_build_object('n', n));
SELECT t.wait('twin');
DELETE FROM workflow_runs WHERE definition_id = '00000000-0000-4000-8000-0000000000dd';
DELETE FROM workflow_definitions WHERE name = 'twin';
INSERT INTO workflow_definitions (id, tenant_id, definition) VALUES
	('00000000-0000-4000-8000-0000000000dd', t.a(), '{"name": "twin",
	"trigger_type": "twin", "steps": [{"name": "say", "action": "insert_record",
	"params": {"table": "said", "fields": {"who": "second"}}}]}');
SELECT count(*) FROM generate_series(1, 20) n,
	wf_fire(t.a(), 'twin', jsonb_build_object('n', n));
SELECT t.wait('twin');
SELECT who, count(*) FROM said GROUP BY who ORDER BY who;
DROP TABLE said;

-- wf_fire writes, so a read-only transaction refuses it.
BEGIN READ ONLY;
SELECT wf_fire(t.a(), 'twin');
ROLLBACK;

-- The engine's trigger functions act with its owner's rights, and on the
-- engine's tables alone, whoever may execute them.
CREATE TABLE pretender (LIKE workflow_definitions);
CREATE TRIGGER saved AFTER INSERT ON pretender
	FOR EACH ROW EXECUTE FUNCTION wf_definition_saved();
INSERT INTO pretender SELECT * FROM workflow_definitions WHERE name = 'twin';
DROP TABLE pretender;
CREATE TABLE pretender (a int, b int, c int, d int, e int);
CREATE TRIGGER checked BEFORE INSERT ON pretender
	FOR EACH ROW EXECUTE FUNCTION wf_connection_check();
INSERT INTO pretender VALUES (1, 2, 3, 4, 5);
DROP TABLE pretender;

-- Whoever may write all tables does not choose by a version who a step is.
CREATE ROLE regress_writer;
GRANT pg_write_all_data TO regress_writer;
SELECT wf_grant('regress_writer', 'view');
SET ROLE regress_writer;
INSERT INTO workflow_definition_versions (definition_id, version, definition, run_as)
	SELECT id, 7, definition, run_as FROM workflow_definitions WHERE name = 'twin';
SET check_function_bodies = off;
INSERT INTO workflow_definition_versions (definition_id, version, definition, run_as)
	SELECT id, 7, definition, run_as FROM workflow_definitions WHERE name = 'twin';
UPDATE workflow_definition_versions SET created_by = 'nobody';
RESET check_function_bodies;
RESET ROLE;
SELECT wf_revoke('regress_writer', 'view');
DROP ROLE regress_writer;

-- A failing step that has changed lock_timeout changes it for itself only:
-- the next one that meets a lock waits as long as the setting says.
CREATE FUNCTION impatient(params jsonb, context jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('lock_timeout', '1ms', false);
	RAISE 'enough';
END $$;
CREATE FUNCTION patience(params jsonb, context jsonb) RETURNS jsonb
LANGUAGE sql AS $$ SELECT to_jsonb(current_setting('lock_timeout')) $$;
SELECT wf_register_action('impatient', 'impatient(jsonb,jsonb)');
SELECT wf_register_action('patience', 'patience(jsonb,jsonb)');
SELECT t.go('impatient', '[
	{"name": "before", "action": "patience"},
	{"name": "fails", "action": "impatient", "on_error": "continue"},
	{"name": "after", "action": "patience"}]');
SELECT count(DISTINCT result) FROM t.result('impatient') WHERE step <> 'fails';
DELETE FROM workflow_actions WHERE name IN ('impatient', 'patience', 'missing');
DROP FUNCTION impatient(jsonb, jsonb), patience(jsonb, jsonb);
SELECT t.clean();

-- An output that is small as stored and huge as text is cut like any other;
-- so is one that is a single text.
CREATE FUNCTION huge(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT CASE WHEN params->>'what' = 'text' THEN to_jsonb(repeat('x', 100000))
		ELSE (SELECT jsonb_agg(1e100000) FROM generate_series(1, 5000)) END $$;
SELECT wf_register_action('huge', 'huge(jsonb,jsonb)');
SELECT t.go('huge', '[
	{"name": "numbers", "action": "huge", "params": {"what": "numbers"}},
	{"name": "text", "action": "huge", "params": {"what": "text"}}]');
SELECT step, status, left(result::jsonb->>'head', 8) AS head,
	length(result) < 17000 AS cut, (result::jsonb->>'size')::int > 16384 AS size
FROM t.result('huge');
DELETE FROM workflow_actions WHERE name = 'huge';
DROP FUNCTION huge(jsonb, jsonb);
SELECT t.clean();

-- A column that somebody computes of a run, and a check of theirs, hold for
-- what the workers write.
ALTER TABLE workflow_runs
	ADD COLUMN ended boolean GENERATED ALWAYS AS (completed_at IS NOT NULL) STORED,
	ADD CONSTRAINT no_secret CHECK (step_results::text !~ 'hunter2');
CREATE TABLE words (id int PRIMARY KEY, word text);
INSERT INTO words VALUES (1, 'hunter2');
SELECT t.go('words', '[{"name": "harmless", "action": "update_record", "params":
	{"table": "words", "id": 1, "fields": {"word": "apple"}}}]');
SELECT t.wait();
SELECT DISTINCT status, ended FROM workflow_runs;
SELECT t.go('words2', '[{"name": "tells", "action": "update_record", "params":
	{"table": "words", "id": 1, "fields": {"word": "hunter2"}}}]');
SELECT t.wait();
SELECT r.status, r.error_message, r.ended, w.word
FROM workflow_runs r, words w ORDER BY r.queued_at DESC LIMIT 1;
ALTER TABLE workflow_runs DROP COLUMN ended, DROP CONSTRAINT no_secret;
DROP TABLE words;
SELECT t.clean();

-- Only the engine's scripts take back all that others hold.
SELECT wf_revoke_defaults();

-- Renaming the extension's schema does not stop the workers, and what then
-- has its old name is not taken for it.
SELECT current_database() AS this \gset
CREATE DATABASE workflow_engine_rename;
\c workflow_engine_rename
CREATE SCHEMA wf;
-- (Default privileges do not hold for what the extension creates.)
CREATE ROLE "regress_by default";
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO "regress_by default" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA wf GRANT ALL ON FUNCTIONS TO "regress_by default";
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
CREATE EXTENSION workflow_engine SCHEMA wf;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM "regress_by default", PUBLIC;
SELECT o.name, a.grantee::regrole, a.privilege_type FROM
	(SELECT oid::regclass::text AS name, relacl AS acl, relowner AS owner
		FROM pg_class WHERE relnamespace = 'wf'::regnamespace
	UNION ALL SELECT oid::regprocedure::text, proacl, proowner
		FROM pg_proc WHERE pronamespace = 'wf'::regnamespace) o,
	aclexplode(o.acl) a WHERE a.grantee <> o.owner;
SELECT wf.wf_grant('regress_by default', 'fire');
SELECT has_function_privilege('regress_by default', 'wf.wf_fire(uuid, text, jsonb, text, timestamptz, int)', 'EXECUTE') AS fires;
SELECT wf.wf_revoke('regress_by default', 'fire');
CREATE TABLE public.counter (id int PRIMARY KEY, n int);
INSERT INTO public.counter VALUES (1, 0);
SELECT wf.wf_define('00000000-0000-4000-8000-000000000001', '{"name": "count",
	"trigger_type": "count", "steps": [{"name": "up", "action": "update_record",
		"params": {"table": "counter", "id": 1, "fields": {"n": "{{trigger.n}}"}}}]}') IS NOT NULL AS defined;
CREATE PROCEDURE public.wait_for(number int) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1..3000 LOOP
		EXIT WHEN (SELECT n = number FROM public.counter);
		PERFORM pg_sleep(0.01);
	END LOOP;
END $$;
SELECT count(*) FROM wf.wf_fire('00000000-0000-4000-8000-000000000001', 'count', '{"n": 1}');
CALL wait_for(1);
SELECT paused FROM wf.wf_health();
SELECT workflow_name FROM wf.wf_runs();
ALTER SCHEMA wf RENAME TO moved;
CREATE SCHEMA wf;
CREATE FUNCTION wf.trap() RETURNS uuid LANGUAGE plpgsql AS $$
BEGIN
	UPDATE public.counter SET n = -1;
	RETURN NULL;
END $$;
CREATE VIEW wf.workflow_pauses AS SELECT wf.trap() AS tenant_id;
SELECT count(*) FROM moved.wf_fire('00000000-0000-4000-8000-000000000001', 'count', '{"n": 2}');
CALL wait_for(2);
-- The statements that this session has kept do not follow the old name either.
SELECT paused FROM moved.wf_health();
SELECT workflow_name FROM moved.wf_runs();
SELECT * FROM public.counter;
\c :this
DROP DATABASE workflow_engine_rename;
DROP ROLE "regress_by default";
