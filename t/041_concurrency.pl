
# Slow, dead and unreachable servers: time-outs say what they waited for,
# nobody else waits with them, and the limits on requests at a time hold.

use strict;
use warnings FATAL => 'all';

use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $http = start_receiver('http');
my $dead = start_receiver('http', '--prefix', '/hang');
my $node = outbound_node('concurrency', <<'CONF');
workflow_engine.workers = 1
workflow_engine.http_timeout = 300s
workflow_engine.connect_timeout = 500ms
workflow_engine.poll_interval = 1h
CONF

$node->safe_psql('postgres',
	'CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL); '
	  . 'INSERT INTO counter SELECT g, 0 FROM generate_series(1, 100) g');

# Defines a workflow of one step, which the payload's members go into.
sub workflow
{
	my ($trigger, %step) = @_;
	$node->safe_psql(
		'postgres',
		sprintf 'SELECT wf_define(%s, %s)',
		map { literal($_) } $tenant,
		to_json(
			{
				name => $trigger,
				trigger_type => $trigger,
				steps => [ { name => 'go', %step } ] }));
	return;
}

sub fire
{
	my ($trigger, $n) = @_;
	$node->safe_psql('postgres',
		"SELECT wf_fire('$tenant', '$trigger', jsonb_build_object('n', n)) "
		  . "FROM generate_series(1, $n) n");
	return;
}

sub wait_done
{
	my ($trigger, $n, $what) = @_;
	wait_for(
		$node,
		'postgres',
		"SELECT count(*) = $n FROM workflow_runs r "
		  . 'JOIN workflow_definitions d ON d.id = definition_id '
		  . "WHERE d.name = '$trigger' AND status = 'completed'",
		$what);
	return;
}

sub running
{
	my ($trigger) = @_;
	return $node->safe_psql('postgres',
		'SELECT count(*) FROM workflow_runs r '
		  . 'JOIN workflow_definitions d ON d.id = definition_id '
		  . "WHERE d.name = '$trigger' "
		  . "AND status IN ('queued', 'running', 'waiting')");
}

#
# Time-outs and failures, each in its words.
#
my $silent = IO::Socket::INET->new(
	Listen => 50, LocalAddr => '127.0.0.1', Proto => 'tcp') or die $!;
my $mute = start_receiver('smtp', '--hang', 'banner');
my $late = start_receiver('smtp', '--hang', 'data');

foreach my $mailer ([ mute => $mute ], [ late => $late ])
{
	connection(
		$node,
		name => $mailer->[0],
		kind => 'smtp',
		config => {
			url => 'smtp://127.0.0.1:' . $mailer->[1]->port,
			starttls => 'never',
			from => 'a@example.com' });
}

# One attempt each: how failures are repeated is not looked at here.
my %once = (retry => { max_attempts => 1 });

sub post
{
	my ($url, %step) = @_;
	return { action => 'webhook', params => { url => $url }, %once, %step };
}

sub mail
{
	my ($connection, %step) = @_;
	return {
		action => 'send_email',
		%once,
		params => {
			to => 'b@example.com', subject => 's', body => 'b',
			connection => $connection },
		%step };
}

my %got = run_steps(
	$node,
	timeout => post($dead->url, timeout => '300 ms'),
	timeout_body => post($http->url('/slow-body'), timeout => '300 ms'),
	# (again if it was not connected in time)
	timeout_long => post($http->url('/delay/600'),
		timeout => '20 s', retry => { max_attempts => 5 }),
	tls_silent => post('https://127.0.0.1:' . $silent->sockport),
	silent => post('http://127.0.0.1:' . $silent->sockport,
		timeout => '300 ms'),
	refused => post('http://127.0.0.1:1/'),
	dns => post('http://no-such-name.invalid/'),
	reset => post($http->url('/reset')),
	early => post($http->url('/close')),
	half => post($http->url('/half')),
	garbage => post($http->url('/garbage')),
	tls => post('https://127.0.0.1:' . $http->port, timeout => '20 s'),
	mail_mute => mail('mute', timeout => '500 ms'),
	mail_late => mail('late', timeout => '5 s'),
	beside => post($http->url, retry => { max_attempts => 5 }));

my %expected = (
	timeout => qr/within 300 ms/,
	timeout_body => qr/within 300 ms/,
	tls_silent => qr/connect within 500 ms.*connect time-out/,
	silent => qr/within 300 ms/,
	refused => qr/connect/i,
	dns => qr/resolve host.*no-such-name\.invalid|connect time-out/i,
	reset => qr/^delivery unknown: .*(reset|clos|recv)/i,
	early => qr/^delivery unknown: .*(clos|empty|reply)/i,
	half => qr/^delivery unknown: \w/,
	garbage => qr/^delivery unknown: \w/,
	tls => qr/^(could not connect within 500 ms|.*SSL)/,
	mail_mute => qr/within 500 ms/,
	mail_late => qr/delivery unknown.*within 5000 ms/);
foreach my $label (sort keys %expected)
{
	is($got{$label}{run_status}, 'failed', "$label fails");
	like($got{$label}{error}, $expected{$label}, "$label: its error");
	cmp_ok($got{$label}{duration_ms}, '>', 0, "$label: its time is known");
}
cmp_ok($got{timeout}{duration_ms}, '>=', 290, 'a time-out takes its time')
  or diag(to_json($got{timeout}));
is($got{$_}{run_status}, 'completed', "$_ completes")
  foreach qw(timeout_long beside);

#
# The setting holds where a step says nothing; and is reloaded.
#
$node->append_conf('postgresql.conf', 'workflow_engine.http_timeout = 400ms');
$node->reload;
wait_until(
	sub {
		my %now = run_steps($node, probe => post($http->url('/slow-body')));
		return ($now{probe}{error} || '') =~ /within 400 ms/;
	},
	'http_timeout is the default');
$node->append_conf('postgresql.conf', <<'CONF');
workflow_engine.http_timeout = 300s
workflow_engine.connect_timeout = 60s
CONF
$node->reload;

#
# 200 runs on a server that never answers.
#
workflow('native', action => 'update_record',
	params => {
		table => 'counter', id => '{{trigger.n}}', fields => { n => 1 } });
workflow('hanging', %{ post($dead->url('/{{trigger.n}}')) });
workflow('quick', %{ post($http->url('/quick/{{trigger.n}}')) });
fire('hanging', 200);

# The requests of these runs, and not those of the section before.
sub hanging
{
	return grep { $_->{path} =~ m{^/\d} } $dead->requests;
}
wait_until(sub { scalar(() = hanging()) >= 2 }, 'some are under way');
fire('native', 100);
wait_done('native', 100, '200 hanging runs do not hold up native ones');
fire('quick', 100);
wait_done('quick', 100, '... nor requests to another server');
is(running('hanging'), 200, '... while they hang');
wait_until(sub { scalar(() = hanging()) >= 32 },
	'as many of them as max_per_host lets are under way');
is(scalar(() = hanging()), 32, '... and no more');
wait_for($node, 'postgres', 'SELECT in_flight > 0 FROM wf_workers()',
	'wf_workers() counts them');

# The server goes away: each of those under way fails, the worker goes on.
$dead->stop;
wait_for(
	$node,
	'postgres',
	q{SELECT count(*) = 200 FROM workflow_runs r }
	  . q{JOIN workflow_definitions d ON d.id = definition_id }
	  . q{WHERE d.name = 'hanging' AND status = 'failed'},
	'they fail when the server goes away');
is(
	$node->safe_psql(
		'postgres',
		'SELECT count(*) FROM workflow_runs WHERE '
		  . "status = 'failed' AND error_message IS NULL"),
	0,
	'... each with its error');

#
# More of them than max_in_flight.
#
$dead = start_receiver('http', '--prefix', '/hang');
$node->append_conf('postgresql.conf', <<'CONF');
workflow_engine.max_in_flight = 20
workflow_engine.max_per_host = 5
CONF
$node->restart;
workflow('hanging2', %{ post($dead->url('/{{trigger.n}}')) });
fire('hanging2', 100);
$dead->wait_requests(5);
$http->forget;
$node->safe_psql('postgres', 'UPDATE counter SET n = 0');
workflow('native2', action => 'update_record',
	params => {
		table => 'counter', id => '{{trigger.n}}', fields => { n => 2 } });
fire('native2', 100);
wait_done('native2', 100,
	'more hanging runs than max_in_flight do not hold up native ones');
workflow('quick2', %{ post($http->url('/quick/{{trigger.n}}')) });
fire('quick2', 50);
wait_done('quick2', 50, '... nor requests to another server');
is(running('hanging2'), 100, '... while they hang');
is(scalar(() = $dead->requests), 5, 'max_per_host holds');
$dead->stop;
wait_for(
	$node, 'postgres',
	q{SELECT count(*) = 0 FROM workflow_runs WHERE status <> 'completed' }
	  . q{AND status <> 'failed'},
	'all end');

#
# The peak of what is under way at a server.
#
sub peak
{
	my ($receiver) = @_;
	my $peak = 0;

	foreach my $request ($receiver->requests)
	{
		$peak = $request->{active} if $request->{active} > $peak;
	}
	return $peak;
}
my $slow = start_receiver('http', '--prefix', '/hold');
my $port = $slow->port;
workflow('one_host', %{ post("http://127.0.0.1:$port/{{trigger.n}}") });
fire('one_host', 100);
$slow->wait_requests(5);
$slow->command('release');
wait_done('one_host', 100, '100 requests to one host');
is(peak($slow), 5, 'max_per_host were under way at once');
$slow->stop;

# The same server under two names is two hosts.
$slow = start_receiver('http', '--prefix', '/hold');
$port = $slow->port;

$node->append_conf('postgresql.conf', <<'CONF');
workflow_engine.max_in_flight = 7
CONF
$node->restart;
workflow("by_$_", %{ post("http://$_:$port/{{trigger.n}}") })
  foreach qw(127.0.0.1 localhost);
$node->safe_psql(
	'postgres',
	"SELECT wf_fire('$tenant', t, jsonb_build_object('n', n)) "
	  . q{FROM generate_series(1, 60) n, }
	  . q{unnest('{by_127.0.0.1,by_localhost}'::text[]) t});
$slow->wait_requests(7);
$slow->command('release');
wait_done($_, 60, "60 requests, $_") foreach qw(by_127.0.0.1 by_localhost);
is(peak($slow), 7, 'max_in_flight were under way at once');

unlike(
	slurp_file($node->logfile),
	qr/terminated by signal|PANIC|TRAP/,
	'nothing crashed');
$node->stop;
done_testing();
