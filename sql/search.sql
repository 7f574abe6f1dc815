--
-- wf_search: runs by what people type
--
SELECT count(wf_define(t.tenant(tenant), definition)) FROM (VALUES
	('search', '{"name": "confirm", "trigger_type": "new_order",
		"title": "Order {{ trigger.order_id }}",
		"search": [{"path": "trigger.order_id", "label": {"en": "Order", "ar": "طلب"}},
			{"path": "trigger.items[0].sku", "label": "Article"},
			{"path": "trigger.customer.phone", "label": {"en": "Phone", "ar": "هاتف"}}],
		"steps": [{"name": "say", "action": "echo"}]}'::jsonb),
	('search', '{"name": "bill", "trigger_type": "order_paid", "steps": [{"name": "say", "action": "echo"}]}'),
	('searched', '{"name": "confirm", "trigger_type": "new_order", "steps": [{"name": "say", "action": "echo"}]}')
) d (tenant, definition);
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
VALUES (t.tenant('search'), 'whatsapp', 'whatsapp_cloud',
	'{"phone_number_id": "1", "default_country": "LB"}', '{"access_token": "x"}');
-- Run n is of minute n of 1 March.
CREATE FUNCTION t.numbered(tenant text, workflow text, n int, payload jsonb) RETURNS void LANGUAGE sql AS $$
	INSERT INTO workflow_runs (id, definition_id, trigger_payload, status)
	SELECT overlay(wf_run_id_floor('2026-03-01 00:00:00+00'::timestamptz + n * interval '1 min')::text
		PLACING lpad(n::text, 12, '0') FROM 25)::uuid, d.id, payload, 'completed'
	FROM workflow_definitions d WHERE d.tenant_id = t.tenant(tenant) AND d.name = workflow
$$;
SELECT count(t.numbered(tenant, workflow, n, payload::jsonb)) FROM (VALUES
	('search', 'confirm', 1, '{"order_id": "12345", "customer": {"name": "Rana Khoury", "phone": "+9613123456"}, "total": 80}'),
	('search', 'confirm', 2, '{"order_id": 12345, "items": [{"sku": "AB-77", "n": 2}, {"sku": "CD-88"}]}'),
	('search', 'confirm', 3, '{"order_id": "12346", "customer": {"name": "رنا", "phone": "03123456"}, "total": 12345}'),
	('search', 'bill', 4, '{"orderId": "12345", "customer_phone": "0096171123456", "reference": "Inv-7"}'),
	('search', 'bill', 5, '{"amount": 12.50, "customer_phone": 9613123456, "odd": {"a.b": "dotted", "$": "money", "quote\"s": "q"}}'),
	('search', 'bill', 6, '{"card": "b2c1d0e9-1111-4222-8333-444455556666", "tags": ["vip", ["deep"]], "paid": true}'),
	('searched', 'confirm', 7, '{"order_id": "12345"}')) x (tenant, workflow, n, payload);
CREATE FUNCTION t.search(q text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(ltrim(right(run_id::text, 2), '0'), ' ') FROM wf_search(q)
	WHERE tenant_id IN (t.tenant('search'), t.tenant('searched'))
$$;
CREATE FUNCTION t.searches(VARIADIC qs text[]) RETURNS TABLE (q text, found text) LANGUAGE sql AS $$
	SELECT q, t.search(q) FROM unnest(qs) q
$$;

-- A bare value: as text and as number, at every known path.
SELECT * FROM t.searches('12345', 'Rana Khoury', '12.5', '80', 'AB-77', 'CD-88', 'vip', 'deep', 'dotted', 'none');
-- The words before it narrow the paths: by their labels in any language, or by their names.
SELECT * FROM t.searches('order 12345', 'Order: 12345', 'طلب 12345', 'الطلب 12345', 'total 12345', 'customer name Rana Khoury',
	'article CD-88', 'sku AB-77', 'order id 12345', 'هاتف 03123456', 'name 12345');
-- If no path has them, they do not.
SELECT * FROM t.searches('parcel 12345', 'my dear 12345');
-- A path, spelled out or not.
SELECT * FROM t.searches('order_id=12345', 'trigger.order_id=12345', 'order_id = 12345', 'customer.name=Rana Khoury',
	'customer.phone=+9613123456', 'total=12345', 'items[0].sku=CD-88', 'odd["a.b"]=dotted', 'طلب=12345', 'phone=03123456',
	'order_id=', '=12345', 'none.at.all=7');

-- How it is typed does not matter: digits, marks, signs, words for number, case.
SELECT * FROM t.searches('#12345', '# 12345', 'order #12345', 'رقم 12345', 'طلب رقم ١٢٣٤٥', '۱۲۳۴۵', '１２３４５', 'order no. 12345',
	'  12345  ', E'\t12345\n', 'ORDER 12345', 'inv-7', 'INV-7', 'rana khoury', 'ab-77');
-- (How wide these are is another number in each version of psql.)
\pset format unaligned
SELECT * FROM t.searches(U&'\200F12345\200E', U&'\202B\0637\0644\0628\202C 12345', U&'\061C\2067\0661\0662\0663\0664\0665\2069',
	'رَنَا', 'رنـــا');
\pset format aligned
-- Phone numbers have many forms.
SELECT * FROM t.searches('+961 3 123 456', '009613123456', '9613123456', '03 123 456', '03-123456', '3123456',
	'٠٣ ١٢٣ ٤٥٦', '+961 (0)3 123456', '71 123 456', '+96171123456', 'phone 03123456');

-- The id of a run is that run; of none, a value.
SELECT t.search(run_id::text), t.search(upper(run_id::text)), t.search('{' || run_id || '}') FROM wf_search('AB-77');
SELECT * FROM t.searches('b2c1d0e9-1111-4222-8333-444455556666', '00000000-0000-7000-8000-000000000000');

-- What it shows is what wf_runs shows; page by page.
SELECT right(run_id::text, 2) AS n, workflow_name, status, title, payload_head FROM wf_search('12345', t.tenant('search'));
SELECT right(run_id::text, 2) AS n FROM wf_search('12345', t.tenant('search'), max_rows => 2);
SELECT right(run_id::text, 2) AS n FROM wf_search('12345', t.tenant('search'),
	(SELECT min(run_id::text)::uuid FROM wf_search('12345', t.tenant('search'), max_rows => 2)), 2);
SELECT count(*) FROM wf_search('12345', t.tenant('search'), '00000000-0000-7000-8000-000000000000');

-- A session that is bound to a tenant finds its own, and a role that may only view.
CREATE ROLE regress_search;
SELECT wf_grant('regress_search', 'view');
BEGIN;
SELECT set_config('workflow_engine.tenant_id', t.tenant('searched')::text, true) = t.tenant('searched')::text AS bound;
SELECT * FROM t.searches('12345', 'order 12345', 'order_id=12345', 'AB-77');
SELECT count(*) FROM wf_search('12345', t.tenant('search'));
SELECT count(*) FROM wf_runs(tenant_id => t.tenant('searched'));
SET LOCAL workflow_engine.tenant_id = 'none';
SELECT * FROM t.searches('12345', 'order_id=12345');
ROLLBACK;
SELECT run_id AS other FROM wf_search('AB-77') \gset
BEGIN;
SELECT set_config('workflow_engine.tenant_id', t.tenant('searched')::text, true) = t.tenant('searched')::text AS bound;
SELECT count(*) FROM wf_search(:'other');
ROLLBACK;
BEGIN;
GRANT USAGE ON SCHEMA t TO regress_search;
SET LOCAL ROLE regress_search;
SELECT * FROM t.searches('order 12345', 'inv-7');
ROLLBACK;
SELECT wf_revoke('regress_search', 'view');
DROP ROLE regress_search;

-- By index, whatever the planner knows.
BEGIN;
SELECT t.search('order 12345');
SELECT pg_stat_get_xact_numscans('workflow_runs'::regclass) AS sequential_scans,
	pg_stat_get_xact_numscans('workflow_runs_payload'::regclass) > 0 AS payload;
ROLLBACK;

-- What is typed is text, whatever it looks like.
SELECT * FROM t.searches('$', '$.**', '$.order_id', '%', '''', '"', '\', '{"order_id": "12345"}', '[]', 'null', 'true', '{{ trigger }}',
	'1e999999', '-', '--', '1.', '.5', '-12345', '00012345', '=', '==', 'a=b=c', '(((', '+++++++++', repeat('9', 45), 'order_id=$.**',
	'odd["quote\"s"]=q', '$=money', 'odd.$=money');
SELECT t.search(repeat('12345 ', 80)), t.search(repeat('x', 500)), t.search(repeat('[', 500)), t.search(repeat('a.', 249) || '=7');
-- It must be something, and not too much.
SELECT e.code, e.message, e.hint FROM unnest(ARRAY['''''', ''' ''', 'E''\t\n''', 'NULL', 'U&''\200F\202A''', '''#''',
	'repeat(''x'', 501)', 'repeat(''x'', 1048576)', '''a'', max_rows => 0']) WITH ORDINALITY a (q, n),
	t.error(format('SELECT * FROM wf_search(%s)', q)) e ORDER BY n;

DROP FUNCTION t.searches(text[]), t.search(text), t.numbered(text, text, int, jsonb);
DELETE FROM workflow_connections WHERE tenant_id = t.tenant('search');
SELECT t.clean();
