
# A worker or the whole server is killed in the middle of 1,000 runs: every
# effect happens once, no run is lost or stuck.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $runs = 1000;
my $node = new_node('main', <<'CONF');
restart_after_crash = on
workflow_engine.batch_size = 10
workflow_engine.poll_interval = '500ms'
log_checkpoints = off
CONF

# Counting is not idempotent: a step that is done twice shows.  It dawdles, and
# it waits until its number may pass, so that there is a middle to crash in, however
# long this test stands still.
$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE orders (id int PRIMARY KEY, n int NOT NULL DEFAULT 0,
		m int NOT NULL DEFAULT 0);
	CREATE TABLE notes (id int);
	CREATE TABLE gate (up_to int NOT NULL);
	INSERT INTO gate VALUES (0);
	CREATE FUNCTION wait_at_gate(id int) RETURNS void LANGUAGE plpgsql AS \$\$
	BEGIN
		WHILE id > (SELECT up_to FROM gate) LOOP
			PERFORM pg_sleep(0.01);
		END LOOP;
	END \$\$;
	CREATE FUNCTION count_n(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE sql AS \$\$
		SELECT wait_at_gate((params->>'id')::int), pg_sleep(0.001);
		UPDATE orders SET n = n + 1 WHERE id = (params->>'id')::int
		RETURNING jsonb_build_object('n', n) \$\$;
	CREATE FUNCTION count_m(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE sql AS \$\$
		SELECT pg_sleep(0.001);
		UPDATE orders SET m = m + n WHERE id = (params->>'id')::int
		RETURNING jsonb_build_object('m', m) \$\$;
	SELECT wf_register_action('count_n', 'count_n(jsonb,jsonb)');
	SELECT wf_register_action('count_m', 'count_m(jsonb,jsonb)');
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "e", "steps": [
		{"name": "n", "action": "count_n", "params": {"id": "{{trigger.id}}"}},
		{"name": "note", "action": "insert_record", "params":
			{"table": "notes", "fields": {"id": "{{trigger.id}}"}}},
		{"name": "m", "action": "count_m", "params": {"id": "{{trigger.id}}"}}]}');
	INSERT INTO orders SELECT generate_series(1, $runs);
	SELECT wf_fire('$tenant', 'e', jsonb_build_object('id', i))
	FROM generate_series(1, $runs) i});

# One of the workers, if there is one.
sub any_worker
{
	return answer($node, 'SELECT pid FROM pg_stat_activity '
		  . "WHERE backend_type = 'workflow_engine worker' LIMIT 1");
}

# Lets runs up to that one pass.
sub open_gate
{
	my ($up_to) = @_;

	wait_until(
		sub { return defined answer($node, "UPDATE gate SET up_to = $up_to") },
		"runs up to $up_to may pass");
	return;
}

# Waits until so many runs have ended.
sub wait_for_progress
{
	my ($count) = @_;

	wait_until(
		sub {
			my $ended = answer($node,
				"SELECT count(*) FROM workflow_runs WHERE status = 'completed'"
			);
			return defined $ended && $ended >= $count;
		},
		"$count runs have ended");
	return;
}

sub start_again
{
	wait_until(sub { return $node->start(fail_ok => 1) }, 'the server is up');
	return;
}

my %crash = (
	'SIGKILL of a worker' => sub {
		my $pid = any_worker() or return;
		kill 'KILL', $pid;
		wait_for($node, 'postgres', 'SELECT true',
			'the server has recovered');
	},
	'pg_terminate_backend of a worker' => sub {
		my $pid = any_worker() or return;
		answer($node, "SELECT pg_terminate_backend($pid)");
	},
	'an immediate stop' => sub {
		$node->stop('immediate');
		start_again();
	},
	'SIGKILL of the server' => sub {
		my ($pid) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
		$node->kill9;
		wait_until(sub { return !kill(0, $pid) }, 'the server is gone');
		start_again();
	},
	'a fast restart' => sub { $node->restart });

# At moments that differ each time.
my $seed = time() ^ $$;
srand($seed);
diag("seed $seed") if $ENV{HARNESS_IS_VERBOSE};
my @crashes = (
	'SIGKILL of a worker', 'an immediate stop',
	'pg_terminate_backend of a worker', 'SIGKILL of the server',
	'SIGKILL of a worker', 'a fast restart', 'an immediate stop');
for my $i (0 .. $#crashes)
{
	my $left;

	open_gate(int($runs * ($i + 1) / (@crashes + 1)));
	wait_for_progress(int($runs * ($i + rand()) / (@crashes + 1)));
	wait_until(
		sub {
			$left = answer($node, "SELECT count(*) FROM workflow_runs "
				  . "WHERE status IN ('queued', 'running')");
			return $left;
		},
		"$crashes[$i] comes in the middle of the work");
	note("$crashes[$i] with $left runs left");
	$crash{ $crashes[$i] }->();
}
open_gate($runs);

wait_for($node, 'postgres',
	"SELECT count(*) = $runs FROM workflow_runs WHERE status = 'completed'",
	'all runs complete, whatever crashed');
is( $node->safe_psql('postgres',
		'SELECT count(*), min(n), max(n), min(m), max(m) FROM orders'),
	"$runs|1|1|1|1",
	'each effect has happened once');
is( $node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT id) FROM notes'),
	"$runs|$runs",
	'also that of a built-in action');
is( $node->safe_psql('postgres', q{
		SELECT count(*) FROM workflow_runs r
		WHERE current_step = 3 AND owner IS NULL AND completed_at >= started_at
		AND jsonb_array_length(step_results) = 3
		AND jsonb_path_query_array(step_results, '$[*].step_name')
			= '["n", "note", "m"]'
		AND jsonb_path_query_array(step_results, '$[*].status')
			= '["completed", "completed", "completed"]'
		AND jsonb_path_query_array(step_results, '$[*].step') = '[0, 1, 2]'
		AND step_results->0->'output' = '{"n": 1}'
		AND step_results->2->'output' = '{"m": 1}'}),
	"$runs",
	'and the history tells it');
is( $node->safe_psql('postgres',
		q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}),
	'0',
	'nothing is left locked');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|signal 11|signal 6/,
	'nothing crashed by itself');
$node->stop;
done_testing();
