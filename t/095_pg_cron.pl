
# pg_cron as docs/operations.md has it: jobs that fire a workflow and purge,
# of roles that may do no more than that.  What a job stores is executed here
# as its role; if pg_cron knows seconds, it does so itself.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $share = `pg_config --sharedir`;
chomp $share;
my ($version) = eval {
	slurp_file("$share/extension/pg_cron.control") =~
	  /^default_version = '([\d.]+)/m;
};
plan skip_all => 'pg_cron is not installed for this server'
  unless defined $version;

my ($section) =
  slurp_file(abs_path("$FindBin::Bin/../docs/operations.md")) =~
  /^### With pg_cron\n(.*?)^##/ms;
my ($set_up, @jobs) = $section =~ /^```sql\n(.*?)^```$/msg;
is(scalar @jobs, 2, 'the page has two jobs');

my $node = new_node('main', undef, start => 0,
	init => [ extra => [ '--encoding=UTF8', '--locale=C' ] ]);
$node->append_conf('postgresql.conf', <<"CONF");
shared_preload_libraries = 'workflow_engine, pg_cron'
cron.database_name = 'shop'
cron.host = '@{[$node->host]}'
CONF
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql(
	'shop', q{
CREATE EXTENSION workflow_engine;
CREATE ROLE app LOGIN;
CREATE ROLE maintenance LOGIN;
SELECT wf_define('00000000-0000-0000-0000-000000000001', '{
	"name": "Summary", "trigger_type": "day_closed", "steps": [
		{"name": "go", "action": "find_record",
		 "params": {"table": "pg_class", "where": {"relname": "x"}}}]}');
INSERT INTO workflow_runs (id, definition_id, trigger_payload, status, queued_at, started_at, run_at, completed_at)
SELECT wf_run_id_floor(t), id, '{"old": true}', 'completed', t, t, t, t
FROM workflow_definitions, (VALUES (now() - interval '91 days')) x (t);
});
$node->safe_psql('shop', $set_up);
$node->safe_psql('shop', $jobs[0], extra_params => [ '-U', 'app' ]);
$node->safe_psql('shop', $jobs[1], extra_params => [ '-U', 'maintenance' ]);

is( $node->safe_psql(
		'shop',
		'SELECT jobname, schedule, database, username, active FROM cron.job ORDER BY jobid'
	),
	"daily summary|0 18 * * 1-5|shop|app|t\n"
	  . 'purge|30 3 * * *|shop|maintenance|t',
	'the jobs are stored');

my $old = q{SELECT count(*) FROM workflow_runs WHERE trigger_payload = '{"old": true}'};
my $fired = q{SELECT count(*) FROM workflow_runs
	WHERE trigger_payload @> jsonb_build_object('day', current_date)
	  AND status = 'completed'};

# Executes a job's command as pg_cron does: as one query of its role.
sub execute
{
	my ($name) = @_;
	my ($user, $command) = split /\|/,
	  $node->safe_psql('shop',
		"SELECT username, command FROM cron.job WHERE jobname = '$name'"), 2;

	$node->command_ok(
		[
			'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-U', $user, '-d',
			$node->connstr('shop'), '-c', $command ],
		"$name runs as $user");
	return;
}

is($node->safe_psql('shop', $old), 1, 'a run is old');
execute('daily summary');
execute('daily summary');
wait_for($node, 'shop', "SELECT 1 = ($fired)", 'the day is closed once');
execute('purge');
is($node->safe_psql('shop', $old), 0, 'the old run is deleted');
is($node->safe_psql('shop', $fired), 1, 'the new one is not');

# By pg_cron's own clock, which has seconds from 1.5 on.
SKIP:
{
	my ($major, $minor) = split /\./, $version;
	skip "pg_cron $version knows no seconds", 1
	  if $major == 1 && $minor < 5;

	$node->safe_psql(
		'shop', q{
		DELETE FROM workflow_runs;
		INSERT INTO workflow_runs (id, definition_id, trigger_payload, status, queued_at, started_at, run_at, completed_at)
		SELECT wf_run_id_floor(t), id, '{"old": true}', 'completed', t, t, t, t
		FROM workflow_definitions, (VALUES (now() - interval '91 days')) x (t);
		SELECT cron.alter_job(jobid, schedule => '1 second') FROM cron.job});
	wait_for(
		$node, 'shop',
		q{SELECT count(DISTINCT jobid) = 2 FROM cron.job_run_details
		  WHERE status = 'succeeded'},
		'pg_cron runs both jobs');
	wait_for($node, 'shop', "SELECT 1 = ($fired)", 'it has fired the workflow');
	is($node->safe_psql('shop', $old), 0, 'it has purged');
	is( $node->safe_psql(
			'shop',
			q{SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'}),
		0,
		'no job has failed');
}

$node->stop;
done_testing();
