-- 4 of 4: the workflow, and the table trigger that fires it.
--
-- psql variable tenant: whose workflow it is.

\if :{?tenant}
\else
\set tenant '00000000-0000-0000-0000-000000000001'
\endif

-- The JSON is that of new_order_processing.json.
INSERT INTO workflow_definitions (tenant_id, run_as, definition)
VALUES (:'tenant', 'shop', $json$
{
  "name": "New Order Processing",
  "trigger_type": "new_order",
  "steps": [
    {
      "name": "confirm_order",
      "action": "update_record",
      "params": {
        "table": "orders",
        "id": "{{trigger.order_id}}",
        "fields": { "status": "confirmed" }
      }
    },
    {
      "name": "notify_customer",
      "action": "whatsapp_notify",
      "params": {
        "phone": "{{trigger.customer_phone}}",
        "template": "order_confirmed",
        "template_vars": {
          "order_id": "{{trigger.order_id}}",
          "total": "{{trigger.total_amount}}"
        }
      },
      "on_error": "continue"
    },
    {
      "name": "alert_operations",
      "action": "send_email",
      "params": {
        "to": ["ops@example.com"],
        "subject": "New Order: {{trigger.order_id}}",
        "template": "ops_new_order_summary"
      }
    }
  ]
}
$json$);

CREATE TRIGGER orders_new AFTER INSERT ON orders
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger(
		'new_order', 'tenant_id',
		'order_id=id', 'customer_phone', 'total_amount');
