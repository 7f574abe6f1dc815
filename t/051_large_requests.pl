
# Large requests to a dead endpoint take room in the worker, and they take it
# from their own tenant alone.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $other = '00000000-0000-4000-8000-00000000000b';
my $dead = start_receiver('http', '--prefix', '/hold');
my $node = outbound_node('large', <<'CONF');
workflow_engine.workers = 1
workflow_engine.http_timeout = 1h
workflow_engine.max_per_host = 4
CONF

$node->safe_psql('postgres', 'CREATE TABLE notes (id int)');
$node->safe_psql('postgres', sprintf 'SELECT wf_define(%s, %s)',
	map { literal($_) } @$_)
  foreach [ $tenant, to_json({ name => 'large', trigger_type => 'large', steps => [
	{ name => 'go', action => 'webhook', params => {
		url => $dead->url('/large'), body => { text => '{{trigger.text}}' } } } ] }) ],
	[ $other, to_json({ name => 'small', trigger_type => 'small', steps => [
	{ name => 'go', action => 'insert_record', params => {
		table => 'notes', fields => { id => 1 } } } ] }) ];

# 100 requests of 900 kB: far more than the worker holds.
$node->safe_psql('postgres', qq{
	SELECT wf_fire('$tenant', 'large', jsonb_build_object('text', repeat('x', 900000)))
	FROM generate_series(1, 100)});
$dead->wait_requests(4);
foreach my $n (1 .. 3)
{
	my $run = $node->safe_psql('postgres', "SELECT wf_fire('$other', 'small')");
	wait_for($node, 'postgres',
		"SELECT status = 'completed' FROM workflow_runs WHERE id = '$run'",
		'another tenant goes on meanwhile', 20);
}
my $held = $node->safe_psql('postgres',
	"SELECT count(*) FROM workflow_runs WHERE status = 'running'");
cmp_ok($held, '<', 60, 'the worker has taken so many of the large as it may');
cmp_ok($held, '>=', 4, '... and no fewer than it sends at a time');

# They go on when they can.
$dead->command('prefix');
$dead->command('release');
wait_for($node, 'postgres',
	"SELECT count(*) = 100 FROM workflow_runs WHERE tenant_id = '$tenant' AND status = 'completed'",
	'all of the large are sent in the end');
$node->stop;
done_testing();
