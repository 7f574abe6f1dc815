# pg_upgrade: rows and privileges come along, nothing is executed while it
# works, and what was queued stands still until it is accepted, since the old
# cluster is there as well.
#
# It upgrades from the version whose pg_config WF_OLD_PG_CONFIG names (make test
# OLD_PG_CONFIG=…); without it, from a cluster of the same version.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $settings = <<'CONF';
workflow_engine.workers = 1
workflow_engine.poll_interval = '200ms'
CONF
my $old_config = $ENV{WF_OLD_PG_CONFIG} || 'pg_config';
my $new_bindir = WorkflowEngine::Test::pg_config('--bindir');
my $old_bindir = WorkflowEngine::Test::pg_config('--bindir', $old_config);

plan skip_all => "there is no pg_upgrade in $new_bindir"
  unless -x "$new_bindir/pg_upgrade";
note WorkflowEngine::Test::pg_config('--version', $old_config), ' to ',
  WorkflowEngine::Test::pg_config('--version');

my $old = new_node('old', $settings, pg_config => $old_config);
$old->safe_psql('postgres', 'CREATE ROLE app');
$old->safe_psql('postgres', qq{
	CREATE EXTENSION workflow_engine;
	CREATE TABLE done (n int);
	SELECT wf_grant('app', 'fire');
	SELECT wf_define('$tenant', '{"name": "w", "trigger_type": "e",
		"steps": [{"name": "note", "action": "insert_record", "params":
			{"table": "done", "fields": {"n": "{{trigger.n}}"}}}]}');
	SELECT wf_fire('$tenant', 'e', '{"n": 1}')});
wait_for($old, 'postgres', 'SELECT count(*) = 1 FROM done', 'the old one works');
$old->safe_psql('postgres', 'ALTER SYSTEM SET workflow_engine.workers = 0');
$old->reload;
wait_for($old, 'postgres', 'SELECT count(*) = 0 FROM wf_workers()',
	'its workers leave');
$old->safe_psql('postgres', qq{
	SELECT wf_fire('$tenant', 'e', jsonb_build_object('n', n))
	FROM generate_series(2, 6) n;
	UPDATE workflow_runs SET status = 'running', owner = 1
	WHERE trigger_payload = '{"n": 3}'});
my $rows = q{SELECT string_agg(r::text, E'\n' ORDER BY id) FROM workflow_runs r};
my $before = $old->safe_psql('postgres', $rows);
$old->stop;

my $new = new_node('new', $settings, start => 0);
my $dir = PostgreSQL::Test::Utils::tempdir();
chdir $dir or die "$dir: $!";
command_ok(
	[
		"$new_bindir/pg_upgrade", '--no-sync',
		'-d', $old->data_dir, '-D', $new->data_dir,
		'-b', $old_bindir, '-B', $new_bindir,
		'-s', $new->host, '-p', $old->port, '-P', $new->port
	],
	'pg_upgrade');
$new->start;
is($new->safe_psql('postgres', $rows), $before, 'the rows are the same');
is( $new->safe_psql('postgres', q{
		SELECT has_function_privilege('app',
			'wf_fire(uuid,text,jsonb,text,timestamptz,int)', 'EXECUTE')}),
	't', 'privileges are');
is( $new->safe_psql('postgres', q{
		SELECT count(*) FROM pg_event_trigger t JOIN pg_depend d ON d.objid = t.oid
			AND d.classid = 'pg_event_trigger'::regclass AND d.deptype = 'e'
		WHERE evtenabled = 'A'}),
	'2', 'the event triggers belong to the extension');

$new->safe_psql('postgres', qq{SELECT wf_fire('$tenant', 'e', '{"n": 100}')});
wait_for($new, 'postgres', 'SELECT count(*) = 1 FROM done WHERE n = 100',
	'what is fired runs');
is($new->safe_psql('postgres', 'SELECT count(*) FROM done WHERE n <> 100'),
	'1', 'what was queued stands still');
is($new->safe_psql('postgres', 'SELECT runs, accepted FROM wf_places()'),
	'5|f', 'wf_places shows it');
$new->safe_psql('postgres', 'SELECT wf_accept_place(place) FROM wf_places()');
wait_for($new, 'postgres',
	'SELECT count(*) = 7 AND count(DISTINCT n) = 7 FROM done',
	'after wf_accept_place it goes on');

$new->stop;
done_testing();
