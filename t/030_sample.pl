
# The workflow that the product was asked for, word for word: an order comes
# in through a table trigger, is confirmed, the customer and operations hear
# of it.  And the same with a provider that fails.

use strict;
use warnings FATAL => 'all';

use FindBin;
use Test::More;
use PostgreSQL::Test::Utils;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $examples = "$FindBin::Bin/../examples";
my $http = start_receiver('http');
my $smtp = start_receiver('smtp');
my $node = outbound_node('sample', '');

sub example
{
	my ($name, %variable) = @_;
	my $stderr;

	is( $node->psql(
			'postgres',
			slurp_file("$examples/$name"),
			stderr => \$stderr,
			on_error_stop => 1,
			extra_params =>
			  [ map { ('-v', "$_=$variable{$_}") } sort keys %variable ]),
		0,
		"$name loads") or diag($stderr);
	return;
}

example('orders.sql');
example(
	'connections.sql',
	whatsapp_url => $http->url,
	smtp_url => 'smtp://127.0.0.1:' . $smtp->port);
example('templates.sql');
example('workflow.sql', tenant => $tenant);

# Inserts an order; returns its id and, once it has ended, its run.
sub order
{
	my ($phone, $total) = @_;
	my $id = $node->safe_psql(
		'postgres',
		'INSERT INTO orders (tenant_id, customer_phone, total_amount) '
		  . "VALUES ('$tenant', '$phone', $total) RETURNING id",
		extra_params => [ '-q', '-U', 'shop' ]);
	my $run = $node->safe_psql('postgres',
		'SELECT id FROM workflow_runs '
		  . "WHERE trigger_payload->>'order_id' = '$id'");

	like($run, qr/^[0-9a-f-]{36}$/, 'the insert fired one run');
	wait_ended($node, $run);
	return ($id, $run);
}

sub history
{
	my ($id) = @_;
	return @{
		from_json(
			$node->safe_psql(
				'postgres',
				q{SELECT coalesce(json_agg(h), '[]') FROM wf_history('}
				  . to_json({ order_id => $id })
				  . "') h")) };
}

sub trace
{
	my ($run) = @_;
	return @{
		from_json(
			$node->safe_psql(
				'postgres', "SELECT json_agg(t) FROM wf_trace('$run') t")) };
}

#
# All goes well.
#
my ($order, $run) = order('+961 3 123 456', '1250.50');

is( $node->safe_psql(
		'postgres', "SELECT status FROM orders WHERE id = '$order'"),
	'confirmed',
	'the order is confirmed');

my @requests = $http->requests;
is(scalar @requests, 1, 'one WhatsApp request');
my $request = $requests[0];
is("$request->{method} $request->{target}",
	'POST /v21.0/106540352242922/messages', 'to the messages of the number');
is($request->{headers}{authorization},
	'Bearer not-a-real-token', 'with the token');
like($request->{headers}{'content-type'},
	qr{^application/json\b}, 'as JSON');
is($request->{headers}{'idempotency-key'},
	"$run:notify_customer", 'with the key of run and step');
is_deeply(
	from_json($request->{body}),
	{
		messaging_product => 'whatsapp',
		recipient_type => 'individual',
		to => '+9613123456',
		type => 'template',
		template => {
			name => 'order_confirmed',
			language => { code => 'en_US' },
			components => [
				{
					type => 'body',
					parameters => [
						{
							type => 'text',
							parameter_name => 'total',
							text => '1250.50'
						},
						{
							type => 'text',
							parameter_name => 'order_id',
							text => $order
						} ] } ] } },
	'and the message that the API documents');

my @mails = $smtp->requests;
is(scalar @mails, 1, 'one mail');
my $mail = $mails[0];
is($mail->{mail_from}, 'orders@example.com', 'envelope sender');
is_deeply($mail->{rcpt_tos}, ['ops@example.com'], 'envelope recipient');
is($mail->{headers}{from}, 'Order desk <orders@example.com>', 'From');
is($mail->{headers}{to}, 'ops@example.com', 'To');
is($mail->{headers}{subject}, "New Order: $order",
	"the step's subject goes before the template's");
is($mail->{headers}{'mime-version'}, '1.0', 'MIME-Version');
like($mail->{headers}{'content-type'}, qr{^multipart/alternative\b},
	'text and HTML are alternatives');
like($mail->{headers}{date}, qr/^\w{3}, \d\d? \w{3} \d{4} [\d:]{8} [-+]\d{4}$/,
	'Date');
is_deeply(
	[ map { $_->{content_type} } @{ $mail->{parts} } ],
	[ 'text/plain', 'text/html' ],
	'the plain text first');
is( $mail->{parts}[0]{content} =~ s/\r//gr =~ s/\n+\z//r,
	"A new order has come in.\n\n"
	  . "Order:     $order\n"
	  . "Customer:  +961 3 123 456\n"
	  . "Total:     1,250.50\n\n"
	  . "Confirmed: completed\n"
	  . 'WhatsApp:  completed',
	'the text');
is( $mail->{parts}[1]{content} =~ s/[\r\n]+\z//r,
	'<h1>A new order has come in</h1>'
	  . "<p>Order <b>$order</b> by +961 3 123 456, total 1,250.50.</p>",
	'the HTML');

my @history = history($order);
is(scalar @history, 1, 'wf_history answers with one run');
is($history[0]{run_id}, $run, '... this one');
is($history[0]{workflow_name}, 'New Order Processing', '... by its name');
is($history[0]{version}, 1, '... its version');
is($history[0]{status}, 'completed', '... its status');
is($history[0]{trigger_type}, 'new_order', '... its trigger');
is($history[0]{trigger_payload}{customer_phone},
	'+961 3 123 456', '... its payload');
is("$history[0]{steps_completed} of $history[0]{steps_total}",
	'3 of 3', '... its steps');
is($history[0]{error_message}, undef, '... and no error');
is( $node->safe_psql(
		'postgres',
		'SELECT queued_at <= started_at AND started_at <= completed_at '
		  . "AND duration >= '0' FROM wf_history('{}')"),
	't',
	'its times are in order');
is(scalar history('00000000-0000-0000-0000-000000000000'),
	0, 'nothing ran for an order that is not');

my @trace = trace($run);
is_deeply(
	[
		map {
			join ' ', $_->{step}, $_->{step_name}, $_->{action}, $_->{status},
			  $_->{attempts}
		} @trace
	],
	[
		'0 confirm_order update_record completed 1',
		'1 notify_customer whatsapp_notify completed 1',
		'2 alert_operations send_email completed 1'
	],
	'wf_trace tells the three steps');
is_deeply(
	[ map { $_->{output} } @trace ],
	[
		{ updated => 1 },
		{ message_id => 'wamid.LOOPBACK1' },
		{
			message_id => $mail->{headers}{'message-id'},
			accepted => ['ops@example.com'] }
	],
	'... what came out');
is_deeply(
	$trace[0]{input},
	{ table => 'orders', id => $order, fields => { status => 'confirmed' } },
	'... and what went in');
is(scalar(grep { !defined $_->{duration_ms} || $_->{duration_ms} < 0 } @trace),
	0, '... and how long it took');

#
# The provider fails: the step is failed, the run goes on and completes.
#
$http->command('prefix /whatsapp-error/131026');
($order, $run) = order('+96170111222', '7');
is(run_status($node, 'postgres', $run),
	'completed', 'on_error continue: the run completes');
@trace = trace($run);
is_deeply(
	[ map { $_->{status} } @trace ],
	[ 'completed', 'failed', 'completed' ],
	'... the step is failed');
like(
	$trace[1]{error},
	qr/131026.*\(#131026\) Loopback error.*loopback details of 131026/,
	'... with code, message and details');
is($trace[1]{output}, undef, '... and no message id');
is($trace[1]{input}{phone}, '+96170111222', '... its input is kept');
is($trace[1]{attempts}, 1, '... a permanent error is not tried again');
like($smtp->wait_requests(2) && ($smtp->requests)[1]{parts}[0]{content},
	qr/WhatsApp:  failed/, 'the mail that follows says so');
@history = history($order);
is("$history[0]{steps_completed} of $history[0]{steps_total}",
	'3 of 3', 'wf_history counts the steps that were passed, as step_results');
is( $node->safe_psql(
		'postgres',
		"SELECT trigger_payload->>'order_id' || ' ' || "
		  . 'jsonb_array_length(step_results) FROM workflow_runs '
		  . "WHERE id = '$run'"),
	"$order 3",
	"the seed's own query for the history works");

# An unreachable provider is no different.
$http->stop;
($order, $run) = order('+96170111223', '8');
@trace = trace($run);
is(run_status($node, 'postgres', $run),
	'completed', 'an unreachable provider: the run completes');
like($trace[1]{error}, qr/connect/i, '... the step says what happened');
is(scalar(() = $smtp->wait_requests(3)), 3, '... the mail is sent');
is( $node->safe_psql(
		'postgres', "SELECT status FROM orders WHERE id = '$order'"),
	'confirmed',
	'... the order is confirmed');

$node->stop;
done_testing();
