-- The workflow, and the table trigger that fires it.
--
-- psql variables: tenant, definition (the text of new_order_processing.json).

INSERT INTO workflow_definitions (tenant_id, definition, run_as)
VALUES (:'tenant', :'definition', 'shop');

CREATE TRIGGER orders_new AFTER INSERT ON orders
	FOR EACH ROW EXECUTE FUNCTION wf_fire_trigger(
		'new_order', 'tenant_id',
		'order_id=id', 'customer_phone', 'total_amount');
