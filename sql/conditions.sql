--
-- Conditions: whether a step is executed or skipped.
--
-- Every condition below is decided by a run, as the condition of a step.
--
CREATE PROCEDURE t.decide(payload jsonb, VARIADIC conditions jsonb[]) LANGUAGE plpgsql AS $$
DECLARE
	steps jsonb := (
		SELECT jsonb_agg(jsonb_build_object('name', 's' || n, 'action', 'echo', 'condition', condition) ORDER BY n)
		FROM unnest(conditions) WITH ORDINALITY AS given (condition, n));
BEGIN
	CALL t.run('conditions', steps, payload);
END $$;
CREATE VIEW t.decided AS
SELECT v.definition #> ARRAY['steps', s.step::text, 'condition'] AS condition,
	s.status, s.error AS why
FROM workflow_runs r
JOIN workflow_definition_versions v ON v.definition_id = r.definition_id AND v.version = r.definition_version,
	wf_trace(r.id) AS s
WHERE r.id = t.last()
ORDER BY s.step;

-- A text is a jsonpath predicate.
CALL t.decide('{"total": 750, "country": "LB", "items": [{"q": 1}, {"q": 3}], "at": "2024-05-01"}',
	'"$.trigger.total > 500"', '"$.trigger.total > 1000"', '"$.trigger.total > 500 && $.trigger.country == \"LB\""',
	'"$.trigger.country == \"SA\" || $.trigger.country == \"LB\""', '"!($.trigger.country == \"LB\")"',
	'"$.trigger.items[*].q > 2"', '"exists($.trigger.items[*] ? (@.q > 5))"',
	'"$.trigger.country starts with \"L\""', '"$.trigger.country like_regex \"^l\" flag \"i\""',
	'"$.trigger.at.datetime() < \"2024-06-01\".datetime()"', '"($.trigger.total > \"x\") is unknown"');
SELECT * FROM t.decided;
-- A missing member makes a comparison false, so its negation true.
CALL t.decide('{"total": 750}',
	'"$.trigger.missing > 500"', '"!($.trigger.missing > 500)"', '"$.trigger.missing == $.trigger.lost"',
	'"exists($.trigger.missing)"', '"!exists($.trigger.missing)"', '"$.trigger.total.missing == 1"');
SELECT * FROM t.decided;

-- What does not compare is unknown, and so is its negation: the step is skipped
-- and says why.
CALL t.decide('{"total": "250", "limit": 100, "paid": "yes", "items": [{"q": "3"}], "order-id": "7", "o": {}}',
	'"$.trigger.total > 100"', '"!($.trigger.total > 100)"', '{"not": "$.trigger.total > 100"}', '"100 < $.trigger.total"',
	'"$.trigger.total > $.trigger.limit"', '"$.trigger.total * 2 > 100"', '"$.trigger.limit + $.trigger.missing > 100"',
	'"$.trigger.paid == true"', '"$.trigger.items[*].q > 2"', '"$.trigger.\"order-id\" == 7"', '"$.trigger.o == \"\""',
	'"$.trigger.limit starts with \"1\""', '"$.trigger.limit == 100 && $.trigger.total > 100"',
	'"$.trigger.limit == 100 || $.trigger.total > 100"', '"$.trigger.limit == 5 && $.trigger.total > 100"',
	'{"any": ["$.trigger.total > 100", {"field": "trigger.limit", "op": "eq", "value": 100}]}',
	'{"all": ["$.trigger.total > 100", {"field": "trigger.limit", "op": "eq", "value": 100}]}');
SELECT * FROM t.decided;

-- A condition of 60 kB, and of an array of 50,000 elements: an answer at once.
CALL t.decide('{"n": 5, "text": "x"}', to_jsonb(repeat('$.trigger.n == 5 && ', 3000) || '$.trigger.text > 5'),
	to_jsonb(repeat('!(', 1500) || '$.trigger.text > 5' || repeat(')', 1500)));
SELECT length(condition::text) AS length, status, why FROM t.decided;
SELECT jsonb_build_object('a', jsonb_agg(1), 'b', '["x"]'::jsonb) AS long FROM generate_series(1, 50000) \gset
CALL t.decide(:'long', '"$.trigger.a == $.trigger.b"', '"$.trigger.a + 1 > 5"');
SELECT condition, status, why FROM t.decided;

-- Times.  The engine's own are in a form that .datetime() reads; it reads no
-- "Z", but before and after do.
CALL t.decide('{"due": "2020-01-01T10:00:00Z", "later": "2999-12-31", "soon": "soon", "n": 1577872800, "none": null}',
	'"$.now.datetime() >= $.run.queued_at.datetime()"', '"$.trigger.due.datetime() < $.now.datetime()"', '"$.trigger.later.datetime() > $.now.datetime()"',
	'{"field": "trigger.due", "op": "before", "value_field": "now"}', '{"field": "now", "op": "after", "value_field": "trigger.due"}',
	'{"field": "trigger.later", "op": "after", "value_field": "now"}', '{"field": "run.queued_at", "op": "after", "value_field": "now"}',
	'{"field": "trigger.due", "op": "before", "value": "2020-01-01T10:00:00.000001Z"}', '{"field": "trigger.due", "op": "before", "value": "2020-01-01T10:00:00Z"}',
	'{"field": "trigger.due", "op": "after", "value": "2020-01-01T11:00:00+02:00"}', '{"field": "trigger.due", "op": "after", "value": "2020-01-01t09:59-00"}',
	'{"field": "trigger.due", "op": "after", "value": "2020-01-01 15:29:59.5+0530"}', '{"field": "trigger.later", "op": "after", "value": "2020-01-01"}',
	'{"field": "trigger.soon", "op": "before", "value": "2020-01-01"}', '{"field": "trigger.n", "op": "before", "value": "2020-01-01"}',
	'{"field": "trigger.due", "op": "before", "value_field": "trigger.soon"}', '{"field": "trigger.due", "op": "before", "value_field": "trigger.none"}',
	'{"not": {"field": "trigger.soon", "op": "before", "value": "2020-01-01"}}');
SELECT * FROM t.decided;
-- What PostgreSQL's input takes for a time, ISO 8601 does not.
CALL t.decide('{"a": "now", "b": "tomorrow", "c": "infinity", "d": "2020-13-01", "e": "01/02/2020", "f": "2020-01-01T10", "g": "2020-01-01T10:00:00 UTC",
		"h": "2020-01-01T25:00", "i": "", "j": " 2020-01-01", "k": "2020-01-01T10:00:00.Z", "l": "2020-01-01T10:00+24:00"}',
	'{"field": "trigger.a", "op": "after", "value": "2000-01-01"}', '{"field": "trigger.b", "op": "after", "value": "2000-01-01"}',
	'{"field": "trigger.c", "op": "after", "value": "2000-01-01"}', '{"field": "trigger.d", "op": "after", "value": "2000-01-01"}',
	'{"field": "trigger.e", "op": "after", "value": "2000-01-01"}', '{"field": "trigger.f", "op": "after", "value": "2000-01-01"}',
	'{"field": "trigger.g", "op": "after", "value": "2000-01-01"}', '{"field": "trigger.h", "op": "after", "value": "2000-01-01"}',
	'{"field": "trigger.i", "op": "after", "value": "2000-01-01"}', '{"field": "trigger.j", "op": "after", "value": "2000-01-01"}',
	'{"field": "trigger.k", "op": "after", "value": "2000-01-01"}', '{"field": "trigger.l", "op": "after", "value": "2000-01-01"}');
SELECT status, why FROM t.decided;

-- Another field in the place of the value; empty; case.
CALL t.decide('{"a": 5, "b": 7, "list": [5, 6], "name": "ZOE Haddad", "needle": "zoe", "code": "lb", "codes": ["LB", "SA", 5], "none": null, "blank": "",
		"space": " ", "zero": 0, "no": false, "pattern": "^z", "broken": "("}',
	'{"field": "trigger.a", "op": "lt", "value_field": "trigger.b"}', '{"field": "trigger.a", "op": "in", "value_field": "trigger.list"}',
	'{"field": "trigger.b", "op": "not_in", "value_field": "trigger.list"}', '{"field": "trigger.a", "op": "in", "value_field": "trigger.b"}',
	'{"field": "trigger.a", "op": "eq", "value_field": "trigger.missing"}', '{"field": "trigger.none", "op": "eq", "value_field": "trigger.none"}',
	'{"field": "trigger.a", "op": "gt", "value_field": "trigger.none"}', '{"field": "trigger.name", "op": "starts_with", "value_field": "trigger.needle"}',
	'{"field": "trigger.name", "op": "starts_with", "value_field": "trigger.needle", "ignore_case": true}',
	'{"field": "trigger.name", "op": "ends_with", "value": "HADDAD", "ignore_case": true}', '{"field": "trigger.name", "op": "contains", "value": "e h", "ignore_case": true}',
	'{"field": "trigger.name", "op": "eq", "value": "zoe haddad", "ignore_case": true}', '{"field": "trigger.name", "op": "ne", "value": "zoe haddad", "ignore_case": true}',
	'{"field": "trigger.code", "op": "in", "value": ["LB", "SA"]}', '{"field": "trigger.code", "op": "in", "value": ["LB", "SA"], "ignore_case": true}',
	'{"field": "trigger.code", "op": "not_in", "value_field": "trigger.codes", "ignore_case": true}',
	'{"field": "trigger.codes", "op": "contains", "value": "sa", "ignore_case": true}', '{"field": "trigger.name", "op": "matches", "value_field": "trigger.pattern"}',
	'{"field": "trigger.name", "op": "matches", "value_field": "trigger.pattern", "ignore_case": true}', '{"field": "trigger.name", "op": "matches", "value_field": "trigger.broken"}',
	'{"field": "trigger.a", "op": "eq", "value": 5, "ignore_case": true}',
	'{"field": "trigger.blank", "op": "empty"}', '{"field": "trigger.none", "op": "empty"}', '{"field": "trigger.missing.deeper", "op": "empty"}',
	'{"field": "trigger.space", "op": "empty"}', '{"field": "trigger.zero", "op": "empty"}', '{"field": "trigger.no", "op": "not_empty"}',
	'{"field": "trigger.missing", "op": "not_empty"}', '{"not": {"field": "trigger.missing", "op": "empty"}}');
SELECT * FROM t.decided;

-- An object names a field, an operator and a value.
CALL t.decide('{"n": 5, "text": "abc", "yes": true, "items": ["a", {"b": 1}], "o": {"k": {"l": 1}}, "none": null,
		"at": "2024-05-01T10:00:00Z"}',
	'{"field": "trigger.n", "op": "eq", "value": 5.0}', '{"field": "trigger.n", "op": "eq", "value": 6}',
	'{"field": "trigger.n", "op": "ne", "value": 6}', '{"field": "trigger.n", "op": "ne", "value": 5}',
	'{"field": "trigger.n", "op": "gt", "value": 4}', '{"field": "trigger.n", "op": "gt", "value": 5}',
	'{"field": "trigger.n", "op": "gte", "value": 5}', '{"field": "trigger.n", "op": "gte", "value": 6}',
	'{"field": "trigger.n", "op": "lt", "value": 6}', '{"field": "trigger.n", "op": "lt", "value": 5}',
	'{"field": "trigger.n", "op": "lte", "value": 5}', '{"field": "trigger.n", "op": "lte", "value": 4}');
SELECT * FROM t.decided;
CALL t.decide('{"text": "abc", "yes": true, "items": ["a", {"b": 1, "c": 2}], "o": {"k": {"l": 1}, "m": 2}, "none": null,
		"at": "2024-05-01T10:00:00Z"}',
	'{"field": "trigger.text", "op": "eq", "value": "abc"}', '{"field": "trigger.yes", "op": "eq", "value": true}',
	'{"field": "trigger.none", "op": "eq", "value": null}', '{"field": "trigger.text", "op": "ne", "value": null}',
	'{"field": "trigger.o.k", "op": "eq", "value": {"l": 1}}', '{"field": "trigger.at", "op": "gt", "value": "2024-04-30"}',
	'{"field": "trigger.text", "op": "in", "value": ["x", "abc"]}', '{"field": "trigger.text", "op": "in", "value": ["x"]}',
	'{"field": "trigger.text", "op": "not_in", "value": ["x", "y"]}', '{"field": "trigger.text", "op": "not_in", "value": ["abc"]}',
	'{"field": "trigger.text", "op": "contains", "value": "b"}', '{"field": "trigger.text", "op": "contains", "value": "x"}',
	'{"field": "trigger.items", "op": "contains", "value": "a"}', '{"field": "trigger.items", "op": "contains", "value": {"b": 1, "c": 2}}',
	'{"field": "trigger.items", "op": "contains", "value": "x"}', '{"field": "trigger.o", "op": "contains", "value": {"m": 2}}',
	'{"field": "trigger.text", "op": "starts_with", "value": "ab"}', '{"field": "trigger.text", "op": "starts_with", "value": "b"}',
	'{"field": "trigger.text", "op": "ends_with", "value": "bc"}', '{"field": "trigger.text", "op": "ends_with", "value": "b"}',
	'{"field": "trigger.text", "op": "matches", "value": "^a.c$"}', '{"field": "trigger.text", "op": "matches", "value": "^b"}',
	'{"field": "trigger.none", "op": "exists"}', '{"field": "trigger.missing", "op": "exists"}',
	'{"field": "trigger.missing.deeper", "op": "not_exists"}', '{"field": "trigger.text", "op": "not_exists"}',
	'{"field": "trigger.items[-1].c", "op": "eq", "value": 2}');
SELECT * FROM t.decided;

-- all, any, not; a text may stand in them too.
CALL t.decide('{"n": 5, "country": "LB"}',
	'{"all": [{"field": "trigger.n", "op": "gt", "value": 1}, {"field": "trigger.country", "op": "eq", "value": "LB"}]}',
	'{"all": [{"field": "trigger.n", "op": "gt", "value": 1}, {"field": "trigger.country", "op": "eq", "value": "SA"}]}',
	'{"any": [{"field": "trigger.n", "op": "gt", "value": 9}, {"field": "trigger.country", "op": "eq", "value": "LB"}]}',
	'{"any": [{"field": "trigger.n", "op": "gt", "value": 9}, {"field": "trigger.country", "op": "eq", "value": "SA"}]}',
	'{"not": {"field": "trigger.n", "op": "gt", "value": 9}}', '{"not": {"field": "trigger.n", "op": "gt", "value": 1}}',
	'{"all": ["$.trigger.n == 5", {"any": [{"not": "$.trigger.n == 5"}, "$.trigger.country == \"LB\""]}]}');
SELECT * FROM t.decided;

-- What cannot be decided (a missing field, types that do not compare) skips
-- the step too, and says why.
CALL t.decide('{"n": 5, "text": "abc", "yes": true, "none": null, "o": {}}',
	'{"field": "trigger.country", "op": "in", "value": ["LB", "SA"]}',
	'{"field": "trigger.customer.country", "op": "ne", "value": "LB"}',
	'{"field": "trigger.n", "op": "eq", "value": "5"}', '{"field": "trigger.text", "op": "gt", "value": 5}',
	'{"field": "trigger.yes", "op": "gt", "value": 1}', '{"field": "trigger.none", "op": "gt", "value": 1}',
	'{"field": "trigger.n", "op": "contains", "value": 5}', '{"field": "trigger.n", "op": "matches", "value": "5"}',
	'{"field": "trigger.n", "op": "in", "value": ["5"]}',
	'{"not": {"field": "trigger.country", "op": "eq", "value": "LB"}}',
	'{"all": [{"field": "trigger.n", "op": "eq", "value": 5}, {"field": "trigger.country", "op": "eq", "value": "LB"}]}',
	'{"any": [{"field": "trigger.n", "op": "eq", "value": 6}, {"field": "trigger.country", "op": "eq", "value": "LB"}]}');
SELECT * FROM t.decided;
-- It does not matter where the rest decides.
CALL t.decide('{"n": 5}',
	'{"all": [{"field": "trigger.n", "op": "eq", "value": 6}, {"field": "trigger.country", "op": "eq", "value": "LB"}]}',
	'{"any": [{"field": "trigger.n", "op": "eq", "value": 5}, {"field": "trigger.country", "op": "eq", "value": "LB"}]}');
SELECT * FROM t.decided;

-- The whole context is there, in both forms.
CALL t.run('conditions', replace('[
	{"name": "charge", "action": "echo", "params": {"amount": 7}},
	{"name": "refuse", "action": "find_record", "params": {"table": "t.no_such_table", "where": {}}, "on_error": "continue"},
	{"name": "paid", "action": "echo", "condition": "$.steps.charge.status == \"completed\" && $.steps.charge.output.amount == 7"},
	{"name": "unpaid", "action": "echo", "condition": {"field": "steps.charge.status", "op": "ne", "value": "completed"}},
	{"name": "apology", "action": "echo", "condition": {"all": [
		{"field": "steps.refuse.status", "op": "eq", "value": "failed"},
		{"field": "steps.refuse.error", "op": "contains", "value": "does not exist"}]}},
	{"name": "after-skip", "action": "echo", "condition": "$.steps.unpaid.status == \"skipped\""},
	{"name": "first-try", "action": "echo", "condition": {"field": "run.attempt", "op": "eq", "value": 1}},
	{"name": "by-name", "action": "echo", "condition": "$.workflow.name == \"example\" && $.workflow.version > 0"},
	{"name": "mine", "action": "echo", "condition": {"field": "tenant.id", "op": "eq", "value": "<tenant>"}},
	{"name": "since", "action": "echo", "condition": "$.now >= $.run.queued_at"}]',
	'<tenant>', t.tenant('conditions')::text)::jsonb);
SELECT step_name, status FROM t.step ORDER BY step;

-- What was cut off a large output is unknown, in both forms.
SELECT jsonb_build_object('long', repeat('x', 50000)) AS payload \gset
CALL t.run('conditions', '[{"name": "big", "action": "echo", "params": {"long": "{{ trigger.long }}", "id": 5}},
	{"name": "text", "action": "echo", "condition": "$.steps.big.output.id == 5"},
	{"name": "negated", "action": "echo", "condition": "$.trigger.n == 1 || !($.steps.big.output.id == 5)"},
	{"name": "object", "action": "echo", "condition": {"field": "steps.big.output.id", "op": "eq", "value": 5}},
	{"name": "empty", "action": "echo", "condition": {"field": "steps.big.output.id", "op": "empty"}},
	{"name": "value-field", "action": "echo", "condition": {"field": "trigger.long", "op": "ne", "value_field": "steps.big.output.id"}},
	{"name": "cut", "action": "echo", "condition": "$.steps.big.output.truncated == true && exists($.steps.big.output.head)"},
	{"name": "status", "action": "echo", "condition": "$.steps.big.status == \"completed\""}]', :'payload');
SELECT step_name, status, error FROM t.step WHERE step > 0 ORDER BY step;

-- A skipped step has an element in the history like any other: no input, no
-- output, no attempt; the run goes on and completes.
CALL t.run('conditions', '[{"name": "no", "action": "echo", "condition": "$.trigger.n > 1", "params": {"x": "{{trigger.missing}}"}},
	{"name": "unknown", "action": "echo", "condition": {"field": "trigger.n", "op": "gt", "value": 1}},
	{"name": "yes", "action": "echo"}]');
SELECT e - 'started_at' - 'duration_ms' AS element
FROM workflow_runs r, jsonb_array_elements(step_results) AS e WHERE r.id = t.last();
SELECT status, current_step, error_message FROM workflow_runs WHERE id = t.last();

DELETE FROM workflow_runs WHERE tenant_id = t.tenant('conditions');
DELETE FROM workflow_definitions WHERE tenant_id = t.tenant('conditions');
DROP VIEW t.decided;
DROP PROCEDURE t.decide;
