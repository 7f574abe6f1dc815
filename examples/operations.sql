-- The application's side of the other workflows: tables and triggers, what
-- they send through, and their mail templates.  Load it after orders.sql,
-- connections.sql and templates.sql; then define.sql for each workflow.
--
-- Put in your own addresses and tokens, or set the psql variables carrier_url,
-- payments_url and slack_url.

\if :{?carrier_url}
\else
\set carrier_url 'https://carrier.example.com'
\endif
\if :{?payments_url}
\else
\set payments_url 'https://payments.example.com'
\endif
\if :{?slack_url}
\else
\set slack_url 'https://slack.com/api'
\endif

-- Low stock

CREATE TABLE products (
	id				int PRIMARY KEY,
	tenant_id		uuid NOT NULL,
	name			text NOT NULL,
	quantity		int NOT NULL,
	reorder_at		int NOT NULL,
	supplier_email	text,
	-- "query" compares a column with a value, and not with another column
	to_order		boolean GENERATED ALWAYS AS (quantity < reorder_at) STORED
);
CREATE TABLE tasks (
	id				bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant_id		uuid NOT NULL,
	what			text NOT NULL,
	done			boolean NOT NULL DEFAULT false
);
-- once, when it falls below; not again with each sale after that
CREATE TRIGGER products_low AFTER UPDATE OF quantity ON products
	FOR EACH ROW
	WHEN (NEW.quantity < NEW.reorder_at AND OLD.quantity >= OLD.reorder_at)
	EXECUTE FUNCTION wf_fire_trigger(
		'stock_low', 'tenant_id',
		'product_id=id', 'name', 'quantity', 'reorder_at', 'supplier_email');

-- Payment reminder

CREATE TABLE invoices (
	id				int PRIMARY KEY,
	tenant_id		uuid NOT NULL,
	customer_name	text NOT NULL,
	customer_email	text NOT NULL,
	total			numeric(12, 2) NOT NULL,
	due_on			date NOT NULL,
	status			text NOT NULL DEFAULT 'open',
	reminded_at		timestamptz,
	created_at		timestamptz NOT NULL DEFAULT now()
);
-- fired now, for later: the step looks whether it is still open then
CREATE FUNCTION invoices_remind() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM wf_fire(NEW.tenant_id, 'invoice_due',
					jsonb_build_object('invoice_id', NEW.id),
					run_at => NEW.due_on + interval '3 days 9 hours');
	RETURN NULL;
END $$;
CREATE TRIGGER invoices_remind AFTER INSERT ON invoices
	FOR EACH ROW EXECUTE FUNCTION invoices_remind();

-- Book shipment

CREATE TABLE shipments (
	id				int PRIMARY KEY,
	tenant_id		uuid NOT NULL,
	address			text NOT NULL,
	customer_phone	text NOT NULL,
	status			text NOT NULL DEFAULT 'new',
	tracking		text
);
CREATE TRIGGER shipments_new AFTER INSERT ON shipments
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger(
		'shipment_new', 'tenant_id',
		'shipment_id=id', 'address', 'customer_phone');

-- Refunds: two workflows, one status

CREATE TABLE refunds (
	id				int PRIMARY KEY,
	tenant_id		uuid NOT NULL,
	order_ref		text NOT NULL,
	customer_email	text NOT NULL,
	amount			numeric(12, 2) NOT NULL,
	status			text NOT NULL DEFAULT 'requested',
	approved_by		text,
	payment_ref		text
);
CREATE TRIGGER refunds_requested AFTER INSERT ON refunds
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger(
		'refund_requested', 'tenant_id', 'refund_id=id', 'order_ref', 'amount');
CREATE TRIGGER refunds_approved AFTER UPDATE OF status ON refunds
	FOR EACH ROW
	WHEN (NEW.status = 'approved' AND OLD.status = 'requested')
	EXECUTE FUNCTION wf_fire_trigger(
		'refund_approved', 'tenant_id',
		'refund_id=id', 'order_ref', 'amount', 'customer_email');

ALTER TABLE products OWNER TO shop;
ALTER TABLE tasks OWNER TO shop;
ALTER TABLE invoices OWNER TO shop;
ALTER TABLE shipments OWNER TO shop;
ALTER TABLE refunds OWNER TO shop;
-- for invoices_remind(), which fires as whoever inserts
SELECT wf_grant('shop', 'fire');

INSERT INTO workflow_connections (tenant_id, name, kind, config, credentials)
VALUES
	(NULL, 'team', 'slack', jsonb_build_object('base_url', :'slack_url'),
	 '{"bot_token": "not-a-real-token"}'),
	(NULL, 'carrier', 'http', jsonb_build_object('base_url', :'carrier_url'),
	 '{"bearer_token": "not-a-real-token"}'),
	(NULL, 'payments', 'http', jsonb_build_object('base_url', :'payments_url'),
	 '{"bearer_token": "not-a-real-token"}');

INSERT INTO workflow_templates (tenant_id, name, subject, body)
VALUES
	(NULL, 'reorder',
	 'Order: {{ trigger.name }}',
	 E'Please send us {{ trigger.name }}; we have {{ trigger.quantity }} left.\n'),
	(NULL, 'payment_reminder',
	 'Invoice {{ trigger.invoice_id }} is open',
	 E'Dear {{ steps.invoice.output.record.customer_name }},\n\n'
	 'invoice {{ trigger.invoice_id }} of '
	 '{{ steps.invoice.output.record.total | number: "FM999,990.00" }} was due on '
	 '{{ steps.invoice.output.record.due_on | date: "DD Mon YYYY" }}.\n'),
	(NULL, 'refund_paid',
	 'Your refund for order {{ trigger.order_ref }}',
	 E'We have paid back {{ trigger.amount | number: "FM999,990.00" }}.\n'
	 'Reference: {{ steps.pay_back.output.body.id }}\n');

-- What stands between {{# a list }} and {{/}} comes once for each element.
INSERT INTO workflow_templates (tenant_id, name, subject, body, html)
VALUES (NULL, 'daily_summary',
'Invoices today: {{ steps.figures.output.rows[0].invoices }}',
'Invoiced: {{ steps.figures.output.rows[0].total | default: 0 | number: "FM999,999,990.00" }}
{{# steps.largest.output.rows }}
- {{ item.total | number: "FM999,990.00" }} of {{ item.customer_name | truncate: 30 }}, invoice {{ item.id }}
{{/}}
{{# steps.largest.output.more }}
- and smaller ones
{{/}}

Overdue: {{ steps.overdue.output.rows | sum: "total" | number: "FM999,999,990.00" }}
{{# steps.overdue.output.rows }}
- {{ item.total | number: "FM999,990.00" }} of {{ item.customer_name | truncate: 30 }}, due on {{ item.due_on | date: "DD Mon YYYY" }}
{{/}}
{{# steps.overdue.output.more }}
- and more: these are the oldest
{{/}}

To order: {{ steps.to_order.output.rows | map: "name" | join | default: "nothing" }}
Refunds to decide: {{ steps.refunds.output.rows[0].undecided }}
',
'<h1>Invoices today: {{ steps.figures.output.rows[0].invoices }}, {{ steps.figures.output.rows[0].total | default: 0 | number: "FM999,999,990.00" }}</h1>
<table>
{{# steps.largest.output.rows }}
<tr><td>{{ item.id }}</td><td>{{ item.customer_name }}</td><td>{{ item.total | number: "FM999,990.00" }}</td></tr>
{{/}}
</table>
<h2>Overdue: {{ steps.overdue.output.rows | sum: "total" | number: "FM999,999,990.00" }}</h2>
{{^ steps.overdue.output.rows }}
<p>Nothing.</p>
{{/}}
<table>
{{# steps.overdue.output.rows }}
<tr><td>{{ item.due_on | date: "DD Mon YYYY" }}</td><td>{{ item.customer_name }}</td><td>{{ item.total | number: "FM999,990.00" }}</td></tr>
{{/}}
</table>
<p>To order: {{ steps.to_order.output.rows | map: "name" | join | default: "nothing" }}.
Refunds to decide: {{ steps.refunds.output.rows[0].undecided }}.</p>
');
