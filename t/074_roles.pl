# A dump is restored into a server that lacks the roles that workflows run
# as: everything loads, with one warning a role, and what has no role is
# shown as such and never runs.

use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Test;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $steps = q{"steps": [{"name": "a", "action": "update_record", "params": {
	"table": "orders", "id": 1, "fields": {"status": "done"}}}]};

my $here = new_node('here', "workflow_engine.databases = ''\n");
my $there = new_node('there',
	"workflow_engine.databases = 'plain'\nlog_min_messages = warning\n");

$here->safe_psql('postgres', $_)
  for ('CREATE ROLE app', 'CREATE ROLE "App 2"', 'CREATE ROLE stays',
	'CREATE ROLE gone', 'CREATE DATABASE first');
$here->safe_psql('first', qq{
	CREATE SCHEMA wf;
	CREATE EXTENSION workflow_engine SCHEMA wf;
	CREATE TABLE orders (id int PRIMARY KEY, status text);
	INSERT INTO orders VALUES (1, 'new');
	GRANT ALL ON orders TO app, "App 2", stays;
	INSERT INTO wf.workflow_definitions (tenant_id, definition, run_as)
	SELECT '$tenant', jsonb_build_object('name', 'w' || n, 'trigger_type', 'order')
			|| '{$steps}'::jsonb,
		CASE n % 3 WHEN 0 THEN 'app' WHEN 1 THEN '"App 2"' ELSE 'stays' END::regrole
	FROM generate_series(0, 5) n;
	INSERT INTO wf.workflow_definitions (tenant_id, definition, run_as)
	VALUES ('$tenant', '{"name": "number", "trigger_type": "order", $steps}', 'gone');
	-- a second version, whose first had another role
	UPDATE wf.workflow_definitions SET run_as = 'stays' WHERE name = 'w3';
	SELECT wf.wf_fire('$tenant', 'order')});
$here->safe_psql('first', 'DROP ROLE gone');
my $gone = $here->safe_psql('first',
	q{SELECT run_as FROM wf.workflow_definitions WHERE name = 'number'});
like($gone, qr/^\d+$/, 'a role that was dropped is shown as its number');

# There, that number is a superuser's.
$there->safe_psql('postgres', 'CREATE ROLE stays');
my $created = '';
for (1 .. 200)
{
	$there->safe_psql('postgres',
		qq{CREATE ROLE "r$_" SUPERUSER; GRANT "r$_" TO stays});
	$created = $there->safe_psql('postgres',
		qq{SELECT rolname FROM pg_roles WHERE oid >= $gone ORDER BY oid LIMIT 1});
	last if $created ne '';
}
note("number $gone, $created");

my $dump = $here->basedir . '/first.dump';
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $here->connstr('first') ],
	'pg_dump');
command_ok([ 'pg_dump', '-O', '-x', '-f', "$dump.sql", $here->connstr('first') ],
	'pg_dump as a script');

my $expected = $here->safe_psql('first', q{
	SELECT string_agg(concat_ws('|', v.definition_id, v.version, v.created_at,
		CASE WHEN v.run_as = 'stays'::regrole THEN 'stays' ELSE '-' END), E'\n'
		ORDER BY v.definition_id, v.version)
	FROM wf.workflow_definition_versions v});

sub check_copy
{
	my ($database, $output, $sessions) = @_;

	for my $role ('app', 'App 2')
	{
		my $warnings = () = $output =~ /WARNING:  role "$role" does not exist/g;

		ok($warnings >= 1 && $warnings <= $sessions,
			"$database: a warning of $role ($warnings)");
	}
	is( $there->safe_psql($database, q{
			SELECT string_agg(concat_ws('|', v.definition_id, v.version,
				v.created_at, v.run_as), E'\n'
				ORDER BY v.definition_id, v.version)
			FROM wf.workflow_definition_versions v}),
		$expected, "$database: the versions are the same, without the roles");
	is( $there->safe_psql($database, q{
			SELECT string_agg(name || ' ' || run_as, ', ' ORDER BY name)
			FROM wf.workflow_definitions}),
		'number -, w0 -, w1 -, w2 stays, w3 stays, w4 -, w5 stays',
		"$database: a role that is not there is no role");
	is($there->safe_psql($database, 'SELECT count(*) FROM wf.workflow_runs'),
		'7', "$database: the runs are there");
	return;
}

# -j loads the two tables that have roles in sessions of their own.
for my $case ([ 'custom', 1 ], [ 'jobs', 2, '-j', '4' ])
{
	my ($database, $sessions, @options) = @$case;
	my ($out, $err) = ('', '');

	$there->safe_psql('postgres', "CREATE DATABASE $database");
	ok( IPC::Run::run(
			[
				'pg_restore', '--exit-on-error', '-O', '-x', @options, '-d',
				$there->connstr($database), $dump
			],
			'>', \$out, '2>', \$err),
		"pg_restore @options");
	# pg_restore shows no warnings of the server; its log does
	my $log = slurp_file($there->logfile);
	check_copy($database, $log, $sessions);
	truncate $there->logfile, 0;
}
my ($out, $err) = ('', '');
$there->safe_psql('postgres', 'CREATE DATABASE plain');
ok( IPC::Run::run(
		[
			'psql', '-X', '-v', 'ON_ERROR_STOP=1', '-d',
			$there->connstr('plain'), '-f', "$dump.sql"
		],
		'>', \$out, '2>', \$err),
	'psql -f');
check_copy('plain', $err, 1);
unlike($err, qr/ERROR/, 'nothing is refused');

# What has no role never runs, and says why.  (What came in stands still until it
# is accepted.)
$there->safe_psql('plain',
	'SELECT wf.wf_accept_place(place) FROM wf.wf_places() WHERE NOT accepted');
wait_for($there, 'plain',
	q{SELECT count(*) = 0 FROM wf.workflow_runs WHERE status IN ('queued', 'running')},
	'the queued runs end');
is( $there->safe_psql('plain', q{
		SELECT string_agg(d.name || ' ' || r.status, ', ' ORDER BY d.name)
		FROM wf.workflow_runs r JOIN wf.workflow_definitions d ON d.id = r.definition_id
		WHERE r.error_message LIKE 'the role that this workflow runs as does not exist%'}),
	'number failed, w0 failed, w1 failed, w4 failed',
	'a run without a role fails');

# Outside a restore a role that does not exist is refused.
my ($rc, $stdout, $stderr) = $there->psql('plain',
	q{UPDATE wf.workflow_definitions SET run_as = 'app'});
like($stderr, qr/role "app" does not exist/, 'an unknown role is refused');

# The role is created and given: it runs.
$there->safe_psql('plain', q{
	CREATE ROLE app;
	GRANT ALL ON orders TO app;
	UPDATE wf.workflow_definitions SET run_as = 'app' WHERE name = 'w0';
	UPDATE wf.workflow_definitions SET is_active = (name = 'w0')});
$there->safe_psql('plain',
	qq{SELECT wf.wf_fire('$tenant', 'order', '{"again": 1}')});
wait_for($there, 'plain',
	q{SELECT status = 'completed' FROM wf.wf_history('{"again": 1}')},
	'with a role it runs');
is($there->safe_psql('plain', 'SELECT status FROM orders'), 'done',
	'and does what it shall');

$there->stop;

# pg_upgrade carries the oids of roles and the column's values as they are.
$here->safe_psql('first',
	'CREATE VIEW roles AS SELECT name, run_as FROM wf.workflow_definitions');
my $roles = q{SELECT string_agg(name || ' ' || run_as, ', ' ORDER BY name) FROM roles};
$expected = $here->safe_psql('first', $roles);
$here->stop;
my $upgraded = new_node('upgraded', "workflow_engine.databases = ''\n", start => 0);
my $bin = `pg_config --bindir`;
chomp $bin;
chdir $upgraded->basedir or die $!;
command_ok(
	[
		'pg_upgrade', '--no-sync', '-d', $here->data_dir, '-D',
		$upgraded->data_dir, '-b', $bin, '-B', $bin, '-s', $upgraded->host,
		'-p', $here->port, '-P', $upgraded->port
	],
	'pg_upgrade');
$upgraded->start;
is($upgraded->safe_psql('first', $roles), $expected, 'the roles are the same');
$upgraded->stop;
done_testing();
