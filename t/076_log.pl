# What the log says of locks and of slots: which table, which run, and once.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node('main', <<'CONF');
workflow_engine.workers = 1
workflow_engine.poll_interval = '100ms'
workflow_engine.lock_timeout = '100ms'
max_worker_processes = 5
CONF

$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE SCHEMA app;
	CREATE TABLE app."Orders" (id int PRIMARY KEY, n int);
	INSERT INTO app."Orders" VALUES (1, 0);
	CREATE FUNCTION advisory(params jsonb, context jsonb) RETURNS jsonb
		LANGUAGE sql AS 'SELECT pg_advisory_xact_lock(7); SELECT params';
	SELECT wf_register_action('advisory', 'advisory(jsonb,jsonb)');
	SELECT wf_define('$tenant', '{"name": "order", "trigger_type": "order",
		"steps": [{"name": "mark", "action": "update_record",
			"retry": {"max_attempts": 1}, "params":
			{"table": "app.\\"Orders\\"", "id": 1, "fields": {"n": 1}}}]}');
	SELECT wf_define('$tenant', '{"name": "advisory", "trigger_type": "advisory",
		"steps": [{"name": "lock", "action": "advisory",
			"retry": {"max_attempts": 1}}]}')});

my $session = $node->background_psql('postgres');

# A step that waits in vain, for a row, for a table, for anything else.
for my $case (
	[ 'order', 'SELECT FROM app."Orders" FOR UPDATE',
		'while updating tuple (0,1) in relation "Orders"' ],
	[ 'order', 'LOCK TABLE app."Orders"', 'waited for table app."Orders"' ],
	[ 'advisory', 'SELECT pg_advisory_xact_lock(7)',
		'waited for advisory lock [' ])
{
	my ($type, $lock, $text) = @$case;
	my $offset = -s $node->logfile;

	$session->query_safe('BEGIN');
	$session->query_safe($lock);
	my $run = $node->safe_psql('postgres',
		"SELECT wf_fire('$tenant', '$type')");
	wait_for($node, 'postgres',
		"SELECT status = 'failed' FROM workflow_runs WHERE id = '$run'",
		"$lock: the step gives up");
	$session->query_safe('ROLLBACK');
	$node->wait_for_log(
		qr/run $run of workflow "$type" failed: step "\w+": canceling statement due to lock timeout \(\Q$text\E/,
		$offset);
	pass('the log names the run and what was locked');
}

# One that NOWAIT refuses, after one that waited in vain: PostgreSQL says it.
$node->safe_psql('postgres', qq{
	CREATE FUNCTION nowait(params jsonb, context jsonb) RETURNS jsonb
		LANGUAGE sql AS 'SELECT FROM app."Orders" FOR UPDATE NOWAIT; SELECT params';
	SELECT wf_register_action('nowait', 'nowait(jsonb,jsonb)');
	SELECT wf_define('$tenant', '{"name": "nowait", "trigger_type": "nowait",
		"steps": [{"name": "lock", "action": "nowait",
			"retry": {"max_attempts": 1}}]}')});
$session->query_safe('BEGIN');
$session->query_safe('SELECT FROM app."Orders" FOR UPDATE');
my $nowait = $node->safe_psql('postgres', "SELECT wf_fire('$tenant', 'nowait')");
wait_for($node, 'postgres',
	"SELECT status = 'failed' FROM workflow_runs WHERE id = '$nowait'",
	'NOWAIT fails');
$session->query_safe('ROLLBACK');
is( $node->safe_psql('postgres',
		"SELECT error_message FROM workflow_runs WHERE id = '$nowait'"),
	'step "lock": could not obtain lock on row in relation "Orders"',
	'with the words of PostgreSQL alone');

# One line for a run that has failed, also if its error has several, and none
# for its steps, those that were tried again among them.
my $before = -s $node->logfile;
$node->safe_psql('postgres', qq{
	CREATE FUNCTION lines(params jsonb, context jsonb) RETURNS jsonb LANGUAGE plpgsql
		AS \$\$ BEGIN RAISE serialization_failure USING MESSAGE = E'first\\nsecond\\r\\nthird'; END \$\$;
	SELECT wf_register_action('lines', 'lines(jsonb,jsonb)');
	SELECT wf_define('$tenant', '{"name": "lines", "trigger_type": "lines",
		"steps": [{"name": "go_on", "action": "lines", "on_error": "continue",
			"retry": {"max_attempts": 2, "initial_interval": "1 ms"}},
			{"name": "find", "action": "find_record",
				"params": {"table": "pg_class", "where": {"relname": "x"}}},
			{"name": "fail", "action": "lines",
			"retry": {"max_attempts": 2, "initial_interval": "1 ms"}}]}')});
my $lines = $node->safe_psql('postgres', "SELECT wf_fire('$tenant', 'lines')");
wait_for($node, 'postgres',
	"SELECT status = 'failed' FROM workflow_runs WHERE id = '$lines'",
	'a run with an error of three lines');
$node->wait_for_log(qr/run $lines/, $before);
my $told = slurp_file($node->logfile, $before);
is(() = $told =~ /$lines/g, 1, 'the log names it once');
like($told, qr/run $lines of workflow "lines" failed: step "fail": first second  third\n/,
	'on one line');
unlike($told, qr/go_on|"find"/, 'and says nothing of steps');

# The engine's own table is locked: the log names it.
my $offset = -s $node->logfile;
$session->query_safe('BEGIN');
$session->query_safe('LOCK TABLE workflow_runs');
$node->wait_for_log(
	qr/LOG:  canceling statement due to lock timeout \(waited for table public.workflow_runs\)/,
	$offset);
pass('a table that the worker waits for is named');
$session->query_safe('ROLLBACK');
$session->quit;

# Slots run out, are enough for a while, and run out again: told once.
sub set_workers
{
	my ($n, $live) = @_;

	$node->safe_psql('postgres',
		"ALTER SYSTEM SET workflow_engine.workers = $n");
	$node->reload;
	wait_for($node, 'postgres', "SELECT count(*) = $live FROM wf_workers()",
		"$live workers");
	return;
}
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION workflow_engine');
$offset = -s $node->logfile;
set_workers(1, 2);
set_workers(4, 3);
my $out = qr/out of background worker slots for workflow_engine/;
$node->wait_for_log($out, $offset);
set_workers(1, 2);
set_workers(4, 3);
set_workers(1, 2);
set_workers(4, 3);
my $log = slurp_file($node->logfile, $offset);
is(() = $log =~ /$out/g, 1, 'a shortage is told once');

$node->stop;
done_testing();
