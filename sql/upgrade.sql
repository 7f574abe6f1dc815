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
SELECT source, target, d.difference FROM path, facts.compare(source, target) d;

-- What a script forgets.
CREATE FUNCTION facts.forgotten(next text) RETURNS TABLE (forgets text, difference text)
LANGUAGE sql AS $$
	SELECT substr(target, length(next) + 2), d.difference
	FROM pg_extension_update_paths('workflow_engine') p, facts.compare(source, target) d
	WHERE path IS NOT NULL AND target LIKE next || '-%' AND source || '.1test' = next
$$;
SELECT DISTINCT forgets, substring(difference, '^\w+: ([^:]+)') AS object
FROM facts.forgotten(:'next')
-- 18 has constraints for NOT NULL
WHERE difference NOT LIKE '%_not_null on %' ORDER BY 1, 2;
\c :this
DROP DATABASE workflow_engine_upgrade;
\! rm -rf versions
