--
-- An update to a version leads to what a fresh installation of it is: the
-- catalog says the same of both (t/versions/catalog.sql).  And a script that
-- forgets something is found: that is shown with versions that are made here
-- (t/versions/make.sh).
--
-- It needs a server that looks for extensions in a folder of the test's.
SELECT name AS setting FROM pg_settings
WHERE name IN ('extension_destdir', 'extension_control_path')
UNION ALL SELECT '' ORDER BY 1 DESC LIMIT 1 \gset
SELECT :'setting' = '' AS skip \gset
\if :skip
\quit
\endif
\getenv top PG_ABS_SRCDIR
SELECT setting AS sharedir FROM pg_config WHERE name = 'SHAREDIR' \gset
\setenv SHAREDIR :sharedir
\set next `"$PG_ABS_SRCDIR"/t/versions/make.sh "$PWD/versions" "$SHAREDIR"`
\set folder `pwd`/versions
SELECT current_database() AS this \gset
CREATE DATABASE workflow_engine_upgrade TEMPLATE template0;
\c workflow_engine_upgrade
SELECT set_config(:'setting', CASE :'setting' WHEN 'extension_destdir' THEN :'folder'
	ELSE :'folder' || :'sharedir' || ':$system' END, false) <> '' AS set;
SET client_min_messages = error;
\set path :top /t/versions/catalog.sql
\set ECHO none
\i :path
\set ECHO all

-- Every path between released versions, and to the next one.
CREATE TABLE path AS SELECT source, target
FROM pg_extension_update_paths('workflow_engine')
WHERE path IS NOT NULL AND source NOT LIKE '%test%' AND target NOT LIKE '%test-%';
SELECT count(*) > 0 AS has_paths, bool_or(target = :'next') AS has_next FROM path;
SELECT source, target, d.difference FROM path, facts.extension_differences(
	facts.of_installation(target), facts.of_update(source, target)) d;

-- What a script forgets.
CREATE TABLE next AS SELECT facts.of_installation(:'next') AS facts;
CREATE TABLE forgotten AS SELECT target, facts.of_update(source, target) AS facts
FROM pg_extension_update_paths('workflow_engine')
WHERE path IS NOT NULL AND target LIKE :'next' || '-%' AND source || '.1test' = :'next';
SELECT DISTINCT substr(target, length(:'next') + 2) AS forgets,
	substring(difference, '^\w+: ([^:]+)') AS object
FROM next n, forgotten f, facts.extension_differences(n.facts, f.facts)
-- 18 has constraints for NOT NULL
WHERE difference NOT LIKE '%_not_null on %' ORDER BY 1, 2;

-- An update in the transaction that has created the extension and granted a
-- capability, after one that failed: what was granted stays.
SELECT target AS old FROM path WHERE target || '.1test' = :'next'
UNION SELECT source FROM path WHERE source || '.1test' = :'next' \gset
CREATE ROLE regress_upgrade;
BEGIN;
CREATE EXTENSION workflow_engine VERSION :"old";
SELECT wf_grant('regress_upgrade', 'view');
SAVEPOINT before;
\set VERBOSITY sqlstate
ALTER EXTENSION workflow_engine UPDATE TO 'none';
ROLLBACK TO before;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_upgrade;
ALTER EXTENSION workflow_engine UPDATE TO :"next";
COMMIT;
SELECT has_table_privilege('regress_upgrade', 'workflow_runs', 'SELECT') AS runs,
	has_function_privilege('regress_upgrade', 'wf_trace(uuid)', 'EXECUTE') AS trace,
	has_table_privilege('regress_upgrade', 'workflow_marks', 'SELECT') AS marks;
-- The library is older now, and says so.
SELECT wf_pause();
\set VERBOSITY default
-- Other extensions are none of its business, nor what is called by hand.
ALTER EXTENSION plpgsql UPDATE;
SELECT wf_extension_update();
CREATE EVENT TRIGGER pretender ON ddl_command_end EXECUTE FUNCTION wf_extension_update();
CREATE TABLE any_table ();
DROP EVENT TRIGGER pretender;
DROP EXTENSION workflow_engine;
SELECT evtname FROM pg_event_trigger;
DROP OWNED BY regress_upgrade;
DROP ROLE regress_upgrade;
\c :this
DROP DATABASE workflow_engine_upgrade;
\! rm -rf versions
