
# The workflows of examples/ beside the first (t/030_sample.pl): loaded by the
# commands of examples/README.md, valid, and doing what its table says.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename qw(basename);
use FindBin;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $top = abs_path("$FindBin::Bin/..");
my $readme = slurp_file("$top/examples/README.md");
my $shop = '00000000-0000-0000-0000-000000000001';
my $http = start_receiver('http');
my $smtp =
  start_receiver('smtp', '--refuse-recipient', 'busy=451 4.3.0 come again');
my $node = new_node('main', undef,
	init => [ extra => [ '--encoding=UTF8', '--locale=C' ] ]);
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', 'CREATE EXTENSION workflow_engine');

#--- loading

$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PSQLRC} = '/dev/null';
delete @ENV{qw(PGDATABASE PGUSER PGOPTIONS)};

my %urls = (
	'connections.sql' => [
		whatsapp_url => $http->url,
		smtp_url => 'smtp://127.0.0.1:' . $smtp->port ],
	'operations.sql' => [
		carrier_url => $http->url('/carrier'),
		payments_url => $http->url('/payments'),
		slack_url => $http->url('/slack') ]);
my @files;

foreach my $command (
	(map { "psql -d shop -f examples/$_" } qw(orders.sql connections.sql templates.sql)),
	(split /\n/, ($readme =~ /^```\n(psql.*?)^```$/ms)[0]))
{
	my ($sql) = $command =~ m{-f examples/(\S+)};
	my @variables = @{ $urls{$sql} || [] };
	my ($stdout, $stderr);

	$command .= ' -v ' . join '=', splice @variables, 0, 2 while @variables;
	push @files, $command =~ m{cat examples/(\S+?)\)};
	IPC::Run::run(
		[ 'sh', '-c', "cd '$top' && $command -v ON_ERROR_STOP=1" ],
		'>', \$stdout, '2>', \$stderr);
	is($stderr, '', $command);
}
is_deeply(
	[ sort @files, 'new_order_processing.json' ],
	[ sort map { basename($_) } glob "$top/examples/*.json" ],
	'each definition is loaded, by this or by the other README');
foreach my $file (@files)
{
	my $definition = literal(slurp_file("$top/examples/$file"));

	ok($readme =~ /\]\(\Q$file\E\)/, "the table has $file");
	is( $node->safe_psql(
			'shop', "SELECT path, message FROM wf_validate($definition, '$shop')"),
		'', "$file is valid");
}
is($node->safe_psql('shop', 'SELECT * FROM wf_check()'),
	'', 'and fits the database');
is( $node->safe_psql('shop', 'SELECT DISTINCT run_as FROM workflow_definitions'),
	'shop', 'all run as shop');

#--- running

# Executes SQL as the application and waits until nothing is left to run.
sub as_shop
{
	my ($sql) = @_;

	$node->safe_psql('shop', $sql, extra_params => [ '-q', '-U', 'shop' ]);
	wait_for(
		$node, 'shop',
		q{SELECT NOT EXISTS (SELECT FROM workflow_runs
			WHERE status IN ('queued', 'running', 'waiting') AND run_at <= now())},
		'the runs end');
	return;
}

sub ask
{
	my ($sql) = @_;
	return $node->safe_psql('shop', $sql);
}

# How the steps of the newest run of a workflow ended.
sub steps
{
	my ($workflow) = @_;

	return ask(
		qq{SELECT string_agg(step_name || ' ' || t.status, ', ' ORDER BY step)
		   FROM wf_history(workflow => '$workflow', max_rows => 1) h, wf_trace(h.run_id) t});
}

# The newest request and mail.
sub request { return ($http->requests)[-1]; }
sub mail { return ($smtp->requests)[-1]; }
sub text { return mail()->{parts}[0]{content} =~ s/\r//gr; }

# Low stock: once as it falls below, with a mail only if there is an address.
as_shop(qq{INSERT INTO products VALUES
	(1, '$shop', 'Lamp', 12, 10, 'sales\@lamps.example'), (2, '$shop', 'Sofa', 5, 5, NULL)});
as_shop('UPDATE products SET quantity = 9 WHERE id = 1');
as_shop('UPDATE products SET quantity = 8 WHERE id = 1');
is(ask("SELECT count(*) FROM wf_history(workflow => 'Low stock')"),
	1, 'Low stock: fires once');
is( steps('Low stock'),
	'add_task completed, tell_team completed, ask_supplier completed',
	'... all steps');
is(ask('SELECT what FROM tasks'), 'Reorder Lamp (product 1)', '... a task');
is( from_json(request()->{body})->{text},
	'Lamp: 9 left, reorder level 10',
	'... a message');
is(mail()->{headers}{subject}, 'Order: Lamp', '... a mail');
is_deeply(mail()->{rcpt_tos}, ['sales@lamps.example'], '... to the supplier');
is(ask("SELECT title FROM wf_search('product 1')"),
	'Lamp: 9 left', '... and it is found');
as_shop('UPDATE products SET quantity = 0 WHERE id = 2');
is( steps('Low stock'),
	'add_task completed, tell_team completed, ask_supplier skipped',
	'... no mail without an address');

# Payment reminder: for later; if the invoice is still open.
as_shop(qq{INSERT INTO invoices (id, tenant_id, customer_name, customer_email, total, due_on) VALUES
	(1, '$shop', 'Rana', 'rana\@example.com', 1250.5, current_date + 10)});
is( ask(
		q{SELECT status, run_at = current_date + 10 + interval '3 days 9 hours' FROM workflow_runs r
		  WHERE trigger_payload @> '{"invoice_id": 1}'}),
	'queued|t',
	'Payment reminder: waits until three days after it is due');
as_shop(qq{INSERT INTO invoices (id, tenant_id, customer_name, customer_email, total, due_on) VALUES
	(2, '$shop', 'Rana', 'rana\@example.com', 1250.5, '2026-01-05')});
is( steps('Payment reminder'),
	'invoice completed, remind completed, note_it completed',
	'... an open one is reminded of');
is( text(),
	"Dear Rana,\n\ninvoice 2 of 1,250.50 was due on 05 Jan 2026.\n",
	'... in the words of the template');
is(ask('SELECT id FROM invoices WHERE reminded_at IS NOT NULL'),
	2, '... and that is written down');
as_shop(qq{INSERT INTO invoices (id, tenant_id, customer_name, customer_email, total, due_on, status) VALUES
	(3, '$shop', 'Rana', 'rana\@example.com', 7, '2026-01-05', 'paid')});
is( steps('Payment reminder'),
	'invoice completed, remind skipped, note_it skipped',
	'... one that is paid is not');
as_shop(qq{INSERT INTO invoices (id, tenant_id, customer_name, customer_email, total, due_on) VALUES
	(4, '$shop', 'Busy', 'busy\@example.com', 7, '2026-01-05')});
is( ask(
		q{SELECT status, run_at BETWEEN now() + interval '4 minutes' AND now() + interval '16 minutes'
		  FROM workflow_runs WHERE trigger_payload @> '{"invoice_id": 4}'}),
	'waiting|t',
	'... a mail that is not taken for now is tried again in minutes');

# Book shipment: the answer into the record; else people are told.
as_shop(qq{INSERT INTO shipments VALUES (1, '$shop', '12 Main Street', '+961 3 123 456')});
is( steps('Book shipment'),
	'book completed, save_tracking completed, tell_customer completed, escalate skipped',
	'Book shipment: booked');
my ($booking) = grep { $_->{path} eq '/carrier/shipments' } $http->requests;
is_deeply(
	from_json($booking->{body}),
	{ reference => 1, address => '12 Main Street', phone => '+961 3 123 456' },
	'... the carrier gets what it needs and no more');
my ($tracking) =
  ask('SELECT tracking FROM shipments') =~ /^(LB\d+)$/;
is(ask('SELECT status, tracking FROM shipments'),
	'booked|' . ($tracking || '?'), '... the number is in the record');
is( from_json(request()->{body})->{template}{components}[0]{parameters}[0]{text},
	$tracking, '... and with the customer');
ask(qq{UPDATE workflow_connections SET config = jsonb_build_object('base_url', '@{[$http->url('/status/422')]}')
	WHERE name = 'carrier'});
as_shop(qq{INSERT INTO shipments VALUES (2, '$shop', 'nowhere', '+961 3 123 456')});
is( steps('Book shipment'),
	'book failed, save_tracking skipped, tell_customer skipped, escalate completed',
	'... refused: people are told');
like(from_json(request()->{body})->{text},
	qr/^Shipment 2 could not be booked: .*422/, '... and why');

# Refunds: a small one by itself, a large one by people.
as_shop(qq{INSERT INTO refunds (id, tenant_id, order_ref, customer_email, amount) VALUES
	(1, '$shop', 'A-17', 'rana\@example.com', 20)});
is( steps('Refund requested'),
	'approve_small completed, ask_people skipped',
	'Refund: a small one is approved');
is( steps('Refund approved'),
	'pay_back completed, save_reference completed, tell_customer completed',
	'... and paid');
like(ask('SELECT status, approved_by, payment_ref FROM refunds WHERE id = 1'),
	qr/^paid\|workflow\|re_\d+$/, '... which the record says');
like(text(), qr/^We have paid back 20\.00\.\nReference: re_\d+\n\z/, '... and a mail');
as_shop(qq{INSERT INTO refunds (id, tenant_id, order_ref, customer_email, amount) VALUES
	(2, '$shop', 'A-18', 'rana\@example.com', 1250.5)});
is( from_json(request()->{body})->{text},
	'Refund 2 of 1,250.50 for order A-18: approve or refuse it',
	'... people are asked about a large one');
is(ask("SELECT count(*) FROM wf_history(workflow => 'Refund approved')"),
	1, '... and nothing is paid');
as_shop(($readme =~ /^(UPDATE refunds .*;)$/m)[0]);
like(ask('SELECT status, approved_by, payment_ref FROM refunds WHERE id = 2'),
	qr/^paid\|Rana\|re_\d+$/, '... until somebody approves it');
is_deeply(
	[
		map { from_json($_->{body}) }
		grep { $_->{path} eq '/payments/refunds' } $http->requests
	],
	[ { order => 'A-17', amount => 20 }, { order => 'A-18', amount => 1250.5 } ],
	'... each is paid once');

# Daily summary: has a time, and its mail has the day.
like( ask(
		q{SELECT schedule, next_at > now() FROM wf_schedules() WHERE workflow_name = 'Daily summary'}),
	qr{^0 18 \* \* mon-fri Asia/Beirut\|t$},
	'Daily summary: fires in the evening');
$node->safe_psql('shop', "SELECT wf_fire('$shop', 'daily_summary')");
as_shop('SELECT');
is( steps('Daily summary'),
	join(', ', map { "$_ completed" } qw(figures largest overdue to_order refunds mail)),
	'... is sent');
is(mail()->{headers}{subject}, 'Invoices today: 4', '... its subject');
is( text(),
	"Invoiced: 2,515.00\n"
	  . "- 1,250.50 of Rana, invoice 1\n"
	  . "- 1,250.50 of Rana, invoice 2\n"
	  . "- 7.00 of Rana, invoice 3\n"
	  . "- and smaller ones\n\n"
	  . "Overdue: 1,257.50\n"
	  . "- 1,250.50 of Rana, due on 05 Jan 2026\n"
	  . "- 7.00 of Busy, due on 05 Jan 2026\n\n"
	  . "To order: Lamp, Sofa\n"
	  . "Refunds to decide: 0",
	'... its figures and lists');
like(
	mail()->{parts}[1]{content} =~ s/\r//gr,
	qr{<h2>Overdue: 1,257\.50</h2>\n<table>\n<tr><td>05 Jan 2026</td><td>Rana</td>},
	'... in HTML too');

# A time of the schedule counts from midnight in Beirut, whatever the server's
# zone: an invoice of the evening before in UTC may be of that day.
as_shop(
	qq{INSERT INTO invoices (id, tenant_id, customer_name, customer_email, total, due_on, status, created_at)
		VALUES (5, '$shop', 'Rana', 'r\@example.com', 1, '2030-01-01', 'paid', '2027-01-10 22:30+00'),
			(6, '$shop', 'Rana', 'r\@example.com', 2, '2030-01-01', 'paid', '2027-01-10 21:30+00')});
as_shop("SELECT wf_fire('$shop', 'daily_summary', '{\"scheduled_for\": \"2027-01-11T16:00:00Z\"}')");
is(mail()->{headers}{subject}, 'Invoices today: 1', '... the day is that of Beirut');

# Nothing has happened: the mail says that.
as_shop("SELECT wf_fire('$shop', 'daily_summary', '{\"scheduled_for\": \"2028-01-11T16:00:00Z\"}')");
like(text(), qr/^Invoiced: 0\.00\n\nOverdue: /, '... without invoices too');

is($node->safe_psql('shop', 'SELECT * FROM wf_check()'),
	'', 'all still fits the database');

$node->stop;
done_testing();
