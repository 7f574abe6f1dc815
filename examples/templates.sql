-- 3 of 4: mail templates, edited by operations like any row.  The template's
-- subject counts only if the step has none.

INSERT INTO workflow_templates (tenant_id, name, subject, body, html)
VALUES
	(NULL, 'ops_new_order_summary',
	 'New order {{trigger.order_id}}',
	 E'A new order has come in.\n\n'
	 'Order:     {{trigger.order_id}}\n'
	 'Customer:  {{trigger.customer_phone}}\n'
	 'Total:     {{trigger.total_amount | number: "FM999,990.00"}}\n\n'
	 'Confirmed: {{steps.confirm_order.status}}\n'
	 'WhatsApp:  {{steps.notify_customer.status}}\n',
	 '<h1>A new order has come in</h1>'
	 '<p>Order <b>{{trigger.order_id}}</b> by {{trigger.customer_phone}}, '
	 'total {{trigger.total_amount | number: "FM999,990.00"}}.</p>');
