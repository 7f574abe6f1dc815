
# A worker stays small whatever servers answer, 64 at a time, 256 of a kind;
# and gives back what it took when there is nothing to do.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $max_mb = 150;
my $http = start_receiver('http');
my $node = outbound_node('memory', <<'CONF');
workflow_engine.workers = 1
workflow_engine.max_per_host = 64
CONF

my $number = 0;

# What the worker has for itself, in MB.
sub own_memory
{
	my ($pid) = split /\n/,
	  $node->safe_psql('postgres', 'SELECT pid FROM wf_workers()');
	my ($kb) = slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m;
	return $kb / 1024;
}

wait_for($node, 'postgres', 'SELECT count(*) = 1 FROM wf_workers()',
	'the worker is up');
my $at_first = own_memory();

foreach my $kind (
	qw(bytes/1000000 huge endless-body endless-headers deep half))
{
	my $name = 'kind' . ++$number;

	$node->safe_psql(
		'postgres',
		sprintf 'SELECT wf_define(%s, %s)',
		map { literal($_) } $tenant,
		to_json(
			{
				name => $name,
				trigger_type => $name,
				steps => [
					{
						name => 'go',
						action => 'webhook',
						params => { url => $http->url("/$kind") },
						retry => { max_attempts => 1 } } ] }));
	$node->safe_psql('postgres',
		"SELECT wf_fire('$tenant', '$name', jsonb_build_object('n', n)) "
		  . 'FROM generate_series(1, 256) n');
	wait_for(
		$node,
		'postgres',
		"SELECT count(*) = 256 * $number FROM workflow_runs "
		  . "WHERE status IN ('completed', 'failed')",
		"$kind: all end");
	my ($pid) = split /\n/,
	  $node->safe_psql('postgres', 'SELECT pid FROM wf_workers()');
	my ($kb) = slurp_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+)/m;
	cmp_ok($kb / 1024, '<', $max_mb, "$kind: the worker stayed small");
}

is( $node->safe_psql(
		'postgres',
		'SELECT count(*) FROM workflow_runs r JOIN workflow_definitions d '
		  . "ON d.id = definition_id WHERE d.name = 'kind1' "
		  . "AND status = 'completed'"),
	256,
	'answers of 1 MB are answers');

wait_until(sub { own_memory() < $at_first + 8 },
	'what was taken is given back');
$node->stop;
done_testing();
