# What the console asks of 200,000 runs goes by their indexes: no statement of a
# list, a search, the failures, a count or a run reads the whole table, neither planned
# for its parameters nor, as a session that has asked it often may do, for any.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Utils;
use Test::More;

use WorkflowEngine::Console;
use WorkflowEngine::Test;

plan skip_all => 'the server has no auto_explain'
  unless -e WorkflowEngine::Test::pg_config('--pkglibdir') . '/auto_explain.so';

my $runs = 200_000;
my $tenants = '7f0e8a52-3c1d-4c55-9d0b-5a6f7e8d9c0';
my $top = abs_path(dirname(__FILE__) . '/..');
my $node = console_node('plans', <<'CONF');
session_preload_libraries = 'auto_explain'
auto_explain.log_min_duration = -1
auto_explain.log_nested_statements = on
auto_explain.log_analyze = on
auto_explain.log_timing = off
CONF
$node->command_ok(
	[
		'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', 'shop',
		'-v', "runs=$runs", '-v', "t=$tenants", '-f', "$top/bench/runs.sql"
	],
	'200,000 runs');
$node->safe_psql('shop', "ALTER ROLE bound_a SET workflow_engine.tenant_id = '${tenants}2'");
$node->safe_psql('postgres',
	q{ALTER SYSTEM SET auto_explain.log_min_duration = 0; SELECT pg_reload_conf()});
wait_for($node, 'postgres', q{SELECT current_setting('auto_explain.log_min_duration') = '0'},
	'plans are logged');

my ($newest, $definition) = split /\|/, $node->safe_psql('shop',
	'SELECT id, definition_id FROM workflow_runs ORDER BY id DESC LIMIT 1');
my %asked = (
	'the newest' => [ 'POST', '/api/runs', {} ],
	'a page in the past' => [ 'POST', '/api/runs', { until => '2026-01-01', before => $newest } ],
	'failed' => [ 'POST', '/api/runs', { status => ['failed'] } ],
	'cancelled' => [ 'POST', '/api/runs', { status => ['cancelled'] } ],
	'those that wait' => [ 'POST', '/api/runs', { status => [ 'queued', 'waiting' ] } ],
	'of a workflow' => [ 'POST', '/api/runs', { workflow => $definition, status => ['completed'] } ],
	'of a tenant' => [ 'POST', '/api/runs', { tenant => "${tenants}2" } ],
	'of a step' => [ 'POST', '/api/runs', { step => 'say', error_class => 'none' } ],
	'an order' => [ 'POST', '/api/runs', { q => 'order A-12345' } ],
	'a value' => [ 'POST', '/api/runs', { q => 'A-12345' } ],
	'a number' => [ 'POST', '/api/runs', { q => '12345' } ],
	'a phone' => [ 'POST', '/api/runs', { q => '03 012345' } ],
	'a path' => [ 'POST', '/api/runs', { q => 'order_id=A-12345' } ],
	'nothing' => [ 'POST', '/api/runs', { q => 'nothing like it' } ],
	'the failures' => [ 'POST', '/api/failures', {} ],
	'the health' => [ 'GET', '/api/health' ],
	'the last hour' => [ 'GET', '/api/activity' ],
	'the day of a workflow' => [ 'POST', '/api/workflows/counts', { ids => [$definition] } ],
	'a run' => [ 'GET', "/api/runs/$newest" ],
	'a file of the newest' => [ 'POST', '/api/runs/csv', {} ],
	'a file of failed' => [ 'POST', '/api/runs/csv', { filter => { status => ['failed'] } } ],
	'a file of a workflow' => [ 'POST', '/api/runs/csv', { filter => { workflow => $definition } } ],
	'a file of a search' => [ 'POST', '/api/runs/csv', { filter => { q => 'order A-12345' } } ],
	'a file of the failures' => [ 'POST', '/api/failures/csv', {} ],
	'a count of failures' => [ 'POST', '/api/runs/count', { filter => { status => 'failed' } } ]);
my $console = start_console($node);
$node->safe_psql('shop', 'ALTER ROLE ops_a SET plan_cache_mode = force_generic_plan');
foreach my $role ('view_a', 'bound_a', 'ops_a')
{
	my $session = $console->login($role);

	foreach my $what (sort keys %asked)
	{
		my ($from, $answer);

		# what a busy machine does not answer in time has no plan
		foreach (1 .. 10)
		{
			$from = -s $node->logfile;
			$answer = $console->ask($session, @{ $asked{$what} });
			last if $answer->{status} != 504;
		}
		my $plans = substr slurp_file($node->logfile), $from;
		my $scans = () = $plans =~ /on workflow_runs|using workflow_runs_/g;
		my ($whole) = $plans =~ /(Query Text: (?:(?!Query Text: ).)*Seq Scan on workflow_runs.*?\n)/s;

		# what a role may not see is no answer either
		like($answer->{status}, qr/^(200|404)$/, "$role: $what");
		cmp_ok($scans, '>', 0, '... has plans') unless $answer->{status} == 404;
		is($whole, undef, '... of which none reads the whole table');
	}
}

# What came in with a copy, as who may decide about it.
$node->safe_psql('shop', 'INSERT INTO workflow_runs (definition_id, trigger_payload, place, queued_at, started_at, run_at) '
	  . "SELECT definition_id, '{}', 4611686018427387905, now(), now(), now() FROM workflow_runs WHERE id = '$newest'");
my $from = -s $node->logfile;
my $places = $console->ask($console->login('admin_a'), 'GET', '/api/places');
my $plans = substr slurp_file($node->logfile), $from;
is($places->{json}{places}[0]{workflows}[0]{runs}, 1, 'places, by workflow');
unlike($plans, qr/Seq Scan on workflow_runs/, '... do not read the whole table');
$console->stop;

# Such a plan would be found.
$from = -s $node->logfile;
$node->safe_psql('shop', q{SELECT count(*) FROM workflow_runs WHERE error_message LIKE '%x%'});
like(substr(slurp_file($node->logfile), $from), qr/Seq Scan on workflow_runs/, 'such a plan is seen if there is one');
done_testing();
