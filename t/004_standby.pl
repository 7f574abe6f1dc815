
# On a standby nothing runs; after its promotion work goes on by itself.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $primary = new_node(
	'primary',
	"workflow_engine.workers = 1\nworkflow_engine.poll_interval = '200ms'\n",
	init => [ allows_streaming => 1 ]);

$primary->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE done (n int);
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "e", "steps": [
		{"name": "note", "action": "insert_record", "params":
			{"table": "done", "fields": {"n": "{{trigger.n}}"}}}]}');
	SELECT wf_fire('$tenant', 'e', '{"n": 0}')});
wait_for($primary, 'postgres', 'SELECT count(*) = 1 FROM done',
	'the primary works');

$primary->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'copy', has_streaming => 1);
$standby->start;

# The primary stops working, so that runs wait on both.
$primary->safe_psql('postgres', 'ALTER SYSTEM SET workflow_engine.workers = 0');
$primary->reload;
wait_for($primary, 'postgres', 'SELECT count(*) = 0 FROM wf_workers()',
	'the primary has no workers');
$primary->safe_psql('postgres', qq{
	SELECT wf_fire('$tenant', 'e', jsonb_build_object('n', i))
	FROM generate_series(1, 20) i;
	-- one that a worker of the primary owned when it was lost
	UPDATE workflow_runs SET status = 'running', owner = 1, attempt = 0
	WHERE trigger_payload = '{"n": 20}'});
$primary->wait_for_catchup($standby);

is( $standby->safe_psql('postgres',
		q{SELECT count(*) FROM pg_stat_activity
		  WHERE backend_type LIKE 'workflow_engine%'}),
	'0',
	'on a standby nothing runs');
is( $standby->safe_psql('postgres', q{
		SELECT count(*), (SELECT count(*) FROM wf_workers())
		FROM wf_history(max_rows => 100) WHERE status = 'queued'}),
	'19|0',
	'history can be read there');
my ($rc, $out, $err) =
  $standby->psql('postgres', "SELECT wf_fire('$tenant', 'e', '{}')");
like($err, qr/read-only|during recovery/, 'nothing can be fired there');

$primary->stop;
$standby->promote;
wait_for($standby, 'postgres',
	'SELECT count(*) = 21 AND count(DISTINCT n) = 21 FROM done',
	'after promotion work goes on by itself');
wait_for($standby, 'postgres',
	"SELECT count(*) = 21 FROM workflow_runs WHERE status = 'completed'",
	'what the primary owned is taken over');
$standby->safe_psql('postgres', "SELECT wf_fire('$tenant', 'e', '{\"n\": 21}')");
wait_for($standby, 'postgres', 'SELECT count(*) = 22 FROM done',
	'and new runs come in');

$standby->stop;
done_testing();
