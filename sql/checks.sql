--
-- Definitions are compared with the catalog: what wf_validate warns of, what
-- the statement that saves one warns of, and wf_check of all that are saved.
--
\pset format unaligned
\pset fieldsep ' | '
CREATE SCHEMA c;
CREATE TYPE c.mood AS ENUM ('calm', 'merry');
CREATE DOMAIN c.short AS varchar(3);
CREATE TABLE c.orders (
	id		int PRIMARY KEY,
	status	text,
	total	numeric(8, 2),
	at		timestamptz,
	day		date,
	mood	c.mood,
	code	c.short,
	doc		jsonb,
	plain	json,
	tags	text[],
	twice	int GENERATED ALWAYS AS (id * 2) STORED
);
CREATE TABLE c.lines (order_id int, n int, note text, PRIMARY KEY (order_id, n));
CREATE TABLE c.log (n int GENERATED ALWAYS AS IDENTITY, what text);
CREATE VIEW c.open_orders AS SELECT * FROM c.orders WHERE status = 'open';
CREATE SEQUENCE c.numbers;
CREATE ROLE regress_steps;

-- What is said of these steps; a single one may leave its name out.
CREATE FUNCTION t.check(steps jsonb, tenant uuid DEFAULT NULL)
RETURNS TABLE (path text, message text, hint text) LANGUAGE sql AS $$
	SELECT path, concat(CASE severity WHEN 'error' THEN 'ERROR ' END, message), hint
	FROM wf_validate(jsonb_build_object('name', 'checked', 'trigger_type', 'checked', 'steps',
		(SELECT jsonb_agg('{"name": "s"}' || s || jsonb_build_object('name', 's' || n) ORDER BY n)
		 FROM jsonb_array_elements(CASE jsonb_typeof(steps) WHEN 'array' THEN steps ELSE jsonb_build_array(steps) END)
			WITH ORDINALITY AS e (s, n))), tenant);
$$;

-- Tables, and their columns.
SELECT * FROM t.check('[
	{"action": "insert_record", "params": {"table": "c.order", "fields": {"status": "x"}}},
	{"action": "insert_record", "params": {"table": "orders", "fields": {"status": "x"}}},
	{"action": "insert_record", "params": {"table": "d.orders", "fields": {"status": "x"}}},
	{"action": "insert_record", "params": {"table": "other.c.orders", "fields": {"status": "x"}}},
	{"action": "insert_record", "params": {"table": "a.b.c.d", "fields": {"status": "x"}}},
	{"action": "insert_record", "params": {"table": "c.\"orders", "fields": {"status": "x"}}},
	{"action": "insert_record", "params": {"table": "c.numbers", "fields": {"last_value": 5}}},
	{"action": "find_record", "params": {"table": "c.numbers", "where": {"last_value": 1}}},
	{"action": "find_record", "params": {"table": "c.orders_pkey", "where": {"id": 1}}},
	{"action": "update_record", "params": {"table": "c.orders", "id": 1, "fields": {"sttus": "x", "Total": 1, "ctid": "x"}}},
	{"action": "find_record", "params": {"table": "c.open_orders", "where": {"stauts": "x"}, "columns": ["id", "totl"]}},
	{"action": "update_record", "params": {"table": "c.lines", "id": 1, "fields": {"note": "x"}}},
	{"action": "update_record", "params": {"table": "c.open_orders", "id": 1, "fields": {"status": "x"}}},
	{"action": "update_record", "params": {"table": "c.lines", "id": 1, "id_column": "nr", "fields": {"note": "x"}}},
	{"action": "insert_record", "params": {"table": "c.log", "fields": {"n": 1, "what": "x"}}},
	{"action": "update_record", "params": {"table": "c.orders", "id": 1, "fields": {"twice": 2}}}]');

-- A temporary table of this session is none of a step's.
CREATE TEMP TABLE passing (id int);
SELECT * FROM t.check('[{"action": "find_record", "params": {"table": "passing", "where": {"id": 1}}},
	{"action": "find_record", "params": {"table": "pg_temp.passing", "where": {"id": 1}}}]');

-- Constants: what the type of the column does not take.
SELECT * FROM t.check('[{"action": "update_record", "params": {"table": "c.orders", "id": "A-1", "fields":
		{"total": "ten", "at": "yesterdayish", "day": "2026-02-30", "mood": "angry", "code": "long", "status": 5}}},
	{"action": "update_record", "params": {"table": "c.orders", "id": 3000000000, "fields": {"total": 1e7, "at": true, "day": "31/12/2026"}}},
	{"action": "find_record", "params": {"table": "c.orders", "where": {"id": "x", "plain": "{}", "total": null, "mood": "sad"}}}]');

-- Nothing is said of what is right, nor of what a template decides, or may.
SELECT * FROM t.check('[
	{"action": "update_record", "params": {"table": "c.orders", "id": "17", "fields": {"status": null, "total": "12.50", "at": "2026-03-01T08:00:00Z",
		"mood": "merry", "code": "abc", "doc": {"a": [1]}, "plain": 5, "tags": ["a", "b"]}}},
	{"action": "update_record", "params": {"table": "C.Orders", "id": "{{ trigger.id }}", "fields": {"total": "{{ trigger.total }}"}}},
	{"action": "insert_record", "params": {"table": "{{ trigger.table }}", "fields": {"nowhere": 1}}},
	{"action": "insert_record", "params": {"table": "c.orders", "fields": "{{ trigger }}"}},
	{"action": "update_record", "params": {"table": "c.lines", "id": 1, "id_column": "{{ trigger.column }}", "fields": {"note": "x"}}},
	{"action": "find_record", "params": {"table": "c.orders", "where": "{{ trigger }}", "columns": "{{ trigger.columns }}"}},
	{"action": "find_record", "params": {"table": "c.orders", "where": {"id": 1}, "columns": ["{{ trigger.column }}", "status"]}},
	{"action": "find_record", "params": {"table": "c.lines", "where": {"note": "x"}, "columns": []}}]');

-- A step with a mistake of the language is not compared.
SELECT * FROM t.check('[{"action": "insert_record", "params": {"table": "c.nowhere", "feilds": {}}},
	{"action": "insert_record", "params": {"table": "c.nowhere", "fields": {"a": 1}}}]');

-- Privileges are those of the role that the steps run as: here of the tenant's
-- definition of that name.
SET client_min_messages = error;
INSERT INTO workflow_definitions (tenant_id, definition, run_as)
VALUES (t.a(), '{"name": "checked", "trigger_type": "checked", "steps": [{"name": "s", "action": "echo"}]}', 'regress_steps');
RESET client_min_messages;
\set update '{"action": "update_record", "params": {"table": "c.orders", "id": 1, "fields": {"status": "x", "total": 1}}}'
\set insert '{"action": "insert_record", "params": {"table": "c.orders", "fields": {"id": 1, "status": "x"}}}'
\set find '{"action": "find_record", "params": {"table": "c.lines", "where": {"note": "x"}, "columns": ["note"]}}'
\set all '{"action": "find_record", "params": {"table": "c.orders", "where": {"id": 1}}}'
SELECT * FROM t.check(:'update', t.a());
GRANT USAGE ON SCHEMA c TO regress_steps;
SELECT * FROM t.check(:'update', t.a());
GRANT UPDATE (status), SELECT (total) ON c.orders TO regress_steps;
SELECT * FROM t.check(:'update', t.a());
GRANT UPDATE ON c.orders TO regress_steps;
GRANT SELECT (id) ON c.orders TO regress_steps;
SELECT * FROM t.check(:'update', t.a());
SELECT * FROM t.check(:'insert', t.a());
GRANT INSERT (id, status) ON c.orders TO regress_steps;
SELECT * FROM t.check(:'insert', t.a());
-- A lookup reads the primary key too, and without "columns" every column.
GRANT SELECT (note) ON c.lines TO regress_steps;
SELECT * FROM t.check(:'find', t.a());
SELECT * FROM t.check(:'all', t.a());
GRANT SELECT ON c.orders TO regress_steps;
SELECT * FROM t.check(:'all', t.a());
SELECT * FROM t.check('{"action": "insert_record", "params": {"table": "c.log", "fields": "{{ trigger }}"}}', t.a());
-- What it says is what a step does.
SELECT t.go('found', :'find', run_as => 'regress_steps');
SELECT status, result FROM t.result('found');
-- Where the schema of an unqualified table is the reason, that is said.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
CREATE TABLE public.seen (id int PRIMARY KEY);
SELECT * FROM t.check('{"action": "find_record", "params": {"table": "seen", "where": {"id": 1}}}', t.a());
DROP TABLE public.seen;
GRANT USAGE ON SCHEMA public TO PUBLIC;

-- No code of users runs: not a domain's, not a view's, for whatever role.
CREATE FUNCTION c.trap(text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE DOMAIN c.trapped AS text CHECK (c.trap(VALUE));
CREATE TABLE c.bait (id int PRIMARY KEY, t c.trapped, a c.trapped[]);
CREATE VIEW c.bait_view AS SELECT id, t FROM c.bait WHERE c.trap('x');
SELECT * FROM t.check('[{"action": "insert_record", "params": {"table": "c.bait", "fields": {"id": 1, "t": "x", "a": ["x"]}}},
	{"action": "find_record", "params": {"table": "c.bait_view", "where": {"t": "x"}}}]');

-- Connections are a tenant's: they are looked up if it is known.
SET client_min_messages = error;
INSERT INTO workflow_connections (tenant_id, name, kind, config) VALUES
	(NULL, 'shop', 'http', '{"base_url": "https://shop.example.com"}'),
	(t.a(), 'mine', 'slack_webhook', '{"url": "https://hooks.slack.com/x"}'),
	(t.b(), 'theirs', 'http', '{"base_url": "https://b.example.com"}');
RESET client_min_messages;
\set outbound '[{"action": "webhook", "params": {"path": "/x", "connection": "shop"}}, {"action": "webhook", "params": {"path": "/x", "connection": "shopp"}}, {"action": "webhook", "params": {"path": "/x", "connection": "mine"}}, {"action": "webhook", "params": {"path": "/x", "connection": "theirs"}}, {"action": "webhook", "params": {"path": "/x", "connection": "{{ trigger.c }}"}}, {"action": "webhook", "params": {"url": "https://example.com"}}, {"action": "team_notify", "params": {"channel": "#a", "message": "x"}}, {"action": "team_notify", "params": {"channel": "#a", "message": "x", "connection": "mine"}}, {"action": "whatsapp_notify", "params": {"phone": "1", "template": "x", "connection": "shop"}}]'
SELECT * FROM t.check(:'outbound');
SELECT * FROM t.check(:'outbound', t.a());
SELECT count(*) FROM t.check(:'outbound', t.b()) WHERE path LIKE 'steps[3]%';

-- Mail templates: there, complete, and for a step that sees what they name.
INSERT INTO workflow_connections (name, kind, config) VALUES ('email', 'smtp', '{"url": "smtps://mail.example.com", "from": "a@example.com"}');
INSERT INTO workflow_templates (tenant_id, name, subject, body, html) VALUES
	(NULL, 'full', 'Order {{ trigger.id }}', 'Paid: {{ steps.s1.output.ok }}', NULL),
	(t.a(), 'nameless', NULL, NULL, 'x {{ steps.charge.output }}');
\set mails '[{"action": "echo"}, {"action": "send_email", "params": {"to": "a@b", "template": "full"}}, {"action": "send_email", "params": {"to": "a@b", "template": "ful"}}, {"action": "send_email", "params": {"to": "a@b", "template": "nameless"}}, {"action": "send_email", "params": {"to": "a@b", "subject": "x", "template": "nameless"}}, {"action": "send_email", "params": {"to": "a@b", "template": "{{ trigger.t }}"}}]'
SELECT * FROM t.check(:'mails', t.a());
SELECT * FROM t.check(:'mails');
SELECT * FROM t.check('{"action": "send_email", "params": {"to": "a@b", "template": "full"}}', t.a());

-- Functions of users: there, fit, callable, and of an owner whom the role trusts.
CREATE FUNCTION c.work(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT params';
CREATE FUNCTION c.gone(params jsonb, context jsonb) RETURNS jsonb LANGUAGE sql AS 'SELECT params';
SELECT wf_register_action('c_work', 'c.work(jsonb, jsonb)'), wf_register_action('c_gone', 'c.gone(jsonb, jsonb)');
DROP FUNCTION c.gone;
\set functions '[{"action": "c_work"}, {"action": "c_gone"}]'
SELECT * FROM t.check(:'functions', t.a());
REVOKE EXECUTE ON FUNCTION c.work FROM PUBLIC;
SELECT * FROM t.check('{"action": "c_work"}', t.a());
CREATE ROLE regress_other;
ALTER FUNCTION c.work OWNER TO regress_other;
SELECT * FROM t.check('{"action": "c_work"}', t.a());

-- The statement that saves a definition gives one WARNING; nothing is refused.
UPDATE workflow_definitions SET definition = jsonb_set(definition, '{steps}',
	'[{"name": "s", "action": "insert_record", "params": {"table": "c.log", "fields": {"wat": "x"}}}]') WHERE name = 'checked';
-- What is saved already is not looked at again,
UPDATE workflow_definitions SET is_active = true WHERE name = 'checked';
-- unless it gets another role.
ALTER TABLE c.log RENAME what TO wat;
UPDATE workflow_definitions SET run_as = 'regress_other' WHERE name = 'checked';
UPDATE workflow_definitions SET run_as = current_user::regrole WHERE name = 'checked';
-- In a restore nothing is said.
BEGIN;
SET LOCAL check_function_bodies = off;
INSERT INTO workflow_definitions (tenant_id, definition) VALUES (t.a(), '{"name": "restored", "trigger_type": "checked",
	"steps": [{"name": "s", "action": "insert_record", "params": {"table": "c.nowhere", "fields": {"a": 1}}}]}');
ROLLBACK;

-- wf_check: all active definitions, after the database has changed.
SELECT workflow_name, path, message FROM wf_check(t.a());
ALTER TABLE c.log RENAME wat TO what;
SELECT workflow_name, path, severity, message, hint FROM wf_check(t.a());
SELECT workflow_name, problems FROM workflow_stats WHERE tenant_id = t.a() ORDER BY workflow_name;
SELECT workflow_name, path, severity, message, hint FROM wf_check(t.b());
SELECT count(*) FROM wf_check() WHERE workflow_name = 'checked';
-- Of a session that is bound: its own.
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SELECT count(*) FROM wf_check();
SELECT count(*) FROM wf_check(t.a());
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000a';
SELECT count(*) FROM wf_check();
SET workflow_engine.tenant_id = 'none';
SELECT count(*) FROM wf_check();
RESET workflow_engine.tenant_id;
-- One that no longer compiles, and one whose role is gone.
SELECT wf_register_action('c_short_lived', 't.echo(jsonb, jsonb)');
SET client_min_messages = error;
SELECT t.a() AS tenant, wf_define(t.a(), '{"name": "old", "trigger_type": "checked", "steps": [{"name": "s", "action": "c_short_lived"}]}') IS NOT NULL AS defined;
RESET client_min_messages;
DELETE FROM workflow_actions WHERE name = 'c_short_lived';
UPDATE workflow_definitions SET run_as = 'regress_other' WHERE name = 'old';
ALTER FUNCTION c.work OWNER TO CURRENT_USER;
DROP ROLE regress_other;
SELECT workflow_name, path, severity, message FROM wf_check(t.a()) WHERE workflow_name = 'old';
-- One that is switched off is nobody's concern.
UPDATE workflow_definitions SET is_active = false WHERE name = 'old';
SELECT count(*) FROM wf_check(t.a()) WHERE workflow_name = 'old';

-- What a form needs to know of the parameters of an action.
SELECT name, string_agg(param || coalesce(' ' || (spec->>'format'), ''), ', ' ORDER BY (spec->>'order')::int) AS params
FROM workflow_actions, jsonb_each(params) e (param, spec) WHERE kind <> 'function' AND param NOT LIKE '$%' GROUP BY name ORDER BY name;
SELECT name, param FROM workflow_actions, jsonb_each(params) e (param, spec) WHERE kind <> 'function' AND param NOT LIKE '$%'
AND NOT spec ?& '{order,label,example,help}';
SELECT * FROM t.error($$SELECT wf_register_action('c_form', 't.echo(jsonb, jsonb)', '{
	"a": {"order": "first", "label": 5, "enum": []}, "b": {"label": {"en": "B", "ar": 5}, "enum": ["x", 1], "format": "tabel"},
	"c": {"format": "connection:"}}')$$);
SELECT wf_register_action('c_form', 't.echo(jsonb, jsonb)', '{"size": {"order": 1, "label": {"en": "Size", "ar": "الحجم"}, "type": "string|number",
	"enum": ["small", "large", "7"], "default": "small", "example": "large", "format": "secret"}}');
SELECT * FROM t.check('[{"action": "c_form", "params": {"size": "LARGE"}}, {"action": "c_form", "params": {"size": "lage"}}, {"action": "c_form", "params": {"size": 7}},
	{"action": "c_form", "params": {"size": 8}}, {"action": "c_form", "params": {"size": null}}, {"action": "c_form", "params": {"size": "{{ trigger.size }}"}}]');

-- The view capability suffices, also for definitions of other roles.
CREATE ROLE regress_viewer;
SELECT wf_grant('regress_viewer', 'view');
SET ROLE regress_viewer;
SELECT workflow_name, message FROM wf_check(t.a());
SELECT count(*) FROM workflow_stats WHERE problems > 0 AND tenant_id = t.a();
RESET ROLE;
SELECT wf_revoke('regress_viewer', 'view');
DROP ROLE regress_viewer;

DELETE FROM workflow_actions WHERE name LIKE 'c\_%';
DELETE FROM workflow_connections;
DELETE FROM workflow_templates;
SELECT t.clean();
DROP FUNCTION t.check;
SET client_min_messages = warning;
DROP SCHEMA c CASCADE;
DROP ROLE regress_steps;
