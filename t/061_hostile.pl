
# Servers that mean harm, many at a time: headers, bodies, chunks and interim
# answers without end, answers that drip, lie about their length or close half
# of the connection, small ones that grow.  Each fails its own step, the error
# names the limit, and the worker stays small.

use strict;
use warnings FATAL => 'all';

use MIME::Base64 qw(decode_base64);
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;
use WorkflowEngine::Runs qw(set_and_reload);

my $http = start_receiver('http');
my $node = outbound_node('hostile', <<'CONF');
workflow_engine.workers = 1
workflow_engine.max_per_host = 64
workflow_engine.max_in_flight = 128
workflow_engine.http_timeout = 60s
CONF

my $size = qr/the response is over 1048576 bytes \(workflow_engine\.max_response_size\)/;
my $head = qr/the response headers are over \d+ (?:bytes|lines)/;
my $time = qr/no complete answer within 3000 ms \(timeout of the step or workflow_engine\.http_timeout\)/;

sub get
{
	my ($path, %option) = @_;
	return {
		action => 'webhook',
		retry => { max_attempts => 1 },
		params => { url => $http->url($path), method => 'GET' },
		%option };
}

sub worker
{
	return $node->safe_psql('postgres', 'SELECT pid FROM wf_workers()');
}

# What the worker has taken at most, in kB.
sub peak
{
	my ($kb) = slurp_file('/proc/' . worker() . '/status') =~
	  /^VmHWM:\s+(\d+) kB/m;
	return $kb;
}

wait_for($node, 'postgres', 'SELECT count(*) = 1 FROM wf_workers()',
	'the worker is up');
my $worker = worker();

#
# Each alone: what becomes of its step.
#
my @short = (timeout => '3 s');
my %refused = (
	huge => [ get('/huge'), $size ],
	endless_body => [ get('/endless-body'), $size ],
	redirect_huge => [ get('/redirect-huge'), $size ],
	endless_extension => [ get('/endless-extension', @short), $time ],
	endless_headers => [ get('/endless-headers'), $head ],
	endless_line => [ get('/endless-line'), qr/a response header is over 102400 bytes/ ],
	endless_trailer => [ get('/endless-trailer'), $head ],
	many_headers => [ get('/many-headers/201'), qr/more than 200 headers/ ],
	interim => [ get('/interim/100000'), $head ],
	redirect_loop => [ get('/redirect'), qr/^more than 3 redirects$/ ],
	slow_body => [ get('/slow-body', @short), $time ],
	drip_headers => [ get('/drip-headers', @short), $time ],
	drip_interim => [ get('/drip-interim', @short), $time ],
	hang => [ get('/hang', @short), $time ],
	longer => [ get('/longer/1000'), qr/^delivery unknown: .*990 bytes/ ],
	longer_huge => [ get('/longer/99999999999999999999'), qr/\w/ ],
	half_closed => [ get('/half-closed'), qr/^delivery unknown: .*mpty reply/ ]);
my %got = run_steps($node, map { $_ => $refused{$_}[0] } sort keys %refused);

foreach my $label (sort keys %refused)
{
	is($got{$label}{run_status}, 'failed', "$label: fails");
	like($got{$label}{error}, $refused{$label}[1], "$label: its error")
	  or diag(substr(to_json($got{$label}), 0, 500));
}

sub body_is
{
	my ($label, $body, $what) = @_;
	is($got{$label}{status}, 'completed', "$label: completes")
	  or diag(substr(to_json($got{$label}), 0, 500));
	return is_deeply($got{$label}{output}{body}, $body, "$label: $what");
}

set_and_reload($node, 'workflow_engine.max_output', '1MB');
%got = run_steps(
	$node,
	bomb => get('/gzip-bomb/64'),
	interim_few => get('/interim/1000'),
	small_chunks => get('/small-chunks/500000'),
	half_closed_body => get('/half-closed-body'),
	deaf => get('/deaf'),
	shorter => get('/shorter/5'),
	bad_length => get('/bad-length/many'),
	map { ("after_$_" => get("/after-$_")) } 1 .. 5);
my $bomb = $got{bomb}{output};
is($got{bomb}{status}, 'completed', 'a gzip bomb completes');
is($bomb->{headers}{'content-encoding'}, 'gzip', '... and was one');
like(
	decode_base64($bomb->{body}{base64} || ''),
	qr/^\x1f\x8b/,
	'... unpacked by nobody');
cmp_ok(length $bomb->{body}{base64}, '<', 200_000, '... small as it came');
body_is('interim_few', { interim => 'over' }, 'a thousand interim answers');
is(length $got{small_chunks}{output}{body} || '', 500_000,
	'small chunks count by what they hold');
body_is('half_closed_body', { until => 'the end' }, 'the end ends it');
body_is('deaf', { deaf => JSON::PP::true }, 'an answer is an answer');
body_is('shorter', 'xxxxx', 'the length counts');
body_is("after_$_", { ok => JSON::PP::true }, 'gets its own answer')
  foreach 1 .. 5;
like($got{bad_length}{status}, qr/^(completed|failed)$/, 'bad_length ends');

set_and_reload($node, 'workflow_engine.max_output', '16kB');
cmp_ok(peak(), '<', 150 * 1024, 'one of each takes less than 150 MB');
note('one of each: ' . peak() . ' kB');

#
# 64 at a time.
#
foreach my $path ('/endless-body', '/huge', '/json-array/1048000',
	'/bytes/1048576', '/gzip-bomb/512', '/endless-headers', '/endless-line',
	'/interim/100000', '/invalid-utf8', '/deep')
{
	my %many = run_steps(
		$node,
		(map { ("many$_" => get($path, timeout => '20 s')) } 1 .. 64),
		fine => get('/json'));

	is($many{fine}{status}, 'completed', "64 of $path: another completes");
	my %statuses = map { $_->{status} => 1 } @many{ map { "many$_" } 1 .. 64 };
	is(scalar(keys %statuses), 1, '... and all of them end alike');
	note("64 of $path: " . peak() . ' kB, ' . join(', ', keys %statuses));
}
cmp_ok(peak(), '<', 150 * 1024, '64 of each take less than 150 MB')
  or diag(peak() . ' kB');

#
# As many as a worker has under way, each stopping short of its end: what they
# hold together is bounded, whoever would go over that waits, and small
# answers go on.  Those that are whole complete when there is room again.
#
set_and_reload($node, 'workflow_engine.max_in_flight', 256);
set_and_reload($node, 'workflow_engine.max_per_host', 256);
# Held until all are there, so that they are under way together.
$node->safe_psql('postgres', "SELECT wf_pause('$tenant')");
my %many = fire_steps(
	$node,
	(map { ("stall$_" => get('/stall/1000000', timeout => '8 s')) } 1 .. 200),
	(map { ("large$_" => get('/bytes/1000000')) } 1 .. 50));
$node->safe_psql('postgres', "SELECT wf_resume('$tenant')");
wait_until(
	sub {
		my @at = map { $_->{time} } grep { $_->{path} =~ m{^/stall/} } $http->requests;
		return grep { $at[$_] - $at[ $_ - 150 ] < 7 } 150 .. $#at;
	},
	'more than 150 are under way at once');
my %small = run_steps($node, map { ("small$_" => get('/json')) } 1 .. 5);
is($small{"small$_"}{status}, 'completed', 'a small answer goes on')
  foreach 1 .. 5;
wait_ended($node, values %many);
%got = results($node, %many);
is(scalar(grep { $got{"stall$_"}{error} =~ /no complete answer within 8000 ms/ } 1 .. 200),
	200, 'those that stopped are late');
is(scalar(grep { $got{"large$_"}{status} eq 'completed' } 1 .. 50),
	50, 'those that did not complete');
cmp_ok(peak(), '<', 150 * 1024, '250 large answers take less than 150 MB')
  or diag(peak() . ' kB');
note('250 large answers: ' . peak() . ' kB');

is(worker(), $worker, 'it was the same worker all the time');
is( $node->safe_psql(
		'postgres',
		'SELECT count(*) FROM wf_workers() WHERE last_error IS NOT NULL'),
	0,
	'and had no error of its own');
$node->stop;
unlike(
	slurp_file($node->logfile),
	qr/terminated by signal|PANIC|TRAP/,
	'nothing crashed');
done_testing();
