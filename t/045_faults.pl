
# A server that fails 20 % of the time in every way, workers that end and a
# server that crashes meanwhile: nothing is lost, nothing is sent twice but
# where an earlier attempt ended in an unknown way.
#
# WF_FAULTS is the number of requests to be delivered (make faults: 10,000).

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $nruns = int(($ENV{WF_FAULTS} || 400) / 2);
my $limit = 60 + $nruns / 10;    # seconds for all of it
my $seed = $ENV{WF_SEED} || 1;

my $http = start_receiver('fault', '--seed', $seed);
my $node = outbound_node('faults', <<'CONF');
restart_after_crash = on
workflow_engine.workers = 2
workflow_engine.poll_interval = 500ms
CONF

sub report
{
	my ($text) = @_;
	$ENV{WF_FAULTS} ? diag($text) : note($text);
	return;
}

# Each run sends, counts in the database, and sends again.
my %send = (
	action => 'webhook',
	params => {
		url => $http->url,
		body => { run => '{{run.id}}', n => '{{trigger.n}}' } },
	timeout => '1 s',
	retry => {
		max_attempts => 10,
		initial_interval => '50 milliseconds',
		max_interval => '500 milliseconds' });
$node->safe_psql('postgres',
	'CREATE TABLE counted (run uuid NOT NULL)');
$node->safe_psql(
	'postgres',
	sprintf 'SELECT wf_define(%s, %s)',
	map { literal($_) } $tenant,
	to_json(
		{
			name => 'faults',
			trigger_type => 'faults',
			steps => [
				{ name => 'first', %send },
				{
					name => 'count',
					action => 'insert_record',
					params => {
						table => 'counted', fields => { run => '{{run.id}}' }
					} },
				{ name => 'second', %send } ] }));

# The workers' process ids; none if the server is not up.
sub workers
{
	my ($answer) = try_query($node, 'postgres', 'SELECT pid FROM wf_workers()');
	return ($answer // '') =~ /(\d+)/g;
}

# Ends workers, and waits until both are there again.
my @ends;    # [name, from, to]: when workers ended

sub end_worker
{
	my ($how) = @_;
	my $from = time();
	my @old = workers();

	if ($how eq 'restart')
	{
		$node->stop('immediate');
		$node->start;
	}
	else
	{
		kill $how, $old[0];
	}
	wait_until(
		sub {
			my @now = workers();
			return @now == 2 && !grep { $_ == $old[0] } @now;
		},
		"$how: there are workers again");
	push @ends, [ $how, $from, time() ];
	return;
}

my $begin = time();
$node->safe_psql('postgres',
	"SELECT wf_fire('$tenant', 'faults', jsonb_build_object('n', n)) "
	  . "FROM generate_series(1, $nruns) n");
my @plan = qw(TERM TERM KILL restart TERM);
foreach my $i (0 .. $#plan)
{
	# so many come even if nothing is tried twice
	$http->wait_requests(int(2 * $nruns * ($i + 1) / (@plan + 1)), $limit);
	end_worker($plan[$i]);
}
wait_for($node, 'postgres', q{
	SELECT count(*) = 0 FROM workflow_runs
	WHERE status IN ('queued', 'running', 'waiting')}, 'all runs end', $limit);
my $seconds = time() - $begin;
my $unsettled = 0;    # how long there was a worker too few
$unsettled += $_->[2] - $_->[1] foreach @ends;

#
# What the server saw: how requests were dealt with, and under which key it
# acted how often.
#
my %kinds;
my %acted;    # key => [request, ...]

foreach my $request ($http->requests)
{
	$kinds{ $request->{kind} }++;
	push @{ $acted{ $request->{key} } }, $request if $request->{acted};
}

# What the database has: each step's end, by its key.
my %steps;
foreach my $line (
	split /\n/,
	$node->safe_psql(
		'postgres', q{
	SELECT r.id || ':' || (s->>'step_name'), s->>'status', s->>'attempts',
		(length(s::text) - length(replace(s::text, 'its worker ended', '')))
			/ length('its worker ended'),
		s::text ~ 'no complete answer'
	FROM workflow_runs r, jsonb_array_elements(step_results) s
	WHERE s->>'action' = 'webhook'}))
{
	my ($key, @step) = split /\|/, $line;
	$steps{$key} = \@step;
}

my @lost = grep { $steps{$_}[0] eq 'completed' && !$acted{$_} } keys %steps;
my @failed = grep { $steps{$_}[0] ne 'completed' } keys %steps;
my $attempts = 0;
$attempts += $_->[1] foreach values %steps;

# Why a server acts again under a key: the attempt before had an unknown end.
my %unknown = map { $_ => 1 } qw(reset close hang truncated 500);
my (%allowed, @unexplained);

sub why_again
{
	my ($key, $before, $again) = @_;

	return $before->{kind} if $unknown{ $before->{kind} };
	# The step's own record must say so, as often as it is taken for a reason.
	return "worker's end" if $steps{$key}[2]-- > 0;
	return 'time-out (the answer came too late)' if $steps{$key}[3] eq 't';
	return undef;
}

foreach my $key (sort keys %acted)
{
	my @requests = @{ $acted{$key} };

	foreach my $i (1 .. $#requests)
	{
		my $why = why_again($key, @requests[ $i - 1, $i ]);

		if (defined $why)
		{
			$allowed{$why}++;
		}
		else
		{
			push @unexplained, "$key: after $requests[$i - 1]{kind}";
		}
	}
}

sub list
{
	my (%count) = @_;
	return join(', ', map { "$_ $count{$_}" } sort keys %count) || 'none';
}

my $faults = 0;
$faults += $kinds{$_} foreach grep { $_ ne 'ok' } keys %kinds;
my $duplicates = 0;
$duplicates += $_ foreach values %allowed;
report(
	sprintf '%d steps in %.0f s, seed %d: %d attempts, %d requests read, '
	  . 'workers ended: %s',
	scalar keys %steps,
	$seconds,
	$seed,
	$attempts,
	scalar(grep { defined $_->{key} } $http->requests),
	join(', ', map { $_->[0] } @ends) . sprintf(' (%.1f s)', $unsettled));
report("faults: $faults (" . list(map { $_ => $kinds{$_} }
		grep { $_ ne 'ok' } keys %kinds) . ')');
report('lost: ' . scalar(@lost) . ', failed: ' . scalar(@failed));
report("delivered again: $duplicates where the contract allows it ("
	  . list(%allowed)
	  . '), '
	  . scalar(@unexplained)
	  . ' otherwise');

#
# The verdict.
#
is(scalar @lost, 0, 'no step completed that the server has not acted on')
  or diag(join "\n", @lost);
is(scalar @unexplained, 0, 'none was delivered again without need')
  or diag(join "\n", @unexplained);
is(scalar @failed, 0, 'no step failed')
  or diag(
	$node->safe_psql('postgres',
		'SELECT count(*), error_message FROM workflow_runs '
		  . "WHERE status <> 'completed' GROUP BY 2 ORDER BY 1 DESC LIMIT 20")
  );
is(scalar keys %steps, 2 * $nruns, 'each step has its result');
is( $node->safe_psql('postgres',
		"SELECT status, count(*) FROM workflow_runs GROUP BY 1"),
	"completed|$nruns",
	'each run completed');
is( $node->safe_psql('postgres',
		'SELECT count(*), count(DISTINCT run) FROM counted'),
	"$nruns|$nruns",
	'each native step took effect once');
cmp_ok(scalar(grep { $_ ne 'ok' } keys %kinds),
	'>=', 12, 'the server failed in every way')
  or diag(list(%kinds));

$node->stop;
done_testing();
