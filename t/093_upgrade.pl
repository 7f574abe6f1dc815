
# ALTER EXTENSION UPDATE with runs in every status, in flight and interrupted,
# on a table with a column that was added and one that was dropped; then a dump
# and a restore.  And what happens while library and SQL objects are of two
# versions.
#
# The next version is made here, as CONTRIBUTING.md says: an upgrade script
# (t/versions), the version in src/store/store_version.c and the new privileges
# in src/api/grant.c.

use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Path qw(make_path);
use FindBin;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkflowEngine::Runs;
use WorkflowEngine::Test;
use WorkflowEngine::Versions;

my $tenant = '11111111-1111-1111-1111-111111111111';
my $top = abs_path("$FindBin::Bin/..");
my $old_inst = $ENV{WF_DESTDIR};

plan skip_all => 'the extension is not below a folder of the tests'
  unless defined $old_inst;

my $tmp = PostgreSQL::Test::Utils::tempdir();
my $new_inst = "$tmp/new";
my $mid_inst = "$tmp/mid";    # the old library, and scripts of the next version
my $share = WorkflowEngine::Test::pg_config('--sharedir');
my $lib = WorkflowEngine::Test::pg_config('--pkglibdir');

my $make = "$top/t/versions/make.sh";
chomp(my $next = `'$make' '$mid_inst' '$share'`);
make_path($mid_inst . $lib);
system_or_bail('cp', "$old_inst$lib/workflow_engine.so", $mid_inst . $lib);
build_library(
	$next,
	$new_inst,
	[
		'src/api/grant.c',
		qr/(\{ADMIN, "SELECT, INSERT, UPDATE, DELETE", "%t.workflow_connections"\},)/,
		qq({ADMIN, "SELECT, INSERT, UPDATE, DELETE", "%t.workflow_connections"},
	{VIEW, "SELECT", "%t.workflow_marks", "$next"},
	{VIEW, "EXECUTE", "FUNCTION %t.wf_marks(uuid)", "$next"},
	{OPERATE, "INSERT, DELETE", "%t.workflow_marks", "$next"},)
	]);
system_or_bail("'$make' '$new_inst' '$share' default >'$tmp/said'");

my $node = new_node('main', <<'CONF', start => 0);
workflow_engine.workers = 2
workflow_engine.poll_interval = 200ms
workflow_engine.http_timeout = 60s
CONF

my $http = start_receiver('http');
use_installation($node, $mid_inst);
my ($old) = query($node, q{
	SELECT default_version FROM pg_available_extensions
	WHERE name = 'workflow_engine'}) || $next =~ s/\.1test$//r;

# How often the log says that since a moment of it.
sub said
{
	my ($from, $pattern) = @_;
	my $log = substr(slurp_file($node->logfile), $from);

	return scalar(() = $log =~ /$pattern/g);
}

# The SQLSTATE, the message and the hint of an error.
sub refusal
{
	my ($db, $sql) = @_;
	my $error = '';

	$node->psql($db, "\\set VERBOSITY verbose\n$sql", stderr => \$error);
	return $error;
}

# Privileges on what belongs to the extension, from the catalog.
sub privileges
{
	my ($db) = @_;

	return $node->safe_psql($db, q{
		SELECT pg_describe_object(classid, objid, objsubid), a.grantee::regrole,
			a.privilege_type, a.is_grantable
		FROM (SELECT d.classid, d.objid, 0 AS objsubid,
				coalesce((SELECT coalesce(relacl, acldefault('r', relowner))
					FROM pg_class WHERE d.classid = 'pg_class'::regclass AND oid = objid),
				(SELECT coalesce(proacl, acldefault('f', proowner))
					FROM pg_proc WHERE d.classid = 'pg_proc'::regclass AND oid = objid)) AS acl
			FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
			WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
				AND e.extname = 'workflow_engine'
			UNION ALL
			SELECT 'pg_class'::regclass, attrelid, attnum, attacl FROM pg_attribute
			WHERE attrelid = 'workflow_connections'::regclass AND attnum > 0) o,
		aclexplode(o.acl) a ORDER BY 1, 2, 3});
}

sub rows
{
	my ($db, $table, $columns) = @_;

	return $node->safe_psql($db,
		"SELECT $columns FROM $table ORDER BY id");
}

#
# A database as people have it
#
my $run_columns = join ', ', qw(id definition_id trigger_payload status current_step
  step_results error_message started_at completed_at tenant_id definition_version
  queued_at run_at priority idempotency_key attempt parent_id depth rerun_of kept);
my $seen = "to_jsonb(r) - 'remark' - 'owner' - 'place' - 'attempt_at'";

query($node, "CREATE ROLE $_")
  foreach qw(firer viewer operator boss member reader halved by_default);
query($node, qq{
	ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO by_default;
	CREATE EXTENSION workflow_engine VERSION '$old';
	ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM by_default;
	CREATE TABLE done (what text);
	SELECT wf_grant('firer', 'fire'), wf_grant('viewer', 'view'),
		wf_grant('operator', 'operate'), wf_grant('boss', 'admin'),
		wf_grant('halved', 'view');
	GRANT viewer TO member;
	GRANT SELECT ON workflow_runs, workflow_definitions TO reader;
	REVOKE EXECUTE ON FUNCTION wf_run(uuid) FROM halved;
	ALTER TABLE workflow_runs ADD gone text, ADD kept text DEFAULT 'mine';
	ALTER TABLE workflow_runs DROP gone;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO by_default;
	ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO by_default;
});

my $note = q({"name": "note", "action": "insert_record", "params":
	{"table": "done", "fields": {"what": "{{ workflow.name }}"}}});
my $send = sub {
	my ($path) = @_;
	return sprintf(
		'{"name": "send", "action": "webhook", "params": {"url": "%s"}}',
		$http->url($path));
};

my %run;
$run{completed} = define_and_fire($node, $tenant, 'completed', $note);
$run{failed} = define_and_fire($node, $tenant, 'failed',
	$send->('/status/404'), $note);
wait_status($node, $run{completed}, 'completed', 'one run completes');
wait_status($node, $run{failed}, 'failed', 'one fails');
$run{waiting} = define_and_fire($node, $tenant, 'waiting',
	$send->('/status/503') =~ s/\}$/, "retry": {"max_attempts": 2, "initial_interval": "1 hour"}}/r);
wait_status($node, $run{waiting}, 'waiting', 'one waits for a retry');
query($node, qq{SELECT wf_define('$tenant', '{"name": "$_", "trigger_type": "$_",
	"steps": [$note]}')}) foreach qw(queued later);
query($node, "SELECT wf_pause('$tenant', 'queued')");
$run{queued} = fire($node, $tenant, 'queued');
$run{later} = query($node,
	"SELECT wf_fire('$tenant', 'later', run_at => now() + interval '1 day')");
$run{cancelled} = query($node,
	"SELECT wf_fire('$tenant', 'later', run_at => now() + interval '2 days')");
query($node, "SELECT wf_cancel('$run{cancelled}')");
$http->forget;
$run{interrupted} = define_and_fire($node, $tenant, 'interrupted',
	$send->('/hold'), $note);
my ($first) = $http->wait_requests(1);
query($node, "CREATE DATABASE flight");

#
# The library is newer than the SQL objects
#
$node->stop('immediate');
my $from = -s $node->logfile;
use_installation($node, $new_inst);
$http->command('release');
wait_until(sub { said($from, qr/no run is executed in database "postgres"/) },
	'workers of a newer library say that they wait');
my $untouched = join "\n", map { "$_|" . run_status($node, 'postgres', $run{$_}) }
  sort keys %run;
is( $untouched,
	join("\n", map { "$_|" . ($_ eq 'interrupted' ? 'running' : $_ eq 'later' ? 'queued' : $_) }
		  sort keys %run),
	'runs are as they were');
$run{fired} = fire($node, $tenant, 'completed');
like($run{fired}, qr/^[0-9a-f-]{36}$/, 'wf_fire works');
is(query($node, 'SELECT count(*) FROM wf_history(max_rows => 100)'),
	scalar(keys %run), 'so does wf_history');
is(query($node, "SELECT wf_grant('viewer', 'view')"), '', 'so does wf_grant');
wait_for($node, 'postgres',
	q{SELECT count(*) = 2 FROM wf_workers() WHERE database = 'postgres'
		AND state = 'idle' AND last_error LIKE '%of version%'},
	'both workers wait');
is(run_status($node, 'postgres', $run{fired}), 'queued', 'nothing is executed');
is(said($from, qr/WARNING:  no run is executed in database "postgres": the SQL objects of workflow_engine are of version \Q$old\E, but its library is of version \Q$next\E\n/),
	1, 'it is said once');
is(said($from, qr/HINT:  Run ALTER EXTENSION workflow_engine UPDATE in this database\./),
	1, '... with the command to run');
is(said($from, qr/ERROR:/), 0, '... and there is no error');

#
# The update
#
my $ended = "status IN ('completed', 'failed', 'cancelled')";
my $history = "SELECT $seen FROM workflow_runs r WHERE $ended ORDER BY id";
my $before = query($node, $history);
my $granted = privileges('postgres');
query($node, 'ALTER EXTENSION workflow_engine UPDATE');
is(query($node, q{SELECT extversion FROM pg_extension WHERE extname = 'workflow_engine'}),
	$next, 'ALTER EXTENSION UPDATE');
wait_status($node, $run{fired}, 'completed', 'the run that was fired meanwhile ends');
wait_status($node, $run{interrupted}, 'completed', 'the interrupted run ends');
is( query($node,
		"SELECT attempts, status FROM wf_trace('$run{interrupted}') WHERE step_name = 'send'"),
	'2|completed', '... after a second attempt');
my @requests = $http->requests;
is(scalar @requests, 2, '... which was sent');
is( $requests[1]{headers}{'idempotency-key'},
	$first->{headers}{'idempotency-key'},
	'... with the same key');
is( query($node, "SELECT $seen FROM workflow_runs r WHERE $ended
		AND id NOT IN ('$run{fired}', '$run{interrupted}') ORDER BY id"),
	$before, 'what had ended is as it was');
is(run_status($node, 'postgres', $run{queued}), 'queued', 'a pause holds');
query($node, "SELECT wf_resume('$tenant', 'queued')");
wait_status($node, $run{queued}, 'completed', '... until it is lifted');
is(run_status($node, 'postgres', $run{waiting}), 'waiting', 'what waits waits');
query($node, "UPDATE workflow_runs SET run_at = now() WHERE id IN ('$run{waiting}', '$run{later}')");
query($node, 'NOTIFY workflow_engine');
wait_status($node, $run{waiting}, 'failed', '... and is tried at its time');
wait_status($node, $run{later}, 'completed', 'what was to run later runs');
is(query($node, "SELECT string_agg(DISTINCT kept, ',') FROM workflow_runs"),
	'mine', 'a column of somebody\'s is filled as before');
is( query($node, q{
		SELECT attname FROM pg_attribute WHERE attrelid = 'workflow_runs'::regclass
		ORDER BY attnum DESC LIMIT 1}),
	'remark', 'the new column comes after what was added and dropped');
is(query($node, "UPDATE workflow_runs SET remark = 'seen' WHERE id = '$run{later}' RETURNING remark"),
	'seen', '... and is found by its name');

#
# Privileges
#
sub has
{
	my ($role, $what, $privilege) = @_;
	my $kind = $what =~ /\(/ ? 'function' : 'table';

	return query($node, "SELECT has_${kind}_privilege('$role', '$what', '$privilege')");
}

foreach (
	[ viewer => 't', 't', 'f' ],
	[ operator => 't', 't', 't' ],
	[ boss => 't', 't', 't' ],
	[ member => 't', 't', 'f' ],
	[ firer => 'f', 'f', 'f' ],
	[ reader => 'f', 'f', 'f' ],
	[ halved => 'f', 'f', 'f' ],
	[ by_default => 'f', 'f', 'f' ])
{
	my ($role, @expected) = @$_;

	is_deeply(
		[
			has($role, 'workflow_marks', 'SELECT'),
			has($role, 'wf_marks(uuid)', 'EXECUTE'),
			has($role, 'workflow_marks', 'INSERT') ],
		\@expected,
		"what $role may do with new objects");
}
is(has('reader', 'workflow_runs', 'SELECT'), 't', 'what was granted by hand stays');
is( join("\n", grep { !/workflow_marks|wf_mark/ } split /\n/, privileges('postgres')),
	$granted, 'privileges on older objects are as they were');
is(query($node, q{SELECT count(*) FROM pg_class, aclexplode(relacl) a
	WHERE relname = 'workflow_marks' AND a.grantee = 'member'::regrole}),
	'0', 'members of a group are granted nothing of their own');

#
# A dump
#
query($node, "INSERT INTO workflow_marks (id, tenant_id) VALUES (gen_random_uuid(), '$tenant')");

# Dumps a database and restores it in another one.
sub copy_database
{
	my ($db, $copy) = @_;
	my $file = "$tmp/$copy.dump";

	query($node, "CREATE DATABASE $copy");
	command_ok([ 'pg_dump', '-Fc', '-f', $file, $node->connstr($db) ], "$db is dumped");
	foreach my $section (qw(pre-data data post-data))
	{
		# what was added to a table of an extension is in no dump
		$node->safe_psql($copy, q{ALTER TABLE workflow_runs ADD kept text DEFAULT 'mine'})
		  if $section eq 'data';
		command_ok(
			[ 'pg_restore', '-e', "--section=$section", '-d', $node->connstr($copy), $file ],
			"... and restored: $section");
	}
	return;
}

# What differs between a database and its copy.
sub differences
{
	my ($db, $copy) = @_;
	my @different;

	push @different, 'privileges' if privileges($db) ne privileges($copy);
	push @different, 'workflow_runs'
	  if rows($db, 'workflow_runs', "$run_columns, remark") ne
	  rows($copy, 'workflow_runs', "$run_columns, remark");
	foreach my $table (qw(workflow_marks workflow_definitions workflow_operations))
	{
		push @different, $table
		  if rows($db, $table, '*') ne rows($copy, $table, '*');
	}
	return join ' ', @different;
}

set_and_reload($node, 'workflow_engine.databases', 'postgres');
copy_database('postgres', 'copy');
is(differences('postgres', 'copy'), '', 'the copy has the same rows and privileges');

# A script that forgets something is found so.
query($node, 'CREATE DATABASE forgetful');
$node->safe_psql('forgetful', "
	CREATE EXTENSION workflow_engine VERSION '$old';
	ALTER TABLE workflow_runs ADD kept text;
	SELECT wf_grant('viewer', 'view');
	ALTER EXTENSION workflow_engine UPDATE TO '$next-configuration'");
$node->safe_psql('forgetful',
	"INSERT INTO workflow_marks (id, tenant_id) VALUES (gen_random_uuid(), '$tenant')");
copy_database('forgetful', 'forgetful_copy');
is(differences('forgetful', 'forgetful_copy'),
	'workflow_marks', 'a table that a script does not say is to be dumped');
set_and_reload($node, 'workflow_engine.databases', '*');

#
# The SQL objects are newer than the library
#
$from = -s $node->logfile;
use_installation($node, $mid_inst);
wait_until(sub { said($from, qr/no run is executed in database "postgres"/) },
	'workers of an older library say that they wait');
foreach my $call ("wf_fire('$tenant', 'completed')",
	"wf_define('$tenant', '{}')", "wf_trace('$run{later}')", 'wf_history()',
	"wf_cancel('$run{later}')", "wf_grant('viewer', 'view')")
{
	like(
		refusal('postgres', "SELECT $call;"),
		qr/ERROR:  55000: the SQL objects of workflow_engine are of version \Q$next\E, but its library is of version \Q$old\E\n.*HINT:  Install the library of version \Q$next\E or later, and restart the server\./s,
		$call);
}
is(said($from, qr/WARNING:  no run is executed in database "postgres"/), 1,
	'the workers say it once');

$node->safe_psql('forgetful', 'DROP EXTENSION workflow_engine');
wait_for($node, 'postgres',
	q{SELECT count(*) = 0 FROM wf_workers() WHERE database = 'forgetful'},
	'workers that wait leave when the extension is dropped');

# Versions are compared number by number.
foreach ([ '0.9', 1 ], [ '0.99.1', 1 ], [ $old, 1 ], [ "$old.1", 0 ], [ '99', 0 ])
{
	my ($version, $works) = @$_;
	my $error = refusal('postgres', qq{BEGIN;
		UPDATE pg_extension SET extversion = '$version' WHERE extname = 'workflow_engine';
		SELECT wf_fire('$tenant', 'completed');});

	is($error =~ /ERROR:  (\w+)/ ? $1 : '', $works ? '' : '55000',
		"SQL objects of version $version");
}

# An update without a restart, with a request in flight.
$node->safe_psql('flight', "CREATE EXTENSION workflow_engine VERSION '$old';
	CREATE TABLE done (what text)");
my $other = start_receiver('http');
my $held = $send->('/hold') =~ s/\Q@{[ $http->url ]}\E/$other->url/er;
my $flying = $node->safe_psql('flight', qq{
	SELECT wf_define('$tenant', '{"name": "f", "trigger_type": "f",
		"steps": [$held, $note]}') IS NULL \\g /dev/null
	SELECT wf_fire('$tenant', 'f')});
$other->wait_requests(1);
like(
	refusal('flight', "ALTER EXTENSION workflow_engine UPDATE TO '$next';"),
	qr/WARNING:  55000: the SQL objects of workflow_engine are of version \Q$next\E.*repeat wf_grant/s,
	'an update that the library does not know warns');
$other->command('release');
wait_for($node, 'flight',
	"SELECT jsonb_array_length(step_results) = 1 FROM workflow_runs",
	'the answer to what was in flight is recorded');
is($node->safe_psql('flight', 'SELECT status, current_step FROM workflow_runs'),
	'running|1', '... and nothing is begun');
is(said($from, qr/\[\d+\] ERROR:/), 0, 'no worker has raised an error');
use_installation($node, $new_inst);
wait_for($node, 'flight', "SELECT status = 'completed' FROM workflow_runs",
	'with the right library the run goes on');
is($node->safe_psql('flight', "SELECT attempts FROM wf_trace('$flying') WHERE step = 0"),
	'1', '... and its request was sent once');
is(scalar(@{ [ $other->requests ] }), 1, '... says the receiver');
wait_for($node, 'postgres', q{SELECT count(*) = 2 FROM wf_workers()
	WHERE database = 'postgres' AND last_error IS NULL}, 'workers work again');

$node->stop;
done_testing();
