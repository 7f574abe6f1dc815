
=head1 NAME

WorkflowEngine::Runs - firing runs, waiting for them and for their workers

=head1 SYNOPSIS

  use WorkflowEngine::Runs;
  my $run = fire($node, $tenant, 'order', '{"id": 1}');
  my $pid = wait_in_step($node, 'the step is executed');
  kill 'KILL', $pid;
  wait_status($node, $run, 'completed', 'another worker goes on');

All of it in database postgres.

=cut

package WorkflowEngine::Runs;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use WorkflowEngine::Test;

our @EXPORT = qw(
  query answer fire define_and_fire wait_status wait_in_step worker_pid
  set_and_reload create_hold hold_definition);

=head2 query(node, sql)

What the server answers; dies if that fails.

=cut

sub query
{
	my ($node, $sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

=head2 answer(node, sql)

The same, or undef if it fails, for instance since the server is down.

=cut

sub answer
{
	my ($node, $sql) = @_;
	return (try_query($node, 'postgres', $sql))[0];
}

=head2 create_hold(node)

Creates what hold_definition needs: its step lasts until there is a row in the
table ended.

=cut

sub create_hold
{
	my ($node) = @_;

	query($node, qq{
	CREATE TABLE ended (id int);
	CREATE TABLE held (id int);
	CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS \$\$
	BEGIN
		WHILE NOT EXISTS (SELECT FROM ended) LOOP
			PERFORM pg_sleep(0.002);
		END LOOP;
		RETURN NEW;
	END \$\$;
	CREATE TRIGGER hold BEFORE INSERT ON held
		FOR EACH ROW EXECUTE FUNCTION hold()});
	return;
}

=head2 hold_definition()

A definition whose one step lasts so long; it is fired by hold.

=cut

sub hold_definition
{
	return q{{"name": "hold", "trigger_type": "hold", "steps": [
		{"name": "hold", "action": "insert_record", "params":
			{"table": "held", "fields": {"id": 1}}}]}};
}

=head2 fire(node, tenant, trigger type, payload)

Fires, with an empty payload unless one is given; returns the id of the run.

=cut

sub fire
{
	my ($node, $tenant, $type, $payload) = @_;

	$payload = '{}' unless defined $payload;
	return query($node, "SELECT wf_fire('$tenant', '$type', '$payload')");
}

=head2 define_and_fire(node, tenant, name, step ...)

Defines a workflow of these steps (JSON), of which the name is also the trigger
type, and fires it; returns the id of the run.

=cut

sub define_and_fire
{
	my ($node, $tenant, $name, @steps) = @_;
	my $steps = join(', ', @steps);

	return query($node, qq{
		SELECT wf_define('$tenant', '{"name": "$name", "trigger_type": "$name",
			"steps": [$steps]}') IS NULL \\g /dev/null
		SELECT wf_fire('$tenant', '$name')});
}

=head2 wait_status(node, run id, status, what)

Waits until the run has that status; passes a test named after what.

=cut

sub wait_status
{
	my ($node, $id, $status, $what) = @_;

	wait_for($node, 'postgres',
		"SELECT status = '$status' FROM workflow_runs WHERE id = '$id'",
		$what);
	return;
}

=head2 wait_in_step(node, what)

Waits until one worker, and no other, executes something that sleeps, though
the server may restart meanwhile; returns its process id.

=cut

sub wait_in_step
{
	my ($node, $what) = @_;

	return wait_pid(
		$node,
		q{pg_stat_activity WHERE backend_type = 'workflow_engine worker' }
		  . q{AND wait_event = 'PgSleep'},
		$what);
}

=head2 worker_pid(node)

The process id of the one worker, which is waited for.  One that is starting does not
count: it leaves again if it looks for the extension before that is created.

=cut

sub worker_pid
{
	my ($node) = @_;

	return wait_pid(
		$node,
		q{wf_workers() WHERE database = 'postgres' AND state <> 'starting'},
		'there is a worker');
}

# Waits until there is one process, and no other, in what is selected from; returns
# its id.
sub wait_pid
{
	my ($node, $from, $what) = @_;
	my $pid;

	wait_until(
		sub {
			$pid = answer($node, "SELECT pid FROM $from");
			return defined $pid && $pid =~ /^\d+$/;
		},
		$what);
	return $pid;
}

=head2 set_and_reload(node, setting, value)

Sets it for the whole server, in which new sessions have it afterwards.

=cut

sub set_and_reload
{
	my ($node, $name, $value) = @_;

	my $before = query($node,
		"ALTER SYSTEM SET $name = '$value'; SELECT clock_timestamp()");

	$node->reload;
	wait_for($node, 'postgres', "SELECT pg_conf_load_time() > '$before'",
		"$name = $value");
	return;
}

1;
