--
-- Every op of a condition with every pair of types: T true, F false, ? unknown
-- (the step is skipped, and its result says why).
--
CREATE TABLE t.kind (n int, kind text, value jsonb);
INSERT INTO t.kind VALUES (1, 'text', '"abc"'), (2, 'time', '"2026-03-01T10:00:00Z"'), (3, 'number', '5'),
	(4, 'bool', 'true'), (5, 'null', 'null'), (6, 'array', '["abc", 5]'), (7, 'object', '{"k": 1}'), (8, 'missing', NULL);
CREATE TABLE t.op (n int, op text, takes_value bool);
INSERT INTO t.op
SELECT n, op, n <= 14
FROM unnest('{eq,ne,gt,gte,lt,lte,in,not_in,contains,starts_with,ends_with,matches,before,after,exists,not_exists,empty,not_empty}'::text[])
	WITH ORDINALITY AS given (op, n);
-- A field of each kind and a value of each kind.
CREATE TABLE t.pair AS
SELECT row_number() OVER (ORDER BY o.n, f.n, v.n) - 1 AS step, o.n AS op_n, op, f.n AS field_n, f.kind AS field, v.kind AS value,
	jsonb_build_object('field', 'trigger.' || f.kind, 'op', op)
		|| CASE WHEN takes_value THEN jsonb_build_object('value_field', 'trigger.' || v.kind) ELSE '{}' END AS condition,
	v.value AS literal, NULL::text AS result, NULL::text AS why
FROM t.op AS o, t.kind AS f, t.kind AS v
WHERE takes_value OR v.n = 1;

-- Decides conditions in one run: what became of each, in their order.
CREATE PROCEDURE t.decide(payload jsonb, conditions jsonb[]) LANGUAGE plpgsql AS $$
DECLARE
	steps jsonb := (
		SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'find_record', 'condition', condition,
			'params', '{"table": "t.kind", "where": {"n": 1}}'::jsonb) ORDER BY n)
		FROM unnest(conditions) WITH ORDINALITY AS given (condition, n));
BEGIN
	CALL t.run('types', steps, payload);
END $$;
CREATE VIEW t.decided AS
SELECT step, CASE WHEN status = 'completed' THEN 'T' WHEN status <> 'skipped' THEN status
	WHEN error IS NULL THEN 'F' ELSE '?' END AS result, error AS why
FROM t.step;

SELECT jsonb_object_agg(kind, value) FILTER (WHERE value IS NOT NULL) AS payload FROM t.kind \gset
SELECT array_agg(condition ORDER BY step) AS conditions FROM t.pair \gset
CALL t.decide(:'payload', :'conditions');
UPDATE t.pair SET result = d.result, why = d.why FROM t.decided AS d WHERE d.step = pair.step;

SELECT op, field, max(result) FILTER (WHERE value = 'text') AS text, max(result) FILTER (WHERE value = 'time') AS time,
	max(result) FILTER (WHERE value = 'number') AS number, max(result) FILTER (WHERE value = 'bool') AS bool,
	max(result) FILTER (WHERE value = 'null') AS "null", max(result) FILTER (WHERE value = 'array') AS "array",
	max(result) FILTER (WHERE value = 'object') AS object, max(result) FILTER (WHERE value = 'missing') AS missing
FROM t.pair WHERE op_n <= 14 GROUP BY op_n, op, field_n, field ORDER BY op_n, field_n;
SELECT op, string_agg(field, ' ' ORDER BY field_n) FILTER (WHERE result = 'T') AS true_of,
	string_agg(field, ' ' ORDER BY field_n) FILTER (WHERE result = 'F') AS false_of,
	string_agg(field, ' ' ORDER BY field_n) FILTER (WHERE result = '?') AS unknown_of
FROM t.pair WHERE op_n > 14 GROUP BY op_n, op ORDER BY op_n;
-- The reasons.
SELECT DISTINCT op, why FROM t.pair WHERE op IN ('eq', 'in', 'contains', 'matches', 'before') AND why IS NOT NULL ORDER BY op, why;
-- Unknown exactly where there is a reason, and no other outcome.
SELECT count(*) AS conditions, count(*) FILTER (WHERE result = '?' AND why = '') AS no_reason,
	count(*) FILTER (WHERE result NOT IN ('T', 'F', '?')) AS neither FROM t.pair;

-- The negation of true is false, of false true, of unknown unknown with the
-- same reason.
SELECT array_agg(jsonb_build_object('not', condition) ORDER BY step) AS conditions FROM t.pair \gset
CALL t.decide(:'payload', :'conditions');
SELECT count(*) AS conditions, count(*) FILTER (WHERE d.result <> translate(p.result, 'TF', 'FT') OR d.why IS DISTINCT FROM p.why) AS different
FROM t.pair AS p JOIN t.decided AS d USING (step);

-- A literal does what the same value of a field does, where it is accepted.
CREATE TABLE t.literal AS
SELECT row_number() OVER (ORDER BY step) - 1 AS step, op, field, result,
	condition - 'value_field' || jsonb_build_object('value', literal) AS condition
FROM t.pair
WHERE op_n <= 14 AND literal IS NOT NULL AND NOT EXISTS (
	SELECT FROM wf_validate(jsonb_build_object('steps', jsonb_build_array(jsonb_build_object('name', 'a', 'action', 'echo',
		'condition', condition - 'value_field' || jsonb_build_object('value', literal))))));
SELECT array_agg(condition ORDER BY step) AS conditions FROM t.literal \gset
CALL t.decide(:'payload', :'conditions');
SELECT count(*) AS conditions, count(*) FILTER (WHERE d.result <> l.result) AS different
FROM t.literal AS l JOIN t.decided AS d USING (step);

-- jsonpath: what PostgreSQL calls unknown is unknown here, with a reason; what
-- it calls false or true is that.  (PostgreSQL's own words differ between its
-- versions, and are left out.)
CREATE TABLE t.jsonpath AS
SELECT row_number() OVER () - 1 AS step, condition
FROM (
	SELECT format('$.trigger.%s %s $.trigger.%s', f.kind, op, v.kind)
	FROM t.kind AS f, unnest('{==,!=,>,<=}'::text[]) AS op, t.kind AS v
	UNION ALL
	SELECT format(form, kind)
	FROM t.kind, unnest(ARRAY['$.trigger.%s starts with "a"', '$.trigger.%s like_regex "a"', 'exists($.trigger.%s)',
		'exists($.trigger.%s.datetime())', '$.trigger.%s + 1 > 3', '-$.trigger.%s < 3', '($.trigger.%s > 3) is unknown',
		'$.trigger.%s.double() > 3', '$.trigger.%s.datetime() > $.now.datetime()', '!($.trigger.%s > 3)',
		'$.trigger.%s == 5 && $.trigger.text > 1', '$.trigger.%s == 5 || $.trigger.text > 1']) AS form) AS given (condition);
SELECT array_agg(to_jsonb(condition) ORDER BY step) AS conditions FROM t.jsonpath \gset
CALL t.decide(:'payload', :'conditions');
SELECT count(*) AS conditions,
	count(*) FILTER (WHERE result IS DISTINCT FROM CASE jsonb_path_match_tz(jsonb_build_object('trigger', :'payload'::jsonb, 'now', to_jsonb(now())), condition::jsonpath, silent => true)
		WHEN true THEN 'T' WHEN false THEN 'F' ELSE '?' END) AS different,
	count(*) FILTER (WHERE result = '?') AS unknown
FROM t.jsonpath JOIN t.decided USING (step);
SELECT condition, result, regexp_replace(why, '(is [a-z ]+|datetime\(\)|double\(\)|^): [^$].*', '\1: ...') AS why
FROM t.jsonpath JOIN t.decided USING (step)
WHERE step % 11 = 3 OR condition !~ '^\$\.trigger\.\w+ (==|!=|>|<=) ' ORDER BY step;

DELETE FROM workflow_runs WHERE tenant_id = t.tenant('types');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('types');
DROP VIEW t.decided;
DROP PROCEDURE t.decide;
DROP TABLE t.kind, t.op, t.pair, t.literal, t.jsonpath;
