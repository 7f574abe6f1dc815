
# Many workflows whose steps end their worker, beside another tenant's quick
# runs: those do not wait for one such step each.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;

my $quick = '11111111-1111-1111-1111-111111111111';
my $slow = '22222222-2222-2222-2222-222222222222';
my $node = new_node('main', <<'CONF');
workflow_engine.workers = 2
log_timezone = 'UTC'
CONF

query($node, qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE done (n int, at timestamptz DEFAULT clock_timestamp());
	CREATE FUNCTION never_end(params jsonb, context jsonb) RETURNS jsonb
	LANGUAGE plpgsql AS \$\$
	BEGIN
		LOOP
			BEGIN
				PERFORM pg_sleep(600);
			EXCEPTION WHEN query_canceled THEN
			END;
		END LOOP;
	END \$\$;
	SELECT wf_register_action('never_end', 'never_end(jsonb,jsonb)');
	SELECT wf_define('$quick', '{"name": "quick", "trigger_type": "quick", "steps": [
		{"name": "note", "action": "insert_record", "params":
			{"table": "done", "fields": {"n": "{{ trigger.n }}"}}}]}');
	SELECT wf_define('$slow', jsonb_build_object('name', 'never' || i,
		'trigger_type', 'never', 'steps', '[{"name": "a", "action": "never_end"}]'::jsonb))
	FROM generate_series(1, 20) i});

# A moment, as the log spells it.
sub moment
{
	my ($sql) = @_;

	return query($node, "SELECT to_char(($sql) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')");
}

# Fires so many; when that was done.
sub fire_quick
{
	my ($count) = @_;

	query($node, "TRUNCATE done; SELECT count(*) FROM (SELECT wf_fire('$quick', 'quick', "
		  . "jsonb_build_object('n', i)) FROM generate_series(1, $count) i) x");
	return moment('SELECT max(queued_at) FROM workflow_runs');
}

# How many steps have ended their worker, in all or between two moments.
sub count_ends
{
	my ($from, $to) = @_;
	my @at = slurp_file($node->logfile) =~
	  /^(\S+ \S+) UTC .*"workflow_engine worker" \(PID \d+\) exited with exit code 1/mg;

	return scalar(grep { !$from || ($_ gt $from && $_ lt $to) } @at);
}

#
# One worker has leave for a step that never ends; the other tries those of the
# other workflows, one after the other, and each ends it.  The worker that
# takes its place does first what others have fired.
#
query($node, "SELECT wf_fire('$slow', 'never')");
my $ends = count_ends();
wait_until(sub { count_ends() > $ends }, 'a step has ended its worker');
wait_for($node, 'postgres', q{SELECT count(*) = 2 FROM pg_stat_activity
	WHERE backend_type = 'workflow_engine worker' AND wait_event = 'PgSleep'},
	'others are at it');
my $fired = fire_quick(300);
wait_for($node, 'postgres', 'SELECT count(*) = 300 FROM done',
	'the runs of another tenant are done');
cmp_ok(count_ends($fired, moment('SELECT max(at) FROM done')), '<=', 2,
	'before many workers were ended');
unlike(slurp_file($node->logfile), qr/ended unexpectedly/,
	'a worker that its step has ended is replaced at once');
wait_for($node, 'postgres',
	q{SELECT count(*) > 0 FROM workflow_runs WHERE abnormal_ends <> 0},
	'the steps that did it are known');
query($node, "SELECT count(*) FROM wf_cancel_runs('$slow')");
$node->stop('immediate');
done_testing();
