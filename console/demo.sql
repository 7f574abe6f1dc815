-- Something to look at in the console: two people who sign in, two branches, and
-- workflows that complete, fail and wait.  make demo CONSOLE=1 loads it, and so do the
-- tests of the page.
--
-- psql variables: http, the address of an HTTP server that answers as
-- t/loopback/http_receiver.py does; password, of both people.

SET client_min_messages = warning;

-- Whoever is a member of wf_console may sign in with a password: the line of
-- pg_hba.conf is in docs/console.md.
CREATE ROLE wf_console NOLOGIN;
CREATE ROLE shop_steps NOLOGIN;
CREATE ROLE ops LOGIN IN ROLE wf_console, shop_steps PASSWORD :'password';
CREATE ROLE viewer LOGIN IN ROLE wf_console PASSWORD :'password';
-- what one of several people saves works with the rights of a shared role
SELECT format('ALTER DATABASE %I SET workflow_engine.default_run_as = %L',
	current_database(), 'shop_steps') \gexec
SELECT wf_grant('ops', 'operate') \g /dev/null
SELECT wf_grant('viewer', 'view') \g /dev/null

\set beirut 7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c01
\set riyadh 7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c02
INSERT INTO workflow_tenants VALUES (:'beirut', 'Beirut'), (:'riyadh', 'الرياض');

INSERT INTO workflow_connections (tenant_id, name, kind, config)
VALUES (NULL, 'shop', 'http', jsonb_build_object('base_url', :'http' || '/echo')),
	(NULL, 'billing', 'http', jsonb_build_object('base_url', :'http' || '/failing/1/422/echo')),
	(NULL, 'reviews', 'http', jsonb_build_object('base_url', :'http' || '/status/503'));

INSERT INTO workflow_definitions (tenant_id, run_as, definition)
SELECT tenant_id, 'shop_steps', definition
FROM workflow_tenants, (VALUES
('{"name": "Confirm order", "trigger_type": "new_order",
  "description": "Tells the shop, and the customer if it is a large order",
  "title": "Order {{ trigger.order_id }}, {{ trigger.customer.name }}",
  "search": [{"path": "trigger.order_id", "label": {"en": "Order", "ar": "طلب"}},
		{"path": "trigger.customer.phone", "label": {"en": "Phone", "ar": "هاتف"}}],
  "steps": [
	{"name": "confirm", "action": "webhook",
	 "params": {"connection": "shop", "path": "/orders/{{ trigger.order_id }}/confirm"}},
	{"name": "thank", "action": "webhook",
	 "condition": {"field": "trigger.total", "op": "gt", "value": 300},
	 "params": {"connection": "shop", "path": "/messages", "merge_payload": false,
		"body": {"to": "{{ trigger.customer.phone }}", "text": "Thank you, {{ trigger.customer.name }}"}}}]}'::jsonb),
('{"name": "Bill", "trigger_type": "new_order",
  "title": "Order {{ trigger.order_id }}, {{ trigger.customer.name }}",
  "steps": [
	{"name": "look_up", "action": "webhook",
	 "params": {"connection": "shop", "path": "/customers", "body": {"phone": "{{ trigger.customer.phone }}"}}},
	{"name": "bill", "action": "webhook",
	 "condition": "$.trigger.total > 420",
	 "params": {"connection": "billing", "path": "/invoices"}}]}'),
('{"name": "طلب تقييم", "trigger_type": "order_paid",
  "title": "طلب {{ trigger.order_id }}، {{ trigger.customer.name }}",
  "steps": [
	{"name": "ask", "action": "webhook",
	 "retry": {"max_attempts": 5, "initial_interval": "1 hour"},
	 "params": {"connection": "reviews", "path": "/ask"}}]}')) d (definition);

SELECT wf_fire(CASE WHEN n % 3 = 0 THEN :'riyadh' ELSE :'beirut' END::uuid, 'new_order',
	jsonb_build_object('order_id', 12320 + n, 'total', (n * 17.50)::numeric(10, 2),
		'customer', jsonb_build_object(
			'name', (ARRAY['Rana Haddad', 'عميل تجريبي', 'Sami Nassar'])[n % 3 + 1],
			'phone', '+9613' || lpad((123450 + n)::text, 6, '0')),
		'lines', jsonb_build_array(jsonb_build_object('sku', 'S-' || n, 'count', n % 4 + 1))))
FROM generate_series(1, 30) n \g /dev/null
SELECT wf_fire(:'beirut', 'order_paid', jsonb_build_object('order_id', 12320 + n,
	'customer', jsonb_build_object('name', 'عميل تجريبي', 'phone', '+9613123' || n)))
FROM generate_series(100, 103) n \g /dev/null

-- Settings to look at: somebody who may change connections, a mail template with a
-- history, runs to try it on (whose mail is not sent), and what fires by itself.
CREATE ROLE admin LOGIN IN ROLE wf_console, shop_steps PASSWORD :'password';
SELECT wf_grant('admin', 'admin'), wf_grant('admin', 'fire') \g /dev/null
INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
VALUES (NULL, 'email', 'smtp', '{"url": "smtp://mail.example.com:587", "from": "shop@example.com"}',
	'{"username": "shop", "password": {"file": "smtp_password"}}');
INSERT INTO workflow_templates (tenant_id, name, subject, body)
VALUES (:'beirut', 'welcome', 'Welcome, {{ trigger.name }}', 'Hello {{ trigger.name }}');
UPDATE workflow_templates SET body = 'Hello {{ trigger.name }},
{{# trigger.offers }}
- {{ item.title }}: {{ item.price | number: "FM990.00" }}
{{/}}
See you soon.',
	html = '<h1 style="color: #1452a8">Hello {{ trigger.name }}</h1>
<ul>{{# trigger.offers }}<li>{{ item.title }}: <b>{{ item.price | number: "FM990.00" }}</b></li>{{/}}</ul>
<p><a href="https://shop.example.com">To the shop</a></p>'
WHERE name = 'welcome';
INSERT INTO workflow_templates (tenant_id, name, subject, body)
VALUES (:'riyadh', 'ترحيب', 'أهلًا {{ trigger.name }}', 'أهلًا {{ trigger.name }}، يسعدنا انضمامك.');
INSERT INTO workflow_definitions (tenant_id, run_as, definition) VALUES
(:'beirut', 'shop_steps', '{"name": "Welcome", "trigger_type": "customer_added",
  "title": "{{ trigger.name }}",
  "steps": [
	{"name": "mail", "action": "send_email",
	 "condition": {"field": "trigger.wants_mail", "op": "eq", "value": true},
	 "params": {"to": "{{ trigger.email }}", "template": "welcome"}}]}'),
(:'beirut', 'shop_steps', '{"name": "Daily report", "trigger_type": "schedule",
  "schedule": [
	{"name": "evening", "cron": "0 20 * * *", "time_zone": "Asia/Beirut"},
	{"name": "month", "cron": "0 7 1 * *", "time_zone": "Asia/Beirut"}],
  "steps": [
	{"name": "report", "action": "webhook",
	 "params": {"connection": "shop", "path": "/report"}}]}');
SELECT wf_fire(:'beirut', 'customer_added', jsonb_build_object('name', name, 'email', 'customer@example.com',
	'wants_mail', false, 'offers', '[{"title": "Tea <green>", "price": 3.5}, {"title": "Honey & nuts", "price": 12}]'::jsonb))
FROM unnest(ARRAY['Rana Haddad', 'عميل تجريبي']) name \g /dev/null
