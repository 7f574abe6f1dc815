--
-- Every message that quotes input has whole characters
--
-- One that has not is no text: COPY and clients refuse it.
CREATE FUNCTION t.is_text(value text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	RETURN value = convert_from(convert_to(value, getdatabaseencoding()),
		getdatabaseencoding());
EXCEPTION WHEN character_not_in_repertoire THEN
	RETURN false;
END $$;
SELECT t.is_text('é'), t.is_text(NULL);

-- A character of two, three or four bytes is put at every place of texts that
-- have something of everything.
CREATE TABLE spoiled AS
SELECT c.what, spoiled
FROM (VALUES
	('template', 'x {{ trigger[0].a["b"].c | default: "x" | date: "YYYY", "UTC" }} y'),
	('template', '{{trigger.n | number: "999" | join: -12.5 | uper}}'),
	('condition', '$.trigger.a[1] == .4 && exists($.steps.x ? (@ < 10)) || $x == "a\u0041" && $.trigger.b like_regex "^a" flag "i"'),
	('condition', '$.trigger.a == 0x1F'),
	('field', 'trigger.a[0].b["c"][-1]'),
	('op', 'starts_with'),
	('matches', '^a[b-c]{1,2}(d|e)\1$'),
	('name', 'first_step'),
	('action', 'insert_record'),
	('timeout', '5 seconds'),
	('key', 'on_error')) c (what, sample),
	unnest(ARRAY['é', '€', '😀']) letter,
	generate_series(0, length(sample)) place,
	unnest(ARRAY[overlay(sample PLACING letter FROM place + 1 FOR 0),
		overlay(sample PLACING letter FROM place + 1 FOR 1),
		left(sample, place) || letter]) spoiled;
CREATE TABLE problems AS
SELECT s.what, s.spoiled, p.*
FROM spoiled s, jsonb_build_object('name', 'w', 'trigger_type', 'w') head,
	LATERAL (SELECT CASE what
		WHEN 'template' THEN jsonb_build_object('params', jsonb_build_object('a', spoiled))
		WHEN 'condition' THEN jsonb_build_object('condition', spoiled)
		WHEN 'field' THEN jsonb_build_object('condition',
			jsonb_build_object('field', spoiled, 'op', 'exists'))
		WHEN 'op' THEN jsonb_build_object('condition',
			jsonb_build_object('field', 'trigger.a', 'op', spoiled, 'value', 'x'))
		WHEN 'matches' THEN jsonb_build_object('condition',
			jsonb_build_object('field', 'trigger.a', 'op', 'matches', 'value', spoiled))
		ELSE jsonb_build_object(CASE what WHEN 'key' THEN spoiled ELSE what END,
			CASE what WHEN 'key' THEN 'stop' ELSE spoiled END) END) step (step),
	wf_validate(head || jsonb_build_object('steps', jsonb_build_array(
		'{"name": "s", "action": "echo"}'::jsonb || step))) p;
SELECT what, count(*) > 20 AS many,
	bool_and(t.is_text(path) AND t.is_text(message) AND coalesce(t.is_text(hint), true)) AS whole
FROM problems GROUP BY what ORDER BY what;

-- The character is named, not half of it; places are counted in characters.
SELECT message FROM wf_validate('{"name": "w", "trigger_type": "w", "steps": [
	{"name": "s", "action": "echo", "params": {"a": "😀 {{ trigger[0]é }}"}},
	{"name": "q", "action": "echo", "condition": {"field": "trigger[0]😀", "op": "exists"}}]}');
-- PostgreSQL's own message would cut this one.
SELECT t.is_text(detail), detail LIKE '%no%predicate%' AS told FROM t.error($$SELECT wf_define(t.a(),
	'{"name": "w", "trigger_type": "w", "steps": [
	 {"name": "r", "action": "echo", "condition": "$.trigger.a == .4é"}]}')$$);

-- What a step raises: PostgreSQL's own cut message, and long ones, whose cut
-- falls at each byte of a character.
CREATE FUNCTION t.raise(params jsonb, context jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
	IF params->>'path' IS NOT NULL THEN
		RETURN (params->>'path')::jsonpath::text;
	END IF;
	RAISE EXCEPTION '%', repeat('a', (params->>'n')::int) || repeat(params->>'letter', 4000);
END $$;
SELECT wf_register_action('raise', 't.raise(jsonb,jsonb)');
SELECT wf_define(t.a(), '{"name": "raise", "trigger_type": "raise", "steps": [
	{"name": "s", "action": "raise", "params": {"path": "{{trigger.path | default: null}}",
		"n": "{{trigger.n | default: 0}}", "letter": "{{trigger.letter | default: null}}"}}]}')
	IS NOT NULL;
SELECT count(*) FROM generate_series(0, 3) n, unnest(ARRAY['é', '€', '😀']) letter,
	wf_fire(t.a(), 'raise', jsonb_build_object('n', n, 'letter', letter));
SELECT count(*) FROM wf_fire(t.a(), 'raise', '{"path": "$.a == .4é"}');
SELECT t.wait();
SELECT trigger_payload ? 'path' AS path, count(*), status,
	bool_and(t.is_text(error_message)) AS message,
	bool_and(t.is_text(step_results::text)) AS results,
	min(octet_length(step_results->0->>'error')) > 4090 AS long,
	max(octet_length(step_results->0->>'error')) <= 4096 AS within
FROM workflow_runs r WHERE definition_id = (
	SELECT id FROM workflow_definitions WHERE name = 'raise')
GROUP BY 1, 3 ORDER BY 1;
SELECT error_message LIKE '%.4%' AS quoted FROM workflow_runs WHERE trigger_payload ? 'path';
