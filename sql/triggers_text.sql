--
-- wf_fire_trigger: a payload does not depend on the session's settings
--
CREATE SCHEMA g;
CREATE VIEW g.fired AS
SELECT d.name, r.trigger_payload AS payload
FROM workflow_runs r JOIN workflow_definitions d ON d.id = r.definition_id
WHERE r.tenant_id = t.a() ORDER BY r.id;

-- One column of each type whose text follows a setting, alone, in arrays,
-- ranges, domains and rows, and in rows in arrays.
CREATE DOMAIN g.span AS interval;
CREATE DOMAIN g.moment AS timestamptz;
CREATE TYPE g.inner_row AS (at timestamptz, days daterange, f float8, price money);
CREATE TYPE g.outer_row AS (i g.inner_row, during interval[], bin bytea);
CREATE TYPE g.float_range AS RANGE (subtype = float8);
CREATE TABLE g.every (
	id int, tenant_id uuid DEFAULT t.a(),
	d date, ts timestamp, tz timestamptz, t time, ttz timetz, iv interval,
	f4 float4, f8 float8, n numeric, bin bytea, price money, x xml, p point,
	rc regclass, rt regtype, mo g.moment, sp g.span,
	da date[], tza timestamptz[], iva interval[], fa float8[], ba bytea[],
	ma money[], moa g.moment[], rca regclass[],
	dr daterange, tsr tsrange, tzr tstzrange, fr g.float_range, nr int4range,
	drm datemultirange, tzrm tstzmultirange, tzra tstzrange[],
	o g.outer_row, oa g.outer_row[], i g.inner_row);
CREATE TRIGGER by_row AFTER INSERT OR UPDATE ON g.every
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row');
CREATE TRIGGER by_statement AFTER INSERT ON g.every REFERENCING NEW TABLE AS n
	FOR EACH STATEMENT EXECUTE FUNCTION wf_fire_trigger('statement');
SELECT count(wf_define(t.a(), format('{"name": "%s", "trigger_type": "%1$s", "steps": [{"name": "s", "action": "echo"}]}',
	type)::jsonb)) FROM unnest('{row,statement}'::text[]) type;
CREATE TABLE g.one AS TABLE g.every;
SET timezone = 'UTC';
INSERT INTO g.one VALUES (1, t.a(),
	'2026-02-01', '2026-02-01 03:04:05.678', '2026-02-01 03:04:05.678Z', '03:04:05', '03:04:05+02', '1 year -2 days 3:04:05',
	0.1, 0.1::float8 + 0.2, 1.10, '\x00ff', 1234.5, '<a b="c"/>', '(0.30000000000000004,1)',
	'g.every', 'g.inner_row', '2026-02-01 03:04:05Z', '-1 day',
	'{2026-02-01,infinity}', '{2026-02-01 03:04:05Z,-infinity}', '{1 mon 2 days,NULL}', '{0.30000000000000004,NaN}', '{"\\x00ff"}',
	'{1234.5}', '{2026-02-01 03:04:05Z}', '{g.every}',
	'[2026-02-01,2026-03-04)', '[2026-02-01 03:04:05,)', '[2026-02-01 03:04:05Z,infinity]', '[0.30000000000000004,1]', '[1,5)',
	'{[2026-02-01,2026-03-04)}', '{[2026-02-01 03:04:05Z,)}', '{"[2026-02-01 03:04:05Z,)"}',
	ROW(ROW('2026-02-01 03:04:05Z'::timestamptz, '[2026-02-01,2026-03-04)'::daterange, 0.1::float8 + 0.2, 12.5::numeric::money)::g.inner_row,
		'{1 day}'::interval[], '\x00ff'::bytea)::g.outer_row,
	ARRAY[ROW(NULL, '{-1 day}'::interval[], '\x00'::bytea)::g.outer_row],
	ROW('2026-02-01 03:04:05Z'::timestamptz, 'empty'::daterange, 'NaN'::float8, 12.5::numeric::money)::g.inner_row);
-- (A session's lc_monetary decides what a number as money is, so it is C here.)
INSERT INTO g.every TABLE g.one;
SELECT jsonb_pretty(payload) FROM g.fired WHERE name = 'row';
CREATE TABLE g.expected AS SELECT payload FROM g.fired WHERE name = 'row';
SELECT count(*) AS by_statement FROM g.fired JOIN g.expected USING (payload) WHERE name = 'statement';

-- Under every other value of every setting it is the same, by row and by
-- statement; and the session keeps what it had set.
CREATE FUNCTION g.differs(setting text, setting_value text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM workflow_runs WHERE tenant_id = t.a();
	PERFORM set_config(setting, setting_value, false);
	INSERT INTO g.every SELECT * FROM g.one;
	RETURN QUERY
		SELECT format('%s %s: %s has %s = %s', setting, setting_value, f.name, f.key, f.value)
		FROM (SELECT name, (jsonb_each(payload)).* FROM g.fired) f
		JOIN (SELECT (jsonb_each(payload)).* FROM g.expected) e USING (key)
		WHERE e.value <> f.value;
	RETURN QUERY
		SELECT format('%s %s: %s payloads', setting, setting_value, count(*)) FROM g.fired
		HAVING count(*) <> 2;
	RETURN QUERY
		SELECT format('%s %s: set to %s', setting, setting_value, current_setting(setting))
		WHERE current_setting(setting) <> setting_value;
END $$;
SELECT g.differs(setting, value) FROM (VALUES
	('DateStyle', 'SQL, DMY'), ('DateStyle', 'German, DMY'), ('DateStyle', 'Postgres, MDY'),
	('IntervalStyle', 'sql_standard'), ('IntervalStyle', 'iso_8601'), ('IntervalStyle', 'postgres_verbose'),
	('extra_float_digits', '0'), ('extra_float_digits', '-15'), ('extra_float_digits', '3'),
	('bytea_output', 'escape'), ('TimeZone', 'Asia/Beirut'), ('TimeZone', 'America/St_Johns'),
	('lc_monetary', 'C.UTF-8'), ('xmlbinary', 'hex'), ('xmloption', 'document'),
	('search_path', 'g, public, t'), ('quote_all_identifiers', 'on'),
	('TimeZone', 'UTC')) s (setting, value);
-- All of them at once, now by UPDATE: the old row too.
DELETE FROM workflow_runs WHERE tenant_id = t.a();
UPDATE g.every SET id = 2 WHERE ctid = (SELECT min(ctid) FROM g.every);
SELECT f.payload->'_old' = e.payload - '{_op,_table,_schema}'::text[] AS old,
	f.payload - '{_old,_op,id}'::text[] = e.payload - '{_op,id}'::text[] AS new
FROM g.fired f, g.expected e;
SHOW DateStyle;
RESET ALL;

-- Reg types have their schema; a cast to json keeps the session's search_path.
CREATE TABLE g.here (id int, tenant_id uuid DEFAULT t.a(), rc regclass);
SET client_min_messages = warning;
CREATE TYPE g.shown;
CREATE FUNCTION g.shown_in(cstring) RETURNS g.shown IMMUTABLE STRICT LANGUAGE internal AS 'textin';
CREATE FUNCTION g.shown_out(g.shown) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout';
CREATE TYPE g.shown (INPUT = g.shown_in, OUTPUT = g.shown_out, LIKE = text);
RESET client_min_messages;
CREATE FUNCTION g.helper() RETURNS interval LANGUAGE sql AS $$ SELECT '1 day 2 hours'::interval $$;
CREATE FUNCTION g.as_json(g.shown) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
	RETURN json_build_object('helped', helper(), 'at', '2026-02-01 03:04:05Z'::timestamptz);
END $$;
CREATE CAST (g.shown AS json) WITH FUNCTION g.as_json(g.shown);
ALTER TABLE g.here ADD s g.shown;
CREATE TRIGGER fire AFTER INSERT ON g.here
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger('row', 'tenant_id', 'rc', 's');
DELETE FROM workflow_runs WHERE tenant_id = t.a();
SET search_path = g, public;
SET intervalstyle = 'sql_standard';
SET timezone = 'Asia/Beirut';
INSERT INTO g.here (rc, s) VALUES ('g.here', 'x');
SELECT payload FROM g.fired;
RESET ALL;

-- What a step stores of it is what was there, whatever the session was like.
CREATE TABLE g.kept (LIKE g.every);
ALTER TABLE g.kept DROP x, DROP rc, DROP rt, DROP rca, DROP p, DROP o, DROP oa, DROP i;
SELECT count(wf_define(t.a(), jsonb_build_object('name', 'row', 'trigger_type', 'row', 'steps', jsonb_build_array(
	jsonb_build_object('name', 'keep', 'action', 'insert_record', 'params', jsonb_build_object('table', 'g.kept',
		'fields', (SELECT jsonb_object_agg(attname, format('{{ trigger.%s }}', attname))
			FROM pg_attribute WHERE attrelid = 'g.kept'::regclass AND attnum > 0 AND NOT attisdropped)))))));
DELETE FROM workflow_runs WHERE tenant_id = t.a();
SET datestyle = 'SQL, DMY';
SET intervalstyle = 'sql_standard';
SET timezone = 'America/St_Johns';
SET extra_float_digits = 0;
SET bytea_output = 'escape';
INSERT INTO g.every TABLE g.one;
RESET ALL;
SELECT t.wait();
SELECT status, error_message FROM wf_history() WHERE workflow_name = 'row';
SELECT count(*), count(*) FILTER (WHERE kept.value = one.value) AS kept
FROM (SELECT (jsonb_each(to_jsonb(kept))).* FROM g.kept) kept
JOIN (SELECT (jsonb_each(to_jsonb(one))).* FROM g.one) one USING (key);

-- A definition's intervals mean the same in every session.
SET intervalstyle = 'sql_standard';
SELECT message FROM wf_validate('{"trigger_type": "x", "steps": [{"name": "s", "action": "echo",
	"timeout": "-1 hour 1 day"}]}');
RESET intervalstyle;

SELECT t.clean();
SET client_min_messages = warning;
DROP SCHEMA g CASCADE;
