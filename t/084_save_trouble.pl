
# Triggers on workflow_runs that refuse or delay one tenant's rows, beside
# another tenant's runs: there is one worker, which goes on with those.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;

my $good = '11111111-1111-1111-1111-111111111111';
my $bad = '22222222-2222-2222-2222-222222222222';
my $node = new_node('main', <<'CONF');
workflow_engine.workers = 1
CONF

query($node, qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE done (n int);
	CREATE SEQUENCE saves;
	SELECT wf_define(tenant, '{"name": "note", "trigger_type": "note", "steps": [
		{"name": "note", "action": "insert_record", "params":
			{"table": "done", "fields": {"n": "{{ trigger.n }}"}}}]}')
	FROM unnest('{$good, $bad}'::uuid[]) tenant});

# Puts a trigger on what is saved of the one tenant's runs.
sub put_trigger
{
	my ($body) = @_;

	query($node, qq{
		DROP TRIGGER IF EXISTS trouble ON workflow_runs;
		CREATE OR REPLACE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS \$\$
		BEGIN
			PERFORM nextval('public.saves');
			$body
		END \$\$;
		CREATE TRIGGER trouble AFTER UPDATE ON workflow_runs FOR EACH ROW
			WHEN (new.tenant_id = '$bad') EXECUTE FUNCTION trouble();
		ALTER SEQUENCE saves RESTART});
	return;
}

# Runs of the other tenant, one after the other.
sub others_go_on
{
	my ($what) = @_;

	foreach (1 .. 5)
	{
		my $run = fire($node, $good, 'note', qq({"n": $_}));

		wait_status($node, $run, 'completed',
			"$what, run $_ of another tenant is done");
	}
	return;
}

#
# A trigger that raises whatever is saved, so that the run cannot even be
# failed, which is tried after some times.
#
put_trigger(q{RAISE EXCEPTION 'not to be saved';});
my $run = fire($node, $bad, 'note', '{"n": 0}');
wait_for($node, 'postgres', 'SELECT last_value >= 6 FROM saves',
	'a run was set aside five times and could not be failed');
others_go_on('while it cannot be saved');

#
# More of them than may fail in a row.
#
query($node, "SELECT count(*) FROM (SELECT wf_fire('$bad', 'note', '{\"n\": 0}') FROM generate_series(1, 40)) x");
wait_for($node, 'postgres', 'SELECT last_value >= 20 FROM saves',
	'many runs were set aside');
others_go_on('while none of those can be saved');
query($node, "DROP TRIGGER trouble ON workflow_runs; SELECT count(*) FROM wf_cancel_runs('$bad')");

#
# A trigger that does not end.
#
put_trigger('PERFORM pg_sleep(6000); RETURN NULL;');
$run = fire($node, $bad, 'note', '{"n": 0}');
wait_for($node, 'postgres', 'SELECT is_called FROM saves', 'a run is saved');
others_go_on('while its trigger sleeps');
wait_for($node, 'postgres', q{SELECT last_error LIKE '%could not be saved within 1000 ms%'
	FROM wf_workers()}, 'wf_workers tells of it');
is(run_status($node, 'postgres', $run), 'queued', 'the run is not lost');
query($node, 'DROP TRIGGER trouble ON workflow_runs');
wait_status($node, $run, 'completed', 'it completes when the trigger is gone');
is(query($node, 'SELECT count(*) FROM done WHERE n = 0') - query($node, "SELECT count(*) FROM workflow_runs
		WHERE tenant_id = '$bad' AND status = 'completed'"),
	0, 'the effect of each run that completed is there once');

$node->stop;
done_testing();
