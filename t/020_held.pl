
# What somebody has done to workflow_runs, as the workers meet it: columns of
# another type, rows that cannot be saved, results that are too large.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '22222222-2222-2222-2222-222222222222';
my $node = new_node('main', <<'CONF');
workflow_engine.workers = 1
workflow_engine.poll_interval = '200ms'
CONF

$node->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE done (label text);
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "w", "steps": [
		{"name": "a", "action": "insert_record", "params":
			{"table": "done", "fields": {"label": "{{trigger.label}}"}}},
		{"name": "b", "action": "find_record", "params":
			{"table": "done", "where": {"label": "{{trigger.label}}"}}}]}')});

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub fire
{
	return sql("SELECT wf_fire('$tenant', 'w', '{\"label\": \"$_[0]\"}')");
}

sub wait_ended
{
	my ($run) = @_;

	wait_for($node, 'postgres',
		"SELECT status IN ('completed', 'failed') FROM workflow_runs WHERE id = '$run'",
		'the run to end');
	return sql("SELECT status FROM workflow_runs WHERE id = '$run'");
}

sub wait_error
{
	wait_for($node, 'postgres',
		"SELECT bool_or(last_error LIKE '$_[0]') FROM wf_workers()",
		"the error $_[0]");
}

is(wait_ended(fire('first')), 'completed', 'all is well at first');

# A column of another type: the worker looks again and again, and says so once.
my $mismatch = qr/ERROR:  column "attempt_at" of table "workflow_runs" is of type text/;
my $log = -s $node->logfile;
sql("SELECT wf_pause('$tenant')");
my $run = fire('later');
sql('ALTER TABLE workflow_runs ALTER attempt_at TYPE text');
sql("SELECT wf_resume('$tenant')");
wait_error('column "attempt_at" of table "workflow_runs" is of type text%');
my $before = sql('SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()');
wait_for($node, 'postgres',
	"SELECT xact_rollback >= $before + 3 FROM pg_stat_database WHERE datname = current_database()",
	'some more ticks to fail');
my @logged = slurp_file($node->logfile, $log) =~ /$mismatch/g;
is(scalar(@logged), 1, 'it is logged once');
sql('ALTER TABLE workflow_runs ALTER attempt_at TYPE timestamptz USING attempt_at::timestamptz');
is(wait_ended($run), 'completed', 'mended, the run goes on by itself');
# The same again is news again.
sql('ALTER TABLE workflow_runs ALTER attempt_at TYPE text');
sql("NOTIFY workflow_engine");
wait_until(
	sub {
		my @lines = slurp_file($node->logfile, $log) =~ /$mismatch/g;
		return @lines == 2;
	},
	'the second line');
sql('ALTER TABLE workflow_runs ALTER attempt_at TYPE timestamptz USING attempt_at::timestamptz');
is(wait_ended(fire('again')), 'completed', 'and on');

# A run that a trigger keeps from being saved: nothing it did stays, and it is
# not executed unseen for ever.
sql(q{
	CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		RETURN NULL;
	END $$;
	CREATE TRIGGER leave_out BEFORE UPDATE ON workflow_runs FOR EACH ROW
		WHEN (NEW.trigger_payload @> '{"label": "unsaved"}')
		EXECUTE FUNCTION leave_out()});
$run = fire('unsaved');
wait_error('run % could not be saved: a trigger or rule%');
is(sql("SELECT count(*) FROM done WHERE label = 'unsaved'"), '0',
	'what a run did that was not saved is undone');
sql('DROP TRIGGER leave_out ON workflow_runs');
my $ended = wait_ended($run);
is(sql("SELECT count(*) FROM done WHERE label = 'unsaved'"),
	$ended eq 'completed' ? '1' : '0', "it ended ($ended) as its effect says");

# Results beyond what a jsonb array holds: the step says that it is done, the
# run fails after it, and a retry goes on behind it.
sql("SELECT wf_pause('$tenant')");
$run = fire('large');
my $lz4 = sql(q{SELECT 'lz4' = ANY (enumvals) FROM pg_settings
	WHERE name = 'default_toast_compression'});
sql('ALTER TABLE workflow_runs ALTER step_results SET COMPRESSION '
	. ($lz4 eq 't' ? 'lz4' : 'pglz'));
sql(qq{
	UPDATE workflow_runs SET step_results = jsonb_build_array(
		jsonb_build_object('step', 7, 'pad', repeat(repeat('x', 1000000), 267)),
		jsonb_build_object('step', 8, 'pad', repeat('x', 386500)))
	WHERE id = '$run';
	SELECT wf_resume('$tenant')});
is(wait_ended($run), 'failed', 'no room');
is(sql("SELECT error_message FROM workflow_runs WHERE id = '$run'"),
	'step "a" is done, but column "step_results" has no room for its input and output: it holds at most 255 MB',
	'it says so');
is(sql(qq{
	SELECT current_step, step_results->2->>'status', step_results->2->>'output'
	FROM workflow_runs WHERE id = '$run'}),
	'1|completed|', 'the step counts');
is(sql("SELECT count(*) FROM done WHERE label = 'large'"), '1',
	'its effect stays');

unlike(slurp_file($node->logfile), qr/terminated by signal/, 'nobody crashed');

done_testing();
