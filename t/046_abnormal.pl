
# Steps that end their worker: at the third time they fail, and nothing else
# does.  Ends that are not the step's doing are not counted.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;

my $tenant = '22222222-2222-2222-2222-222222222222';
my $node = new_node('main', <<'CONF');
restart_after_crash = on
workflow_engine.workers = 1
workflow_engine.poll_interval = '500ms'
CONF

# A step that takes until the gate is open.
$node->safe_psql('postgres', q{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE gate (open boolean, wide boolean);
	INSERT INTO gate VALUES (false, false);
	CREATE SEQUENCE wide_tries;
	CREATE TABLE done (label text);
	CREATE FUNCTION linger(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS $$
	BEGIN
		IF params ? 'wide' THEN
			PERFORM nextval('wide_tries');
		END IF;
		FOR i IN 1 .. 6000 LOOP
			EXIT WHEN (SELECT CASE WHEN params ? 'wide' THEN wide ELSE open END
				FROM gate);
			PERFORM pg_sleep(0.01);
		END LOOP;
		RETURN '{}';
	END $$;
	CREATE FUNCTION note(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE sql AS $$
		INSERT INTO done VALUES (params->>'label') RETURNING '{}'::jsonb $$;
	SELECT wf_register_action('linger', 'linger(jsonb,jsonb)');
	SELECT wf_register_action('note', 'note(jsonb,jsonb)')});

# Kills the worker; the server restarts, and has another one.
sub kill_worker
{
	my $pid = worker_pid($node);

	kill 'KILL', $pid;
	wait_until(sub { return worker_pid($node) != $pid }, 'there is another worker');
	return;
}

# Fires a workflow of these steps, with the gates closed.
sub fire_closed
{
	my ($name, @steps) = @_;

	query($node, 'UPDATE gate SET open = false, wide = false');
	return define_and_fire($node, $tenant, $name, @steps);
}

sub linger
{
	my ($more) = @_;
	return '{"name": "linger", "action": "linger"' . ($more || '') . '}';
}

sub note_step
{
	my ($label) = @_;
	return qq({"name": "note_$label", "action": "note", "params": {"label": "$label"}});
}

sub trace
{
	my ($run) = @_;
	return $node->safe_psql('postgres',
		"SELECT step_name, status, attempts, error FROM wf_trace('$run') ORDER BY step");
}

sub open_gate
{
	my ($which) = @_;
	$node->safe_psql('postgres', 'UPDATE gate SET ' . ($which || 'open') . ' = true');
	return;
}

my $why = 'its worker ended abnormally while it executed this step';

#
# Killed thrice while it executes the step: the step fails, with that reason.
# The worker goes on with others.
#
my $run = fire_closed('killed', note_step('before'), linger(), note_step('after'));
foreach my $n (1 .. 3)
{
	wait_in_step($node, "the step is executed for the $n. time");
	kill_worker();
}
wait_status($node, $run, 'failed', 'the run is failed');
is(trace($run), "note_before|completed|1|\nlinger|failed|3|$why, 3 times\n"
	  . 'note_after|pending|0|', 'the step that ended three workers is failed');
is($node->safe_psql('postgres', "SELECT error_message FROM workflow_runs WHERE id = '$run'"),
	qq{step "linger": $why, 3 times}, '... and the run, with that reason');
is($node->safe_psql('postgres', "
		SELECT string_agg(a->>'attempt' || ' ' || (a->>'error'), ', ' ORDER BY n),
			bool_and((a->>'started_at')::timestamptz < now()
				AND (a->>'duration_ms')::numeric > 0)
		FROM workflow_runs, jsonb_array_elements(step_results->1->'failed_attempts')
			WITH ORDINALITY x(a, n) WHERE id = '$run'"),
	"1 $why, 2 $why|t", 'each attempt is in the history');

#
# on_error decides what that means, as for any failure.
#
$run = fire_closed('continues', linger(', "on_error": "continue"'), note_step('after'));
foreach my $n (1 .. 3)
{
	wait_in_step($node, "the step is executed for the $n. time");
	kill_worker();
}
wait_status($node, $run, 'completed', 'the run is completed');
is(trace($run), "linger|failed|3|$why, 3 times\nnote_after|completed|1|",
	'on_error is honoured');

#
# Twice is no harm done; and the count begins anew with the next step.
#
sub kill_twice
{
	foreach my $n (1 .. 2)
	{
		wait_in_step($node, "the step is executed for the $n. time");
		kill_worker();
	}
	wait_in_step($node, 'the step is executed once more');
	return;
}

$run = fire_closed('twice', linger(),
	'{"name": "again", "action": "linger", "params": {"wide": true}}');
kill_twice();
is($node->safe_psql('postgres', "SELECT abnormal_ends FROM workflow_runs WHERE id = '$run'"),
	2, 'two ends are counted');
$node->restart;    # so that both steps are in one transaction
wait_in_step($node, 'the step is executed again');
open_gate();
wait_for($node, 'postgres', 'SELECT is_called FROM wide_tries',
	'a step that ended two workers may still complete');
kill_worker();
wait_in_step($node, 'the next step is executed again');
open_gate('wide');
wait_status($node, $run, 'completed', 'the run is completed');
like(trace($run), qr/^linger\|completed\|\d\|\nagain\|completed\|2\|$/,
	'its two ends and one of the next step are not three');
is($node->safe_psql('postgres',
		"SELECT abnormal_ends IS NULL FROM workflow_runs WHERE id = '$run'"),
	't', 'a step that completes leaves no count');

#
# What is not the step's doing: SIGTERM, stops of the server, the crash of
# another process.  Each more often than it takes.
#
my %innocent = (
	'SIGTERM' => sub { $node->safe_psql('postgres',
			'SELECT pg_terminate_backend(' . worker_pid($node) . ')') },
	'a fast restart' => sub { $node->restart },
	'an immediate stop' => sub { $node->stop('immediate'); $node->start },
	'the crash of another backend' => sub {
		my $other = $node->background_psql('postgres');
		my $pid = $other->query_safe('SELECT pg_backend_pid()');
		kill 'KILL', $pid;
		eval { $other->quit };
		wait_until(sub { defined answer($node, 'SELECT 1') }, 'the server has recovered');
	});
foreach my $blow (sort keys %innocent)
{
	$run = fire_closed('innocent', linger(), note_step('after'));
	foreach my $n (1 .. 4)
	{
		my $pid =
		  wait_in_step($node, "$blow: the step is executed for the $n. time");
		$innocent{$blow}->();
		wait_until(sub { !kill(0, $pid) }, "$blow: the worker is gone");
	}
	wait_in_step($node, "$blow: the step is executed again");
	is($node->safe_psql('postgres',
			"SELECT coalesce(abnormal_ends, 0) FROM workflow_runs WHERE id = '$run'"),
		0, "$blow is not counted");
	open_gate();
	wait_status($node, $run, 'completed', 'the run is completed');
}

#
# Transfers in flight are not executed: the worker's end is not theirs.
#
my $http = start_receiver('http', '--prefix', '/hold');
$run = fire_closed('flying', '{"name": "send", "action": "webhook", "params": {"url": "'
	  . $http->url . '/x"}, "timeout": "5 minutes", "retry": {"max_attempts": 9}}');
foreach my $n (1 .. 4)
{
	$http->wait_requests($n);
	kill_worker();
}
$http->wait_requests(5);
is(trace($run), 'send|running|5|its worker ended before the attempt did',
	'a transfer in flight is sent again, as long as attempts are left');
$http->command('release');
wait_status($node, $run, 'completed', 'the run is completed');
$http->stop;

#
# With no restart after a crash, the next postmaster knows as well.
#
$node->append_conf('postgresql.conf', 'restart_after_crash = off');
$node->restart;
$run = fire_closed('down', linger());
foreach my $n (1 .. 3)
{
	wait_in_step($node, "the step is executed for the $n. time");
	my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	kill 'KILL', worker_pid($node);
	wait_until(sub { !kill(0, $postmaster) }, 'the server is down');
	$node->{_pid} = undef;
	$node->start;
}
wait_status($node, $run, 'failed', 'the run is failed');
is(trace($run), "linger|failed|3|$why, 3 times", 'a server that stays down knows too');

# A start that fails once the memory is made: it has not seen to anything.
sub fail_to_start
{
	my $hba = $node->data_dir . '/pg_hba.conf';
	my $good = slurp_file($hba);

	append_to_file($hba, "nonsense\n");
	wait_until(
		sub {
			return !$node->start(fail_ok => 1)
			  && slurp_file($node->logfile) =~ /could not load .*pg_hba.conf/;
		},
		'a start that fails');
	unlink $hba;
	append_to_file($hba, $good);
	return;
}

#
# And if everything is killed at once: the attempt of a step that may be slow
# is committed before it is made.
#
$node->restart;
$run = fire_closed('all', linger());
foreach my $n (1 .. 3)
{
	wait_in_step($node, "the step is executed for the $n. time");
	like(trace($run), qr/^linger\|running\|/,
		"attempt $n is committed before it is made");
	my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
	my $pid = worker_pid($node);
	kill 'KILL', $postmaster, $pid;
	wait_until(sub { !kill(0, $postmaster) && !kill(0, $pid) }, 'all is gone');
	$node->{_pid} = undef;
	fail_to_start() if $n == 2;
	wait_until(sub { return $node->start(fail_ok => 1) }, 'the server is up');
}
wait_status($node, $run, 'failed', 'the run is failed');
like(trace($run), qr/^linger\|failed\|3\|\Q$why\E, 3 times$/,
	'a step that takes the whole server down is failed');

#
# Others go on meanwhile, one by one.
#
$node->safe_psql('postgres', qq{
	TRUNCATE done;
	SELECT wf_define('$tenant', '{"name": "rest", "trigger_type": "rest", "steps": [
		@{[note_step('a')]}, @{[note_step('b')]}]}');
	SELECT wf_fire('$tenant', 'rest') FROM generate_series(1, 150)});
wait_for($node, 'postgres',
	"SELECT count(*) = 300 FROM done", 'what else there is goes on');

$node->stop;
done_testing();
