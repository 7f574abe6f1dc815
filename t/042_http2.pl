
# Connections: HTTP/2 where it is offered, connections used again, and what
# becomes of requests whose connection a server ends: nothing is lost, nothing
# is sent twice without need.  Against nginx, whose log knows the connections.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;
use WorkflowEngine::Nginx;

my $ca = make_ca();
my $nginx = WorkflowEngine::Nginx->new(
	$ca,
	h2 => 'ssl http2',
	h1 => 'ssl',
	few => 'ssl; keepalive_requests 10',
	brief => 'ssl; keepalive_timeout 5ms',
	closing => 'ssl; keepalive_timeout 0',
	goaway => 'ssl http2; keepalive_requests 10',
	early => 'ssl http2',
	frozen => 'ssl http2');
my $node = outbound_node('http2', <<"CONF");
workflow_engine.workers = 1
workflow_engine.ca_file = '$ca/ca.pem'
workflow_engine.poll_interval = 1h
CONF

my $serial = 0;

# Runs n times a workflow of that step, under a new name; returns it.
sub run_many
{
	my ($n, %step) = @_;
	my $name = 'many' . ++$serial;

	$node->safe_psql(
		'postgres',
		sprintf 'SELECT wf_define(%s, %s)',
		map { literal($_) } $tenant,
		to_json(
			{
				name => $name,
				trigger_type => $name,
				steps => [
					{ name => 'go', retry => { max_attempts => 1 }, %step } ]
			}));
	$node->safe_psql('postgres',
		"SELECT wf_fire('$tenant', '$name', jsonb_build_object('n', n)) "
		  . "FROM generate_series(1, $n) n");
	wait_for(
		$node,
		'postgres',
		"SELECT count(*) = $n FROM workflow_runs r "
		  . 'JOIN workflow_definitions d ON d.id = definition_id '
		  . "WHERE d.name = '$name' AND status IN ('completed', 'failed')",
		"$n runs end");
	return $name;
}

# How runs of that name ended: "completed 200", or with their errors.
sub ends
{
	my ($name) = @_;
	return $node->safe_psql(
		'postgres', qq{
		SELECT string_agg(concat_ws(' ', status, count, error), ', ')
		FROM (SELECT status, count(*), error_message AS error
			FROM workflow_runs r JOIN workflow_definitions d
				ON d.id = definition_id
			WHERE d.name = '$name' GROUP BY 1, 3 ORDER BY 1, 2) x});
}

# What may be sent once only would have a connection to itself.
sub webhook
{
	my ($server, $path) = @_;
	return (
		action => 'webhook',
		retry => { max_attempts => 2 },
		params => {
			url => $nginx->url($server, ($path || '') . '/{{trigger.n}}'),
			body => { text => 'b' x 300 } });
}

sub slack
{
	my ($server) = @_;

	connection(
		$node,
		name => $server,
		kind => 'slack',
		config => { base_url => $nginx->url($server) },
		credentials => { bot_token => 'xoxb-token-of-the-test' });
	return (
		action => 'team_notify',
		params => {
			channel => '#x', message => '{{trigger.n}}', connection => $server
		});
}

# How many different values of that member these requests have.
sub distinct
{
	my ($member, @requests) = @_;
	my %seen = map { $_->{$member} => 1 } @requests;
	return scalar keys %seen;
}

# All that a server has answered since the last call for it, which is to be n requests
# at least.  It logs a request when the answer is out.
my %seen;

sub answered
{
	my ($server, $n) = @_;
	my $before = $seen{$server} || 0;
	my @requests;

	wait_until(
		sub {
			@requests = $nginx->requests($server);
			return @requests >= $before + $n;
		},
		"$server has logged $n requests");
	$seen{$server} = @requests;
	return splice(@requests, $before);
}

# n webhooks to a server: each completes, and was sent once.
sub all_once
{
	my ($server, $n, $protocol, $what) = @_;
	my $name = run_many($n, webhook($server));
	my @requests = answered($server, $n);

	is(ends($name), "completed $n", "$what: each completes");
	is(scalar @requests, $n, "$what: each was sent once");
	is(distinct('key', @requests), $n, "$what: with its key");
	is(join(' ', sort keys %{ { map { $_->{protocol} => 1 } @requests } }),
		$protocol, "$what: by $protocol");
	return @requests;
}

#
# HTTP/2 where it is offered; HTTP/1.1 where it is not; connections last.
#
foreach my $case ([ h2 => 'HTTP/2.0' ], [ h1 => 'HTTP/1.1' ])
{
	my ($server, $protocol) = @$case;
	my @requests = all_once($server, 400, $protocol, $server);

	cmp_ok(distinct('connection', @requests),
		'<=', 32, "$server: no more connections than max_per_host");
	cmp_ok((sort { $b <=> $a } map { $_->{number} } @requests)[0],
		'>', 1, "$server: connections are used again");
	my @later = all_once($server, 100, $protocol, "$server, later");
	is(distinct('connection', @requests, @later),
		distinct('connection', @requests),
		"$server: ... also later");
}

#
# Servers that end connections after a few requests, or soon, or each time.
#
my @requests = all_once('few', 400, 'HTTP/1.1', 'few requests a connection');
cmp_ok(distinct('connection', @requests),
	'>=', 40, 'few requests a connection: it ended them');
all_once('closing', 200, 'HTTP/1.1', 'one request a connection');

# Idle ones are closed by the time that the next batch comes.
foreach my $batch (1 .. 10)
{
	my $name = run_many(20, webhook('brief'));
	is(ends($name), 'completed 20', "idle connections are closed: batch $batch");
}
@requests = answered('brief', 200);
is(scalar @requests, 200, 'idle connections are closed: each was sent once');
is(distinct('key', @requests), 200, '... with its key');

@requests = all_once('goaway', 400, 'HTTP/2.0', 'GOAWAY');
cmp_ok(distinct('connection', @requests),
	'>=', 40, 'GOAWAY: it ended connections');

#
# What is sent once only has its connection to itself: a GOAWAY for the
# requests of others does not end it with "delivery unknown".
#
foreach my $server (qw(goaway h2 few))
{
	my $name = run_many(200, slack($server));

	is(ends($name), 'completed 200', "messages, $server: each completes");
	is(scalar(@requests = answered($server, 200)),
		200, "messages, $server: each was sent once");
	is(distinct('protocol', @requests), 1, "messages, $server: one protocol");
	is($requests[0]{protocol}, 'HTTP/1.1',
		"messages, $server: one at a time in a connection");
	cmp_ok(distinct('connection', @requests),
		'<', 200, "messages, $server: connections are used again");
}

#
# A server that closes a connection in the moment that it is used again: what
# carries a key is sent anew with the same, what may be sent once only is not.
#
my $http = start_receiver('http', '--prefix', '/close-reused');
my $name = run_many(
	100,
	action => 'webhook',
	params => { url => $http->url },
	retry => { max_attempts => 2 });
is(ends($name), 'completed 100', 'closed when used again: each completes');
@requests = map { { key => $_->{headers}{'idempotency-key'} } } $http->requests;
is(distinct('key', @requests), 100, '... with its key');
cmp_ok(scalar @requests, '>', 100, '... some were sent twice');
is( $node->safe_psql(
		'postgres', qq{
	SELECT DISTINCT attempts FROM workflow_definitions d
		JOIN workflow_runs r ON d.id = definition_id, wf_trace(r.id)
	WHERE d.name = '$name'}),
	1,
	'... in one attempt');

connection(
	$node,
	name => 'reused',
	kind => 'slack',
	config => { base_url => $http->url },
	credentials => { bot_token => 'xoxb-token-of-the-test' });
$http->forget;
$name = run_many(
	100,
	action => 'team_notify',
	params => { channel => '#x', message => 'x', connection => 'reused' });
like(ends($name), qr/failed \d+ .*delivery unknown/,
	'closed when used again: a message is not sent twice');
is(scalar(() = $http->requests), 100, '... each was sent once');
$http->stop;

#
# HTTP/2: an answer may come before the request's body was read.
#
$name = run_many(
	2000,
	webhook('early', '/early'),
	retry => { max_attempts => 5, initial_interval => '50 ms' });
is(ends($name), 'completed 2000',
	'HTTP/2: answers from before the body was read');

#
# Of a server's two processes one freezes.  Its connection stands, but is not
# used for ever: HTTP/2 would keep it after a time-out.
#
$node->append_conf('postgresql.conf', 'workflow_engine.connect_timeout = 1s');
$node->restart;
my ($one, $two) = $nginx->workers;
kill 'STOP', $two;
$name = run_many(1, webhook('frozen'));
is(ends($name), 'completed 1', 'a connection to one process');
kill 'CONT', $two;
kill 'STOP', $one;
$name = run_many(1, webhook('frozen'), timeout => '1 s');
like(
	$node->safe_psql(
		'postgres', qq{
	SELECT step_results->0->'failed_attempts'->0->>'error'
	FROM workflow_runs r JOIN workflow_definitions d ON d.id = definition_id
	WHERE d.name = '$name'}),
	qr/no complete answer within 1000 ms/,
	'a request times out when that process freezes');
$name = run_many(5, webhook('frozen'), timeout => '20 s');
is(ends($name), 'completed 5', 'the next ones use another connection');
kill 'CONT', $one;

unlike(
	slurp_file($node->logfile),
	qr/terminated by signal|PANIC|TRAP/,
	'nothing crashed');
$node->stop;
done_testing();
