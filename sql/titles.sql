--
-- How people name and find runs: "title" and "search" of a definition
--
CREATE FUNCTION t.problems(members text)
RETURNS TABLE (path text, severity text, message text, hint text) LANGUAGE sql AS $$
	SELECT path, severity, message, hint FROM wf_validate(('{"name": "x", "trigger_type": "order",
		"steps": [{"name": "say", "action": "echo"}], ' || members || '}')::jsonb)
$$;
-- These are valid.
SELECT * FROM t.problems($$"title": "Order {{ trigger.order_id }}, {{ trigger.customer.name | upper }}"$$);
SELECT * FROM t.problems($$"title": "{{ workflow.name }} of {{ tenant.id }} at {{ run.queued_at | date: \"YYYY\" }}"$$);
SELECT * FROM t.problems($$"title": "no template, and \\{{ trigger }} is text"$$);
SELECT * FROM t.problems($$"search": []$$);
SELECT * FROM t.problems($$"search": [{"path": "trigger.order_id", "label": {"en": "Order", "ar": "طلب"}},
	{"path": "trigger.items[0].sku", "label": "SKU"}, {"path": "trigger.customer.phone"}]$$);

-- A title is a template like others, and speaks of the event.
SELECT * FROM t.problems($$"title": 1$$);
SELECT * FROM t.problems($$"title": ""$$);
SELECT message FROM t.problems(format('"title": "%s"', repeat('x', 256)));
SELECT * FROM t.problems($$"title": "Order {{ trigger.order_id"$$);
SELECT * FROM t.problems($$"title": "Order {{ order_id }}"$$);
SELECT * FROM t.problems($$"title": "Order {{ trigger.order_id | uper }}"$$);
SELECT * FROM t.problems($$"title": "{{ trigger.a }} {{ steps.say.output.x }}, {{ now }}"$$);
-- A key to search is a path into the payload, with what people call it.
SELECT * FROM t.problems($$"search": {"path": "trigger.order_id"}$$);
SELECT * FROM t.problems($$"search": ["trigger.order_id"]$$);
SELECT * FROM t.problems($$"search": [{"label": "Order"}]$$);
SELECT * FROM t.problems($$"search": [{"path": "trigger.order_id", "lable": "Order"}]$$);
SELECT * FROM t.problems($$"search": [{"path": "order_id"}, {"path": "trigger..a"}, {"path": "trigger"},
	{"path": "run.id"}, {"path": 7}]$$);
SELECT * FROM t.problems($$"search": [{"path": "trigger.a", "label": {"en": "A", "ar": 7, "fr": ""}},
	{"path": "trigger.a"}, {"path": "trigger.b", "label": []}]$$);
SELECT path, message FROM t.problems(format('"search": [%s]',
	(SELECT string_agg(format('{"path": "trigger.a%s"}', n), ', ') FROM generate_series(1, 21) n)));
-- It is refused on write.
SELECT wf_define(t.tenant('titles'), '{"name": "x", "trigger_type": "order",
	"steps": [{"name": "say", "action": "echo"}], "title": "{{ order }}"}');
\echo :LAST_ERROR_SQLSTATE

-- A title is rendered when a list is read, by the version that the run executes.
CREATE FUNCTION t.title(title text, payload jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	run uuid;
	rendered text;
BEGIN
	PERFORM wf_define(t.tenant('titles'), jsonb_build_object('name', 'titled', 'trigger_type', 'titled',
		'steps', '[{"name": "say", "action": "echo"}]'::jsonb) ||
		CASE WHEN title IS NULL THEN '{}' ELSE jsonb_build_object('title', title) END);
	SELECT f INTO run FROM wf_fire(t.tenant('titles'), 'titled', payload, run_at => 'infinity') f;
	SELECT r.title INTO rendered FROM wf_runs(tenant_id => t.tenant('titles'), max_rows => 1) r;
	RETURN rendered;
END $$;
SELECT n, t.title(title, payload::jsonb) FROM (VALUES
	(1, 'Order {{ trigger.order_id }}, {{ trigger.customer.name | upper }}', '{"order_id": 7, "customer": {"name": "Rana"}}'),
	(2, '{{ trigger.order_id }}', '{"order_id": 7.50}'),
	(3, 'طلب {{ trigger.order_id }}', '{"order_id": "٧"}'),
	(4, '{{ workflow.name }} v{{ workflow.version }} {{ run.attempt }} {{ trigger.none | default: "-" }}', '{}'),
	(5, 'all the same', '{"a": 1}'),
	-- a line, whatever is in the payload
	(6, 'Order {{ trigger.id }}.', '{"id": "  7\n\t8\r\n"}'),
	-- one that fails, or says nothing, is the first scalars
	(7, 'Order {{ trigger.order_id }}', '{"z": "last", "a": {"deep": [true, null, 1.50]}, "bb": "two"}'),
	(8, '{{ trigger.a | number: "FM0" }}', '{"a": "x"}'),
	(9, '{{ trigger.a }}', '{"a": "   ", "b": 2}'),
	(10, '{{ trigger.a }}', '{"b": {}}'),
	(11, NULL, '{"a": 1, "b": "x", "c": false, "d": 4}'),
	(12, NULL, '{"a": [[], {}]}')) x (n, title, payload) ORDER BY n;
-- It is short, ...
SELECT length(title), right(title, 5) FROM t.title('{{ trigger.a }}', jsonb_build_object('a', repeat('ü', 1000))) title;
SELECT length(title), right(title, 5) FROM t.title(NULL, jsonb_build_object('a', repeat('ü', 1000))) title;
-- ... and one that would be very long fails alone.
SELECT t.title(repeat('{{trigger}}', 20), jsonb_build_object('b', 7, 'long', repeat('x', 1000000))) LIKE '7, xxx%';
-- A failed title does not hide other runs.
SELECT count(*), count(title) FROM wf_runs(tenant_id => t.tenant('titles'));
SELECT count(*) FROM wf_cancel_runs(t.tenant('titles'));

DROP FUNCTION t.problems(text);
DROP FUNCTION t.title(text, jsonb);
SELECT t.clean();
