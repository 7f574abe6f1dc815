
# How WhatsApp, Slack, Teams and web servers say no: each kind of error fails
# its step with the provider's own words, says whether the message may have
# arrived, and is sent once where the step asks for one attempt.  The table is
# WorkflowEngine::Refusals.

use strict;
use warnings FATAL => 'all';

use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;
use WorkflowEngine::Refusals;

my $http = start_receiver('http');
my $node = outbound_node('refusals', <<'CONF');
workflow_engine.workers = 1
workflow_engine.max_per_host = 8
workflow_engine.max_throttle_wait = 0
CONF

my %got = run_steps($node,
	refusal_steps($node, $http, retry => { max_attempts => 1 }));
my %sent;

foreach my $request ($http->requests)
{
	$sent{$1}++
	  if ($request->{headers}{'idempotency-key'} || '') =~ /^([0-9a-f-]{36}):go$/;
}

foreach my $case (refusals())
{
	my ($label, $class) = @{$case}{qw(label class)};
	my $result = $got{$label};
	my $requests = $label eq 'webhook_redirect' ? 4 : 1;

	is($result->{run_status}, 'failed', "$label fails")
	  or diag(to_json($result));
	# one that asks to wait is not waited for here: that is t/057_throttle.pl
	is($class, 'transient', "$label: may ask to wait")
	  if defined $result->{error}
	  && $result->{error} =~ s/^the provider asks to wait .*? in all: //;
	like($result->{error}, $case->{error}, "$label: its error");
	like($result->{error}, qr/^delivery unknown: /, "$label: says so")
	  if $class eq 'maybe_delivered';
	# libcurl repeats a webhook where a kept connection breaks
	$label =~ /^webhook_(close|reset)$/
	  ? cmp_ok($sent{ $result->{run_id} }, '>=', 1, "$label: sent")
	  : is($sent{ $result->{run_id} }, $requests, "$label: sent");
	is($result->{attempts}, 1, "$label: one attempt");
}

# Success in the shapes that are rarer.
my @fine = (
	[ teams_202 => 'teams_webhook', '/status/202', 202 ],
	[ teams_201 => 'teams_webhook', '/status/201', 201 ],
	[ teams_connector => 'teams_webhook', '/teams-connector-ok', 200 ]);
connection(
	$node,
	name => $_->[0],
	kind => $_->[1],
	config => { url => $http->url($_->[2]) }) foreach @fine;
%got = run_steps(
	$node,
	map {
		(
			$_->[0] => {
				action => 'team_notify',
				params =>
				  { connection => $_->[0], channel => 'ops', message => 'hi' } })
	} @fine);
foreach my $case (@fine)
{
	is($got{ $case->[0] }{run_status}, 'completed', "$case->[0] completes")
	  or diag(to_json($got{ $case->[0] }));
	is_deeply($got{ $case->[0] }{output}, { status => $case->[3] },
		"$case->[0]: its output");
}

$node->stop;
done_testing();
