
# A dead endpoint delays nobody else: in the order of events, whatever the
# speed of the machine.  And the limits: requests at a time, open files,
# transactions.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;
use WorkflowEngine::Outbound;

my $other = '00000000-0000-4000-8000-00000000000b';
my $third = '00000000-0000-4000-8000-00000000000c';

my $http = start_receiver('http');
my $dead = start_receiver('http', '--prefix', '/hold');
my $node = outbound_node('isolation', <<'CONF');
workflow_engine.workers = 2
workflow_engine.http_timeout = 1h
workflow_engine.poll_interval = 1h
autovacuum = off
CONF

$node->safe_psql('postgres',
	'CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL); '
	  . 'INSERT INTO counter SELECT g, 0 FROM generate_series(1, 300) g');

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

sub post
{
	my ($url) = @_;
	return (action => 'webhook', params => { url => "$url/{{trigger.n}}" });
}

sub fire
{
	my ($whose, $trigger, $n) = @_;
	$node->safe_psql('postgres',
		"SELECT wf_fire('$whose', '$trigger', jsonb_build_object('n', n)) "
		  . "FROM generate_series(1, $n) n");
	return;
}

sub wait_completed
{
	my ($whose, $n, $what) = @_;
	wait_for(
		$node,
		'postgres',
		"SELECT count(*) = $n FROM workflow_runs WHERE tenant_id = '$whose' "
		  . "AND status = 'completed'",
		$what);
	return;
}

sub under_way
{
	return $node->safe_psql('postgres',
		"SELECT count(*) FROM workflow_runs WHERE tenant_id = '$tenant' "
		  . "AND status = 'running'");
}

sub peak
{
	my ($receiver) = @_;
	my $peak = 0;

	foreach my $request ($receiver->requests)
	{
		$peak = $request->{active} if $request->{active} > $peak;
	}
	return $peak;
}

#
# 200 runs wait on an endpoint that does not answer.  Native runs of another
# tenant and requests of a third, fired one by one, all complete meanwhile.
#
workflow($tenant, 'dead', post($dead->url));
workflow($other, 'native',
	action => 'update_record',
	params => {
		table => 'counter', id => '{{trigger.n}}', fields => { n => 1 } });
workflow($third, 'healthy', post($http->url));

fire($tenant, 'dead', 200);
wait_for($node, 'postgres',
	"SELECT count(*) = 200 FROM workflow_runs WHERE status = 'running'",
	'200 runs wait for a dead endpoint');
foreach my $n (1 .. 100)
{
	$node->safe_psql('postgres',
		"SELECT wf_fire('$other', 'native', '{\"n\": $n}'); "
		  . "SELECT wf_fire('$third', 'healthy', '{\"n\": $n}')");
}
wait_completed($other, 100, 'native runs of another tenant complete');
wait_completed($third, 100, '... and requests to a healthy endpoint');
is(under_way(), 200, '... while all 200 are under way');

# In a burst too, larger than what a worker takes at a time.
fire($other, 'native', 300);
fire($third, 'healthy', 300);
wait_completed($other, 400, 'a burst of native runs completes');
wait_completed($third, 400, '... and one of requests');
is(under_way(), 200, '... while all 200 are under way');

$dead->wait_requests(32);
$dead->command('release');
wait_completed($tenant, 200, 'they complete when it answers');
cmp_ok(peak($dead),
	'<=', 2 * 32, '... never more than max_per_host of each worker');
is(scalar(() = $dead->requests), 200, '... each sent once');
$dead->stop;

#
# Thousands of runs that wait for their turn cost no transaction each.
#
$dead = start_receiver('http', '--prefix', '/hold');
$node->append_conf('postgresql.conf', <<'CONF');
workflow_engine.workers = 1
workflow_engine.max_in_flight = 100
workflow_engine.max_per_host = 50
CONF
$node->restart;
my @many = map { "00000000-0000-4000-8000-0000000000d$_" } 1 .. 3;
workflow($_, 'dead', post($dead->url)) foreach @many;

# The number of the next transaction that writes.
sub transactions
{
	return $node->safe_psql('postgres',
		"SELECT pg_snapshot_xmax(pg_current_snapshot())");
}

$node->safe_psql('postgres', 'SELECT wf_pause()');
fire($_, 'dead', 1000) foreach @many;
my $before = transactions();
$node->safe_psql('postgres', 'SELECT wf_resume()');
$dead->wait_requests(50);
wait_for($node, 'postgres',
	"SELECT count(*) >= 1500 FROM workflow_runs WHERE status = 'running'",
	'thousands of runs wait for a transfer');
my $claimed = $node->safe_psql('postgres',
	"SELECT count(*) FROM workflow_runs WHERE status = 'running'");
cmp_ok(transactions() - $before,
	'<', 500, "... taken in few transactions ($claimed runs)");

is(scalar(() = $dead->requests), 50, '... 50 requests are under way');
$dead->command('release');
wait_completed($_, 1000, 'all of them complete') foreach @many;
is(peak($dead), 50, '... never more than max_per_host at a time');
is(scalar(() = $dead->requests), 3000, '... each sent once');

#
# A low limit on open files: fewer at a time, and nothing fails.
#
$node->append_conf('postgresql.conf', <<'CONF');
workflow_engine.max_in_flight = 1000
workflow_engine.max_per_host = 1000
max_files_per_process = 64
CONF
$node->stop;
system_or_bail('bash', '-c', 'ulimit -n 400 && exec "$@"', 'bash', 'pg_ctl',
	'-w', '-D', $node->data_dir, '-l', $node->logfile, '-o',
	'--cluster-name=' . $node->name, 'start');
$node->_update_pid(1);
my $slow = start_receiver('http', '--prefix', '/hold');
workflow($third, "slow_$_", post($slow->url =~ s/127\.0\.0\.1/$_/r))
  foreach qw(127.0.0.1 localhost);
fire($third, "slow_$_", 300) foreach qw(127.0.0.1 localhost);
wait_for($node, 'postgres', 'SELECT count(*) > 0 FROM wf_workers()',
	'there is a worker');
my ($pid) = split /\n/,
  $node->safe_psql('postgres', 'SELECT pid FROM wf_workers()');
like(slurp_file("/proc/$pid/limits"),
	qr/^Max open files +400 +400 /m, 'a worker has a low limit of open files');
$slow->wait_requests(30);
wait_for($node, 'postgres',
	'SELECT sum(in_flight) = 600 FROM wf_workers()', '600 requests wait');
cmp_ok(peak($slow), '<', 400, 'fewer are under way than there are files');
$slow->command('release');
wait_completed($third, 1000, 'all of them complete');
cmp_ok(peak($slow), '<', 400, '... never too many at a time');
is( $node->safe_psql(
		'postgres',
		"SELECT count(*) FROM workflow_runs WHERE status <> 'completed'"),
	0,
	'nothing failed');

unlike(
	slurp_file($node->logfile),
	qr/terminated by signal|PANIC|TRAP|too many open files/i,
	'nothing crashed');
$node->stop;
done_testing();
