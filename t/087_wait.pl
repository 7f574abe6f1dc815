# CALL wf_wait holds no transaction while it waits, and returns soon after the
# run has ended; without a worker its error says so.

use strict;
use warnings FATAL => 'all';

use IPC::Run qw(start finish timeout);
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $node = new_node('main', "workflow_engine.workers = 1\n");

$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE ROLE ops LOGIN;
	SELECT wf_grant('ops', 'view');
	SELECT wf_define('$tenant', '{"name": "find", "trigger_type": "find",
		"steps": [{"name": "find", "action": "find_record",
			"params": {"table": "pg_class", "where": {"relname": "x"}}}]}')});

# It waits for a run that is paused: begins, in psql, and the node's answer.
sub begin_waiting
{
	my ($role, $timeout, $out, $err) = @_;
	my $run = $node->safe_psql('postgres', "SELECT wf_fire('$tenant', 'find')");

	return (
		$run,
		start(
			[
				'psql', '-XAtq', '-v', 'VERBOSITY=verbose',
				'-d', $node->connstr('postgres') . " user=$role",
				'-c', "CALL wf_wait('$run', '$timeout')"
			],
			'<', \undef, '>', $out, '2>', $err, timeout(120)));
}

$node->safe_psql('postgres', "SELECT wf_pause('$tenant')");
my ($out, $err) = ('', '');
my ($run, $psql) = begin_waiting('ops', '100 s', \$out, \$err);
wait_for($node, 'postgres', q{SELECT count(*) = 1 FROM pg_stat_activity
	WHERE query LIKE 'CALL wf_wait%' AND wait_event_type = 'Extension'
	AND backend_xmin IS NULL AND backend_xid IS NULL},
	'it waits without a snapshot');
$node->safe_psql('postgres', "SELECT wf_resume('$tenant')");
ok(finish($psql), 'it returns');
is($out, "completed\n", 'and says how the run has ended');
is($err, '', 'no warning');

# A cancel request is obeyed.
$node->safe_psql('postgres', "SELECT wf_pause('$tenant')");
($out, $err) = ('', '');
($run, $psql) = begin_waiting('postgres', '100 s', \$out, \$err);
wait_for($node, 'postgres', q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity
	WHERE query LIKE 'CALL wf_wait%' AND wait_event_type = 'Extension'},
	'it is cancelled');
ok(!finish($psql), 'and ends');
like($err, qr/ERROR:  57014: canceling statement due to user request/,
	'as a statement does');

# No worker lives: the hint says what to look at.
$node->safe_psql('postgres', "SELECT wf_resume('$tenant')");
$node->safe_psql('postgres',
	"ALTER SYSTEM SET workflow_engine.databases = ''; SELECT pg_reload_conf()");
wait_for($node, 'postgres', 'SELECT count(*) = 0 FROM wf_workers()',
	'the worker leaves');
($out, $err) = ('', '');
($run, $psql) = begin_waiting('ops', '10 ms', \$out, \$err);
ok(!finish($psql), 'without a worker it gives up');
like($err, qr/ERROR:  WF408: run $run is still queued/, 'after the time-out');
like($err, qr/HINT:  No worker of this database is alive/, 'with a hint');

$node->stop;
done_testing();
