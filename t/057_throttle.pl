
# Providers that ask to wait: a burst arrives whole, in the order in which it
# was fired, at the pace that the provider takes, and uses up no attempts.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $other = '00000000-0000-4000-8000-00000000000b';
my $node = outbound_node('throttle', <<'CONF');
workflow_engine.workers = 2
workflow_engine.poll_interval = 500ms
CONF
my $http = start_receiver('http');

# One attempt each: a wait that is asked for must not use it up.
sub define
{
	my ($name, $whose, %step) = @_;

	$node->safe_psql(
		'postgres',
		sprintf 'SELECT wf_define(%s, %s)',
		literal($whose),
		literal(
			to_json(
				{
					name => $name,
					trigger_type => $name,
					steps => [
						{
							name => 'go',
							retry => { max_attempts => 1 },
							%step
						} ]
				})));
	return;
}

sub fire
{
	my ($name, $whose, $n) = @_;

	$node->safe_psql('postgres',
		"SELECT wf_fire('$whose', '$name', jsonb_build_object('n', n)) "
		  . "FROM generate_series(1, $n) n");
	return;
}

# Of the runs of a workflow.
sub of
{
	my ($name) = @_;
	return 'FROM workflow_runs r JOIN workflow_definitions d '
	  . "ON d.id = r.definition_id WHERE d.name = '$name'";
}

sub wait_all
{
	my ($name, $n) = @_;

	wait_for($node, 'postgres',
		'SELECT count(*) = ' . $n . ' '
		  . of($name) . " AND status IN ('completed', 'failed')",
		"$name: $n runs end", 120);
	is($node->safe_psql('postgres',
			"SELECT string_agg(DISTINCT status, ' '), count(*) " . of($name)),
		"completed|$n",
		"$name: all have completed");
	is( $node->safe_psql(
			'postgres',
			q{SELECT string_agg(DISTINCT step_results->0->>'attempts', ' ') }
			  . of($name)),
		1,
		"$name: with one attempt each");
	return;
}

sub requests_below
{
	my ($path) = @_;
	return grep { index($_->{path}, $path) == 0 } $http->requests;
}

#
# A burst, and another tenant who sends to the same host.
#
my $n = 60;
define(
	'burst', $tenant,
	action => 'webhook',
	params =>
	  { url => $http->url('/limit/20/burst'), body => { n => '{{trigger.n}}' } });
define(
	'calm', $other,
	action => 'webhook',
	params => { url => $http->url('/calm') });
fire('burst', $tenant, $n);
wait_for($node, 'postgres',
	'SELECT count(*) > 0 ' . of('burst') . " AND status = 'waiting'",
	'runs of the burst are held');
fire('calm', $other, 20);
wait_all('calm', 20);
is( $node->safe_psql(
		'postgres',
		'SELECT count(*) ' . of('calm') . ' AND run_at > queued_at'),
	0,
	'another tenant is held by nothing');
wait_all('burst', $n);
my @requests = requests_below('/limit/20/burst');
my %last = map { $requests[$_]{headers}{'idempotency-key'} => $_ } 0 .. $#requests;
is(scalar keys %last, $n, 'each run has its key');
cmp_ok(scalar @requests, '<=', 2 * $n + 10, 'few are refused twice')
  or diag(scalar @requests);
note(scalar(@requests) . " requests for $n runs, in "
	  . ($requests[-1]{time} - $requests[0]{time}) . ' s');

# Those that were refused at first, as they came when it opened again.
my $opened = 0;
foreach my $i (1 .. $#requests)
{
	$opened = $i
	  if !$opened && $requests[$i]{time} - $requests[$i - 1]{time} > 0.5;
}
my @order = map { from_json($requests[$_]{body})->{n} }
  sort { $a <=> $b } grep { $_ >= $opened } values %last;
cmp_ok(scalar @order, '>=', $n - 30, 'most of them come then');

# Two workers have a part of them each, in order but for two or three requests that
# overtake one another; how the parts are mixed depends on the machine.  So no more than
# six can be found whose numbers fall from each to the next.  Of 40 in a random order
# some ten fall.
my @falling;    # the most that fall and end with this one
foreach my $i (0 .. $#order)
{
	$falling[$i] = 1;
	foreach my $j (0 .. $i - 1)
	{
		$falling[$i] = $falling[$j] + 1
		  if $order[$j] > $order[$i] && $falling[$j] >= $falling[$i];
	}
}
my ($most) = sort { $b <=> $a } @falling;
note("of " . @order . " $most fall");
cmp_ok($most, '<=', 6, 'about in the order of fire')
  or diag("in the order @order");
is( $node->safe_psql(
		'postgres',
		q{SELECT max(jsonb_array_length(step_results->0->'failed_attempts')) }
		  . of('burst')),
	1,
	'history notes the waiting once, however often a run was held');
like(
	$node->safe_psql(
		'postgres',
		q{SELECT step_results->0->'failed_attempts'->0 }
		  . of('burst')
		  . " ORDER BY completed_at DESC LIMIT 1"),
	qr/"waits": \d+.*"attempt": 1.*"waited_ms": \d+/,
	'and says for how long');

#
# Slack, one a second; the server restarts in the middle.  Where this test stood still
# for so long that all had arrived before, there are more of them.
#
$n = 0;
connection(
	$node,
	name => 'slow',
	kind => 'slack',
	config =>
	  { base_url => $http->url('/limit-as/1/slack-error/ratelimited/1') },
	credentials => { bot_token => 'token-of-slack' });
define(
	'slack', $tenant,
	action => 'team_notify',
	params =>
	  { channel => 'ops', message => '{{trigger.n}}', connection => 'slow' });
wait_until(
	sub {
		fire('slack', $tenant, 8);
		wait_for($node, 'postgres',
			"SELECT count(*) >= $n + 2 " . of('slack') . " AND status = 'completed'",
			'some arrive');
		$n += 8;
		$node->restart;
		return $node->safe_psql('postgres',
			'SELECT count(*) > 0 ' . of('slack') . " AND status = 'waiting'") eq 't';
	},
	'a restart in the middle of it');
wait_all('slack', $n);
my %keys = map { $_->{headers}{'idempotency-key'} => 1 }
  requests_below('/limit-as/1');
is(scalar keys %keys, $n, 'each has its key');

#
# Who asks to wait for too long.
#
my (@cases, %waits);

# So many pauses fit in.
sub case
{
	my ($name, $waits, %step) = @_;

	push @cases, $name => { retry => { max_attempts => 1 }, %step };
	$waits{$name} = $waits;
	return;
}

$node->append_conf('postgresql.conf',
	'workflow_engine.max_throttle_wait = 1500ms');
$node->reload;
foreach my $how (
	[ 'an hour', '/retry-after/3600/status/429', 0 ],
	[ '503', '/retry-after/3600/status/503', 0 ],
	[ 'no time', '/status/429', 1 ])
{
	my ($name, $path, $waits) = @$how;

	case(
		$name, $waits,
		action => 'webhook',
		tenant => sprintf('00000000-0000-4000-8000-%012d', scalar @cases),
		params => { url => $http->url("$path/x") });
}
foreach my $code (4, 80007, 130429, 131048, 131056)
{
	my $name = "whatsapp $code";

	connection(
		$node,
		name => $name,
		kind => 'whatsapp_cloud',
		config => {
			phone_number_id => '1',
			base_url => $http->url("/whatsapp-error/$code") },
		credentials => { access_token => 'token-of-whatsapp' });
	case(
		$name, 1,
		action => 'whatsapp_notify',
		params => {
			phone => '+96170123456',
			template => 'hello',
			connection => $name });
}
my %got = run_steps($node, @cases);
foreach my $name (sort keys %got)
{
	my $result = $got{$name};
	my $note = ($result->{failed_attempts} || [])->[0];

	is($result->{run_status}, 'failed', "$name: the run fails");
	like(
		$result->{error},
		qr/^the provider asks to wait for longer than workflow_engine\.max_throttle_wait \(1500ms\) in all: /,
		"$name: and its error says why");
	is($result->{attempts}, 1, "$name: one attempt");
	is(scalar(() = requests_of($http, $result)),
		$waits{$name} + 1, "$name: sent so often");
	is($note ? $note->{waits} : 0, $waits{$name}, "$name: waited so often");
}

$http->stop;
$node->stop;
done_testing();
