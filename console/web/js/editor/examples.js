// The examples that a new workflow can begin with: each is examples/NAME.json of the
// repository.

export const EXAMPLES = ['new_order_processing', 'daily_summary', 'payment_reminder', 'low_stock', 'book_shipment', 'refund_requested'];
