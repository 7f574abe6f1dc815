
=head1 NAME

WorkflowEngine::Outbound - one-step workflows for the tests of outbound steps

=head1 SYNOPSIS

  use WorkflowEngine::Outbound;
  my $node = outbound_node('main', "workflow_engine.workers = 1\n");
  connection($node, name => 'shop', kind => 'http',
      config => { base_url => $http->url });
  my %got = run_steps($node,
      get => { action => 'webhook', params => { url => $http->url } });
  is($got{get}{output}{status}, 200);

=cut

package WorkflowEngine::Outbound;

use strict;
use warnings FATAL => 'all';

use Carp;
use Exporter 'import';
use JSON::PP ();
use Test::More;
use WorkflowEngine::Test;

our @EXPORT = qw(
  $tenant outbound_node connection connection_sql fire_steps wait_ended results run_steps
  literal to_json from_json request_of requests_of log_offset log_since);

our $tenant = '00000000-0000-4000-8000-00000000000a';

my $number = 0;

=head2 to_json(value), from_json(bytes)

JSON of ASCII characters only, keys in order; and back.

=cut

sub to_json
{
	my ($value) = @_;
	return JSON::PP->new->ascii->canonical->allow_nonref->encode($value);
}

sub from_json
{
	my ($bytes) = @_;
	return JSON::PP->new->utf8->allow_nonref->decode($bytes);
}

=head2 literal(text)

The text as an SQL literal.

=cut

sub literal
{
	my ($text) = @_;
	return 'NULL' unless defined $text;
	$text =~ s/'/''/g;
	return $text =~ /\\/ ? 'E' . "'" . $text =~ s/\\/\\\\/gr . "'" : "'$text'";
}

=head2 outbound_node(name, conf, option => value ...)

As new_node, in UTF-8, with the extension created in database postgres.  Unless conf
says otherwise, there is much time to be connected: a machine may stand still.

=cut

sub outbound_node
{
	my ($name, $conf, %option) = @_;
	my $node = new_node($name, "workflow_engine.connect_timeout = 30s\n$conf",
		init => [ extra => [ '--encoding=UTF8', '--locale=C' ] ], %option);

	$node->safe_psql('postgres', 'CREATE EXTENSION workflow_engine');
	return $node;
}

=head2 connection(node, name =>, kind =>, config =>, credentials =>, tenant =>)

Inserts a connection, or replaces it; for every tenant unless one is given.
The statement is not logged, whatever the server logs.

=cut

sub connection
{
	my ($node, %c) = @_;

	$node->safe_psql('postgres', connection_sql(%c));
	return;
}

=head2 connection_sql(name =>, kind =>, config =>, credentials =>, tenant =>)

The statements that connection() executes, for those who make many.

=cut

sub connection_sql
{
	my (%c) = @_;
	my $sql = sprintf(
		'INSERT INTO workflow_connections '
		  . '(tenant_id, name, kind, config, credentials) '
		  . 'VALUES (%s, %s, %s, %s, %s) ON CONFLICT (tenant_id, name) '
		  . 'DO UPDATE SET kind = EXCLUDED.kind, config = EXCLUDED.config, '
		  . 'credentials = EXCLUDED.credentials',
		map { literal($_) } $c{tenant},
		$c{name},
		$c{kind},
		to_json($c{config} || {}),
		to_json($c{credentials} || {}));

	return "SET log_min_messages = panic; SET log_statement = none; $sql;\n";
}

=head2 fire_steps(node, label => step ...)

Defines and fires one workflow for each step and returns a hash of label =>
run id.  A step is a hash of what the definition takes, or has the keys
payload, tenant and steps (several steps instead of one).

=cut

sub fire_steps
{
	my ($node, @cases) = @_;
	my $sql = '';
	my %runs;

	while (my ($label, $case) = splice(@cases, 0, 2))
	{
		my %step = %$case;
		my $payload = delete $step{payload} || {};
		my $whose = delete $step{tenant} || $tenant;
		my $steps = delete $step{steps} || [ { name => 'go', %step } ];
		my $trigger = 'event' . ++$number;

		$sql .= sprintf(
			'SELECT wf_define(%s, %s) IS NULL; '
			  . "SELECT %s || ' ' || wf_fire(%s, %s, %s);\n",
			map { literal($_) } $whose,
			to_json(
				{
					name => $trigger,
					trigger_type => $trigger,
					steps => $steps
				}),
			$label,
			$whose,
			$trigger,
			ref $payload ? to_json($payload) : $payload);
	}
	my ($stdout, $stderr);
	$node->psql('postgres', $sql,
		stdout => \$stdout, stderr => \$stderr, on_error_stop => 0);
	diag($stderr) if $stderr;
	foreach my $line (split /\n/, $stdout)
	{
		$runs{$1} = $2 if $line =~ /^(.*) ([0-9a-f-]{36})$/;
	}
	return %runs;
}

=head2 wait_ended(node, run id ...)

Waits until all of them have ended.

=cut

sub wait_ended
{
	my ($node, @runs) = @_;
	my $list = join(',', map { "'$_'" } @runs);

	wait_for(
		$node,
		'postgres',
		'SELECT count(*) = '
		  . scalar(@runs)
		  . " FROM workflow_runs WHERE id IN ($list) "
		  . "AND status IN ('completed', 'failed', 'cancelled')",
		scalar(@runs) . ' run(s) end');
	return;
}

=head2 results(node, label => run id ...)

What became of each: a hash of label => {run_id, run_status, error_message,
steps => [...]}, and of the last step that was reached also its own members
(status, input, output, error, attempts ...).

=cut

sub results
{
	my ($node, %runs) = @_;
	my $list = join(',', map { "'$_'" } values %runs);
	my $rows = from_json(
		$node->safe_psql('postgres',
			"SET client_encoding = 'UTF8'; "
			  . 'SELECT json_agg(json_build_object('
			  . "'run_id', id, 'run_status', status, "
			  . "'error_message', error_message, 'steps', step_results)) "
			  . "FROM workflow_runs WHERE id IN ($list)"));
	my %by_id = map { $_->{run_id} => { %{ $_->{steps}[-1] || {} }, %$_ } }
	  @$rows;

	return map { $_ => $by_id{ $runs{$_} } } keys %runs;
}

=head2 run_steps(node, label => step ...)

All three: fires, waits, returns the results.

=cut

sub run_steps
{
	my ($node, @cases) = @_;
	my %runs = fire_steps($node, @cases);

	croak 'not every workflow was fired' unless keys %runs == @cases / 2;
	wait_ended($node, values %runs);
	return results($node, %runs);
}

=head2 requests_of(receiver, result), request_of(receiver, result)

The requests that a run made, by their key; the one that it made, or undef
where there were none or several.

=cut

sub requests_of
{
	my ($receiver, $result) = @_;

	return
	  grep { ($_->{headers}{'idempotency-key'} || '') =~ /^\Q$result->{run_id}\E:/ }
	  $receiver->requests;
}

sub request_of
{
	my ($receiver, $result) = @_;
	my @requests = requests_of($receiver, $result);

	return @requests == 1 ? $requests[0] : undef;
}

=head2 log_offset(node), log_since(node, offset)

The size of the server's log, and what was written behind such a place.

=cut

sub log_offset
{
	my ($node) = @_;
	return -s $node->logfile;
}

sub log_since
{
	my ($node, $offset) = @_;
	return PostgreSQL::Test::Utils::slurp_file($node->logfile, $offset || 0);
}

1;
