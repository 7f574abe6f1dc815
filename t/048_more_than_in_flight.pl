
# More runs for a dead endpoint than a worker has in flight: runs of other
# tenants, native ones and requests, go on all the same.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $other = '00000000-0000-4000-8000-00000000000b';
my $http = start_receiver('http');
my $dead = start_receiver('http', '--prefix', '/hold');
my $node = outbound_node('in_hand', <<'CONF');
workflow_engine.workers = 1
workflow_engine.http_timeout = 1h
CONF

$node->safe_psql('postgres',
	'CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL); '
	  . 'INSERT INTO counter VALUES (1, 0)');

sub workflow
{
	my ($whose, $trigger, %step) = @_;
	$node->safe_psql(
		'postgres',
		sprintf 'SELECT wf_define(%s, %s)',
		map { literal($_) } $whose,
		to_json(
			{
				name => $trigger,
				trigger_type => $trigger,
				steps => [ { name => 'go', %step } ] }));
	return;
}

workflow($tenant, 'dead', action => 'webhook', params => { url => $dead->url });
workflow($other, 'native',
	action => 'update_record',
	params => { table => 'counter', id => 1, fields => { n => 1 } });
workflow($other, 'healthy',
	action => 'webhook', params => { url => $http->url });

$node->safe_psql('postgres',
	"SELECT wf_fire('$tenant', 'dead', jsonb_build_object('n', n)) "
	  . 'FROM generate_series(1, 6000) n');
wait_for($node, 'postgres',
	"SELECT count(*) >= 1000 FROM workflow_runs WHERE status = 'running'",
	'a worker has its hands full');
$node->safe_psql('postgres',
	"SELECT wf_fire('$other', t) FROM unnest('{native,healthy}'::text[]) t");
wait_for(
	$node, 'postgres', qq{
	SELECT count(*) = 2 FROM workflow_runs
	WHERE tenant_id = '$other' AND status = 'completed'},
	'runs of another tenant complete');
is( $node->safe_psql(
		'postgres', qq{
	SELECT count(*) FROM workflow_runs
	WHERE tenant_id = '$tenant' AND status = 'completed'}),
	0,
	'... while none of them has');
$dead->command('release');
wait_for($node, 'postgres',
	"SELECT count(*) = 6002 FROM workflow_runs WHERE status = 'completed'",
	'all of them complete');
$node->stop;
done_testing();
